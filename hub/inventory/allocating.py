"""Which location serves which demand: a pure decision over locked levels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hub.inventory.ledger import Levels


class Demand(NamedTuple):
    """``quantity`` more units wanted for one document line."""

    line_id: int
    product_id: int
    quantity: int


class Share(NamedTuple):
    """``quantity`` units of one location, and of one lot where there are lots, promised to one
    line."""

    line_id: int
    product_id: int
    location_id: int
    quantity: int
    lot_id: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """``short`` holds what no location could give: it becomes claims, never an error."""

    shares: tuple[Share, ...]
    short: tuple[Demand, ...]


def allocate(demands: Iterable[Demand], levels: Levels, locations: Sequence[int]) -> Decision:
    """Serve each demand in turn from the locations in their order, one location if one can; of
    lots, the first to expire, and none that has expired.

    ``levels`` is not changed; earlier demands are counted against later ones, so one SKU on many
    lines is never promised twice.
    """
    left: dict[tuple[int, int], dict[int, int]] = {}
    shares: list[Share] = []
    short: list[Demand] = []
    for demand in demands:
        wanted = demand.quantity
        for place in _best_first(demand, levels, locations, left):
            lots = _free(levels, demand.product_id, place, left)
            for lot_id, have in lots.items():
                take = min(wanted, have)
                if take > 0:
                    lots[lot_id] = have - take
                    wanted -= take
                    shares.append(Share(demand.line_id, demand.product_id, place, take, lot_id))
            if wanted == 0:
                break
        if wanted:
            short.append(demand._replace(quantity=wanted))
    return Decision(tuple(shares), tuple(short))


def _best_first(
    demand: Demand,
    levels: Levels,
    locations: Sequence[int],
    left: dict[tuple[int, int], dict[int, int]],
) -> Sequence[int]:
    """A location that can serve the whole demand goes before those that would split it."""
    for place in locations:
        if sum(_free(levels, demand.product_id, place, left).values()) >= demand.quantity:
            return [place]
    return locations


def _free(
    levels: Levels,
    product_id: int,
    location_id: int,
    left: dict[tuple[int, int], dict[int, int]],
) -> dict[int, int]:
    """Units of each lot (0 = of none) that nobody before took, in the order they are to go."""
    shelf = (product_id, location_id)
    if shelf not in left:
        left[shelf] = {key.lot_id: levels.at(key) for key in levels.sellable(*shelf)}
    return left[shelf]
