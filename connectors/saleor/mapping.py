"""Saleor's GraphQL nodes → records. Pure: no clock, no network, nothing kept.

Amounts are gross: what the buyer pays, tax in. Words and fields:
https://docs.saleor.io/api-reference/orders/objects/order
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from connectors.fields import MOST_UNITS, Unreadable
from connectors.records import (
    Buyer,
    ChannelOrder,
    Listing,
    ListingState,
    LocationQuantity,
    OrderLine,
    OrderStatus,
)
from connectors.saleor.nodes import Node

T = TypeVar("T")

#: OrderStatus words of orders that are on their way; how far, their lines say. The word itself
#: counts units that were refunded and never sent as sent.
UNDER_WAY = {
    "UNFULFILLED",
    "PARTIALLY_FULFILLED",
    "FULFILLED",
    "PARTIALLY_RETURNED",
    "RETURNED",
}
#: Words of orders that will never be sent.
OVER = {"CANCELED", "EXPIRED"}

_ADDRESS = {
    "line1": "streetAddress1",
    "line2": "streetAddress2",
    "company": "companyName",
    "city": "city",
    "district": "cityArea",
    "region": "countryArea",
    "postcode": "postalCode",
    "phone": "phone",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """Of each line, by its id: the units that wait for an approval, and those refunded before they
    were sent. ``taken_at``: when the last of those were."""

    waiting: Mapping[str, int]
    taken: Mapping[str, int]
    taken_at: datetime | None


def order(data: object) -> ChannelOrder:
    """One order. Raises Unreadable."""
    node = Node(data)
    total = node.part("total")
    currency = total.currency("currency")
    word = node.text("status")
    sent = _sent(node.parts_if_any("fulfillments"))
    lines = tuple(_line(one, currency, sent, over=word in OVER) for one in node.parts("lines"))
    if not lines:
        raise Unreadable("lines", "an order without lines")
    amount = total.money("gross", currency)
    status = _status(word, lines, _paid(node, currency, amount))
    full = node.gross("undiscountedTotal", currency) if node.has("undiscountedTotal") else amount
    return ChannelOrder(
        external_id=node.text("id"),
        number=node.key("number"),
        status=status,
        channel_status="/".join((word, node.words("chargeStatus"))),
        currency=currency,
        total=amount,
        placed_at=node.time("created"),
        updated_at=node.time("updatedAt"),
        lines=lines,
        shipping=node.gross("shippingPrice", currency) if node.has("shippingPrice") else 0,
        tax=node.tax("total", currency),
        discount=max(full - amount, 0),
        tax_included=True,
        buyer=_buyer(node),
        cancelled_at=_cancelled_at(node, word, sent) if status is OrderStatus.CANCELLED else None,
        raw=node.data,
    )


def listing(data: object, channel: str, currency: str, warehouse: str) -> Listing:
    """One variant as it is sold in a Saleor channel. ``quantity`` is units free to sell there."""
    node = Node(data)
    product = node.part("product")
    priced = next((one for one in _in_channel(node, channel) if one.has("price")), None)
    price = priced.part("price") if priced else None
    shown = price.currency("currency") if price else currency
    return Listing(
        external_id=node.text("id"),
        sku=node.words("sku"),
        title=_title(product.text("name"), node.words("name"), node.words("sku")),
        quantity=free(node, warehouse),
        state=_state(_in_channel(product, channel), priced=price is not None),
        parent_key=product.text("id"),
        price=priced.money("price", shown) if priced else None,
        currency=shown,
        handles={"warehouse_id": warehouse},
        by_location=_by_location(node),
        updated_at=node.optional_time("updatedAt"),
    )


def levels(node: Node, warehouse: str) -> tuple[int, int] | None:
    """(on hand, allocated) in a warehouse; None where the variant is not stocked there. Saleor may
    have sold more than there is."""
    for one in node.parts_if_any("stocks"):
        if one.part("warehouse").text("id") == warehouse:
            return _level(one)
    return None


def free(node: Node, warehouse: str) -> int | None:
    """Units free to sell; None where Saleor keeps no count."""
    found = levels(node, warehouse)
    if not node.truth("trackInventory") or found is None:
        return None
    return found[0] - found[1]


# -- how an order stands ----------------------------------------------------------------------


def _status(word: str, lines: tuple[OrderLine, ...], paid: OrderStatus | None) -> OrderStatus:
    """A word that is in no table holds the order: nothing is shipped on a guess."""
    if word in OVER:
        return OrderStatus.CANCELLED
    if word == "UNCONFIRMED":
        return OrderStatus.UNPAID if paid is OrderStatus.UNPAID else OrderStatus.HELD
    if word not in UNDER_WAY:
        return OrderStatus.UNPAID if word == "DRAFT" else OrderStatus.HELD
    shipped = sum(one.shipped for one in lines)
    left = sum(one.quantity - one.cancelled - one.shipped for one in lines)
    if shipped:
        return OrderStatus.PART_SHIPPED if left else OrderStatus.SHIPPED
    return paid or OrderStatus.CONFIRMED if left else OrderStatus.CANCELLED


def _paid(node: Node, currency: str, total: int) -> OrderStatus | None:
    """None where nothing is to be waited for. Money given back was paid once, though Saleor takes
    it off what is charged; an order given back whole is looked at before it is sent."""
    back = node.money_if_any("totalRefunded", currency)
    charged = node.money_if_any("totalCharged", currency)
    if back and not charged and back >= total:
        return OrderStatus.HELD
    promised = charged + back + node.money_if_any("totalAuthorized", currency)
    words = (node.words("chargeStatus"), node.words("authorizeStatus"))
    settled = node.truth("isPaid", otherwise=False) or promised >= total
    if settled or words[0] in ("FULL", "OVERCHARGED") or words[1] == "FULL":
        return None
    return OrderStatus.UNPAID


def _cancelled_at(node: Node, word: str, sent: Sent) -> datetime:
    """Saleor notes it among the order's events; those of an order it expired may be swept away."""
    if word not in OVER and sent.taken_at is not None:
        return sent.taken_at
    times = [
        event.time("date")
        for event in node.parts_if_any("events")
        if event.words("type") in OVER and event.has("date")
    ]
    return max(times, default=node.time("updatedAt"))


def _sent(fulfillments: Iterable[Node]) -> Sent:
    """Units refunded before they were sent lie in a REFUNDED fulfilment that left no warehouse."""
    waiting: dict[str, int] = {}
    taken: dict[str, int] = {}
    times = []
    for one in fulfillments:
        word = one.text("status")
        if word == "REFUNDED" and not one.has("warehouse") and one.data.get("lines"):
            _add(taken, one)
            times.append(one.time("created"))
        elif word == "WAITING_FOR_APPROVAL":
            _add(waiting, one)
    return Sent(waiting, taken, max(times, default=None))


def _add(units: dict[str, int], fulfillment: Node) -> None:
    for line in fulfillment.parts_if_any("lines"):
        of = line.optional("orderLine")
        if of is not None:
            key = of.text("id")
            units[key] = units.get(key, 0) + line.units("quantity")


def _line(node: Node, currency: str, sent: Sent, *, over: bool) -> OrderLine:
    """``quantityFulfilled`` counts what waits for an approval, and what was refunded unsent."""
    key, quantity = node.text("id"), node.units("quantity", least=1)
    told = node.units("quantityFulfilled", otherwise=0)
    if told > quantity:
        raise Unreadable(node.at("quantityFulfilled"), f"{told} of {quantity} ordered")
    taken = min(sent.taken.get(key, 0), told)
    shipped = max(told - taken - sent.waiting.get(key, 0), 0)
    total = node.gross("totalPrice", currency)
    unit_price = node.gross("undiscountedUnitPrice", currency)
    variant = node.optional("variant")
    return OrderLine(
        external_id=key,
        listing_key=variant.text("id") if variant else node.words("productVariantId"),
        sku=node.words("productSku"),
        title=_title(node.words("productName"), node.words("variantName"), ""),
        quantity=quantity,
        unit_price=unit_price,
        total=_bounded(node, total),
        cancelled=quantity - shipped if over else taken,
        shipped=shipped,
        tax=node.tax("totalPrice", currency),
        discount=max(unit_price * quantity - total, 0),
    )


def _bounded(node: Node, total: int) -> int:
    if total > MOST_UNITS * 10**6:
        raise Unreadable(node.at("totalPrice"), f"{total} is out of range")
    return total


def _buyer(node: Node) -> Buyer:
    """Without a delivery address (collected, or nothing to deliver) that of the bill."""
    address = node.optional("shippingAddress") or node.optional("billingAddress")
    email = node.words("userEmail")
    if address is None:
        return Buyer(email=email)
    names = (address.words("firstName"), address.words("lastName"))
    parts = {ours: address.words(theirs) for ours, theirs in _ADDRESS.items()}
    name = " ".join(one for one in names if one) or parts["company"]
    country = address.part_or_empty("country").words("code")
    told = {"name": name, **parts, "country": country}
    return Buyer(
        name=name,
        email=email,
        phone=parts["phone"],
        address={key: value for key, value in told.items() if value},
    )


# -- what is listed ---------------------------------------------------------------------------


def _in_channel(node: Node, channel: str) -> list[Node]:
    return [
        one
        for one in node.parts_if_any("channelListings")
        if one.part("channel").text("slug") == channel
    ]


def _state(listed: list[Node], *, priced: bool) -> ListingState:
    """A product that is not in the channel, or a variant without a price there, is not on sale."""
    if not listed or not priced:
        return ListingState.ENDED
    shown = listed[0].truth("isPublished", otherwise=False)
    sold = listed[0].truth("isAvailableForPurchase", otherwise=True)
    return ListingState.ACTIVE if shown and sold else ListingState.PAUSED


def _title(product: str, variant: str, sku: str) -> str:
    """Saleor names a product's only variant after its SKU, or not at all."""
    return f"{product} - {variant}" if variant and variant != sku else product


def _by_location(node: Node) -> tuple[LocationQuantity, ...]:
    found = []
    for one in node.parts_if_any("stocks"):
        on_hand, allocated = _level(one)
        found.append(LocationQuantity(one.part("warehouse").text("id"), on_hand - allocated))
    return tuple(found)


def _level(stock: Node) -> tuple[int, int]:
    return (
        stock.units("quantity", least=-MOST_UNITS),
        stock.units("quantityAllocated", otherwise=0),
    )
