"""The steps of a purchase order's life: approved, sent, confirmed, shipped, closed, cancelled.
What receipts do to it is in :mod:`hub.purchasing.receiving`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, update

from hub.db import Transaction
from hub.errors import Forbidden, InvalidInput, StaleVersion
from hub.purchasing import history, orders, settings
from hub.purchasing.models import purchase_line, purchase_order
from hub.purchasing.orders import Order
from hub.purchasing.prices import Rate, in_own_currency
from hub.purchasing.states import STEPS, needs_owner, step


@dataclass(frozen=True, slots=True)
class Who:
    """``owner``: may approve what is dearer than the seller's limit."""

    actor: str
    owner: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """``at``: when it happened; None: now. ``expected_on``: the day the supplier confirmed."""

    reason: str = ""
    at: datetime | None = None
    expected_on: date | None = None


def take(tx: Transaction, who: Who, number: int, name: str, version: int, told: Told) -> Order:
    """Take a step. Raises NotFound, StaleVersion, Conflict (state), Forbidden (limit)."""
    order = locked(tx, number, version)
    if name not in STEPS:
        raise InvalidInput("step", f"must be one of {', '.join(STEPS)}")
    chosen = step(name, order.state)
    values: dict[str, Any] = {"state": chosen.target, chosen.at: told.at or func.now()}
    if name == "approve":
        total = orders.sums(tx, [number])[number].total
        may_spend(tx, who, total, order.rate)
        values["approved_by"] = who.actor[:100]
    if name == "confirm" and told.expected_on is not None:
        values["expected_on"] = told.expected_on
    if name in {"close", "cancel"}:
        _give_up(tx, number)
    after: dict[str, Any] = {"state": chosen.target}
    before: dict[str, Any] = {"state": order.state}
    if "expected_on" in values:
        before["expected_on"] = order.expected_on.isoformat() if order.expected_on else None
        after["expected_on"] = values["expected_on"].isoformat()
    history.record(tx, number, name, who.actor, before, after, told.reason)
    return save(tx, number, values)


def locked(tx: Transaction, number: int, version: int) -> Order:
    """Raises NotFound, StaleVersion."""
    order = orders.lock(tx, number)
    if order.version != version:
        raise StaleVersion(f"purchase order {number} has version {order.version}")
    return order


def may_spend(tx: Transaction, who: Who, total: int, rate: Rate | None) -> None:
    """Raises Forbidden where only an owner may approve so much."""
    limit = settings.get(tx).approval_limit
    if not who.owner and needs_owner(in_own_currency(total, rate), limit):
        raise Forbidden(f"an order above {limit} must be approved by an owner")


def save(tx: Transaction, number: int, values: dict[str, Any]) -> Order:
    tx.execute(
        update(purchase_order)
        .values(version=purchase_order.c.version + 1, **values)
        .where(purchase_order.c.seller_id == tx.seller_id, purchase_order.c.id == number)
    )
    return orders.get(tx, number)


def _give_up(tx: Transaction, number: int) -> None:
    """What is still awaited is cancelled; of an order that nothing came of, all of it."""
    kept = purchase_line.c.quantity - purchase_line.c.cancelled
    missing = func.greatest(0, kept - purchase_line.c.received)
    tx.execute(
        update(purchase_line)
        .values(
            cancelled=purchase_line.c.cancelled + missing,
            given_up=purchase_line.c.given_up + missing,
        )
        .where(purchase_line.c.seller_id == tx.seller_id, purchase_line.c.order_id == number)
    )
