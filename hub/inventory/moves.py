"""Moves and what they do to levels: values and pure decisions. Posting them is the ledger's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import NamedTuple

from hub.errors import InvalidInput
from hub.inventory.models import State

LARGEST = 1_000_000_000_000
#: In minor units: what a number column holds, with room to sum.
DEAREST = 10**17


class Place(NamedTuple):
    """(state, location); outside states have no location."""

    state: State
    location_id: int | None = None


class LevelKey(NamedTuple):
    product_id: int
    location_id: int
    state: int
    lot_id: int = 0


class Move(NamedTuple):
    """``quantity`` whole units from one place to another. ``unit_cost`` in the seller's minor
    units, None = unknown, which is not the same as free; or ``value``, of all its units, where one
    price does not divide. What leaves a location is valued by the ledger, from its cost layers."""

    product_id: int
    quantity: int
    source: Place
    target: Place
    happened_at: datetime | None = None
    unit_cost: int | None = None
    lot_id: int = 0
    value: int | None = None

    @property
    def worth(self) -> int | None:
        """What all its units are given as."""
        if self.value is not None or self.unit_cost is None:
            return self.value
        return self.unit_cost * self.quantity


@dataclass(frozen=True, slots=True)
class Posting:
    """Moves that belong together under one idempotency key."""

    key: str
    reason: str
    moves: Sequence[Move]
    document: str = ""
    document_id: int = 0
    note: str = ""


def today() -> date:
    return datetime.now(UTC).date()


@dataclass(slots=True)
class Levels:
    """The levels of locked products, as they will be when what was decided so far is posted.
    ``expires``: of each lot among them, the last day it may be sold, where it has one."""

    quantities: dict[LevelKey, int] = field(default_factory=dict)
    expires: dict[int, date | None] = field(default_factory=dict)
    on: date = field(default_factory=today)

    def available(self, product_id: int, location_id: int) -> int:
        return sum(self.quantities[key] for key in self.sellable(product_id, location_id))

    def sellable(self, product_id: int, location_id: int) -> list[LevelKey]:
        """Where available units stand that may be sold: what has no lot, then first expired first
        out. What has expired is left out."""
        plain = LevelKey(product_id, location_id, State.AVAILABLE)
        found = [plain] if self.quantities.get(plain) else []
        if not self.expires:
            return found
        lots = []
        for number, last in self.expires.items():
            key = plain._replace(lot_id=number)
            if self.quantities.get(key) and (last is None or last >= self.on):
                lots.append((last or date.max, number, key))
        return found + [key for *_, key in sorted(lots)]

    def at(self, key: LevelKey) -> int:
        return self.quantities.get(key, 0)


@dataclass(frozen=True, slots=True)
class Posted:
    """``keys`` were new and took effect; the others had been posted before. ``discrepancies`` maps
    a level to the units a late fact had to find in ``adjustment``."""

    keys: frozenset[str]
    discrepancies: Mapping[LevelKey, int] = field(default_factory=dict)


def net_changes(moves: Iterable[Move]) -> Counter[LevelKey]:
    """What the moves do to each inside level, summed, so that one SKU twice is checked once."""
    changes: Counter[LevelKey] = Counter()
    for m in moves:
        if m.source.location_id is not None:
            changes[level_key(m, m.source)] -= m.quantity
        if m.target.location_id is not None:
            changes[level_key(m, m.target)] += m.quantity
    return changes


def shortfalls(levels: Levels, changes: Mapping[LevelKey, int]) -> dict[LevelKey, int]:
    """Levels that would go negative → by how many units."""
    after = {key: levels.at(key) + change for key, change in changes.items()}
    return {key: -units for key, units in after.items() if units < 0}


def check(one: Posting) -> None:
    if not one.key or len(one.key) > 200 or not one.moves:
        raise InvalidInput("posting", "needs a key of 1 to 200 characters and at least one move")
    for m in one.moves:
        if not isinstance(m.quantity, int) or isinstance(m.quantity, bool):
            raise InvalidInput("quantity", "must be a whole number of units")
        if not 0 < m.quantity <= LARGEST:
            raise InvalidInput("quantity", f"must be 1 to {LARGEST}, not {m.quantity}")
        _check_cost("unit_cost", m.unit_cost)
        _check_cost("value", m.worth)
        if m.happened_at is not None and m.happened_at.tzinfo is None:
            raise InvalidInput("happened_at", "needs a time zone")
        for place in (m.source, m.target):
            if place.state.inside != (place.location_id is not None):
                raise InvalidInput("place", f"{place.state.name.lower()} and its location disagree")
        if m.source == m.target:
            raise InvalidInput("place", "a move must go somewhere")


def _check_cost(name: str, given: int | None) -> None:
    if given is not None and (type(given) is not int or not 0 <= given <= DEAREST):
        raise InvalidInput(name, "must be whole minor units, not negative, or unknown")


def level_key(m: Move, place: Place) -> LevelKey:
    if place.location_id is None:
        raise InvalidInput("place", "has no level")
    return LevelKey(m.product_id, place.location_id, int(place.state), m.lot_id)


def by_product(short: Mapping[LevelKey, int]) -> dict[int, int]:
    missing: Counter[int] = Counter()
    for key, units in short.items():
        missing[key.product_id] += units
    return dict(missing)


def found_again(key: LevelKey, units: int) -> Move:
    target = Place(State(key.state), key.location_id)
    return Move(key.product_id, units, Place(State.ADJUSTMENT), target, lot_id=key.lot_id)
