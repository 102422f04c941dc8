"""Shipping what is allocated: units leave for the customer. A fact, whatever the channel says."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from hub.db import Transaction
from hub.inventory import claims
from hub.inventory.ledger import Posting, post
from hub.sales import holding
from hub.sales.lines import DOCUMENT
from hub.sales.models import sales_order


def ship_allocated(tx: Transaction, order_ids: Sequence[int]) -> int:
    """Ship every allocated unit of these orders, one posting an order; answers the units.

    Done twice it ships nothing more: what has left is no longer allocated.
    """
    ids = sorted(set(order_ids))
    tx.execute(
        select(sales_order.c.id)
        .where(sales_order.c.seller_id == tx.seller_id, sales_order.c.id == func.any(ids))
        .order_by(sales_order.c.id)
        .with_for_update(key_share=True)
    )
    every = holding.load_lines(tx, ids)
    lines = {line.id: line for line in every if line.allocated}
    shares = claims.held(tx, DOCUMENT, list(lines))
    postings = []
    for order_id in ids:
        leaving = [share for share in shares if lines[share.line_id].order_id == order_id]
        if leaving:
            gone = sum(line.shipped for line in every if line.order_id == order_id)
            key = f"ship:{order_id}:{gone}"
            moves = claims.shipping_moves(leaving)
            postings.append(Posting(key, "shipment", moves, "sales_order", order_id))
    posted = post(tx, postings)
    if not posted.keys:
        return 0
    claims.let_go(tx, DOCUMENT, shares)
    for share in shares:
        lines[share.line_id].allocated -= share.quantity
        lines[share.line_id].shipped += share.quantity
    holding.save_lines(tx, list(lines.values()))
    return sum(share.quantity for share in shares)
