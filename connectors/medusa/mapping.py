"""Medusa's orders, variants and stores → records. Pure: no clock, no network, nothing kept.

Amounts are in major units, computed and not always rounded. An order's status stays ``pending``
while it is sent and delivered: where it stands is told by its payments and fulfilments.
https://docs.medusajs.com/resources/references/order/models/Order
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from connectors.fields import Unreadable
from connectors.medusa import shelf
from connectors.medusa.fields import Record
from connectors.postsale import Refund
from connectors.records import (
    Buyer,
    ChannelLocation,
    ChannelOrder,
    Listing,
    ListingState,
    LocationQuantity,
    OrderLine,
    OrderStatus,
    ShopInfo,
)

T = TypeVar("T")

#: payment_status → may it be shipped? None: nothing to wait for.
PAYMENT = {
    "not_paid": OrderStatus.UNPAID,
    "awaiting": OrderStatus.UNPAID,
    "requires_action": OrderStatus.UNPAID,
    "partially_authorized": OrderStatus.UNPAID,
    "canceled": OrderStatus.UNPAID,
    "authorized": None,
    "captured": None,
    "partially_captured": None,
    "partially_refunded": None,
    # All money given back and nothing cancelled: somebody should look before it is shipped.
    "refunded": OrderStatus.HELD,
}

#: fulfillment_status → how far it has come. Fulfilled is packed; it has not left yet.
FULFILLMENT = {
    "not_fulfilled": OrderStatus.CONFIRMED,
    "partially_fulfilled": OrderStatus.CONFIRMED,
    "fulfilled": OrderStatus.CONFIRMED,
    "canceled": OrderStatus.CONFIRMED,  # what was packed was unpacked; the order stands
    "partially_shipped": OrderStatus.PART_SHIPPED,
    "partially_delivered": OrderStatus.PART_SHIPPED,
    "shipped": OrderStatus.SHIPPED,
    "delivered": OrderStatus.DELIVERED,
}
CANCELLED = "canceled"
#: Statuses of an order in which somebody must do something first.
WAITING = {"requires_action", "draft"}

PRODUCT_STATUS = {
    "published": ListingState.ACTIVE,
    "draft": ListingState.PAUSED,
    "proposed": ListingState.PAUSED,
    "rejected": ListingState.ENDED,
}
#: What Medusa calls the one variant of a product that has no options.
NAMELESS = {"", "Default", "Default variant", "Default option value", "Default Title"}

_ADDRESS = {
    "company": "company",
    "line1": "address_1",
    "line2": "address_2",
    "city": "city",
    "region": "province",
    "postcode": "postal_code",
    "country": "country_code",
    "phone": "phone",
}


def status(
    word: str, payment: str, fulfillment: str, lines: Iterable[OrderLine], *, free: bool
) -> OrderStatus:
    """A word that is not in the tables holds the order: nothing is shipped on a guess. ``free``:
    there is nothing to pay."""
    if word == CANCELLED:
        return OrderStatus.CANCELLED
    progress = FULFILLMENT.get(fulfillment, OrderStatus.HELD)
    if progress is OrderStatus.PART_SHIPPED:
        left = any(one.quantity - one.cancelled > one.shipped for one in lines)
        return OrderStatus.PART_SHIPPED if left else OrderStatus.SHIPPED
    if progress in (OrderStatus.SHIPPED, OrderStatus.DELIVERED):
        return progress
    if word in WAITING:
        return OrderStatus.HELD
    pays = PAYMENT.get(payment, OrderStatus.HELD)
    return (None if free and pays is OrderStatus.UNPAID else pays) or progress


def order(data: object) -> ChannelOrder:
    record = Record(data)
    currency = record.currency("currency_code")
    words = tuple(record.words(name) for name in ("status", "payment_status", "fulfillment_status"))
    cancelled_at = record.optional_time("canceled_at")
    word = CANCELLED if cancelled_at else words[0]
    lines = tuple(_lines(record, currency, cancelled=word == CANCELLED))
    if not lines:
        raise Unreadable("items", "an order without lines")
    total = _total(record)
    inclusive = all(one.truth("is_tax_inclusive", otherwise=False) for one in record.parts("items"))
    shipping = record.number("shipping_total", otherwise=0)
    if not inclusive:
        shipping -= record.number("shipping_tax_total", otherwise=0)
    return ChannelOrder(
        external_id=record.key("id"),
        number=_number(record),
        status=status(word, words[1], words[2], lines, free=not total),
        channel_status="/".join(words),
        currency=currency,
        total=record.rounded("total", total, currency),
        placed_at=record.time("created_at"),
        updated_at=max(_times(record)),
        lines=lines,
        shipping=record.rounded("shipping_total", shipping, currency),
        tax=record.minor("tax_total", currency),
        discount=record.minor("discount_total", currency),
        tax_included=inclusive,
        buyer=_buyer(record),
        cancelled_at=cancelled_at or (max(_times(record)) if word == CANCELLED else None),
        raw=record.data,
    )


def refunds(data: object) -> tuple[Refund, ...]:
    """Every refund of one order, whichever payment it was given from."""
    record = Record(data)
    return tuple(
        refund(one, record.key("id"), payment.currency("currency_code"))
        for payment in payments(record)
        for one in payment.parts_if_any("refunds")
    )


def refund(record: Record, order_key: str, currency: str) -> Refund:
    reason = record.optional("refund_reason")
    return Refund(
        external_id=record.key("id"),
        order_key=order_key,
        amount=record.minor("amount", currency, otherwise=None),
        currency=currency,
        refunded_at=record.time("created_at"),
        reason=record.words("note") or (reason.words("label") if reason else ""),
        raw=record.data,
    )


def payments(record: Record) -> Iterator[Record]:
    for collection in record.parts_if_any("payment_collections"):
        yield from collection.parts_if_any("payments")


def listing(data: object, currency: str, location: str) -> Listing:
    record = Record(data)
    product = record.part_or_empty("product")
    held = shelf.read(record)
    price, code = _price(record, currency)
    ended = record.words("deleted_at") or product.words("deleted_at")
    return Listing(
        external_id=record.key("id"),
        sku=record.words("sku"),
        title=_title(product.words("title"), record.words("title")) or record.words("sku"),
        quantity=held.free(location),
        state=ListingState.ENDED
        if ended
        else PRODUCT_STATUS.get(product.words("status"), ListingState.PAUSED),
        parent_key=record.words("product_id") or product.words("id"),
        barcode=record.words("barcode") or record.words("ean") or record.words("upc"),
        price=price,
        currency=code,
        handles={"location_id": location},
        by_location=tuple(
            LocationQuantity(place, held.free(place) or 0) for place in held.locations
        ),
        updated_at=record.optional_time("updated_at"),
    )


def shop(
    store: object, locations: Iterable[ChannelLocation], server_time: datetime | None
) -> ShopInfo:
    record = Record(store)
    key = record.key("id")
    return ShopInfo(
        external_id=key,
        name=record.words("name") or key,
        currency=currency_of(record),
        locations=tuple(locations),
        server_time=server_time,
    )


def currency_of(store: Record) -> str:
    """The store's default one, or the only one."""
    known = store.parts("supported_currencies")
    chosen = [one for one in known if one.truth("is_default", otherwise=False)] or known
    if not chosen:
        raise Unreadable(store.at("supported_currencies"), "is empty")
    return chosen[0].currency("currency_code")


def location(data: object) -> ChannelLocation:
    record = Record(data)
    return ChannelLocation(record.key("id"), record.words("name"))


def _lines(order: Record, currency: str, *, cancelled: bool) -> Iterator[OrderLine]:
    """``quantity`` is what edits left of a line, 0 where they took it off."""
    for item in order.parts("items"):
        quantity = item.count("quantity")
        if quantity:
            yield _line(item, currency, quantity, cancelled=cancelled)


def _line(item: Record, currency: str, quantity: int, *, cancelled: bool) -> OrderLine:
    detail = item.part_or_empty("detail")
    # What needs no postage is delivered without having been shipped.
    sent = max(
        detail.count(name, otherwise=0) for name in ("shipped_quantity", "delivered_quantity")
    )
    sent = min(sent, quantity)
    off = min(detail.count("written_off_quantity", otherwise=0), quantity - sent)
    price, tax = item.number("unit_price"), item.number("tax_total", otherwise=0)
    inclusive = item.truth("is_tax_inclusive", otherwise=False)
    discount = item.number("discount_total", otherwise=0)
    total = price * quantity - discount
    if item.has("total"):
        total = item.number("total") - (0 if inclusive else tax)
    return OrderLine(
        external_id=item.key("id"),
        listing_key=item.words("variant_id"),
        sku=item.words("variant_sku"),
        title=_title(
            item.words("product_title") or item.words("title"), item.words("variant_title")
        ),
        quantity=quantity,
        unit_price=item.rounded("unit_price", price, currency),
        total=item.rounded("total", total, currency),
        cancelled=quantity - sent if cancelled else off,
        shipped=sent,
        tax=item.rounded("tax_total", tax, currency),
        discount=item.rounded("discount_total", discount, currency),
    )


def _total(order: Record) -> Decimal:
    """What the goods and their postage cost. A refund is booked as a credit line, which takes it
    off the order's own total: a refund is told as a refund."""
    if order.has("item_total"):
        return order.number("item_total") + order.number("shipping_total", otherwise=0)
    return order.number("total")


def _number(order: Record) -> str:
    """The admin shows #12, or the number of the seller's own making."""
    told = order.data.get("custom_display_id")
    if isinstance(told, str) and told:
        return order.text("custom_display_id")
    return f"#{order.key('display_id')}" if order.has("display_id") else order.key("id")


def _times(order: Record) -> Iterator[datetime]:
    """When the order changed, or a fulfilment, payment or refund of it: capturing a payment does
    not move the order's own time."""
    yield order.time("updated_at")
    parts = [*order.parts_if_any("fulfillments"), *order.parts_if_any("payment_collections")]
    for payment in payments(order):
        parts += [payment, *payment.parts_if_any("refunds")]
    for one in parts:
        moved = one.optional_time("updated_at") or one.optional_time("created_at")
        if moved:
            yield moved


def _buyer(order: Record) -> Buyer:
    customer = order.part_or_empty("customer")
    address = order.optional("shipping_address") or order.part_or_empty("billing_address")
    name = _name(address) or _name(customer)
    parts = {ours: address.words(theirs) for ours, theirs in _ADDRESS.items()}
    told = {"name": _name(address), **parts, "country": parts["country"].upper()}
    return Buyer(
        external_id=customer.words("id") or order.words("customer_id"),
        name=name,
        email=order.words("email") or customer.words("email"),
        phone=parts["phone"] or customer.words("phone"),
        address={part: value for part, value in told.items() if value},
    )


def _name(person: Record) -> str:
    return " ".join(filter(None, (person.words("first_name"), person.words("last_name"))))


def _title(product: str, variant: str) -> str:
    return (
        product if variant in NAMELESS | {product} else " - ".join(filter(None, (product, variant)))
    )


def _price(variant: Record, currency: str) -> tuple[int | None, str]:
    """What one unit costs whoever buys it: not the prices of a region, a group or a quantity. In
    the store's own currency, else in one that it sells in."""
    plain = [
        one
        for one in variant.parts_if_any("prices")
        if not one.data.get("rules") and one.number("min_quantity", otherwise=1) <= 1
    ]
    found = [one for one in plain if one.words("currency_code").upper() == currency] or plain
    if not found:
        return None, currency
    code = found[0].currency("currency_code")
    return found[0].minor("amount", code, otherwise=None), code
