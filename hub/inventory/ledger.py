"""Posting moves: the only code that locks stock or changes a level.

A set of postings is a handful of statements, whatever its size. The product row is the lock: taken
in key order by the very statement that bumps its ``stock_version``, so the levels read after it
are the newest and nobody else is writing them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    SmallInteger,
    String,
    bindparam,
    func,
    insert,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.db import SELLER, At, Kind, Transaction, among, array, params, rows
from hub.errors import InsufficientStock, InvalidInput
from hub.inventory.costing import Layers, cost, crosses
from hub.inventory.layers import layer_values, read_layers
from hub.inventory.layers import writing as writing_layers
from hub.inventory.models import level, lot, move, posting, product, stock_change
from hub.inventory.moves import (
    LevelKey,
    Levels,
    Move,
    Place,
    Posted,
    Posting,
    by_product,
    check,
    found_again,
    level_key,
    net_changes,
    shortfalls,
)

__all__ = [
    "LevelKey",
    "Levels",
    "Move",
    "Place",
    "Posted",
    "Posting",
    "lock",
    "net_changes",
    "post",
    "read_levels",
    "shortfalls",
]


#: The namespace of our advisory locks on products.
GATE = 7381


#: So many products are queued for at a gate before their rows: a crowd on one row wakes as a crowd
#: at every commit, and with 64 waiters the unlucky wait for longer than a statement may take.
FEW = 16
_OURS = (product.c.seller_id == SELLER) & among(product.c.id, "ids")
_LOCK = select(product.c.id).where(_OURS).order_by(product.c.id).with_for_update(key_share=True)
_GATED = rows(("ids", BigInteger))
_THROUGH = (
    select(func.count(func.pg_advisory_xact_lock(GATE, func.hashint8(_GATED.c.ids))).label("all"))
    .cte("gate")
    .prefix_with("MATERIALIZED")
)
#: Rows are locked above the join, so that nobody waits at the gate with a row in hand.
_QUEUE = (
    select(product.c.id)
    .join(_THROUGH, _THROUGH.c.all > 0)
    .where(_OURS)
    .order_by(product.c.id)
    .with_for_update(key_share=True, of=product)
)
_BUMPED = (
    product.update()
    .values(stock_version=product.c.stock_version + 1)
    .where(_OURS)
    .returning(product.c.id)
    .cte("bumped")
)
_NOTED = (
    insert(stock_change)
    .from_select(["seller_id", "product_ids"], select(SELLER, array("ids", BigInteger)))
    .returning(stock_change.c.id)
    .cte("noted")
)
_LEVELS = select(
    level.c.product_id, level.c.location_id, level.c.state, level.c.lot_id, level.c.quantity
).where(level.c.seller_id == SELLER, among(level.c.product_id, "ids"))
_BUMP = _LEVELS.add_cte(_BUMPED, _NOTED)


def lock(tx: Transaction, product_ids: Iterable[int]) -> Levels:
    """Lock products for posting, in key order, and read their levels. Bumps ``stock_version``
    unconditionally: a bump that is skipped because one is already pending loses updates.

    Two statements: what the second reads was committed before the first had its locks.
    """
    ids = sorted(set(product_ids))
    if not ids:
        return Levels()
    values = tx.params(ids=ids)
    if len(tx.execute(_QUEUE if len(ids) <= FEW else _LOCK, values).all()) != len(ids):
        raise InvalidInput("product", "no such product of this seller")
    tx.ring("stock")
    return _levels(tx, tx.execute(_BUMP, values))


def read_levels(tx: Transaction, product_ids: Sequence[int]) -> Levels:
    return _levels(tx, tx.execute(_LEVELS, tx.params(ids=product_ids)))


_EXPIRES = select(lot.c.id, lot.c.expires_on).where(
    lot.c.seller_id == SELLER, among(lot.c.id, "ids")
)


def _levels(tx: Transaction, found: Iterable[Any]) -> Levels:
    """Lots are asked for only where there are any."""
    quantities = {LevelKey(*row[:4]): row[4] for row in found}
    lots = sorted({key.lot_id for key in quantities if key.lot_id})
    expires = (
        {number: last for number, last in tx.execute(_EXPIRES, tx.params(ids=lots))} if lots else {}
    )
    return Levels(quantities, expires)


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
        check(one)
    ordered = sorted({one.key: one for one in postings}.values(), key=lambda one: one.key)
    if len(ordered) != len(postings):
        raise InvalidInput("posting", "one key twice in a set")
    ids = {one.key: number for one, number in zip(ordered, tx.ids(len(ordered)), strict=True)}
    register = _posting_values(tx, ordered, ids)
    if levels is not None:
        effect = _effect(tx, levels, postings, ids, late=late)
        written = {**register, **effect.values(tx, len(ordered))}
        known = set(tx.execute(_POST[effect.costed], written).scalars())
        if len(known) == len(ordered):
            return effect.posted(levels, known)
    else:
        known = set(tx.execute(_REGISTER, register).scalars())
    fresh = [one for one in postings if one.key in known]
    if not fresh:
        return Posted(frozenset())
    if levels is None:
        levels = lock(tx, {m.product_id for one in fresh for m in one.moves})
    effect = _effect(tx, levels, fresh, ids, late=late)
    tx.execute(_WRITE[effect.costed], effect.values(tx))
    return effect.posted(levels, known)


class _Effect(NamedTuple):
    """What a set writes besides its postings: moves under their posting's id, levels, and, where
    units change their location, cost layers."""

    moves: Sequence[tuple[int, Move]]
    changes: Mapping[LevelKey, int]
    known: Collection[LevelKey]
    short: Mapping[LevelKey, int]
    layers: Layers | None

    @property
    def costed(self) -> bool:
        return self.layers is not None

    def values(self, tx: Transaction, all_of: int = 0) -> dict[str, object]:
        moved = sorted(key for key, change in self.changes.items() if change)
        old = [key for key in moved if key in self.known]
        new = [key for key in moved if key not in self.known]
        values = _move_values(tx, self.moves)
        values |= _change_values("change_", old, self.changes)
        values |= _change_values("new_", new, self.changes)
        if self.layers is not None:
            values |= layer_values(self.layers)
        return {**values, "all_of": all_of}

    def posted(self, levels: Levels, keys: Iterable[str]) -> Posted:
        for key, change in self.changes.items():
            levels.quantities[key] = levels.at(key) + change
        return Posted(frozenset(keys), self.short)


def _effect(
    tx: Transaction,
    levels: Levels,
    postings: Sequence[Posting],
    ids: Mapping[str, int],
    *,
    late: bool,
) -> _Effect:
    """Raises InsufficientStock. The shortfalls of a late fact come first, under its posting."""
    moves = [(ids[one.key], m) for one in postings for m in one.moves]
    changes = net_changes(m for _, m in moves)
    short = shortfalls(levels, changes)
    if short and not late:
        raise InsufficientStock(by_product(short))
    found = [found_again(key, units) for key, units in short.items()]
    for m in found:
        changes[level_key(m, m.target)] += m.quantity
    moves = [*((moves[0][0], m) for m in found), *moves]
    layers = None
    if any(crosses(m) for _, m in moves):
        layers = read_layers(tx, (m for _, m in moves))
        moves = cost(moves, layers, datetime.now(UTC))
    return _Effect(moves, changes, levels.quantities.keys(), short, layers)


_POSTINGS = rows(
    ("id", BigInteger),
    ("key", String),
    ("reason", String),
    ("document", String),
    ("document_id", BigInteger),
    ("note", String),
)


_POSTING_COLUMNS = ["id", "key", "reason", "document", "document_id", "note"]
#: Claims the keys that are new, and answers them.
_REGISTER = (
    upsert(posting)
    .from_select(
        ["seller_id", *_POSTING_COLUMNS],
        select(SELLER, *(_POSTINGS.c[name] for name in _POSTING_COLUMNS)),
    )
    .on_conflict_do_nothing(index_elements=["seller_id", "key"])
    .returning(posting.c.key)
)


def _posting_values(
    tx: Transaction, postings: Sequence[Posting], ids: Mapping[str, int]
) -> dict[str, object]:
    return tx.params(
        id=[ids[one.key] for one in postings],
        key=[one.key for one in postings],
        reason=[one.reason for one in postings],
        document=[one.document for one in postings],
        document_id=[one.document_id for one in postings],
        note=[one.note for one in postings],
    )


_LEVEL_COLUMNS: dict[str, Kind] = {
    "product_id": BigInteger,
    "location_id": BigInteger,
    "state": SmallInteger,
    "lot_id": BigInteger,
    "quantity": BigInteger,
}
_MOVE_COLUMNS: dict[str, Kind] = {
    "posting_id": BigInteger,
    "product_id": BigInteger,
    "lot_id": BigInteger,
    "quantity": BigInteger,
    "from_state": SmallInteger,
    "from_location_id": BigInteger,
    "to_state": SmallInteger,
    "to_location_id": BigInteger,
    "unit_cost": BigInteger,
    "value": BigInteger,
    "happened_at": At,
}
_CHANGES = rows(*((f"change_{name}", kind) for name, kind in _LEVEL_COLUMNS.items()))
_NEW = rows(*((f"new_{name}", kind) for name, kind in _LEVEL_COLUMNS.items()))
_MOVES = rows(*((f"move_{name}", kind) for name, kind in _MOVE_COLUMNS.items()), ("n", Integer))


def _writing(where: ColumnElement[bool]) -> tuple[CTE, CTE, CTE]:
    """Levels and moves of a set, written ``where`` it is to be."""
    changed = (
        level.update()
        .values(quantity=level.c.quantity + _CHANGES.c.change_quantity)
        .where(
            level.c.seller_id == SELLER,
            *(level.c[name] == _CHANGES.c[f"change_{name}"] for name in LevelKey._fields),
            where,
        )
    )
    opened = insert(level).from_select(
        ["seller_id", *_LEVEL_COLUMNS],
        select(SELLER, *(_NEW.c[f"new_{name}"] for name in _LEVEL_COLUMNS)).where(where),
    )
    moved = insert(move).from_select(
        ["seller_id", *_MOVE_COLUMNS],
        select(SELLER, *(_MOVES.c[f"move_{name}"] for name in _MOVE_COLUMNS))
        .where(where)
        .order_by(_MOVES.c.n),
    )
    return changed.cte("changed"), opened.cte("opened"), moved.cte("moved")


_FRESH = _REGISTER.cte("fresh")
_ALL_FRESH = (
    select(func.count()).select_from(_FRESH).scalar_subquery()
    == bindparam("all_of", type_=BigInteger)
)  # fmt: skip
#: The whole set in one statement; where a key of it has been posted before, only the others' keys
#: are claimed, and nothing else is written. Without and with cost layers.
_POST = [
    select(_FRESH.c.key).add_cte(*_writing(_ALL_FRESH)),
    select(_FRESH.c.key).add_cte(*_writing(_ALL_FRESH), *writing_layers(_ALL_FRESH)),
]
_WRITE = [
    select(literal(1)).add_cte(*_writing(true())),
    select(literal(1)).add_cte(*_writing(true()), *writing_layers(true())),
]


def _change_values(
    prefix: str, keys: Sequence[LevelKey], changes: Mapping[LevelKey, int]
) -> dict[str, object]:
    values = {name: [getattr(key, name) for key in keys] for name in LevelKey._fields}
    values["quantity"] = [changes[key] for key in keys]
    return params(**{prefix + name: column for name, column in values.items()})


def _move_values(tx: Transaction, moves: Sequence[tuple[int, Move]]) -> dict[str, object]:
    now = datetime.now(UTC)
    return tx.params(
        n=range(len(moves)),
        move_posting_id=[number for number, _ in moves],
        move_product_id=[m.product_id for _, m in moves],
        move_lot_id=[m.lot_id for _, m in moves],
        move_quantity=[m.quantity for _, m in moves],
        move_from_state=[int(m.source.state) for _, m in moves],
        move_from_location_id=[m.source.location_id for _, m in moves],
        move_to_state=[int(m.target.state) for _, m in moves],
        move_to_location_id=[m.target.location_id for _, m in moves],
        move_unit_cost=[m.unit_cost for _, m in moves],
        move_value=[m.value for _, m in moves],
        move_happened_at=[m.happened_at or now for _, m in moves],
    )
