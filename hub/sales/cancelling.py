"""Cancelling by our own decision: units of an order that will not be sent.

They go back to stock, stay off the lines whatever the channel still counts (``withdrawn``), and the
channel is told where it can be. Giving money back is another fact: :mod:`hub.aftersales.refunding`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import BigInteger, cast, func, insert, literal, select

from hub.channels import accounts, outbox, resending
from hub.channels.telling import CANCEL, Abilities, Units, Withdrawal
from hub.conflicts.record import close_conflicts
from hub.db import Transaction, params, rows
from hub.errors import Conflict, InvalidInput
from hub.sales import fulfilment, holding, orders, shortages
from hub.sales.lines import Change, LineState
from hub.sales.models import cancellation, cancellation_line, order_line
from hub.sales.orders import Order

OWN, WAITING, TOLD, REFUSED = "own", "waiting", "told", "refused"


class TakenOff(NamedTuple):
    """``lines``: line id → units; None = all that has not left yet."""

    reason: str
    lines: Mapping[int, int] | None = None


class Cancellation(NamedTuple):
    """``state``: own (the channel is not told), waiting, told, refused."""

    id: int
    order_id: int
    account_id: int
    key: str
    reason: str
    state: str
    made_at: datetime


class Off(NamedTuple):
    line_id: int
    sku: str
    quantity: int


def cancel(tx: Transaction, order_id: int, wanted: TakenOff, able: Abilities) -> Cancellation:
    """Take units off an order. Raises NotFound, InvalidInput naming the line (or ``lines`` where
    the channel cancels whole orders only), Conflict where nothing is left to cancel."""
    orders.get(tx, order_id)
    fulfilment.lock_orders(tx, [order_id])
    order, _ = orders.get(tx, order_id)
    every = holding.load_lines(tx, [order_id])
    units = _chosen(every, wanted.lines)
    whole = all(one.shipped + one.settled + _open(one) == units.get(one.id, 0) for one in every)
    told = able.cancel and accounts.get(tx, order.account_id).mode != accounts.CLOSED
    if told and not whole and not able.cancels_lines:
        raise InvalidInput("lines", "this channel cancels whole orders only, before anything left")
    made = _write(tx, order, wanted.reason, units, WAITING if told else OWN)
    _take_off(tx, order_id, made.id, [one for one in every if one.id in units], units)
    if told:
        keys = {one.id: one.external_id for one in every}
        lines = () if whole else tuple(Units(keys[number], n) for number, n in units.items())
        thing = Withdrawal(order.external_id, made.key, wanted.reason, lines)
        outbox.add(tx, order.account_id, order_id, made.id, thing)
    return made


def _open(line: LineState) -> int:
    return line.held + line.pending


def _chosen(every: Sequence[LineState], wanted: Mapping[int, int] | None) -> dict[int, int]:
    """Line → units that will not be sent."""
    if wanted is None:
        found = {one.id: _open(one) for one in every if _open(one)}
        if not found:
            raise Conflict("nothing of this order is left to cancel", code="nothing_to_cancel")
        return found
    lines = {one.id: one for one in every}
    for place, (number, units) in enumerate(wanted.items()):
        if number not in lines:
            raise InvalidInput(f"lines[{place}].line_id", "is no line of this order")
        most = _open(lines[number])
        if not 1 <= units <= most:
            raise InvalidInput(
                f"lines[{place}].quantity", f"must be 1 to {most}, what has not left yet"
            )
    return dict(wanted)


def _take_off(
    tx: Transaction,
    order_id: int,
    number: int,
    lines: Sequence[LineState],
    units: Mapping[int, int],
) -> None:
    """Waiting units go first, then what is held, which is free again."""
    changes = [Change(one, -units[one.id]) for one in lines if one.product_id is not None]
    holding.hold(tx, changes, (), {order_id: f"cancellation:{number}"})
    for one in lines:
        if one.product_id is None:
            one.pending -= units[one.id]
        one.cancelled += units[one.id]
        one.withdrawn += units[one.id]
    holding.save_lines(tx, lines)
    shortages.report_short(tx, [one.id for one in lines if one.claimed])
    enough = [f"order_line:{one.id}" for one in lines if not one.claimed]
    close_conflicts(tx, "oversold", enough)
    known = [f"order_line:{one.id}" for one in lines if not one.pending]
    close_conflicts(tx, "order_line_unmapped", known)


_COLUMNS = [cancellation.c[name] for name in Cancellation._fields]


def _write(
    tx: Transaction, order: Order, reason: str, units: Mapping[int, int], state: str
) -> Cancellation:
    made = Cancellation(
        *tx.execute(
            insert(cancellation)
            .values(
                seller_id=tx.seller_id,
                order_id=order.id,
                account_id=order.account_id,
                key=uuid4().hex,
                reason=reason,
                state=state,
            )
            .returning(*_COLUMNS)
        ).one()
    )
    off = rows(("order_line_id", BigInteger), ("quantity", BigInteger))
    tx.execute(
        insert(cancellation_line).from_select(
            ["seller_id", "cancellation_id", "order_line_id", "quantity"],
            select(
                tx.seller, cast(literal(made.id), BigInteger), off.c.order_line_id, off.c.quantity
            ),
        ),
        params(order_line_id=list(units), quantity=list(units.values())),
    )
    return made


_SAME_LINE = (order_line.c.seller_id == cancellation_line.c.seller_id) & (
    order_line.c.id == cancellation_line.c.order_line_id
)


def answered(tx: Transaction, number: int, *, taken: bool) -> None:
    """What the channel said. Most put the units back on sale themselves: their number has moved,
    and the listings are looked at and told theirs again."""
    account_id = tx.execute(
        cancellation.update()
        .values(state=TOLD if taken else REFUSED)
        .where(cancellation.c.seller_id == tx.seller_id, cancellation.c.id == number)
        .returning(cancellation.c.account_id)
    ).scalar_one()
    if taken:
        keys = tx.execute(
            select(order_line.c.listing_key)
            .join(cancellation_line, _SAME_LINE)
            .where(
                cancellation_line.c.seller_id == tx.seller_id,
                cancellation_line.c.cancellation_id == number,
            )
        ).scalars()
        resending.push_restocked(tx, account_id, sorted(set(keys)))


def tell_again(tx: Transaction, number: int) -> bool:
    """The channel is told once more of what it refused; False where it was not refused."""
    if not outbox.tell_again(tx, CANCEL, number):
        return False
    mine = (cancellation.c.seller_id == tx.seller_id) & (cancellation.c.id == number)
    tx.execute(cancellation.update().values(state=WAITING).where(mine))
    return True


def of_order(tx: Transaction, order_id: int) -> list[tuple[Cancellation, list[Off]]]:
    """An order's cancellations by ourselves, the first first. Raises NotFound for the order."""
    orders.get(tx, order_id)
    made = [
        Cancellation(*row)
        for row in tx.execute(
            select(*_COLUMNS)
            .where(cancellation.c.seller_id == tx.seller_id, cancellation.c.order_id == order_id)
            .order_by(cancellation.c.id)
        )
    ]
    off: dict[int, list[Off]] = {one.id: [] for one in made}
    if made:
        found = tx.execute(
            select(
                cancellation_line.c.cancellation_id,
                cancellation_line.c.order_line_id,
                order_line.c.sku,
                cancellation_line.c.quantity,
            )
            .join(order_line, _SAME_LINE)
            .where(
                cancellation_line.c.seller_id == tx.seller_id,
                cancellation_line.c.cancellation_id == func.any(list(off)),
            )
            .order_by(cancellation_line.c.cancellation_id, cancellation_line.c.order_line_id)
        )
        for number, *rest in found:
            off[number].append(Off(*rest))
    return [(one, off[one.id]) for one in made]
