"""Suppliers' invoices, each matched with its order and what was received; what does not agree is
an open conflict until it does, or until a person accepts it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.conflicts.record import Finding, close_conflicts, open_conflicts
from hub.db import SELLER, Kind, Transaction, rows
from hub.errors import Conflict, InvalidInput, NotFound, StaleVersion
from hub.purchasing import history, orders, settings, suppliers
from hub.purchasing.arrivals import supplier_invoice, supplier_invoice_line
from hub.purchasing.matching import Agreed, Billed, mismatches
from hub.purchasing.orders import Order

KIND = "invoice_mismatch"
MATCHED, MISMATCH, ACCEPTED = "matched", "mismatch", "accepted"


@dataclass(frozen=True, slots=True)
class NewInvoice:
    """``total`` in the order's currency; ``due_on`` None: as the supplier's terms say."""

    number: str
    invoiced_on: date
    total: int
    lines: Sequence[Billed]
    currency: str = ""
    due_on: date | None = None


class Invoice(NamedTuple):
    id: int
    order_id: int
    supplier_id: int
    number: str
    currency: str
    total: int
    invoiced_on: date
    due_on: date | None
    state: str
    reasons: list[str]
    actor: str
    version: int
    recorded_at: datetime


_INVOICE = [supplier_invoice.c[name] for name in Invoice._fields]


def record(tx: Transaction, actor: str, order_id: int, new: NewInvoice) -> Invoice:
    """Raises NotFound, InvalidInput naming the line, Conflict where the number is known."""
    order = orders.lock(tx, order_id)
    _check(tx, order, new)
    number = tx.ids(1)[0]
    statement = insert(supplier_invoice).values(
        seller_id=tx.seller_id,
        id=number,
        order_id=order_id,
        supplier_id=order.supplier_id,
        number=new.number,
        currency=order.currency,
        total=new.total,
        invoiced_on=new.invoiced_on,
        due_on=new.due_on or _due(tx, order, new),
        state=MISMATCH,
        actor=actor[:100],
    )
    try:
        with tx.connection.begin_nested():
            tx.execute(statement)
    except IntegrityError:
        said = f"this supplier's invoice {new.number!r} is recorded already"
        raise Conflict(said, code="number_taken") from None
    _write_lines(tx, number, new.lines)
    rematch(tx, order_id)
    made = get(tx, number)
    after = {"invoice": number, "number": new.number, "total": new.total, "state": made.state}
    history.record(tx, order_id, "invoice", actor, {}, after)
    return made


def _check(tx: Transaction, order: Order, new: NewInvoice) -> None:
    if new.currency and new.currency != order.currency:
        raise InvalidInput("currency", f"must be the order's, {order.currency}")
    known = {line.id for line in orders.lines(tx, order.id)}
    seen = set()
    for place, one in enumerate(new.lines):
        if one.line_id not in known or one.line_id in seen:
            said = "is named twice" if one.line_id in seen else "is no line of this order"
            raise InvalidInput(f"lines[{place}].line_id", said)
        seen.add(one.line_id)


def _due(tx: Transaction, order: Order, new: NewInvoice) -> date | None:
    days = suppliers.get(tx, order.supplier_id).payment_days
    return None if days is None else new.invoiced_on + timedelta(days=days)


_LINE: dict[str, Kind] = dict.fromkeys(Billed._fields, BigInteger)
_GIVEN = rows(*_LINE.items())
_NEW_LINES = insert(supplier_invoice_line).from_select(
    ["seller_id", "invoice_id", *_LINE],
    select(SELLER, bindparam("invoice", type_=BigInteger), *(_GIVEN.c[name] for name in _LINE)),
)


def _write_lines(tx: Transaction, number: int, lines: Sequence[Billed]) -> None:
    columns = {name: [getattr(one, name) for one in lines] for name in _LINE}
    tx.execute(_NEW_LINES, {**tx.params(**columns), "invoice": number})


_UNMATCHED = (
    select(supplier_invoice.c.id)
    .where(
        supplier_invoice.c.seller_id == SELLER,
        supplier_invoice.c.order_id == bindparam("order", type_=BigInteger),
        supplier_invoice.c.state == MISMATCH,
    )
    .order_by(supplier_invoice.c.id)
)


def rematch(tx: Transaction, order_id: int) -> None:
    """Look again at what did not agree. One look where nothing is in question."""
    asked = {**tx.params(), "order": order_id}
    open_ones = list(tx.execute(_UNMATCHED, asked).scalars())
    if not open_ones:
        return
    every = of_order(tx, order_id)
    lines = _lines(tx, [one.id for one in every])
    agreed = {
        line.id: Agreed(line.unit_price, line.received, line.returned)
        for line in orders.lines(tx, order_id)
    }
    tolerance = settings.get(tx).tolerance
    for one in every:
        billed = lines[one.id]
        if one.id in open_ones:
            _settle(tx, one, mismatches(billed, agreed, tolerance, total=one.total))
        for line in billed:
            known = agreed[line.line_id]
            agreed[line.line_id] = known._replace(billed=known.billed + line.quantity)


def _settle(tx: Transaction, one: Invoice, found: list[str]) -> None:
    subject = f"supplier_invoice:{one.id}"
    if found:
        said = f"invoice {one.number}: {found[0]}"
        told = {"invoice": one.number, "order": one.order_id, "reasons": found}
        open_conflicts(tx, [Finding(KIND, subject, said, told)])
    else:
        close_conflicts(tx, KIND, [subject])
    if found != one.reasons or not found:
        _set(tx, one.id, MISMATCH if found else MATCHED, found)


def _set(tx: Transaction, number: int, state: str, reasons: list[str]) -> None:
    tx.execute(
        update(supplier_invoice)
        .values(state=state, reasons=reasons, version=supplier_invoice.c.version + 1)
        .where(supplier_invoice.c.seller_id == tx.seller_id, supplier_invoice.c.id == number)
    )


def accept(tx: Transaction, actor: str, number: int, version: int, reason: str) -> Invoice:
    """Pay it though it does not agree. Raises NotFound, StaleVersion, Conflict."""
    order_id = get(tx, number).order_id
    orders.lock(tx, order_id)
    one = get(tx, number)
    if one.version != version:
        raise StaleVersion(f"invoice {number} has version {one.version}")
    if one.state != MISMATCH:
        raise Conflict(f"an invoice that is {one.state} needs no accepting", code="not_possible")
    _set(tx, number, ACCEPTED, one.reasons)
    close_conflicts(tx, KIND, [f"supplier_invoice:{number}"])
    before, after = {"state": one.state, "reasons": one.reasons}, {"state": ACCEPTED}
    history.record(tx, order_id, "accept_invoice", actor, before, after, reason)
    return get(tx, number)


def get(tx: Transaction, number: int) -> Invoice:
    """Raises NotFound."""
    found = tx.execute(
        select(*_INVOICE).where(
            supplier_invoice.c.seller_id == tx.seller_id, supplier_invoice.c.id == number
        )
    ).one_or_none()
    if found is None:
        raise NotFound(f"no invoice {number}")
    return Invoice(*found)


def of_order(tx: Transaction, order_id: int) -> list[Invoice]:
    found = tx.execute(
        select(*_INVOICE)
        .where(
            supplier_invoice.c.seller_id == tx.seller_id, supplier_invoice.c.order_id == order_id
        )
        .order_by(supplier_invoice.c.id)
    )
    return [Invoice(*row) for row in found]


def invoices(
    tx: Transaction, *, before: int, limit: int, state: str | None = None
) -> list[Invoice]:
    """The ``limit`` newest whose id is below ``before``."""
    query = select(*_INVOICE).where(
        supplier_invoice.c.seller_id == tx.seller_id, supplier_invoice.c.id < before
    )
    if state is not None:
        query = query.where(supplier_invoice.c.state == state)
    found = tx.execute(query.order_by(supplier_invoice.c.id.desc()).limit(limit))
    return [Invoice(*row) for row in found]


def lines(tx: Transaction, number: int) -> list[Billed]:
    return _lines(tx, [number])[number]


def _lines(tx: Transaction, numbers: Sequence[int]) -> dict[int, list[Billed]]:
    found: dict[int, list[Billed]] = defaultdict(list)
    columns = (supplier_invoice_line.c[name] for name in ("invoice_id", *Billed._fields))
    asked = (
        select(*columns)
        .where(
            supplier_invoice_line.c.seller_id == tx.seller_id,
            supplier_invoice_line.c.invoice_id.in_(numbers),
        )
        .order_by(supplier_invoice_line.c.invoice_id, supplier_invoice_line.c.line_id)
    )
    for number, *line in tx.execute(asked):
        found[number].append(Billed(*line))
    return found
