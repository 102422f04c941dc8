"""Which location serves which demand: a pure decision over locked levels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hub.inventory.ledger import LevelKey, Levels
from hub.inventory.models import State


class Demand(NamedTuple):
    """``quantity`` more units wanted for one document line."""

    line_id: int
    product_id: int
    quantity: int


class Share(NamedTuple):
    """``quantity`` units of one location promised to one line."""

    line_id: int
    product_id: int
    location_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Decision:
    """``short`` holds what no location could give: it becomes claims, never an error."""

    shares: tuple[Share, ...]
    short: tuple[Demand, ...]


def allocate(demands: Iterable[Demand], levels: Levels, locations: Sequence[int]) -> Decision:
    """Serve each demand in turn from the locations in their order, one location if one can.

    ``levels`` is not changed; earlier demands are counted against later ones, so one SKU on many
    lines is never promised twice.
    """
    left: dict[tuple[int, int], int] = {}
    shares: list[Share] = []
    short: list[Demand] = []
    for demand in demands:
        wanted = demand.quantity
        for place in _best_first(demand, levels, locations, left):
            key = (demand.product_id, place)
            have = left.get(key, _free(levels, *key))
            take = min(wanted, have)
            if take > 0:
                left[key] = have - take
                wanted -= take
                shares.append(Share(demand.line_id, demand.product_id, place, take))
            if wanted == 0:
                break
        if wanted:
            short.append(demand._replace(quantity=wanted))
    return Decision(tuple(shares), tuple(short))


def _best_first(
    demand: Demand, levels: Levels, locations: Sequence[int], left: dict[tuple[int, int], int]
) -> Sequence[int]:
    """A location that can serve the whole demand goes before those that would split it."""
    for place in locations:
        key = (demand.product_id, place)
        if left.get(key, _free(levels, *key)) >= demand.quantity:
            return [place]
    return locations


def _free(levels: Levels, product_id: int, location_id: int) -> int:
    return levels.at(LevelKey(product_id, location_id, State.AVAILABLE))
