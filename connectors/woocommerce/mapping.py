"""WooCommerce's orders, products and refunds → records. Pure: no clock, no network, nothing kept.

Line amounts are without tax whatever the shop shows its buyers, so tax is always beside them.
https://woocommerce.github.io/woocommerce-rest-api-docs/#order-properties
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from html import unescape
from typing import TypeVar

from connectors.fields import MOST_UNITS, Unreadable
from connectors.postsale import ParcelLine, Refund
from connectors.records import Buyer, ChannelOrder, OrderLine, OrderStatus
from connectors.woocommerce import marks
from connectors.woocommerce.fields import Record

T = TypeVar("T")
U = TypeVar("U")

#: Order status → ours. The last three are words of widespread tracking plug-ins. A word that is
#: not here holds the order: nothing is shipped on a guess.
STATUS = {
    "pending": OrderStatus.UNPAID,
    "on-hold": OrderStatus.UNPAID,
    "processing": OrderStatus.CONFIRMED,
    "completed": OrderStatus.SHIPPED,
    "cancelled": OrderStatus.CANCELLED,
    # The buyer may try again: it then comes as processing, and is open again.
    "failed": OrderStatus.CANCELLED,
    "shipped": OrderStatus.SHIPPED,
    "partial-shipped": OrderStatus.PART_SHIPPED,
    "delivered": OrderStatus.DELIVERED,
}
#: Not an order yet: somebody is at the checkout, and it is dropped or becomes one.
DRAFTS = {"checkout-draft", "auto-draft"}
#: All money given back, or thrown away: what had been completed before stays sent.
CLOSED = {"refunded", "trash"}
SENT = {OrderStatus.SHIPPED, OrderStatus.DELIVERED}

_ADDRESS = {
    "company": "company",
    "line1": "address_1",
    "line2": "address_2",
    "city": "city",
    "region": "state",
    "postcode": "postcode",
    "country": "country",
    "phone": "phone",
}


def status(word: str, *, paid: bool, completed: bool, parcels: bool) -> OrderStatus:
    if word in CLOSED:
        return OrderStatus.SHIPPED if completed else OrderStatus.CANCELLED
    if word == "on-hold" and paid:  # held by a person, not for want of money
        return OrderStatus.HELD
    found = STATUS.get(word, OrderStatus.HELD)
    return OrderStatus.PART_SHIPPED if found is OrderStatus.CONFIRMED and parcels else found


def is_draft(data: object) -> bool:
    word = data.get("status") if isinstance(data, Mapping) else None
    return isinstance(word, str) and word.removeprefix("wc-") in DRAFTS


def order(data: object, refunds: Sequence[object] = ()) -> ChannelOrder:
    """One order; ``refunds`` with their lines, which the order itself does not tell. Raises
    Unreadable."""
    node = Record(data)
    currency = node.currency("currency")
    word = node.text("status").removeprefix("wc-")
    completed = node.optional_gmt("date_completed_gmt")
    updated_at = node.gmt("date_modified_gmt")
    told = marks.parcels(node)
    state = status(
        word,
        paid=node.optional_gmt("date_paid_gmt") is not None,
        completed=completed is not None,
        parcels=bool(told),
    )
    units = _Units(state, marks.sent(told.values()), taken_off(refunds, completed))
    lines = [_line(one, currency, units) for one in node.parts("line_items")]
    if not any(lines):
        raise Unreadable("line_items", "an order without lines")
    return ChannelOrder(
        external_id=node.key("id"),
        number=node.words("number") or node.key("id"),
        status=state,
        channel_status=word,
        currency=currency,
        total=node.money("total", currency),
        placed_at=node.gmt("date_created_gmt"),
        updated_at=updated_at,
        lines=tuple(one for one in lines if one is not None),
        shipping=node.optional_money("shipping_total", currency),
        tax=node.optional_money("total_tax", currency),
        discount=node.optional_money("discount_total", currency),
        tax_included=False,
        buyer=_buyer(node),
        cancelled_at=updated_at if state is OrderStatus.CANCELLED else None,
        raw=node.data,
    )


def taken_off(refunds: Sequence[object], completed: datetime | None) -> Counter[str]:
    """Units refunded in the shop before the order was completed: they will not be sent. Refunds
    that the hub gave say nothing of goods; what was refunded later has been sent."""
    total: Counter[str] = Counter()
    for one in refunds:
        node = Record(one)
        given = node.optional_gmt("date_created_gmt")
        late = completed is not None and given is not None and given >= completed
        if not late and marks.REFUND not in marks.read(node):
            total.update({line.line_key: line.quantity for line in _refunded(node)})
    return total


def refund(data: object, order_key: str, currency: str) -> Refund:
    """Amounts are negative in places: what was given back is told without its sign."""
    node = Record(data)
    ours = marks.opened(marks.read(node).get(marks.REFUND_LINES))
    lines = tuple(ParcelLine(key, count) for key, count in marks.units(ours).items())
    shipping = ours.get("shipping")
    return Refund(
        external_id=node.key("id"),
        order_key=order_key,
        amount=abs(node.money("amount", currency, least=-(10**15))),
        currency=currency,
        refunded_at=node.gmt("date_created_gmt"),
        lines=lines or tuple(_refunded(node)),
        reason=unescape(node.words("reason")),
        shipping=shipping if isinstance(shipping, int) else _postage(node, currency),
        raw=node.data,
    )


class _Units:
    """How an order's units divide: sent in parcels, taken off by refunds, or by its status."""

    def __init__(self, state: OrderStatus, sent: Counter[str], off: Counter[str]) -> None:
        self.state = state
        self.sent = sent
        self.off = off

    def of(self, key: str, quantity: int) -> tuple[int, int]:
        """(cancelled, shipped)"""
        if self.state in SENT:
            cancelled = min(self.off[key], quantity)
            return cancelled, quantity - cancelled
        shipped = min(self.sent[key], quantity)
        left = quantity - shipped
        return (left if self.state is OrderStatus.CANCELLED else min(self.off[key], left)), shipped


def _line(node: Record, currency: str, units: _Units) -> OrderLine | None:
    """None for a line of nothing, which an edit leaves behind. ``price`` is a binary fraction of
    the discounted sum: the unit's price is reckoned from the sums, which are text."""
    quantity = node.units("quantity")
    if quantity == 0:
        return None
    total = node.money("total", currency)
    before = node.money("subtotal", currency) if node.words("subtotal") else total
    key = node.key("id")
    cancelled, shipped = units.of(key, quantity)
    return OrderLine(
        external_id=key,
        listing_key=_sold(node),
        sku=node.words("sku"),
        title=unescape(node.words("name"))[:500],
        quantity=quantity,
        unit_price=int((Decimal(before) / quantity).to_integral_value(ROUND_HALF_EVEN)),
        total=total,
        cancelled=cancelled,
        shipped=shipped,
        tax=node.optional_money("total_tax", currency),
        discount=max(before - total, 0),
    )


def _sold(node: Record) -> str:
    """A variation has its own number; 0 is none, and a product that is gone is 0 too."""
    found = node.whole("variation_id") or node.whole("product_id")
    return str(found) if found else ""


def _refunded(node: Record) -> Iterable[ParcelLine]:
    """Its lines name those of the order in a meta field, and count backwards."""
    for one in node.parts_if_any("line_items"):
        units = abs(one.units("quantity", least=-MOST_UNITS, otherwise=0))
        key = marks.read(one).get("_refunded_item_id")
        if units and isinstance(key, str | int):
            yield ParcelLine(str(key), units)


def _postage(node: Record, currency: str) -> int:
    lines = node.parts_if_any("shipping_lines")
    least = -(10**15)
    amounts = [one.money("total", currency, least=least) for one in lines if one.words("total")]
    return abs(sum(amounts))


def _buyer(node: Record) -> Buyer:
    """The goods go to the shipping address where there is one."""
    billing, shipping = node.part_or_empty("billing"), node.part_or_empty("shipping")
    to = shipping if shipping.words("address_1") or shipping.words("city") else billing
    parts: Mapping[str, str] = {ours: to.words(theirs) for ours, theirs in _ADDRESS.items()}
    name = _name(to) or _name(billing)
    customer = node.whole("customer_id")
    phone = parts["phone"] or billing.words("phone")
    told = {**parts, "name": name, "phone": phone}
    return Buyer(
        external_id=str(customer) if customer else "",
        name=name,
        email=billing.words("email"),
        phone=billing.words("phone") or phone,
        address={part: value for part, value in told.items() if value}
        if any(parts.values())
        else {},
    )


def _name(node: Record) -> str:
    return " ".join(filter(None, (node.words("first_name"), node.words("last_name"))))
