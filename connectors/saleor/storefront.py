"""The simulated shop in Saleor's words: its state → GraphQL nodes, webhook bodies. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from connectors.amounts import exponent
from connectors.postsale import Parcel
from connectors.records import OrderStatus
from connectors.saleor.ids import gid, key_of
from connectors.simulators.shop import Position, Sale, SaleLine, Variant

CHANNEL = "default-channel"
WAREHOUSE = gid("Warehouse", "0b1c6e6e-6f0c-4f7e-9a57-3f5d8b1d1a01")
OTHER_WAREHOUSE = gid("Warehouse", "0b1c6e6e-6f0c-4f7e-9a57-3f5d8b1d1a02")

#: Nothing is paid, or all of it.
UNPAID = ("NONE", "NONE")
PAID = ("FULL", "FULL")


class BadCursor(ValueError):
    """Not a cursor of this list."""


def order_key(number: int) -> str:
    return gid("Order", str(uuid5(NAMESPACE_URL, f"order {number}")))


def line_id(line: SaleLine) -> str:
    return gid("OrderLine", str(UUID(int=int(line.key))))


def fulfillment_id(parcel: Parcel) -> str:
    return gid("Fulfillment", parcel.external_id)


def variant_id(key: str) -> str:
    return gid("ProductVariant", key)


def time(moment: datetime) -> str:
    """Saleor tells microseconds."""
    return moment.astimezone(UTC).isoformat()


def amount(minor: int, currency: str) -> dict[str, Any]:
    """A JSON number, as Saleor's floats are."""
    return {"amount": minor / 10 ** exponent(currency)}


def taxed(minor: int, currency: str) -> dict[str, Any]:
    return {"gross": amount(minor, currency)}


def pack(*parts: object) -> str:
    return base64.b64encode(json.dumps(parts).encode()).decode()


def position(cursor: str) -> Position:
    """Of a cursor of the order list."""
    try:
        moment, version = json.loads(base64.b64decode(cursor, validate=True))
        return datetime.fromisoformat(moment), int(version)
    except (ValueError, TypeError) as error:
        raise BadCursor(cursor) from error


def variant_after(cursor: str) -> int:
    """Of a cursor of the list of variants."""
    try:
        (found,) = json.loads(base64.b64decode(cursor, validate=True))
        return int(found)
    except (ValueError, TypeError) as error:
        raise BadCursor(cursor) from error


def connection(nodes: Sequence[Any], *, more: bool, end: str | None) -> dict[str, Any]:
    edges = [{"node": one} for one in nodes]
    return {"pageInfo": {"hasNextPage": more, "endCursor": end}, "edges": edges}


def status(sale: Sale) -> str:
    if sale.cancelled_at is not None:
        return "CANCELED"
    if sale.status is OrderStatus.HELD:
        return "UNCONFIRMED"
    if not any(line.shipped for line in sale.lines):
        return "UNFULFILLED"
    return "PARTIALLY_FULFILLED" if any(line.open for line in sale.lines) else "FULFILLED"


def worth(sale: Sale) -> int:
    return sum(_quantity(one, sale) * one.unit_price for one in sale.lines)


def order(sale: Sale, currency: str) -> dict[str, Any]:
    unpaid = sale.status is OrderStatus.UNPAID
    charge, authorize = UNPAID if unpaid else PAID
    nothing = amount(0, currency)
    lines = [(one, _quantity(one, sale)) for one in sale.lines if _quantity(one, sale)]
    total = worth(sale)
    return {
        "id": sale.key,
        "number": sale.number,
        "status": status(sale),
        "created": time(sale.placed_at),
        "updatedAt": time(sale.updated_at),
        "isPaid": not unpaid,
        "chargeStatus": charge,
        "authorizeStatus": authorize,
        "channel": {"slug": CHANNEL},
        "total": {"currency": currency, **taxed(total, currency), "tax": nothing},
        "undiscountedTotal": taxed(total, currency),
        "shippingPrice": taxed(0, currency),
        "totalCharged": amount(0 if unpaid else total - sale.refunded, currency),
        "totalAuthorized": nothing,
        "totalRefunded": amount(sale.refunded, currency),
        "userEmail": sale.buyer.get("email", ""),
        "shippingAddress": _address(sale),
        "billingAddress": None,
        "events": _events(sale),
        "fulfillments": [fulfillment(sale, one) for one in sale.parcels],
        "lines": [_line(one, count, currency) for one, count in lines],
    }


def desk(sale: Sale, note: str | None) -> dict[str, Any]:
    """An order as it is asked for before something is done to it."""
    lines = [
        {
            "id": line_id(one),
            "quantity": _quantity(one, sale),
            "quantityFulfilled": one.shipped,
        }
        for one in sale.lines
    ]
    parcels = [
        {
            **{key: told[key] for key in ("id", "status", "lines")},
            "trackingNumber": one.tracking_number,
        }
        for one in sale.parcels
        for told in (fulfillment(sale, one),)
    ]
    return {
        "id": sale.key,
        "status": status(sale),
        "lines": lines,
        "fulfillments": parcels,
        "privateMetafield": note,
    }


def fulfillment(sale: Sale, parcel: Parcel) -> dict[str, Any]:
    ids = {one.key: line_id(one) for one in sale.lines}
    units = {one.line_key: one.quantity for one in parcel.lines} or {
        one.key: one.shipped for one in sale.lines
    }
    return {
        "id": fulfillment_id(parcel),
        "status": "FULFILLED",
        "created": time(parcel.shipped_at),
        "warehouse": {"id": WAREHOUSE},
        "lines": [
            {"quantity": count, "orderLine": {"id": ids[key]}}
            for key, count in units.items()
            if count
        ],
    }


def variant(found: Variant, currency: str, stocks: list[Any], *, tracked: bool) -> dict[str, Any]:
    price = {**amount(found.price, currency), "currency": currency}
    listed = {"isPublished": found.active, "isAvailableForPurchase": found.active}
    return {
        "id": variant_id(found.key),
        "sku": found.sku,
        "name": found.sku,
        "trackInventory": tracked,
        "updatedAt": time(found.updated_at),
        "product": {
            "id": gid("Product", found.product_key),
            "name": found.title,
            "channelListings": [{**listed, "channel": {"slug": CHANNEL}}],
        },
        "channelListings": [{"price": price, "channel": {"slug": CHANNEL}}],
        "stocks": stocks,
    }


def stock(on_hand: int, allocated: int) -> dict[str, Any]:
    return {
        "warehouse": {"id": WAREHOUSE},
        "quantity": on_hand,
        "quantityAllocated": allocated,
    }


def event_body(type_name: str, at: datetime, key: str) -> bytes:
    """What our subscription asks for, of one event."""
    part = "order" if key_of(key, "Order") else "productVariant"
    told = {"__typename": type_name, "issuedAt": time(at), part: {"id": key}}
    return json.dumps(told).encode()


def _quantity(line: SaleLine, sale: Sale) -> int:
    """An edited order of Saleor's shows what is left; a cancelled one, what was ordered."""
    return line.quantity if sale.cancelled_at is not None else line.quantity - line.cancelled


def _line(line: SaleLine, quantity: int, currency: str) -> dict[str, Any]:
    total = quantity * line.unit_price
    return {
        "id": line_id(line),
        "productName": line.title,
        "variantName": line.sku,
        "productSku": line.sku,
        "productVariantId": variant_id(line.variant_key),
        "quantity": quantity,
        "quantityFulfilled": line.shipped,
        "variant": {"id": variant_id(line.variant_key)},
        "undiscountedUnitPrice": taxed(line.unit_price, currency),
        "totalPrice": {**taxed(total, currency), "tax": amount(0, currency)},
    }


def _events(sale: Sale) -> list[dict[str, Any]]:
    found = [{"type": "PLACED", "date": time(sale.placed_at)}]
    if sale.cancelled_at is not None:
        found.append({"type": "CANCELED", "date": time(sale.cancelled_at)})
    return found


def _address(sale: Sale) -> dict[str, Any] | None:
    if not sale.buyer:
        return None
    first, _, last = sale.buyer.get("name", "").partition(" ")
    return {
        "firstName": first,
        "lastName": last,
        "companyName": "",
        "streetAddress1": sale.buyer.get("address1", ""),
        "streetAddress2": sale.buyer.get("address2", ""),
        "city": sale.buyer.get("city", ""),
        "cityArea": "",
        "postalCode": sale.buyer.get("zip", ""),
        "countryArea": "",
        "country": {"code": sale.buyer.get("country", "GB")},
        "phone": sale.buyer.get("phone") or None,
    }
