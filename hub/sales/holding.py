"""Giving order lines their stock, or taking it off them: lock, decide, post, in sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import BigInteger, func, select

from hub.db import Transaction, params, rows
from hub.inventory import claims
from hub.inventory.allocating import Decision, Demand, Share, allocate
from hub.inventory.ledger import Levels, Move, Posting, lock, net_changes, post
from hub.sales.lines import DOCUMENT, Change, LineState
from hub.sales.models import order_line


def hold(
    tx: Transaction, changes: Sequence[Change], locations: Sequence[int], keys: dict[int, str]
) -> Decision:
    """Allocate what the changes ask for and release what they let go, in one set of moves.

    ``keys`` maps order id → posting key. The lines' ``allocated`` and ``claimed`` are updated in
    memory; the caller writes them. A shortage becomes a claim.
    """
    moving = [change for change in changes if change.units and change.line.product_id is not None]
    if not moving:
        return Decision((), ())
    levels = lock(tx, {change.line.product_id or 0 for change in moving})
    released = _release(tx, [change for change in moving if change.units < 0])
    decision = allocate(_demands(moving), _with(levels, released), locations)
    by_line = {change.line.id: change.line for change in moving}
    for share in decision.shares:
        by_line[share.line_id].allocated += share.quantity
    for short in decision.short:
        by_line[short.line_id].claimed += short.quantity
    _post(tx, by_line, decision.shares, released, keys, levels)
    claims.let_go(tx, DOCUMENT, released)
    claims.hold(tx, DOCUMENT, decision.shares)
    claims.wait_for(tx, DOCUMENT, decision.short)
    return decision


def _demands(moving: Sequence[Change]) -> list[Demand]:
    return [
        Demand(change.line.id, change.line.product_id or 0, change.units)
        for change in moving
        if change.units > 0
    ]


def _release(tx: Transaction, letting_go: Sequence[Change]) -> list[Share]:
    """Waiting units go first, then what is held; lowers the lines in memory."""
    if not letting_go:
        return []
    claimed: dict[int, int] = {}
    to_take: dict[int, int] = {}
    for change in letting_go:
        waiting = min(change.line.claimed, -change.units)
        if waiting:
            change.line.claimed -= waiting
            claimed[change.line.id] = change.line.claimed
        to_take[change.line.id] = -change.units - waiting
        change.line.allocated -= to_take[change.line.id]
    claims.set_open(tx, DOCUMENT, claimed)
    released = []
    for share in claims.held(tx, DOCUMENT, list(to_take)):
        take = min(share.quantity, to_take[share.line_id])
        if take:
            to_take[share.line_id] -= take
            released.append(share._replace(quantity=take))
    return released


def _with(levels: Levels, released: Sequence[Share]) -> Levels:
    """The levels once the released units are back, which others on the page may then have."""
    after = replace(levels, quantities=dict(levels.quantities))
    for key, change in net_changes(claims.releasing_moves(released)).items():
        after.quantities[key] = after.at(key) + change
    return after


def _post(
    tx: Transaction,
    by_line: dict[int, LineState],
    shares: Sequence[Share],
    released: Sequence[Share],
    keys: dict[int, str],
    levels: Levels,
) -> None:
    moves: dict[int, list[Move]] = defaultdict(list)
    for share, move in zip(released, claims.releasing_moves(released), strict=True):
        moves[by_line[share.line_id].order_id].append(move)
    for share, move in zip(shares, claims.allocating_moves(shares), strict=True):
        moves[by_line[share.line_id].order_id].append(move)
    if moves:
        postings = [
            Posting(keys[order_id], "allocation", made, "sales_order", order_id)
            for order_id, made in moves.items()
        ]
        post(tx, postings, levels=levels)


_UNITS = ("quantity", "allocated", "claimed", "shipped", "cancelled", "settled", "pending")
_KEPT = (*_UNITS, "withdrawn")
_STATE = rows(("id", BigInteger), ("product_id", BigInteger), *((u, BigInteger) for u in _KEPT))


def load_lines(tx: Transaction, order_ids: Sequence[int]) -> list[LineState]:
    columns = ("id", "order_id", "external_id", "product_id", "listing_key", *_KEPT)
    found = tx.execute(
        select(*(order_line.c[name] for name in columns))
        .where(
            order_line.c.seller_id == tx.seller_id,
            order_line.c.order_id == func.any(list(order_ids)),
        )
        .order_by(order_line.c.id)
    )
    return [LineState(*row) for row in found]


def save_lines(tx: Transaction, lines: Sequence[LineState]) -> None:
    """Write back the units (and product) of lines that exist."""
    if not lines:
        return
    tx.execute(
        order_line.update()
        .values({name: _STATE.c[name] for name in ("product_id", *_KEPT)})
        .where(order_line.c.seller_id == tx.seller_id, order_line.c.id == _STATE.c.id),
        params(
            id=[line.id for line in lines],
            product_id=[line.product_id for line in lines],
            **{name: [getattr(line, name) for line in lines] for name in _KEPT},
        ),
    )
