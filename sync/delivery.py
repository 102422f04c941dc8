"""Handing out keys: the orders that are noted for it, each batch in a transaction of its own."""

from __future__ import annotations

from functools import partial

from hub.db import Transaction
from hub.sales import delivering
from sync.carrier import Carrier


def deliver(carrier: Carrier, seller_id: int) -> int:
    """Deliver every key that is due to a seller's orders; answers how many. What a crash leaves
    stays noted, and the next round finds it."""
    units = after = 0
    while True:
        batch = partial(_batch, after=after)
        ids, drawn = carrier.database.command(seller_id, batch)
        units += drawn
        if len(ids) < delivering.BATCH:
            return units
        after = ids[-1]


def _batch(tx: Transaction, after: int) -> tuple[list[int], int]:
    ids = delivering.due(tx, after)
    return ids, delivering.deliver_keys(tx, ids) if ids else 0
