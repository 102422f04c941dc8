"""Rejected goods sent back to their supplier, and the credit that is expected for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, func, insert, select, union_all
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.db import SELLER, Kind, Transaction, rows
from hub.errors import Conflict, InvalidInput, NotFound, StaleVersion
from hub.inventory.ledger import Move, Place, Posting, post
from hub.inventory.models import State
from hub.purchasing import history, orders
from hub.purchasing.arrivals import receipt_line, supplier_return, supplier_return_line
from hub.purchasing.counting import Line
from hub.purchasing.models import purchase_line
from hub.purchasing.orders import Order
from hub.purchasing.receiving import fingerprint
from hub.purchasing.stepping import save

DOCUMENT = "supplier_return"


class Back(NamedTuple):
    """Units of an order line that go back; None: all that were rejected and are still here."""

    line_id: int
    quantity: int | None = None


class Sent(NamedTuple):
    """What goes back of a line from one place."""

    line_id: int
    location_id: int
    product_id: int
    quantity: int
    credit: int


class Return(NamedTuple):
    id: int
    order_id: int
    key: str
    state: str
    currency: str
    expected_credit: int
    credited: int | None
    note: str
    actor: str
    version: int
    sent_at: datetime


class ReturnLine(NamedTuple):
    line_id: int
    location_id: int
    quantity: int
    credit: int


_RETURN = [supplier_return.c[name] for name in Return._fields]


def send_back(
    tx: Transaction, actor: str, order_id: int, key: str, wanted: Sequence[Back], note: str = ""
) -> tuple[Return, bool]:
    """(the return, whether it is new): sent under a key, once. No ``wanted``: everything rejected
    that is still here. Raises NotFound, InvalidInput naming the line, Conflict."""
    order = orders.lock(tx, order_id)
    told = fingerprint([order_id, [list(one) for one in wanted]])
    known = _known(tx, key, told)
    if known is not None:
        return known, False
    lines = {line.id: line for line in orders.lines(tx, order_id)}
    sent = decide(lines, _aside(tx, order_id), wanted)
    if not sent:
        raise Conflict("nothing of this order waits to be sent back", code="nothing_to_return")
    made = _write(tx, actor, order, key, told, sent, note)
    _count(tx, sent)
    gone = [
        Move(
            one.product_id,
            one.quantity,
            Place(State.SUPPLIER_RETURN, one.location_id),
            Place(State.SUPPLIER),
        )
        for one in sent
    ]
    post(tx, [Posting(f"supplier_return:{made.id}", "supplier_return", gone, DOCUMENT, made.id)])
    units = sum(one.quantity for one in sent)
    after = {"return": made.id, "units": units, "expected_credit": made.expected_credit}
    history.record(tx, order_id, "send_back", actor, {}, after, note)
    save(tx, order_id, {})
    return made, True


def decide(
    lines: Mapping[int, Line], aside: Mapping[tuple[int, int], int], wanted: Sequence[Back]
) -> list[Sent]:
    """From which places it goes, and what is to be credited. ``aside``: (line, location) → units
    that were rejected and are still here. Pure."""
    here: dict[int, int] = {}
    for (line_id, _), units in aside.items():
        here[line_id] = here.get(line_id, 0) + units
    left: dict[int, int] = {} if wanted else dict(here)
    for place, one in enumerate(wanted):
        if one.line_id not in lines or one.line_id in left:
            said = "is no line of this order" if one.line_id not in lines else "is named twice"
            raise InvalidInput(f"lines[{place}].line_id", said)
        most = here.get(one.line_id, 0)
        quantity = most if one.quantity is None else one.quantity
        if not 1 <= quantity <= most:
            said = f"must be 1 to {most}, what was rejected and is still here"
            raise InvalidInput(f"lines[{place}].quantity", said)
        left[one.line_id] = quantity
    found = []
    for (line_id, location_id), units in sorted(aside.items()):
        taken = min(units, left.get(line_id, 0))
        if taken > 0:
            left[line_id] -= taken
            line = lines[line_id]
            credit = taken * line.unit_price
            found.append(Sent(line_id, location_id, line.product_id, taken, credit))
    return found


def _aside(tx: Transaction, order_id: int) -> dict[tuple[int, int], int]:
    mine = select(purchase_line.c.id).where(
        purchase_line.c.seller_id == tx.seller_id, purchase_line.c.order_id == order_id
    )
    came = select(
        receipt_line.c.line_id, receipt_line.c.location_id, receipt_line.c.rejected.label("units")
    ).where(receipt_line.c.seller_id == tx.seller_id, receipt_line.c.line_id.in_(mine))
    went = select(
        supplier_return_line.c.line_id,
        supplier_return_line.c.location_id,
        -supplier_return_line.c.quantity,
    ).where(
        supplier_return_line.c.seller_id == tx.seller_id, supplier_return_line.c.line_id.in_(mine)
    )
    both = union_all(came, went).subquery()
    total = func.sum(both.c.units)
    found = tx.execute(
        select(both.c.line_id, both.c.location_id, total)
        .group_by(both.c.line_id, both.c.location_id)
        .having(total > 0)
    )
    return {(line_id, place): int(units) for line_id, place, units in found}


def _known(tx: Transaction, key: str, told: str) -> Return | None:
    found = tx.execute(
        select(supplier_return.c.fingerprint, *_RETURN).where(
            supplier_return.c.seller_id == tx.seller_id, supplier_return.c.key == key
        )
    ).one_or_none()
    if found is None:
        return None
    if found.fingerprint != told:
        raise Conflict("this key was used for another return", code="key_reused")
    return Return(*found[1:])


_LINE: dict[str, Kind] = dict.fromkeys(ReturnLine._fields, BigInteger)
_GIVEN = rows(*_LINE.items())
_NEW_LINES = insert(supplier_return_line).from_select(
    ["seller_id", "return_id", *_LINE],
    select(SELLER, bindparam("return", type_=BigInteger), *(_GIVEN.c[name] for name in _LINE)),
)


def _write(
    tx: Transaction,
    actor: str,
    order: Order,
    key: str,
    told: str,
    sent: Sequence[Sent],
    note: str,
) -> Return:
    written = tx.execute(
        upsert(supplier_return)
        .values(
            seller_id=tx.seller_id,
            order_id=order.id,
            key=key,
            fingerprint=told,
            currency=order.currency,
            expected_credit=sum(one.credit for one in sent),
            note=note,
            actor=actor[:100],
        )
        .on_conflict_do_nothing(index_elements=["key", "seller_id"])
        .returning(*_RETURN)
    ).one_or_none()
    if written is None:
        raise Conflict("this key was used for another return", code="key_reused")
    made = Return(*written)
    columns = {name: [getattr(one, name) for one in sent] for name in _LINE}
    tx.execute(_NEW_LINES, {**tx.params(**columns), "return": made.id})
    return made


_MORE = rows(("id", BigInteger), ("units", BigInteger))
_COUNT = (
    purchase_line.update()
    .values(returned=purchase_line.c.returned + _MORE.c.units)
    .where(purchase_line.c.seller_id == SELLER, purchase_line.c.id == _MORE.c.id)
)


def _count(tx: Transaction, sent: Sequence[Sent]) -> None:
    summed: dict[int, int] = {}
    for one in sent:
        summed[one.line_id] = summed.get(one.line_id, 0) + one.quantity
    tx.execute(_COUNT, tx.params(id=list(summed), units=list(summed.values())))


def credited(tx: Transaction, actor: str, number: int, version: int, amount: int) -> Return:
    """The supplier has credited so much. Raises NotFound, StaleVersion."""
    found = tx.execute(
        supplier_return.update()
        .values(state="credited", credited=amount, version=supplier_return.c.version + 1)
        .where(
            supplier_return.c.seller_id == tx.seller_id,
            supplier_return.c.id == number,
            supplier_return.c.version == version,
        )
        .returning(*_RETURN)
    ).one_or_none()
    if found is None:
        raise StaleVersion(f"return {number} has version {get(tx, number).version}")
    made = Return(*found)
    before = {"expected_credit": made.expected_credit}
    history.record(
        tx, made.order_id, "credit", actor, before, {"return": number, "credited": amount}
    )
    return made


def get(tx: Transaction, number: int) -> Return:
    """Raises NotFound."""
    found = tx.execute(
        select(*_RETURN).where(
            supplier_return.c.seller_id == tx.seller_id, supplier_return.c.id == number
        )
    ).one_or_none()
    if found is None:
        raise NotFound(f"no return {number}")
    return Return(*found)


def lines(tx: Transaction, number: int) -> list[ReturnLine]:
    found = tx.execute(
        select(*(supplier_return_line.c[name] for name in ReturnLine._fields))
        .where(
            supplier_return_line.c.seller_id == tx.seller_id,
            supplier_return_line.c.return_id == number,
        )
        .order_by(supplier_return_line.c.line_id, supplier_return_line.c.location_id)
    )
    return [ReturnLine(*row) for row in found]


def returns(tx: Transaction, *, before: int, limit: int) -> list[Return]:
    """The ``limit`` newest whose id is below ``before``."""
    found = tx.execute(
        select(*_RETURN)
        .where(supplier_return.c.seller_id == tx.seller_id, supplier_return.c.id < before)
        .order_by(supplier_return.c.id.desc())
        .limit(limit)
    )
    return [Return(*row) for row in found]
