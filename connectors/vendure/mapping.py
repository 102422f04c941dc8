"""Vendure's GraphQL nodes → records. Pure: no clock, no network, nothing kept.

Prices are read with tax. An order's own time of change stands still when it is paid, fulfilled,
sent or refunded; ``updated_at`` is therefore the newest time that anything of it shows.
https://docs.vendure.io/guides/core-concepts/orders
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from connectors.fields import MOST_UNITS, Unreadable
from connectors.postsale import ParcelLine, Refund
from connectors.records import (
    Buyer,
    ChannelLocation,
    ChannelOrder,
    Listing,
    ListingState,
    OrderLine,
    OrderStatus,
    ShopInfo,
)
from connectors.vendure.money import Node, Scale

T = TypeVar("T")

#: States of the default order process. A shop may add its own: those hold the order.
STATUS = {
    "Created": OrderStatus.UNPAID,
    "Draft": OrderStatus.UNPAID,
    "AddingItems": OrderStatus.UNPAID,
    "ArrangingPayment": OrderStatus.UNPAID,
    "PaymentAuthorized": OrderStatus.CONFIRMED,
    "PaymentSettled": OrderStatus.CONFIRMED,
    "PartiallyShipped": OrderStatus.PART_SHIPPED,
    "Shipped": OrderStatus.SHIPPED,
    # Some parcel has arrived; whether all were sent, the units say.
    "PartiallyDelivered": OrderStatus.PART_SHIPPED,
    "Delivered": OrderStatus.DELIVERED,
    "Modifying": OrderStatus.HELD,
    "ArrangingAdditionalPayment": OrderStatus.HELD,
    "Cancelled": OrderStatus.CANCELLED,
}
#: Not bought yet, and no longer of interest to whoever ships.
CARTS = ("Created", "Draft", "AddingItems")
CLOSED = ("Delivered", "Cancelled")
#: States of a fulfilment that has not left, and of one that never will. Others have left.
WAITING = ("Created", "Pending")
VOID = "Cancelled"
#: A marketplace's order over several sellers: its goods are told by the orders of each.
AGGREGATE = "Aggregate"
DEFAULT_CHANNEL = "__default_channel__"

_ADDRESS = {
    "name": "fullName",
    "company": "company",
    "line1": "streetLine1",
    "line2": "streetLine2",
    "city": "city",
    "region": "province",
    "postcode": "postalCode",
    "country": "countryCode",
    "phone": "phoneNumber",
}


def order(data: object, precision: int) -> ChannelOrder:
    """One order. Raises Unreadable."""
    node = Node(data)
    scale = Scale(node.currency("currencyCode"), precision)
    sent = _sent(node)
    lines = tuple(_line(one, scale, sent) for one in node.parts("lines"))
    if not lines:
        raise Unreadable("lines", "an order without lines")
    state = node.text("state")
    is_cancelled = STATUS.get(state) is OrderStatus.CANCELLED
    return ChannelOrder(
        external_id=node.key("id"),
        number=node.text("code"),
        status=_status(state, lines),
        channel_status=state,
        currency=scale.currency,
        total=node.money("totalWithTax", scale),
        placed_at=node.optional_time("orderPlacedAt") or node.time("createdAt"),
        updated_at=newest(node),
        lines=lines,
        shipping=node.money("shippingWithTax", scale, otherwise=0),
        tax=sum(one.money("taxTotal", scale) for one in node.parts_if_any("taxSummary")),
        discount=_discount(node, scale),
        tax_included=True,
        buyer=_buyer(node),
        group_key=node.key("aggregateOrderId") if node.has("aggregateOrderId") else "",
        # Cancelling is one of the few things that move the order's own time.
        cancelled_at=node.time("updatedAt") if is_cancelled else None,
        raw=node.data,
    )


def newest(node: Node) -> datetime:
    """The latest time that the order, its payments, refunds, fulfilments or history show."""
    payments = node.parts_if_any("payments")
    parts = [node, *payments, *node.parts_if_any("fulfillments")]
    parts += [refund for payment in payments for refund in payment.parts_if_any("refunds")]
    parts += node.part_or_empty("latest").parts_if_any("items")
    names = ("updatedAt", "createdAt", "orderPlacedAt")
    found = [one.optional_time(name) for one in parts for name in names]
    times = [moment for moment in found if moment is not None]
    if not times:
        raise Unreadable(node.at("updatedAt"), "missing")
    return max(times)


def refunds(data: object, precision: int) -> tuple[Refund, ...]:
    """The money that was given back on one order. Not yet settled, or failed: it was not given."""
    node = Node(data)
    scale = Scale(node.currency("currencyCode"), precision)
    order_key = node.key("id")
    return tuple(
        refund(one, order_key, scale)
        for payment in node.parts_if_any("payments")
        for one in payment.parts_if_any("refunds")
        if one.text("state") not in ("Pending", "Failed")
    )


def refund(node: Node, order_key: str, scale: Scale, otherwise: datetime | None = None) -> Refund:
    """``otherwise`` is when it was made, where it does not say."""
    told = node.has("createdAt") or node.has("updatedAt")
    lines = node.parts_if_any("lines")
    return Refund(
        external_id=node.key("id"),
        order_key=order_key,
        amount=node.money("total", scale),
        currency=scale.currency,
        refunded_at=newest(node) if told or otherwise is None else otherwise,
        lines=tuple(ParcelLine(one.key("orderLineId"), one.units("quantity")) for one in lines),
        reason=node.words("reason"),
        shipping=node.money("shipping", scale, otherwise=0),
        raw=node.data,
    )


def listing(data: object, precision: int, location: str, *, tracked: bool) -> Listing:
    """``tracked``: whether variants that leave it to the shop have their stock counted."""
    node = Node(data)
    product = node.optional("product")
    currency = node.currency("currencyCode")
    on_sale = node.truth("enabled", otherwise=True) and (
        product is None or product.truth("enabled", otherwise=True)
    )
    key = node.key("id")
    return Listing(
        external_id=key,
        sku=node.words("sku"),
        title=node.words("name") or key,
        quantity=free(node, location, tracked=tracked),
        state=ListingState.ACTIVE if on_sale else ListingState.PAUSED,
        parent_key=product.key("id") if product is not None else "",
        price=node.money("priceWithTax", Scale(currency, precision)),
        currency=currency,
        handles={"location_id": location},
        updated_at=node.optional_time("updatedAt"),
    )


def is_tracked(variant: Node, *, tracked: bool) -> bool:
    """INHERIT leaves it to the shop's global settings, as does a variant that does not say."""
    return {"TRUE": True, "FALSE": False}.get(variant.words("trackInventory"), tracked)


def level(variant: Node, location: str) -> tuple[int, int]:
    """Units on hand and allocated at the location; no row there means none of either."""
    for one in variant.parts_if_any("stockLevels"):
        if one.key("stockLocationId") == location:
            units = [
                one.units(name, least=-MOST_UNITS) for name in ("stockOnHand", "stockAllocated")
            ]
            return units[0], units[1]
    return 0, 0


def free(variant: Node, location: str, *, tracked: bool) -> int | None:
    """Units free to sell; None where the shop does not count them. Below zero is told as it is."""
    if not is_tracked(variant, tracked=tracked):
        return None
    on_hand, allocated = level(variant, location)
    return on_hand - allocated


def shop(data: Mapping[str, Any], host: str, server_time: datetime | None) -> ShopInfo:
    """A channel of a Vendure server: its id is a small number, so the server's name goes along."""
    channel = Node(data).part("activeChannel")
    code = channel.words("code")
    name = "currencyCode" if not channel.has("defaultCurrencyCode") else "defaultCurrencyCode"
    return ShopInfo(
        external_id=f"{host}/{channel.key('id')}",
        name=code if code and code != DEFAULT_CHANNEL else host,
        currency=channel.currency(name),
        locations=locations(data),
        server_time=server_time,
    )


def locations(data: Mapping[str, Any]) -> tuple[ChannelLocation, ...]:
    found = Node(data).part("stockLocations").parts("items")
    return tuple(ChannelLocation(one.key("id"), one.words("name")) for one in found)


def _status(state: str, lines: Iterable[OrderLine]) -> OrderStatus:
    """A word that is not in the table holds the order: nothing is shipped on a guess."""
    status = STATUS.get(state, OrderStatus.HELD)
    if state == "PartiallyDelivered":
        whole = all(one.shipped >= one.quantity - one.cancelled for one in lines)
        return OrderStatus.SHIPPED if whole else status
    return status


def _sent(node: Node) -> Counter[str]:
    """Units that have left, by order line."""
    sent: Counter[str] = Counter()
    for parcel in node.parts_if_any("fulfillments"):
        if parcel.text("state") in (*WAITING, VOID):
            continue
        for one in parcel.parts_if_any("lines"):
            sent[one.key("orderLineId")] += one.units("quantity")
    return sent


def _line(node: Node, scale: Scale, sent: Mapping[str, int]) -> OrderLine:
    """``quantity`` is what is left of ``orderPlacedQuantity``; a line that was added to the order
    later was not there when it was placed."""
    key = node.key("id")
    current = node.units("quantity")
    placed = max(node.units("orderPlacedQuantity", otherwise=current), current)
    unit_price = node.money("unitPriceWithTax", scale)
    total, tax = _sums(node, scale, placed if placed != current else None)
    variant = node.optional("productVariant")
    return OrderLine(
        external_id=key,
        listing_key=variant.key("id") if variant is not None else "",
        sku=variant.words("sku") if variant is not None else "",
        title=variant.words("name") if variant is not None else "",
        quantity=placed,
        unit_price=unit_price,
        total=total if total is not None else unit_price * placed,
        cancelled=placed - current,
        shipped=min(sent.get(key, 0), current),
        tax=tax,
        discount=max(unit_price * placed - total, 0) if total is not None else 0,
    )


def _sums(node: Node, scale: Scale, placed: int | None) -> tuple[int | None, int]:
    """What a line costs after all discounts, and the tax in it: as the shop adds it up, or, of a
    line with units cancelled since, for the units ``placed``. None where the shop does not say."""
    kind, times = ("Line", 1) if placed is None else ("Unit", placed)
    price = f"prorated{kind}Price"
    if not node.has(f"{price}WithTax"):
        return None, 0
    total = node.money(f"{price}WithTax", scale) * times
    net = node.money(price, scale, otherwise=total // times if times else 0) * times
    return total, max(total - net, 0)


def _discount(node: Node, scale: Scale) -> int:
    """Told below zero. OTHER is shipping that was cancelled, not a discount."""
    found = [one for one in node.parts_if_any("discounts") if one.words("type") != "OTHER"]
    return max(-sum(one.money("amountWithTax", scale) for one in found), 0)


def _buyer(node: Node) -> Buyer:
    customer = node.part_or_empty("customer")
    address = node.part_or_empty("shippingAddress")
    parts = {ours: address.words(theirs) for ours, theirs in _ADDRESS.items()}
    called = f"{customer.words('firstName')} {customer.words('lastName')}".strip()
    return Buyer(
        external_id=customer.key("id") if customer.has("id") else "",
        name=parts["name"] or called,
        email=customer.words("emailAddress"),
        phone=customer.words("phoneNumber") or parts["phone"],
        address={name: value for name, value in parts.items() if value},
    )
