"""Opening stock, corrections and write-offs: moves against ``adjustment``, once per key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hub.db import Transaction
from hub.errors import InvalidInput
from hub.inventory.ledger import Move, Place, Posted, Posting, post
from hub.inventory.models import State


class Adjustment(NamedTuple):
    """``change`` units more (or, negative, fewer) of a product at a location."""

    product_id: int
    location_id: int
    change: int


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

    Raises InsufficientStock where less is there than is taken off, unless ``late``.
    """
    moves = [_move(one) for one in changes if one.change]
    if not moves:
        raise InvalidInput("change", "there is nothing to adjust")
    return post(tx, [Posting(key, reason, moves, note=note)], late=late)


def _move(one: Adjustment) -> Move:
    if not isinstance(one.change, int) or isinstance(one.change, bool):
        raise InvalidInput("change", "must be a whole number of units")
    outside, inside = Place(State.ADJUSTMENT), Place(State.AVAILABLE, one.location_id)
    source, target = (outside, inside) if one.change > 0 else (inside, outside)
    return Move(one.product_id, abs(one.change), source, target)
