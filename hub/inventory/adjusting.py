"""Opening stock, corrections and write-offs: moves against ``adjustment``, once per key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select

from hub.db import Transaction
from hub.errors import Conflict, InvalidInput
from hub.inventory import lots
from hub.inventory.keys import refuse_keyed
from hub.inventory.ledger import Move, Place, Posted, Posting, post
from hub.inventory.models import State, move, posting


class Adjustment(NamedTuple):
    """``change`` units more (or, negative, fewer) of a product at a location, of one lot where the
    product has lots. ``unit_cost`` of units more, None = unknown."""

    product_id: int
    location_id: int
    change: int
    lot_id: int = 0
    unit_cost: int | None = None


def adjust(
    tx: Transaction,
    key: str,
    changes: Sequence[Adjustment],
    *,
    reason: str = "adjustment",
    note: str = "",
    late: bool = False,
) -> Posted:
    """Post the changes under one key; a second call with that key does nothing.

    Raises InsufficientStock where less is there than is taken off, unless ``late``; Conflict for a
    product that is sold by keys; InvalidInput for one whose lot is not said.
    """
    moves = [_move(one) for one in changes if one.change]
    if not moves:
        raise InvalidInput("change", "there is nothing to adjust")
    posted = post(tx, [Posting(key, reason, moves, note=note)], late=late)
    refuse_keyed(tx, {one.product_id for one in moves})
    lots.check_moves(tx, moves)
    return posted


def adjust_once(tx: Transaction, key: str, changes: Sequence[Adjustment], *, note: str) -> bool:
    """Adjust under a key that came from outside; False when this very adjustment was posted before.

    Raises Conflict where the key was used for another: that would be lost in silence otherwise.
    """
    if key in adjust(tx, key, changes, note=note).keys:
        return True
    if _summed(_posted(tx, key)) != _summed(changes):
        raise Conflict("this key was used for another adjustment", code="key_reused")
    return False


def _summed(changes: Sequence[Adjustment]) -> dict[tuple[int, int, int], int]:
    sums: Counter[tuple[int, int, int]] = Counter()
    for one in changes:
        sums[one.product_id, one.location_id, one.lot_id] += one.change
    return {key: units for key, units in sums.items() if units}


def _posted(tx: Transaction, key: str) -> list[Adjustment]:
    found = tx.execute(
        select(
            move.c.product_id,
            move.c.to_location_id,
            move.c.from_location_id,
            move.c.quantity,
            move.c.lot_id,
        )
        .join(
            posting,
            (posting.c.seller_id == move.c.seller_id) & (posting.c.id == move.c.posting_id),
        )
        .where(posting.c.seller_id == tx.seller_id, posting.c.key == key)
    )
    return [
        Adjustment(number, target or source, units if target else -units, lot_id)
        for number, target, source, units, lot_id in found
    ]


def _move(one: Adjustment) -> Move:
    if not isinstance(one.change, int) or isinstance(one.change, bool):
        raise InvalidInput("change", "must be a whole number of units")
    outside, inside = Place(State.ADJUSTMENT), Place(State.AVAILABLE, one.location_id)
    if one.change < 0:
        return Move(one.product_id, -one.change, inside, outside, lot_id=one.lot_id)
    cost = one.unit_cost
    return Move(one.product_id, one.change, outside, inside, unit_cost=cost, lot_id=one.lot_id)
