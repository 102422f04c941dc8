"""Shipping what is allocated: units leave for the customer. A fact, whatever the channel says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select

from hub.db import Transaction
from hub.inventory import claims
from hub.inventory.allocating import Share
from hub.inventory.keys import keyed_among
from hub.inventory.ledger import Levels, Posting, post
from hub.sales import holding
from hub.sales.lines import DOCUMENT, LineState
from hub.sales.models import sales_order


def ship_allocated(tx: Transaction, order_ids: Sequence[int]) -> int:
    """Ship every allocated unit of these orders, one posting an order; answers the units. Those of
    keyed products leave with their keys: :mod:`hub.sales.delivering`.

    Done twice it ships nothing more: what has left is no longer allocated.
    """
    ids = lock_orders(tx, order_ids)
    every = holding.load_lines(tx, ids)
    lines = [line for line in every if line.allocated]
    keyed = keyed_among(tx, {line.product_id for line in lines if line.product_id is not None})
    leaving = [line.id for line in lines if line.product_id not in keyed]
    return ship(tx, every, claims.held(tx, DOCUMENT, leaving))


def lock_orders(tx: Transaction, order_ids: Sequence[int]) -> list[int]:
    """Whoever edits, fills or ships these orders meanwhile waits."""
    ids = sorted(set(order_ids))
    tx.execute(
        select(sales_order.c.id)
        .where(sales_order.c.seller_id == tx.seller_id, sales_order.c.id == func.any(ids))
        .order_by(sales_order.c.id)
        .with_for_update(key_share=True)
    )
    return ids


def ship(
    tx: Transaction,
    every: Sequence[LineState],
    shares: Sequence[Share],
    levels: Levels | None = None,
    keys: Mapping[int, str] | None = None,
) -> int:
    """Ship these shares; ``every`` holds all lines of their orders, which are locked. ``levels``
    where the caller has locked the products already; ``keys``: order id → posting key, where a
    document of its own says what left."""
    lines = {line.id: line for line in every}
    postings = []
    for order_id in sorted({lines[share.line_id].order_id for share in shares}):
        leaving = [share for share in shares if lines[share.line_id].order_id == order_id]
        gone = sum(line.shipped for line in every if line.order_id == order_id)
        key = keys[order_id] if keys else f"ship:{order_id}:{gone}"
        moves = claims.shipping_moves(leaving)
        postings.append(Posting(key, "shipment", moves, "sales_order", order_id))
    posted = post(tx, postings, levels=levels)
    if not posted.keys:
        return 0
    claims.let_go(tx, DOCUMENT, shares)
    for share in shares:
        lines[share.line_id].allocated -= share.quantity
        lines[share.line_id].shipped += share.quantity
    holding.save_lines(tx, [lines[number] for number in sorted({s.line_id for s in shares})])
    return sum(share.quantity for share in shares)
