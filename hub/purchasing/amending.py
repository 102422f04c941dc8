"""Changing what was agreed of a purchase order: recorded with who, when, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Date, func

from hub.db import SELLER, Transaction, rows
from hub.errors import Conflict, InvalidInput
from hub.purchasing import history, orders, settings
from hub.purchasing.counting import Line
from hub.purchasing.models import purchase_line
from hub.purchasing.orders import MOST_LINES, NewLine, Order
from hub.purchasing.prices import Rate
from hub.purchasing.states import AMENDED, DRAFT, PART_RECEIVED, Progress, after_receipt
from hub.purchasing.stepping import Who, locked, may_spend, save


@dataclass(frozen=True, slots=True)
class LineChange:
    """None: as it was. ``cancel``: so many of the units still awaited."""

    line_id: int
    quantity: int | None = None
    unit_price: int | None = None
    expected_on: date | None = None
    cancel: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """None: as it was. Tolerances change before anything comes."""

    expected_on: date | None = None
    note: str | None = None
    location_id: int | None = None
    rate: Rate | None = None
    over_percent: int | None = None
    under_percent: int | None = None
    lines: Sequence[LineChange] = ()
    added: Sequence[NewLine] = ()
    reason: str = ""


def amend(
    tx: Transaction, who: Who, number: int, version: int, change: Change, today: date
) -> Order:
    """Raises NotFound, StaleVersion, Conflict (state), InvalidInput naming the line, Forbidden
    where an order that was approved becomes dearer than its approver may spend."""
    order = locked(tx, number, version)
    if order.state not in AMENDED:
        said = f"an order that is {order.state.replace('_', ' ')} is not changed any more"
        raise Conflict(said, code="not_possible")
    known = orders.lines(tx, number)
    before_total = _total(known)
    own = order.currency == settings.own_currency(tx)
    head = _head(order, change, own=own)
    changed = decide(known, change.lines)
    _save_lines(tx, changed)
    added = orders.with_prices(tx, order.supplier_id, order.currency, change.added, today)
    if len(known) + len(added) > MOST_LINES:
        raise InvalidInput("added", f"makes more than {MOST_LINES} lines")
    ids = tx.ids(len(added)) if added else []
    orders.add_lines(tx, number, added, ids, first=known[-1].position + 1)
    now = orders.lines(tx, number)
    rate = order.rate if own or change.rate is None else change.rate
    if order.state != DRAFT and _total(now) > before_total:
        may_spend(tx, who, _total(now), rate)
    state = _state(order, now)
    if state != order.state:
        head_after = {**head, "state": state, "received_at": func.now()}
    else:
        head_after = head
    before, after = _told(order, head, known, changed, added)
    if not after:
        return order
    history.record(tx, number, "amend", who.actor, before, after, change.reason)
    return save(tx, number, head_after)


def _total(lines: Sequence[Line]) -> int:
    return sum(one.kept * one.unit_price for one in lines)


def _state(order: Order, lines: Sequence[Line]) -> str:
    """Of an order that part has come of: complete once no more is awaited."""
    if order.state != PART_RECEIVED:
        return order.state
    progress = [Progress(one.kept, one.received) for one in lines]
    return after_receipt(order.state, progress, order.under_percent)


def _head(order: Order, change: Change, *, own: bool) -> dict[str, Any]:
    """The order's own values that become others. The seller's ``own`` currency needs no rate."""
    if order.state == PART_RECEIVED and (change.over_percent, change.under_percent) != (None, None):
        raise InvalidInput("over_percent", "and under_percent stay as they are once goods came")
    wanted: dict[str, Any] = {
        "expected_on": change.expected_on,
        "note": change.note,
        "location_id": change.location_id,
        "over_percent": change.over_percent,
        "under_percent": change.under_percent,
    }
    if change.rate is not None and not own:
        wanted["rate_numerator"], wanted["rate_denominator"] = change.rate
    return {
        name: value
        for name, value in wanted.items()
        if value is not None and value != getattr(order, name)
    }


def decide(known: Sequence[Line], changes: Sequence[LineChange]) -> list[tuple[Line, Line]]:
    """(before, after) of each line that becomes another. Pure."""
    lines = {one.id: one for one in known}
    if len({one.line_id for one in changes}) != len(changes):
        raise InvalidInput("lines", "name a line twice")
    found = []
    for place, change in enumerate(changes):
        line = lines.get(change.line_id)
        if line is None:
            raise InvalidInput(f"lines[{place}].line_id", "is no line of this order")
        after = _changed(place, line, change)
        if after != line:
            found.append((line, after))
    return found


def _changed(place: int, line: Line, change: LineChange) -> Line:
    if change.quantity is not None:
        least = max(1, line.received + line.cancelled)
        if change.quantity < least:
            said = f"must be {least} or more: {line.received} came, {line.cancelled} are cancelled"
            raise InvalidInput(f"lines[{place}].quantity", said)
        line = line._replace(quantity=change.quantity)
    if not 0 <= change.cancel <= line.open:
        raise InvalidInput(f"lines[{place}].cancel", f"must be 0 to {line.open}, what is awaited")
    return line._replace(
        cancelled=line.cancelled + change.cancel,
        unit_price=line.unit_price if change.unit_price is None else change.unit_price,
        expected_on=change.expected_on or line.expected_on,
    )


_KEPT = ("quantity", "unit_price", "cancelled")
_NOW = rows(("id", BigInteger), ("expected_on", Date), *((name, BigInteger) for name in _KEPT))
_SAVE = (
    purchase_line.update()
    .values({name: _NOW.c[name] for name in ("expected_on", *_KEPT)})
    .where(purchase_line.c.seller_id == SELLER, purchase_line.c.id == _NOW.c.id)
)


def _save_lines(tx: Transaction, changed: Sequence[tuple[Line, Line]]) -> None:
    if not changed:
        return
    names = ("id", "expected_on", *_KEPT)
    columns = {name: [getattr(after, name) for _, after in changed] for name in names}
    tx.execute(_SAVE, tx.params(**columns))


def _told(
    order: Order,
    head: dict[str, Any],
    known: Sequence[Line],
    changed: Sequence[tuple[Line, Line]],
    added: Sequence[NewLine],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Before and after, of what is different only."""
    before: dict[str, Any] = {name: _plain(getattr(order, name)) for name in head}
    after: dict[str, Any] = {name: _plain(value) for name, value in head.items()}
    for old, new in changed:
        names = [
            name for name in ("expected_on", *_KEPT) if getattr(old, name) != getattr(new, name)
        ]
        key = f"line {old.position}"
        before[key] = {name: _plain(getattr(old, name)) for name in names}
        after[key] = {name: _plain(getattr(new, name)) for name in names}
    for place, one in enumerate(added, known[-1].position + 1):
        after[f"line {place}"] = {
            "product": one.product_id,
            "quantity": one.quantity,
            "unit_price": one.unit_price,
        }
    return before, after


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
