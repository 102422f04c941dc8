"""Giving waiting lines the stock that has come: most urgent first, oldest first."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from hub.conflicts.record import close_conflicts
from hub.db import Transaction
from hub.inventory import claims
from hub.inventory.allocating import allocate
from hub.inventory.ledger import Move, Posting, lock, post
from hub.inventory.models import claim
from hub.inventory.products import own_locations
from hub.sales import holding
from hub.sales.lines import DOCUMENT, Change
from hub.sales.models import order_line


def products_waiting(tx: Transaction, product_ids: Sequence[int]) -> list[int]:
    """Which of these products somebody waits for. One indexed look, no lock."""
    found = tx.execute(
        select(claim.c.product_id)
        .where(
            claim.c.seller_id == tx.seller_id,
            claim.c.product_id == func.any(list(product_ids)),
            claim.c.filled < claim.c.wanted,
        )
        .distinct()
    )
    return sorted(found.scalars())


def fill_waiting(tx: Transaction, product_ids: Sequence[int]) -> int:
    """Allocate what is available now to open claims; answers the units that found an owner."""
    wanted = products_waiting(tx, product_ids)
    if not wanted:
        return 0
    levels = lock(tx, wanted)
    decision = allocate(claims.waiting(tx, DOCUMENT, wanted), levels, own_locations(tx))
    if not decision.shares:
        return 0
    moves: list[Move] = claims.allocating_moves(decision.shares)
    key = f"fill:{tx.ids(1)[0]}"
    post(tx, [Posting(key, "backorder", moves)], levels=levels)
    claims.hold(tx, DOCUMENT, decision.shares)
    claims.fill(tx, DOCUMENT, decision.shares)
    _serve(tx, {share.line_id for share in decision.shares})
    return sum(share.quantity for share in decision.shares)


def _serve(tx: Transaction, line_ids: set[int]) -> None:
    """Bring the lines' own counts up to what claims and allocations now say."""
    ids = sorted(line_ids)
    open_units = (
        select(func.coalesce(func.sum(claim.c.wanted - claim.c.filled), 0))
        .where(
            claim.c.seller_id == tx.seller_id,
            claim.c.document == DOCUMENT,
            claim.c.line_id == order_line.c.id,
        )
        .scalar_subquery()
    )
    held = order_line.c.allocated + order_line.c.claimed
    done = tx.execute(
        order_line.update()
        .values(claimed=open_units, allocated=held - open_units)
        .where(order_line.c.seller_id == tx.seller_id, order_line.c.id == func.any(ids))
        .returning(order_line.c.id, order_line.c.claimed)
    )
    served = [f"order_line:{number}" for number, left in done if left == 0]
    close_conflicts(tx, "oversold", served)


def allocate_pending(tx: Transaction, listing_id: int, product_id: int) -> int:
    """A listing has been linked: its waiting lines become demand for the product. Answers lines."""
    order_ids = list(
        tx.execute(
            select(order_line.c.order_id)
            .where(
                order_line.c.seller_id == tx.seller_id,
                order_line.c.listing_id == listing_id,
                order_line.c.pending > 0,
            )
            .distinct()
        ).scalars()
    )
    if not order_ids:
        return 0
    lines = [
        line
        for line in holding.load_lines(tx, order_ids)
        if line.listing_id == listing_id and line.pending
    ]
    changes = []
    for line in lines:
        line.product_id = product_id
        changes.append(Change(line, line.pending))
        line.pending = 0
    keys = {order_id: f"link:{order_id}:{listing_id}:{product_id}" for order_id in order_ids}
    holding.hold(tx, changes, own_locations(tx), keys)
    holding.save_lines(tx, lines)
    close_conflicts(tx, "order_line_unmapped", [f"order_line:{line.id}" for line in lines])
    return len(lines)
