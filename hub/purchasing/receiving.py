"""Goods received: counted, looked at, posted, and given to who waits, all in one transaction.

A receipt is one thing under its key: sent twice, it counts once. What is accepted goes on sale at
once, what must be looked at goes into inspection, what is bad goes aside to be sent back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Boolean, Integer, String, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.db import SELLER, Kind, Transaction, rows
from hub.errors import Conflict, InvalidInput
from hub.inventory import lots
from hub.inventory.keys import refuse_keyed
from hub.inventory.ledger import Move, Place, Posting, post
from hub.inventory.models import State
from hub.purchasing import history, invoicing, orders, settings
from hub.purchasing.arrivals import goods_receipt, receipt_line
from hub.purchasing.counting import Arrived, Counted, Line, Terms, arrive
from hub.purchasing.models import purchase_line
from hub.purchasing.orders import MOST_LINES, Order
from hub.purchasing.serving import Waiters
from hub.purchasing.states import RECEIVED, RECEIVES, Progress, after_receipt
from hub.purchasing.stepping import save

DOCUMENT = "goods_receipt"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came under one key. ``location_id``: where it was put, the order's place if None;
    ``accept_over``: a person takes more than is tolerated."""

    key: str
    lines: Sequence[Counted]
    location_id: int | None = None
    accept_over: bool = False
    delivery_note: str = ""
    note: str = ""
    at: datetime | None = None


class Received(NamedTuple):
    """``new``: False where the key had been counted before. ``served``: units that went to who
    waited for them."""

    receipt_id: int
    new: bool
    served: int
    state: str


def receive(
    tx: Transaction, actor: str, order_id: int, came: Delivery, waiters: Waiters
) -> Received:
    """Raises NotFound, Conflict (state; a key that counted something else; a product sold by keys),
    InvalidInput naming the line, or a product that comes in lots."""
    order = orders.lock(tx, order_id)
    known = _known(tx, order, came)
    if known is not None:
        return Received(known, new=False, served=0, state=order.state)
    if order.state not in RECEIVES:
        said = f"nothing is received of an order that is {order.state.replace('_', ' ')}"
        raise Conflict(said, code="not_possible")
    if not 1 <= len(came.lines) <= MOST_LINES:
        raise InvalidInput("lines", f"must be 1 to {MOST_LINES}")
    lines = {line.id: line for line in orders.lines(tx, order_id)}
    plan = settings.get(tx).plan
    place = came.location_id or order.location_id
    terms = Terms(place, order.over_percent, order.rate, plan, came.accept_over)
    arrived = arrive(lines, came.lines, terms)
    on_sale = sorted({one.product_id for one in arrived if one.accepted})
    waiters.lock(tx, on_sale)
    number = _write(tx, actor, order, came, arrived)
    _count(tx, arrived)
    _post(tx, number, arrived, came.at)
    served = waiters.serve(tx, on_sale) if on_sale else 0
    state = _advance(tx, actor, order, lines, arrived, number)
    invoicing.rematch(tx, order_id)
    return Received(number, new=True, served=served, state=state)


def fingerprint(told: object) -> str:
    """Equal for what says the same; a key that comes with another is another's."""
    return hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()


def _print(order: Order, came: Delivery) -> str:
    lines = [[getattr(one, name) for name in Counted.__slots__] for one in came.lines]
    return fingerprint([order.id, came.location_id, lines])


def _known(tx: Transaction, order: Order, came: Delivery) -> int | None:
    found = tx.execute(
        select(goods_receipt.c.id, goods_receipt.c.fingerprint).where(
            goods_receipt.c.seller_id == tx.seller_id, goods_receipt.c.key == came.key
        )
    ).one_or_none()
    if found is None:
        return None
    if found.fingerprint != _print(order, came):
        raise _reused()
    return int(found.id)


def _reused() -> Conflict:
    return Conflict("this key was used for another receipt", code="key_reused")


_LINE: dict[str, Kind] = {
    "line_id": BigInteger,
    "product_id": BigInteger,
    "location_id": BigInteger,
    "quantity": BigInteger,
    "accepted": BigInteger,
    "rejected": BigInteger,
    "inspecting": BigInteger,
    "sampled": BigInteger,
    "defects": BigInteger,
    "verdict": String,
    "reason": String,
    "unit_cost": BigInteger,
    "over": Boolean,
}
_GIVEN = rows(("position", Integer), *_LINE.items())
_RECEIPT = bindparam("receipt", type_=BigInteger)
_NEW_LINES = insert(receipt_line).from_select(
    ["seller_id", "receipt_id", "position", *_LINE, "first_inspecting"],
    select(
        SELLER,
        _RECEIPT,
        _GIVEN.c.position,
        *(_GIVEN.c[name] for name in _LINE),
        _GIVEN.c.inspecting,
    ).order_by(_GIVEN.c.position),
)


def _write(
    tx: Transaction, actor: str, order: Order, came: Delivery, arrived: Sequence[Arrived]
) -> int:
    written = tx.execute(
        upsert(goods_receipt)
        .values(
            seller_id=tx.seller_id,
            order_id=order.id,
            key=came.key,
            fingerprint=_print(order, came),
            delivery_note=came.delivery_note,
            note=came.note,
            actor=actor[:100],
            received_at=came.at or func.now(),
        )
        .on_conflict_do_nothing(index_elements=["key", "seller_id"])
        .returning(goods_receipt.c.id)
    ).scalar()
    if written is None:
        raise _reused()
    columns = {name: [getattr(one, name) for one in arrived] for name in _LINE}
    values = tx.params(position=range(1, len(arrived) + 1), **columns)
    tx.execute(_NEW_LINES, {**values, "receipt": written})
    return int(written)


_UNITS = ("received", "accepted", "rejected", "inspecting")
_MORE = rows(("id", BigInteger), *((name, BigInteger) for name in _UNITS), ("over", Boolean))
_ADDED: dict[str, Any] = {name: purchase_line.c[name] + _MORE.c[name] for name in _UNITS}
_COUNT = (
    purchase_line.update()
    .values(**_ADDED, over_accepted=purchase_line.c.over_accepted | _MORE.c.over)
    .where(purchase_line.c.seller_id == SELLER, purchase_line.c.id == _MORE.c.id)
)


def _count(tx: Transaction, arrived: Sequence[Arrived]) -> None:
    """Add to the order's lines what came of each, one sum a line."""
    summed: dict[int, Arrived] = {}
    for one in arrived:
        before = summed.get(one.line_id)
        summed[one.line_id] = one if before is None else _both(before, one)
    found = summed.values()
    tx.execute(
        _COUNT,
        tx.params(
            id=list(summed),
            received=[one.quantity for one in found],
            accepted=[one.accepted for one in found],
            rejected=[one.rejected for one in found],
            inspecting=[one.inspecting for one in found],
            over=[one.over for one in found],
        ),
    )


def _both(one: Arrived, other: Arrived) -> Arrived:
    names = ("quantity", "accepted", "rejected", "inspecting")
    sums = {name: getattr(one, name) + getattr(other, name) for name in names}
    return one._replace(**sums, over=one.over or other.over)


#: Where units go from the supplier, by what was decided of them.
_TARGETS = (
    ("accepted", State.AVAILABLE),
    ("inspecting", State.INSPECTION),
    ("rejected", State.SUPPLIER_RETURN),
)


def _post(
    tx: Transaction, number: int, arrived: Sequence[Arrived], happened_at: datetime | None
) -> None:
    outside = Place(State.SUPPLIER)
    moves = [
        Move(
            one.product_id,
            getattr(one, units),
            outside,
            Place(state, one.location_id),
            happened_at,
            one.unit_cost,
        )
        for one in arrived
        for units, state in _TARGETS
        if getattr(one, units)
    ]
    post(tx, [Posting(f"receipt:{number}", "receipt", moves, DOCUMENT, number)])
    refuse_keyed(tx, {one.product_id for one in arrived})
    lots.check_moves(tx, moves)


def _advance(
    tx: Transaction,
    actor: str,
    order: Order,
    lines: dict[int, Line],
    arrived: Sequence[Arrived],
    number: int,
) -> str:
    """The order's next state, and the line of its history."""
    after = dict(lines)
    for one in arrived:
        line = after[one.line_id]
        after[line.id] = line._replace(received=line.received + one.quantity)
    progress = [Progress(line.kept, line.received) for line in after.values()]
    state = after_receipt(order.state, progress, order.under_percent)
    units = sum(one.quantity for one in arrived)
    told = {"state": state, "receipt": number, "units": units}
    history.record(tx, order.id, "receive", actor, {"state": order.state}, told)
    done = {"received_at": func.now()} if state == RECEIVED and order.state != RECEIVED else {}
    save(tx, order.id, {"state": state, **done})
    return state
