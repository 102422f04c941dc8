"""Shopify's GraphQL nodes → records. Pure: no clock, no network, nothing kept.

Orders are read in the shop's currency; what the buyer saw in another is in ``raw``. Words and
fields: https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Order
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from connectors.amounts import exponent
from connectors.fields import MOST_UNITS, Unreadable
from connectors.records import (
    Buyer,
    ChannelLocation,
    ChannelOrder,
    Listing,
    ListingState,
    OrderLine,
    OrderStatus,
    RemoteStock,
    ShopInfo,
    Subscription,
)
from connectors.shopify.nodes import Node

T = TypeVar("T")

#: OrderDisplayFinancialStatus → may it be shipped? None: nothing to wait for.
FINANCIAL = {
    "PENDING": OrderStatus.UNPAID,
    "EXPIRED": OrderStatus.UNPAID,
    "VOIDED": OrderStatus.UNPAID,
    "PARTIALLY_PAID": OrderStatus.UNPAID,
    "AUTHORIZED": None,
    "PAID": None,
    "PARTIALLY_REFUNDED": None,
    # All money given back and nothing cancelled: somebody should look before it is shipped.
    "REFUNDED": OrderStatus.HELD,
}

#: OrderDisplayFulfillmentStatus → how far it has come.
FULFILLMENT = {
    "UNFULFILLED": OrderStatus.CONFIRMED,
    "OPEN": OrderStatus.CONFIRMED,
    "IN_PROGRESS": OrderStatus.CONFIRMED,
    "PENDING_FULFILLMENT": OrderStatus.CONFIRMED,
    "PARTIALLY_FULFILLED": OrderStatus.PART_SHIPPED,
    "FULFILLED": OrderStatus.SHIPPED,
    "ON_HOLD": OrderStatus.HELD,
    "SCHEDULED": OrderStatus.HELD,
    "RESTOCKED": OrderStatus.HELD,
    "REQUEST_DECLINED": OrderStatus.HELD,
}

PRODUCT_STATUS = {
    "ACTIVE": ListingState.ACTIVE,
    "UNLISTED": ListingState.ACTIVE,
    "DRAFT": ListingState.PAUSED,
    "ARCHIVED": ListingState.ENDED,
}

_ADDRESS = {
    "name": "name",
    "line1": "address1",
    "line2": "address2",
    "city": "city",
    "region": "provinceCode",
    "postcode": "zip",
    "country": "countryCodeV2",
    "phone": "phone",
}


def status(financial: str, fulfillment: str, *, cancelled: bool, delivered: bool) -> OrderStatus:
    """A word that is not in the tables holds the order: nothing is shipped on a guess."""
    if cancelled:
        return OrderStatus.CANCELLED
    progress = FULFILLMENT.get(fulfillment, OrderStatus.HELD)
    if progress in (OrderStatus.SHIPPED, OrderStatus.PART_SHIPPED):
        done = progress is OrderStatus.SHIPPED and delivered
        return OrderStatus.DELIVERED if done else progress
    return FINANCIAL.get(financial, OrderStatus.HELD) or progress


#: Some units have left. Orders say no more than that; parcels say which.
LEFT = ("FULFILLED", "PARTIALLY_FULFILLED")


def unclear(data: object) -> bool:
    """Whether units were taken off an order of which some were sent: it does not say itself
    whether those came back or never left. False where it cannot be read; :func:`order` says why."""
    try:
        node = Node(data)
        lines = node.part("lineItems").parts("nodes")
        fewer = any(one.units("currentQuantity") < one.units("quantity") for one in lines)
        return fewer and node.words("displayFulfillmentStatus") in LEFT
    except Unreadable:
        return False


def order(data: object, sent: Mapping[str, int] | None = None) -> ChannelOrder:
    """One order with all its lines. ``sent``: units sent by line, where they had to be asked for.
    Raises Unreadable."""
    node = Node(data)
    currency = _currency(node, "currencyCode")
    words = (node.words("displayFinancialStatus"), node.words("displayFulfillmentStatus"))
    cancelled_at = node.optional_time("cancelledAt")
    parcels = [one.words("displayStatus") for one in node.parts("fulfillments")]
    ended, left = cancelled_at is not None, words[1] in LEFT
    lines = tuple(
        _line(one, currency, _units(one, sent, ended=ended, left=left))
        for one in node.part("lineItems").parts("nodes")
    )
    if not lines:
        raise Unreadable("lineItems", "an order without lines")
    return ChannelOrder(
        external_id=node.text("id"),
        number=node.text("name"),
        status=status(
            *words,
            cancelled=cancelled_at is not None,
            delivered=bool(parcels) and all(word == "DELIVERED" for word in parcels),
        ),
        channel_status="/".join(words),
        currency=currency,
        total=node.shop_money("totalPriceSet", currency),
        placed_at=node.time("processedAt"),
        updated_at=node.time("updatedAt"),
        lines=lines,
        shipping=node.shop_money("totalShippingPriceSet", currency),
        tax=node.shop_money("totalTaxSet", currency),
        discount=node.shop_money("totalDiscountsSet", currency),
        tax_included=node.truth("taxesIncluded"),
        buyer=_buyer(node),
        cancelled_at=cancelled_at,
        test=node.truth("test"),
        raw=node.data,
    )


def listing(data: object, currency: str, location: str) -> Listing:
    node = Node(data)
    product, item = node.part("product"), node.part("inventoryItem")
    word = product.text("status")
    return Listing(
        external_id=node.text("id"),
        sku=node.words("sku"),
        title=node.text("displayName"),
        quantity=_available(item),
        state=PRODUCT_STATUS.get(word, ListingState.PAUSED),
        parent_key=product.text("id"),
        barcode=node.words("barcode"),
        price=node.amount("price", currency),
        currency=currency,
        handles={"inventory_item_id": item.text("id"), "location_id": location},
        updated_at=node.time("updatedAt"),
    )


def remote_stock(key: str, data: object) -> RemoteStock:
    """The answer for one inventory item; null is how Shopify says that it is no more."""
    if data is None or Node(data).words("__typename") not in ("", "InventoryItem"):
        return RemoteStock(key, None, gone=True)
    return RemoteStock(key, _available(Node(data)))


def shop(data: Mapping[str, Any], server_time: datetime | None) -> ShopInfo:
    node = Node(data)
    owner = node.part("shop")
    return ShopInfo(
        external_id=owner.text("id"),
        name=owner.text("name"),
        currency=_currency(owner, "currencyCode"),
        time_zone=owner.words("ianaTimezone") or "UTC",
        locations=tuple(
            ChannelLocation(one.text("id"), one.words("name"), one.truth("isActive"))
            for one in node.part("locations").parts("nodes")
        ),
        server_time=server_time,
    )


def subscription(data: object) -> Subscription:
    node = Node(data)
    return Subscription(node.text("id"), node.text("topic"), node.words("uri"))


def _currency(node: Node, name: str) -> str:
    code = node.text(name)
    try:
        exponent(code)
    except ValueError as error:
        raise Unreadable(node.at(name), str(error)) from None
    return code


class Units(NamedTuple):
    quantity: int
    cancelled: int
    shipped: int


def _units(node: Node, sent: Mapping[str, int] | None, *, ended: bool, left: bool) -> Units:
    """``quantity`` is as ordered, ``currentQuantity`` what edits and refunds left of it. A unit
    that was sent and came back is no cancelled one; of a cancelled order, what was not sent is."""
    quantity = node.units("quantity", least=1)
    current = node.units("currentQuantity")
    if current > quantity:
        raise Unreadable(node.at("currentQuantity"), f"{current} of {quantity} ordered")
    still = min(node.units("unfulfilledQuantity"), current)
    if sent is not None:
        shipped = min(sent.get(node.text("id"), 0), quantity)
        still = min(still, quantity - shipped)
    else:
        shipped = current - still if left or not ended else 0
        still = current - shipped
    return Units(quantity, quantity - shipped - (0 if ended else still), shipped)


def _line(node: Node, currency: str, units: Units) -> OrderLine:
    quantity = units.quantity
    unit_price = node.part("originalUnitPriceSet").part("shopMoney").amount("amount", currency)
    discount = _sum(node, "discountAllocations", "allocatedAmountSet", currency)
    variant = node.optional("variant")
    return OrderLine(
        external_id=node.text("id"),
        listing_key=variant.text("id") if variant is not None else "",
        sku=node.words("sku"),
        title=node.words("name"),
        quantity=quantity,
        unit_price=unit_price,
        total=_bounded(node, unit_price * quantity - discount),
        cancelled=units.cancelled,
        shipped=units.shipped,
        tax=_sum(node, "taxLines", "priceSet", currency),
        discount=discount,
    )


def _sum(node: Node, parts: str, name: str, currency: str) -> int:
    return sum(one.shop_money(name, currency) for one in node.parts(parts))


def _bounded(node: Node, total: int) -> int:
    if not 0 <= total <= MOST_UNITS * 10**6:
        raise Unreadable(node.at("total"), f"{total} is out of range")
    return total


def _buyer(node: Node) -> Buyer:
    customer, address = node.optional("customer"), node.optional("shippingAddress")
    parts = {ours: address.words(theirs) for ours, theirs in _ADDRESS.items()} if address else {}
    return Buyer(
        external_id=customer.text("id") if customer else "",
        name=parts.get("name", ""),
        email=node.words("email"),
        phone=node.words("phone") or parts.get("phone", ""),
        address={name: value for name, value in parts.items() if value},
    )


def _available(item: Node) -> int | None:
    """Units free to sell at the location; None where Shopify does not count this item there.

    Below zero is possible (the shop sells on when out of stock) and is told as it is.
    """
    level = item.optional("inventoryLevel")
    if not item.truth("tracked") or level is None:
        return None
    for quantity in level.parts("quantities"):
        if quantity.words("name") == "available":
            return quantity.units("quantity", least=-MOST_UNITS)
    raise Unreadable(level.at("quantities"), "available is missing")
