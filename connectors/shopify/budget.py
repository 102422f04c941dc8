"""Query cost as the simulated shop counts it, and the leaky bucket it is paid from.

Shopify publishes that an object costs 1, a scalar 0 and a mutation 10, and that a connection is
"sized by first and last". The size observed grows with the logarithm: 250 variants with their
items cost 24 (https://community.shopify.dev/t/23101). The figures are near, not exact.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import ceil, log
from typing import Any

from connectors.shopify.queries import LINES_PAGE, LISTINGS_PAGE, ORDERS_PAGE

#: Parcels, refunds and returns inside an order, each with lines of its own.
DEAR = {
    "Sending": 340,
    "Sent": 580,
    "Refunds": 790,
    "OrderRefunds": 270,
    "Payments": 400,
    "Returns": 660,
    "OrderReturns": 200,
    "Payouts": 50,
    "PayoutEntries": 90,
}
PLAIN = 60

MUTATION = 10
ORDER_OBJECTS = 17
LINE_OBJECTS = 10


def size(count: int) -> int:
    """What a list of so many counts for."""
    return max(1, ceil(2.17 * log(count))) if count > 0 else 0


def orders(count: int, lines: int) -> int:
    return 1 + size(count) * (ORDER_OBJECTS + size(lines) * LINE_OBJECTS)


def requested(operation: str, variables: dict[str, Any]) -> int:
    """What the query could cost at most."""
    ids = len(variables.get("ids") or ())
    table = {
        "Shop": 1 + size(100),
        "Listings": 2 + 5 * size(LISTINGS_PAGE),
        "Orders": orders(ORDERS_PAGE, 20),
        "OrdersById": orders(ids, 20),
        "OrderLines": 1 + size(LINES_PAGE) * LINE_OBJECTS,
        "Stock": 3 * size(ids),
        "Subscriptions": size(100),
    }
    if operation in ("SetStock", "Subscribe"):
        return MUTATION
    return table.get(operation, DEAR.get(operation, PLAIN))


def objects(data: object) -> int:
    """How many objects an answer holds."""
    if isinstance(data, dict):
        return 1 + sum(objects(one) for one in data.values())
    return sum(objects(one) for one in data) if isinstance(data, list) else 0


def actual(operation: str, data: dict[str, Any]) -> int:
    """What the answer did cost."""
    if operation in ("Orders", "OrdersById"):
        found = data["orders"]["nodes"] if operation == "Orders" else data["nodes"]
        lines = [len(one["lineItems"]["nodes"]) for one in found if one is not None]
        return orders(len(lines), ceil(sum(lines) / len(lines)) if lines else 0)
    if operation == "Listings":
        return 2 + 5 * size(len(data["productVariants"]["nodes"]))
    if operation == "OrderLines":
        order = data["order"]
        return 1 + size(len(order["lineItems"]["nodes"])) * LINE_OBJECTS if order else 1
    if operation == "Stock":
        return 3 * size(len(data["nodes"]))
    if operation in ("SetStock", "Subscribe"):
        return MUTATION
    if operation in ("Shop", "Subscriptions"):
        return 2
    return min(objects(data), requested(operation, {}))


class Bucket:
    """Holds at most ``maximum`` points and gains ``restore`` a second. Not thread-safe."""

    def __init__(self, maximum: float, restore: float, now: Callable[[], datetime]) -> None:
        self.maximum = maximum
        self.restore = restore
        self._now = now
        self._level = maximum
        self._at = now()

    def available(self) -> float:
        now = self._now()
        gained = max((now - self._at).total_seconds(), 0.0) * self.restore
        self._level, self._at = min(self._level + gained, self.maximum), now
        return self._level

    def pay(self, points: float) -> None:
        self._level = self.available() - points

    def told(self, asked: int, paid: int | None) -> dict[str, Any]:
        """The ``extensions.cost`` of an answer; ``paid`` is None for a query that was not run."""
        return {
            "requestedQueryCost": asked,
            "actualQueryCost": paid,
            "throttleStatus": {
                "maximumAvailable": float(self.maximum),
                "currentlyAvailable": int(self.available()),
                "restoreRate": float(self.restore),
            },
        }
