"""Receipts as they stand, and what becomes of units in inspection: each judged once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, String, bindparam, func, insert, select

from hub.db import SELLER, Transaction, rows
from hub.errors import Conflict, InvalidInput, NotFound
from hub.inventory.keys import refuse_keyed
from hub.inventory.ledger import Move, Place, Posting, post
from hub.inventory.models import State
from hub.purchasing import history, orders
from hub.purchasing.arrivals import goods_receipt, judgement, receipt_line
from hub.purchasing.models import purchase_line
from hub.purchasing.serving import Waiters
from hub.purchasing.stepping import save

DOCUMENT = "judgement"


class Receipt(NamedTuple):
    id: int
    order_id: int
    key: str
    delivery_note: str
    note: str
    actor: str
    received_at: datetime
    posted_at: datetime


class ReceiptLine(NamedTuple):
    id: int
    position: int
    line_id: int
    product_id: int
    location_id: int
    quantity: int
    accepted: int
    rejected: int
    inspecting: int
    sampled: int
    defects: int
    verdict: str
    reason: str
    unit_cost: int | None


class Judged(NamedTuple):
    """``accepted`` and ``rejected`` units of one receipt line that were in inspection."""

    receipt_line_id: int
    accepted: int
    rejected: int
    reason: str = ""


_RECEIPT = [goods_receipt.c[name] for name in Receipt._fields]
_LINE = [receipt_line.c[name] for name in ReceiptLine._fields]


def receipts(tx: Transaction, order_id: int, *, after: int, limit: int) -> list[Receipt]:
    """A page of an order's receipts, the oldest first. Raises NotFound for the order."""
    orders.get(tx, order_id)
    found = tx.execute(
        select(*_RECEIPT)
        .where(
            goods_receipt.c.seller_id == tx.seller_id,
            goods_receipt.c.order_id == order_id,
            goods_receipt.c.id > after,
        )
        .order_by(goods_receipt.c.id)
        .limit(limit)
    )
    return [Receipt(*row) for row in found]


def get(tx: Transaction, number: int) -> Receipt:
    """Raises NotFound."""
    found = tx.execute(
        select(*_RECEIPT).where(
            goods_receipt.c.seller_id == tx.seller_id, goods_receipt.c.id == number
        )
    ).one_or_none()
    if found is None:
        raise NotFound(f"no receipt {number}")
    return Receipt(*found)


def lines(
    tx: Transaction, number: int, *, after: int = 0, limit: int | None = None
) -> list[ReceiptLine]:
    found = tx.execute(
        select(*_LINE)
        .where(
            receipt_line.c.seller_id == tx.seller_id,
            receipt_line.c.receipt_id == number,
            receipt_line.c.position > after,
        )
        .order_by(receipt_line.c.position)
        .limit(limit)
    )
    return [ReceiptLine(*row) for row in found]


def judge(
    tx: Transaction, actor: str, number: int, key: str, told: Sequence[Judged], waiters: Waiters
) -> int:
    """Judge units in inspection of one receipt under a key; answers the units that went to who
    waited for them. Judged again with its key, nothing happens. Raises NotFound, InvalidInput
    naming the line, Conflict for a key that judged something else."""
    receipt = get(tx, number)
    order = orders.lock(tx, receipt.order_id)
    known = {line.id: line for line in lines(tx, number)}
    if _judged_before(tx, key, known, told):
        return 0
    _check(known, told)
    on_sale = sorted({known[one.receipt_line_id].product_id for one in told if one.accepted})
    waiters.lock(tx, on_sale)
    _write(tx, actor, key, told)
    _settle(tx, known, told)
    _post(tx, number, known, told)
    served = waiters.serve(tx, on_sale) if on_sale else 0
    after = {
        "receipt": number,
        "accepted": sum(one.accepted for one in told),
        "rejected": sum(one.rejected for one in told),
    }
    history.record(tx, order.id, "judge", actor, {}, after)
    save(tx, order.id, {})
    return served


def _judged_before(
    tx: Transaction, key: str, known: dict[int, ReceiptLine], told: Sequence[Judged]
) -> bool:
    found = tx.execute(
        select(judgement.c.receipt_line_id, judgement.c.accepted, judgement.c.rejected).where(
            judgement.c.seller_id == tx.seller_id,
            judgement.c.key == key,
            judgement.c.receipt_line_id == func.any(list(known)),
        )
    )
    before = sorted(tuple(row) for row in found)
    if before and before != sorted(tuple(one[:3]) for one in told):
        raise Conflict("this key was used for another judgement", code="key_reused")
    return bool(before)


def _check(known: dict[int, ReceiptLine], told: Sequence[Judged]) -> None:
    if not told:
        raise InvalidInput("lines", "must be some")
    seen = set()
    for place, one in enumerate(told):
        line = known.get(one.receipt_line_id)
        if line is None or line.id in seen:
            said = "is named twice" if line else "is no line of this receipt"
            raise InvalidInput(f"lines[{place}].receipt_line_id", said)
        seen.add(line.id)
        if min(one.accepted, one.rejected) < 0 or one.accepted + one.rejected < 1:
            raise InvalidInput(f"lines[{place}].accepted", "and rejected must be some units")
        if one.accepted + one.rejected > line.inspecting:
            said = f"and rejected are more than the {line.inspecting} in inspection"
            raise InvalidInput(f"lines[{place}].accepted", said)


_GIVEN = rows(
    ("line_id", BigInteger), ("accepted", BigInteger), ("rejected", BigInteger)
)  # fmt: skip
_LEFT = _GIVEN.c.accepted + _GIVEN.c.rejected
_SETTLE = (
    receipt_line.update()
    .values(
        accepted=receipt_line.c.accepted + _GIVEN.c.accepted,
        rejected=receipt_line.c.rejected + _GIVEN.c.rejected,
        inspecting=receipt_line.c.inspecting - _LEFT,
    )
    .where(receipt_line.c.seller_id == SELLER, receipt_line.c.id == _GIVEN.c.line_id)
)
_SETTLE_ORDER = (
    purchase_line.update()
    .values(
        accepted=purchase_line.c.accepted + _GIVEN.c.accepted,
        rejected=purchase_line.c.rejected + _GIVEN.c.rejected,
        inspecting=purchase_line.c.inspecting - _LEFT,
    )
    .where(purchase_line.c.seller_id == SELLER, purchase_line.c.id == _GIVEN.c.line_id)
)


_TOLD = rows(
    ("receipt_line_id", BigInteger),
    ("accepted", BigInteger),
    ("rejected", BigInteger),
    ("reason", String),
)
_KEY = bindparam("key", type_=String)
_ACTOR = bindparam("actor", type_=String)
_NEW = insert(judgement).from_select(
    ["seller_id", "key", "actor", *Judged._fields],
    select(SELLER, _KEY, _ACTOR, *(_TOLD.c[name] for name in Judged._fields)),
)


def _write(tx: Transaction, actor: str, key: str, told: Sequence[Judged]) -> None:
    columns = {name: [getattr(one, name) for one in told] for name in Judged._fields}
    tx.execute(_NEW, {**tx.params(**columns), "key": key, "actor": actor[:100]})


def _settle(tx: Transaction, known: dict[int, ReceiptLine], told: Sequence[Judged]) -> None:
    """On the receipt's lines, and on the order's: one sum for each of those."""
    tx.execute(_SETTLE, _values(tx, {one.receipt_line_id: one[1:3] for one in told}))
    sums: dict[int, tuple[int, int]] = {}
    for one in told:
        line_id = known[one.receipt_line_id].line_id
        good, bad = sums.get(line_id, (0, 0))
        sums[line_id] = (good + one.accepted, bad + one.rejected)
    tx.execute(_SETTLE_ORDER, _values(tx, sums))


def _values(tx: Transaction, units: dict[int, Any]) -> dict[str, Any]:
    return tx.params(
        line_id=list(units),
        accepted=[good for good, _ in units.values()],
        rejected=[bad for _, bad in units.values()],
    )


def _post(
    tx: Transaction, number: int, known: dict[int, ReceiptLine], told: Sequence[Judged]
) -> None:
    moves = []
    for one in told:
        line = known[one.receipt_line_id]
        looked_at = Place(State.INSPECTION, line.location_id)
        if one.accepted:
            shelf = Place(State.AVAILABLE, line.location_id)
            moves.append(Move(line.product_id, one.accepted, looked_at, shelf))
        if one.rejected:
            aside = Place(State.SUPPLIER_RETURN, line.location_id)
            moves.append(Move(line.product_id, one.rejected, looked_at, aside))
    attempt = tx.ids(1)[0]
    post(tx, [Posting(f"judgement:{attempt}", "judgement", moves, DOCUMENT, number)])
    refuse_keyed(tx, {m.product_id for m in moves})
