"""The shop's values → records. Pure."""

from __future__ import annotations

from connectors.records import (
    Buyer,
    ChannelOrder,
    Listing,
    ListingState,
    OrderLine,
)
from connectors.simulators.shop import Sale, SaleLine, Variant


def order(sale: Sale, currency: str) -> ChannelOrder:
    return ChannelOrder(
        external_id=sale.key,
        number=sale.number,
        status=sale.status,
        channel_status=sale.status.value,
        currency=currency,
        total=sale.total,
        placed_at=sale.placed_at,
        updated_at=sale.updated_at,
        lines=tuple(_line(one) for one in sale.lines),
        buyer=Buyer(name=sale.buyer.get("name", ""), email=sale.buyer.get("email", "")),
        cancelled_at=sale.cancelled_at,
        raw={"key": sale.key, "version": sale.version, "reference": sale.reference},
    )


def listing(variant: Variant, currency: str) -> Listing:
    return Listing(
        external_id=variant.key,
        sku=variant.sku,
        title=variant.title,
        quantity=variant.quantity,
        state=ListingState.ACTIVE if variant.active else ListingState.ENDED,
        parent_key=variant.product_key,
        barcode=variant.barcode,
        price=variant.price,
        currency=currency,
        handles={"inventory_key": variant.inventory_key},
        updated_at=variant.updated_at,
    )


def _line(line: SaleLine) -> OrderLine:
    return OrderLine(
        external_id=line.key,
        listing_key=line.variant_key,
        sku=line.sku,
        title=line.title,
        quantity=line.quantity,
        unit_price=line.unit_price,
        total=line.quantity * line.unit_price,
        cancelled=line.cancelled,
        shipped=line.shipped,
    )
