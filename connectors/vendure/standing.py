"""One order as what is done after the sale must know it, and the mark of ours that it may carry.

Vendure has no idempotency keys. What we did is known again by our key, in brackets at the end of
the reason that cancellations and refunds carry; fulfilments by their tracking number and units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from connectors.errors import ProtocolError, RejectedError
from connectors.fields import Unreadable
from connectors.postsale import ParcelLine
from connectors.vendure import lists, mapping
from connectors.vendure.client import Client
from connectors.vendure.money import Node, Scale
from connectors.vendure.queries import STANDING

CANCELLED = "Cancelled"


class Standing:
    """Raises Unreadable where the order cannot be read."""

    def __init__(self, order: Node, precision: int) -> None:
        self.key = order.key("id")
        self.state = order.text("state")
        self.scale = Scale(order.currency("currencyCode"), precision)
        self.lines = {one.key("id"): one.units("quantity") for one in order.parts("lines")}
        found = order.parts_if_any("fulfillments")
        self.fulfilments = [one for one in found if one.text("state") != mapping.VOID]
        self.payments = order.parts_if_any("payments")
        self.history = order.part_or_empty("history").parts_if_any("items")

    @property
    def is_cancelled(self) -> bool:
        return self.state == CANCELLED

    def open(self) -> Counter[str]:
        """Units of each line that are in no fulfilment yet."""
        left = Counter(self.lines)
        for one in self.fulfilments:
            left.subtract(units(one))
        return +left

    def cancelled_for(self, key: str) -> bool:
        """Whether a cancellation of ours is in the history."""
        reasons = [
            one.part_or_empty("data").words("reason")
            for one in self.history
            if one.words("type") == "ORDER_CANCELLATION"
        ]
        return any(carries(reason, key) for reason in reasons)


def look(client: Client, order_key: str) -> Standing:
    """Raises RejectedError for an order that is not there."""
    data = client.run(STANDING, {"id": order_key})
    if data.get("order") is None:
        raise RejectedError("no such order", code="unknown_order", field="order_key")
    try:
        return Standing(Node(data).part("order"), lists.places(data))
    except Unreadable as error:
        raise ProtocolError(f"the order cannot be read: {error}", code="bad_record") from error


def units(fulfilment: Node) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in fulfilment.parts_if_any("lines"):
        found[one.key("orderLineId")] += one.units("quantity")
    return found


def wanted(lines: Iterable[ParcelLine]) -> Counter[str]:
    found: Counter[str] = Counter()
    for one in lines:
        found[one.line_key] += one.quantity
    return found


def marked(reason: str, key: str) -> str:
    return f"{reason} {mark(key)}".strip()


def mark(key: str) -> str:
    return f"[{key}]"


def carries(reason: str, key: str) -> bool:
    return reason.endswith(mark(key))
