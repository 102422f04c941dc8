"""Lines that wait: for stock, or to be told which product they are of. What a person may see of
them, and do about one of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select

from hub.channels.accounts import serving_locations
from hub.conflicts.record import close_conflicts, open_conflicts
from hub.db import Transaction
from hub.errors import Conflict, NotFound
from hub.sales import delivering, holding
from hub.sales.findings import short_of
from hub.sales.lines import Change, LineState
from hub.sales.models import order_line, sales_order


class Waiting(NamedTuple):
    """An order line by what a person knows it by, and how its units divide."""

    id: int
    order_id: int
    account_id: int
    order: str
    number: str
    placed_at: datetime
    line: str
    listing_key: str
    sku: str
    title: str
    product_id: int | None
    quantity: int
    allocated: int
    claimed: int
    cancelled: int
    pending: int

    @property
    def name(self) -> str:
        return f"line {self.line} of order {self.number}"


_SAME_ORDER = (sales_order.c.seller_id == order_line.c.seller_id) & (
    sales_order.c.id == order_line.c.order_id
)
_WAITING = select(
    order_line.c.id,
    order_line.c.order_id,
    sales_order.c.account_id,
    sales_order.c.external_id,
    sales_order.c.number,
    sales_order.c.placed_at,
    order_line.c.external_id,
    order_line.c.listing_key,
    order_line.c.sku,
    order_line.c.title,
    order_line.c.product_id,
    order_line.c.quantity,
    order_line.c.allocated,
    order_line.c.claimed,
    order_line.c.cancelled,
    order_line.c.pending,
).join(sales_order, _SAME_ORDER)


def lines(tx: Transaction, ids: Sequence[int]) -> list[Waiting]:
    return _read(tx, order_line.c.id == func.any(list(ids)))


def line(tx: Transaction, number: int) -> Waiting:
    """Raises NotFound."""
    found = lines(tx, [number])
    if not found:
        raise NotFound(f"no order line {number}")
    return found[0]


def of_listing(tx: Transaction, account_id: int, key: str) -> list[Waiting]:
    """Lines that wait for a listing to be linked."""
    here = (sales_order.c.account_id == account_id) & (order_line.c.listing_key == key)
    return _read(tx, here & (order_line.c.pending > 0))


def _read(tx: Transaction, which: ColumnElement[bool]) -> list[Waiting]:
    mine = _WAITING.where(order_line.c.seller_id == tx.seller_id, which)
    return [Waiting(*row) for row in tx.execute(mine.order_by(order_line.c.id))]


def lock_orders(tx: Transaction, line_ids: Sequence[int]) -> None:
    """Whoever edits or ships these lines' orders meanwhile waits, and then reads them again."""
    of_lines = select(order_line.c.order_id).where(
        order_line.c.seller_id == tx.seller_id, order_line.c.id == func.any(sorted(line_ids))
    )
    tx.execute(
        select(sales_order.c.id)
        .where(sales_order.c.seller_id == tx.seller_id, sales_order.c.id.in_(of_lines))
        .order_by(sales_order.c.id)
        .with_for_update(key_share=True)
    )


def report_short(tx: Transaction, line_ids: Sequence[int]) -> None:
    """Lines that are short of units now, each a conflict that says of how many."""
    short = [one for one in lines(tx, line_ids) if one.claimed] if line_ids else []
    open_conflicts(
        tx,
        [
            short_of(
                one.account_id,
                one.id,
                one.name,
                {
                    "order": one.order,
                    "number": one.number,
                    "line": one.line,
                    "listing": one.listing_key,
                    "sku": one.sku,
                    "title": one.title,
                    "ordered_at": one.placed_at,
                },
                {"product": one.product_id, "allocated": one.allocated, "short": one.claimed},
                {"units": one.quantity, "cancelled": one.cancelled},
            )
            for one in short
        ],
    )


def give_product(tx: Transaction, number: int, product_id: int) -> None:
    """Say what one line is of, where no listing can: it gets its stock. Raises Conflict where that
    is known by now."""
    account_id = line(tx, number).account_id
    state = _locked(tx, number)
    if not state.pending:
        raise Conflict("what the line is of is known by now", code="not_possible")
    state.product_id = product_id
    change = Change(state, state.pending)
    state.pending = 0
    key = f"link:{state.order_id}:{tx.ids(1)[0]}"
    holding.hold(tx, [change], serving_locations(tx, account_id), {state.order_id: key})
    holding.save_lines(tx, [state])
    delivering.note_lines(tx, [number])
    close_conflicts(tx, "order_line_unmapped", [f"order_line:{number}"])
    report_short(tx, [number])


def _locked(tx: Transaction, number: int) -> LineState:
    """The line as it is once nobody else is at its order."""
    order_id = line(tx, number).order_id
    lock_orders(tx, [number])
    return next(one for one in holding.load_lines(tx, [order_id]) if one.id == number)
