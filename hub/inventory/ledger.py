"""Posting moves: the only code that locks stock or changes a level.

A set of postings is a handful of statements, whatever its size. The product row is the lock: taken
in key order by the very statement that bumps its ``stock_version``, so the levels read after it
are the newest and nobody else is writing them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Integer, SmallInteger, String, and_, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.db import SELLER, At, Kind, Transaction, among, array, rows
from hub.errors import InsufficientStock, InvalidInput
from hub.inventory.models import State, level, move, posting, product, stock_change

LARGEST = 1_000_000_000_000
#: The namespace of our advisory locks on products.
GATE = 7381


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
    units, None = unknown, which is not the same as free."""

    product_id: int
    quantity: int
    source: Place
    target: Place
    happened_at: datetime | None = None
    unit_cost: int | None = None


@dataclass(frozen=True, slots=True)
class Posting:
    """Moves that belong together under one idempotency key."""

    key: str
    reason: str
    moves: Sequence[Move]
    document: str = ""
    document_id: int = 0
    note: str = ""


@dataclass(slots=True)
class Levels:
    """The levels of locked products, as they will be when what was decided so far is posted."""

    quantities: dict[LevelKey, int] = field(default_factory=dict)

    def available(self, product_id: int, location_id: int) -> int:
        return self.quantities.get(LevelKey(product_id, location_id, State.AVAILABLE), 0)

    def at(self, key: LevelKey) -> int:
        return self.quantities.get(key, 0)


@dataclass(frozen=True, slots=True)
class Posted:
    """``keys`` were new and took effect; the others had been posted before. ``discrepancies`` maps
    a level to the units a late fact had to find in ``adjustment``."""

    keys: frozenset[str]
    discrepancies: Mapping[LevelKey, int] = field(default_factory=dict)


#: So many products are queued for at a gate before their rows: a crowd on one row wakes as a crowd
#: at every commit, and with 64 waiters the unlucky wait for longer than a statement may take.
FEW = 16
_OURS = (product.c.seller_id == SELLER) & among(product.c.id, "ids")
_LOCK = select(product.c.id).where(_OURS).order_by(product.c.id).with_for_update(key_share=True)
_BUMP = product.update().values(stock_version=product.c.stock_version + 1).where(_OURS)
_NOTE_CHANGE = insert(stock_change).from_select(
    ["seller_id", "product_ids"], select(SELLER, array("ids", BigInteger))
)
_GATED = rows(("ids", BigInteger))
_GATE = select(func.pg_advisory_xact_lock(GATE, func.hashint8(_GATED.c.ids)))
_LEVELS = select(
    level.c.product_id, level.c.location_id, level.c.state, level.c.lot_id, level.c.quantity
).where(level.c.seller_id == SELLER, among(level.c.product_id, "ids"))


def lock(tx: Transaction, product_ids: Iterable[int]) -> Levels:
    """Lock products for posting, in key order, and read their levels. Bumps ``stock_version``
    unconditionally: a bump that is skipped because one is already pending loses updates."""
    ids = sorted(set(product_ids))
    if not ids:
        return Levels()
    values = tx.params(ids=ids)
    if len(ids) <= FEW:
        tx.execute(_GATE, values)
    if len(ids) > 1:
        tx.execute(_LOCK, values)
    if tx.change(_BUMP, values) != len(ids):
        raise InvalidInput("product", "no such product of this seller")
    tx.execute(_NOTE_CHANGE, values)
    tx.ring("stock")
    return read_levels(tx, ids)


def read_levels(tx: Transaction, product_ids: Sequence[int]) -> Levels:
    found = tx.execute(_LEVELS, tx.params(ids=product_ids))
    return Levels({LevelKey(*row[:4]): row[4] for row in found})


def post(
    tx: Transaction,
    postings: Sequence[Posting],
    *,
    levels: Levels | None = None,
    late: bool = False,
) -> Posted:
    """Post a set. ``levels`` are those of :func:`lock` where the caller has decided on them.

    Raises InvalidInput (quantity, place) and InsufficientStock; then nothing is written. With
    ``late`` the facts have already happened: a shortfall is posted from ``adjustment`` first and
    reported, never clamped.
    """
    for one in postings:
        _check(one)
    known = _register(tx, postings)
    fresh = [one for one in postings if one.key in known]
    if not fresh:
        return Posted(frozenset())
    if levels is None:
        levels = lock(tx, {m.product_id for one in fresh for m in one.moves})
    changes = net_changes(m for one in fresh for m in one.moves)
    short = shortfalls(levels, changes)
    if short and not late:
        raise InsufficientStock(_by_product(short))
    found = [_found_again(key, units) for key, units in short.items()]
    for m in found:
        changes[_level_key(m, m.target)] += m.quantity
    _write_levels(tx, levels, changes)
    _write_moves(tx, [(known[one.key], m) for one in fresh for m in one.moves], found)
    return Posted(frozenset(known), short)


def net_changes(moves: Iterable[Move]) -> Counter[LevelKey]:
    """What the moves do to each inside level, summed, so that one SKU twice is checked once."""
    changes: Counter[LevelKey] = Counter()
    for m in moves:
        if m.source.location_id is not None:
            changes[_level_key(m, m.source)] -= m.quantity
        if m.target.location_id is not None:
            changes[_level_key(m, m.target)] += m.quantity
    return changes


def shortfalls(levels: Levels, changes: Mapping[LevelKey, int]) -> dict[LevelKey, int]:
    """Levels that would go negative → by how many units."""
    after = {key: levels.at(key) + change for key, change in changes.items()}
    return {key: -units for key, units in after.items() if units < 0}


def _check(one: Posting) -> None:
    if not one.key or len(one.key) > 200 or not one.moves:
        raise InvalidInput("posting", "needs a key of 1 to 200 characters and at least one move")
    for m in one.moves:
        if not isinstance(m.quantity, int) or isinstance(m.quantity, bool):
            raise InvalidInput("quantity", "must be a whole number of units")
        if not 0 < m.quantity <= LARGEST:
            raise InvalidInput("quantity", f"must be 1 to {LARGEST}, not {m.quantity}")
        if m.unit_cost is not None and type(m.unit_cost) is not int:
            raise InvalidInput("unit_cost", "must be whole minor units, or unknown")
        if m.happened_at is not None and m.happened_at.tzinfo is None:
            raise InvalidInput("happened_at", "needs a time zone")
        for place in (m.source, m.target):
            if place.state.inside != (place.location_id is not None):
                raise InvalidInput("place", f"{place.state.name.lower()} and its location disagree")
        if m.source == m.target:
            raise InvalidInput("place", "a move must go somewhere")


def _level_key(m: Move, place: Place) -> LevelKey:
    if place.location_id is None:
        raise InvalidInput("place", "has no level")
    return LevelKey(m.product_id, place.location_id, int(place.state))


def _by_product(short: Mapping[LevelKey, int]) -> dict[int, int]:
    missing: Counter[int] = Counter()
    for key, units in short.items():
        missing[key.product_id] += units
    return dict(missing)


def _found_again(key: LevelKey, units: int) -> Move:
    target = Place(State(key.state), key.location_id)
    return Move(key.product_id, units, Place(State.ADJUSTMENT), target)


_POSTINGS = rows(
    ("id", BigInteger),
    ("key", String),
    ("reason", String),
    ("document", String),
    ("document_id", BigInteger),
    ("note", String),
)


_POSTING_COLUMNS = ["id", "key", "reason", "document", "document_id", "note"]
_REGISTER = (
    upsert(posting)
    .from_select(
        ["seller_id", *_POSTING_COLUMNS],
        select(SELLER, *(_POSTINGS.c[name] for name in _POSTING_COLUMNS)),
    )
    .on_conflict_do_nothing(index_elements=["seller_id", "key"])
    .returning(posting.c.key, posting.c.id)
)


def _register(tx: Transaction, postings: Sequence[Posting]) -> dict[str, int]:
    """Claim the keys that are new; key → posting id."""
    ordered = sorted({one.key: one for one in postings}.values(), key=lambda one: one.key)
    if len(ordered) != len(postings):
        raise InvalidInput("posting", "one key twice in a set")
    values = tx.params(
        id=tx.ids(len(ordered)),
        key=[one.key for one in ordered],
        reason=[one.reason for one in ordered],
        document=[one.document for one in ordered],
        document_id=[one.document_id for one in ordered],
        note=[one.note for one in ordered],
    )
    return {key: value for key, value in tx.execute(_REGISTER, values)}


_CHANGES = rows(
    ("product_id", BigInteger),
    ("location_id", BigInteger),
    ("state", SmallInteger),
    ("lot_id", BigInteger),
    ("change", BigInteger),
)


_CHANGE_LEVELS = (
    level.update()
    .values(quantity=level.c.quantity + _CHANGES.c.change)
    .where(
        level.c.seller_id == SELLER,
        and_(*(level.c[name] == _CHANGES.c[name] for name in LevelKey._fields)),
    )
)
_NEW_LEVELS = insert(level).from_select(
    ["seller_id", *LevelKey._fields, "quantity"],
    select(SELLER, *(_CHANGES.c[name] for name in (*LevelKey._fields, "change"))),
)


def _write_levels(tx: Transaction, levels: Levels, changes: Mapping[LevelKey, int]) -> None:
    moved = sorted(key for key, change in changes.items() if change)
    old = [key for key in moved if key in levels.quantities]
    new = [key for key in moved if key not in levels.quantities]
    if old:
        tx.execute(_CHANGE_LEVELS, _change_values(tx, old, changes))
    if new:
        tx.execute(_NEW_LEVELS, _change_values(tx, new, changes))
    for key in moved:
        levels.quantities[key] = levels.at(key) + changes[key]


def _change_values(
    tx: Transaction, keys: Sequence[LevelKey], changes: Mapping[LevelKey, int]
) -> dict[str, object]:
    return tx.params(
        product_id=[key.product_id for key in keys],
        location_id=[key.location_id for key in keys],
        state=[key.state for key in keys],
        lot_id=[key.lot_id for key in keys],
        change=[changes[key] for key in keys],
    )


_MOVE_COLUMNS: dict[str, Kind] = {
    "posting_id": BigInteger,
    "product_id": BigInteger,
    "quantity": BigInteger,
    "from_state": SmallInteger,
    "from_location_id": BigInteger,
    "to_state": SmallInteger,
    "to_location_id": BigInteger,
    "unit_cost": BigInteger,
    "happened_at": At,
}
_MOVES = rows(*_MOVE_COLUMNS.items(), ("n", Integer))


_WRITE_MOVES = insert(move).from_select(
    ["seller_id", *_MOVE_COLUMNS],
    select(SELLER, *(_MOVES.c[name] for name in _MOVE_COLUMNS)).order_by(_MOVES.c.n),
)


def _write_moves(tx: Transaction, moves: Sequence[tuple[int, Move]], found: Sequence[Move]) -> None:
    """``found`` are the shortfalls of a late fact: they come first, under its posting."""
    all_moves = [*((moves[0][0], m) for m in found), *moves]
    now = datetime.now(UTC)
    values = tx.params(
        n=range(len(all_moves)),
        posting_id=[number for number, _ in all_moves],
        product_id=[m.product_id for _, m in all_moves],
        quantity=[m.quantity for _, m in all_moves],
        from_state=[int(m.source.state) for _, m in all_moves],
        from_location_id=[m.source.location_id for _, m in all_moves],
        to_state=[int(m.target.state) for _, m in all_moves],
        to_location_id=[m.target.location_id for _, m in all_moves],
        unit_cost=[m.unit_cost for _, m in all_moves],
        happened_at=[m.happened_at or now for _, m in all_moves],
    )
    tx.execute(_WRITE_MOVES, values)
