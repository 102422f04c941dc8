"""What units cost: first in, first out by layers, one queue a shelf. Pure decisions.

A layer is what came onto a shelf (a product's lot at a location) at one time and cost one price;
its value goes down with its units, so that no rounding is ever lost: a part takes its share of the
value rounded down, the last unit takes the rest. An unknown cost is a state, not 0. Moves within a
location leave layers alone; one to another location takes its layers along, with their age.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from hub.errors import InvalidInput
from hub.inventory.moves import Move


class Shelf(NamedTuple):
    product_id: int
    location_id: int
    lot_id: int = 0


@dataclass(slots=True)
class Layer:
    """``value`` of the ``remaining`` units in the seller's minor units, None = unknown; ``cost`` of
    a new one, of all its units. ``id`` is None until it is written; ``origin_id`` is the layer it
    came in as, before it changed location."""

    id: int | None
    shelf: Shelf
    received_at: datetime
    units: int
    remaining: int
    value: int | None
    origin_id: int | None = None
    posting_id: int = 0
    cost: int | None = None


class Taken(NamedTuple):
    """Units of one layer, and what they cost."""

    units: int
    value: int | None
    received_at: datetime
    origin_id: int | None


@dataclass(slots=True)
class Layers:
    """The layers that a set of moves needs, oldest first, and what it does to them."""

    queues: dict[Shelf, deque[Layer]] = field(default_factory=dict)
    touched: dict[int, Layer] = field(default_factory=dict)
    new: list[Layer] = field(default_factory=list)

    def add(self, layer: Layer) -> None:
        self.new.append(layer)
        self.queues.setdefault(layer.shelf, deque()).append(layer)

    def take(self, shelf: Shelf, units: int) -> list[Taken]:
        """The oldest ``units`` of a shelf. Raises InvalidInput where they are not there yet."""
        queue = self.queues.get(shelf, deque())
        taken = []
        while units:
            while queue and not queue[0].remaining:
                queue.popleft()
            if not queue:
                raise InvalidInput("posting", "takes units from a place before they are there")
            layer = queue[0]
            some = min(units, layer.remaining)
            taken.append(self._part(layer, some))
            units -= some
        return taken

    def _part(self, layer: Layer, units: int) -> Taken:
        value = None if layer.value is None else layer.value * units // layer.remaining
        layer.remaining -= units
        if layer.value is not None and value is not None:
            layer.value -= value
        if layer.id is not None:
            self.touched[layer.id] = layer
        return Taken(units, value, layer.received_at, layer.origin_id or layer.id)


def crosses(m: Move) -> bool:
    """Whether a move changes the location, and so what is on a shelf."""
    return m.source.location_id != m.target.location_id


def wanted(moves: Iterable[Move]) -> dict[Shelf, int]:
    """How many units the moves take off each shelf."""
    units: Counter[Shelf] = Counter()
    for m in moves:
        if m.source.location_id is not None and crosses(m):
            units[Shelf(m.product_id, m.source.location_id, m.lot_id)] += m.quantity
    return dict(units)


def cost(
    moves: Sequence[tuple[int, Move]], layers: Layers, now: datetime
) -> list[tuple[int, Move]]:
    """The moves with what their units cost: one for each layer that is taken from.

    What comes in is there before anything is taken, as the levels of a set count too. Raises
    InvalidInput for a set that sends the same units around in a circle.
    """
    costed: dict[int, list[Move]] = {}
    for place in sorted(range(len(moves)), key=lambda place: (_stage(moves[place][1]), place)):
        costed[place] = _cost_one(*moves[place], layers, now)
    return [(moves[place][0], m) for place in range(len(moves)) for m in costed[place]]


def _stage(m: Move) -> int:
    """In, across, out."""
    if m.source.location_id is None:
        return 0
    return 2 if m.target.location_id is None else 1


def _cost_one(posting_id: int, m: Move, layers: Layers, now: datetime) -> list[Move]:
    if not crosses(m):
        return [m]
    if m.source.location_id is None:
        if m.target.location_id is not None:
            shelf = Shelf(m.product_id, m.target.location_id, m.lot_id)
            at = m.happened_at or now
            layers.add(
                Layer(None, shelf, at, m.quantity, m.quantity, m.worth, None, posting_id, m.worth)
            )
        return [m._replace(value=m.worth)]
    parts = layers.take(Shelf(m.product_id, m.source.location_id, m.lot_id), m.quantity)
    if m.target.location_id is not None:
        shelf = Shelf(m.product_id, m.target.location_id, m.lot_id)
        for part in parts:
            layers.add(
                Layer(
                    None,
                    shelf,
                    part.received_at,
                    part.units,
                    part.units,
                    part.value,
                    part.origin_id,
                    posting_id,
                    part.value,
                )
            )
    return [m._replace(quantity=part.units, value=part.value, unit_cost=None) for part in parts]
