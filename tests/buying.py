"""What tests of buying are about: a supplier, an order on its way, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import count
from typing import Any, TypeVar

from hub.db import Database, Transaction
from hub.purchasing import inspecting, orders, receiving, returning, stepping, suppliers
from hub.purchasing.counting import Counted, Line
from hub.purchasing.inspecting import Judged
from hub.purchasing.orders import NewLine, NewOrder, Order
from hub.purchasing.receiving import Delivery, Received
from hub.purchasing.returning import Back, Return
from hub.purchasing.serving import Waiters
from hub.purchasing.stepping import Told, Who
from hub.purchasing.suppliers import Card
from hub.sales import backorders
from hub.secrets import Keyring
from tests.builders import World, world

T = TypeVar("T")
TODAY = datetime.now(UTC).date()
OWNER = Who("token:1", owner=True)
CLERK = Who("token:2")
WAITERS = Waiters(backorders.lock_waiting, backorders.serve_waiting)
#: The steps before goods come.
AWAITED = ("approve", "send", "confirm")


def card(code: str = "ACME", **changes: Any) -> Card:
    return Card(**{"code": code, "name": f"{code} Ltd.", "currency": "EUR", **changes})


@dataclass
class Buyer:
    """A seller's shop that buys: its products are those of the world it stands in."""

    shop: World
    supplier_id: int
    keys: Any = field(default_factory=lambda: count(1))

    def run(self, work: Callable[[Transaction], T]) -> T:
        return self.shop.database.command(self.shop.seller_id, work)

    def draft(self, wanted: Mapping[str, int], price: int = 500, **changes: Any) -> int:
        """A draft of these units; its id."""
        lines = [
            NewLine(self.shop.products[sku], units, unit_price=price)
            for sku, units in wanted.items()
        ]
        new = NewOrder(self.supplier_id, self.shop.location_id, lines, **changes)
        return self.run(lambda tx: orders.create(tx, CLERK.actor, new, TODAY)).id

    def order(self, wanted: Mapping[str, int], price: int = 500, **changes: Any) -> int:
        """An order that the supplier has confirmed; its id."""
        number = self.draft(wanted, price, **changes)
        for name in AWAITED:
            self.step(number, name)
        return number

    def step(self, number: int, name: str, who: Who = OWNER, **told: Any) -> Order:
        version = self.get(number).version
        return self.run(lambda tx: stepping.take(tx, who, number, name, version, Told(**told)))

    def get(self, number: int) -> Order:
        return self.run(lambda tx: orders.get(tx, number))

    def lines(self, number: int) -> dict[str, Line]:
        """SKU → line."""
        skus = {product: sku for sku, product in self.shop.products.items()}
        found = self.run(lambda tx: orders.lines(tx, number))
        return {skus[line.product_id]: line for line in found}

    def counted(self, number: int, sku: str, units: int, **changes: Any) -> Counted:
        return Counted(self.lines(number)[sku].id, units, **changes)

    def receive(self, number: int, *counted: Counted, key: str = "", **changes: Any) -> Received:
        came = Delivery(key or f"receipt {next(self.keys)}", counted, **changes)
        return self.run(lambda tx: receiving.receive(tx, CLERK.actor, number, came, WAITERS))

    def judge(self, receipt_id: int, accepted: int, rejected: int, key: str = "") -> int:
        """Of the receipt's only line."""
        [line] = self.run(lambda tx: inspecting.lines(tx, receipt_id))
        told = [Judged(line.id, accepted, rejected)]
        name = key or f"judgement {next(self.keys)}"
        return self.run(
            lambda tx: inspecting.judge(tx, CLERK.actor, receipt_id, name, told, WAITERS)
        )

    def send_back(self, number: int, *wanted: Back, key: str = "") -> Return:
        name = key or f"return {next(self.keys)}"
        return self.run(
            lambda tx: returning.send_back(tx, CLERK.actor, number, name, wanted)
        )[0]  # fmt: skip


def buyer(
    database: Database, seller_id: int, keyring: Keyring, units: Mapping[str, int], **changes: Any
) -> Buyer:
    shop = world(database, seller_id, keyring, units)
    made = database.command(seller_id, lambda tx: suppliers.create(tx, card(**changes)))
    return Buyer(shop, made.id)


def day(text: str) -> date:
    return date.fromisoformat(text)
