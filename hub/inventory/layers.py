"""Cost layers in the database: read for a set of moves, and written with it.

Whoever reads or writes them holds the lock of their product, so that they need none of their own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from sqlalchemy import CTE, BigInteger, ColumnElement, func, insert, select

from hub.db import SELLER, At, Kind, Transaction, params, rows
from hub.inventory.costing import Layer, Layers, Shelf, wanted
from hub.inventory.models import cost_layer
from hub.inventory.moves import Move

_WANTED = rows(
    ("shelf_product", BigInteger),
    ("shelf_location", BigInteger),
    ("shelf_lot", BigInteger),
    ("shelf_units", BigInteger),
)
_L = cost_layer.c
_SHELF = (_L.product_id, _L.location_id, _L.lot_id)
#: Units in front of a layer's own.
_AHEAD = (
    func.sum(_L.remaining).over(partition_by=_SHELF, order_by=(_L.received_at, _L.id))
    - _L.remaining
)
_STANDING = (
    select(
        _L.id,
        _L.product_id,
        _L.location_id,
        _L.lot_id,
        _L.received_at,
        _L.units,
        _L.remaining,
        _L.value,
        _L.origin_id,
        _AHEAD.label("ahead"),
        _WANTED.c.shelf_units,
    )
    .where(
        _L.seller_id == SELLER,
        _L.product_id == _WANTED.c.shelf_product,
        _L.location_id == _WANTED.c.shelf_location,
        _L.lot_id == _WANTED.c.shelf_lot,
        _L.remaining > 0,
    )
    .subquery()
)
_READ = (
    select(*(column for column in _STANDING.c if column.name not in {"ahead", "shelf_units"}))
    .where(_STANDING.c.ahead < _STANDING.c.shelf_units)
    .order_by(_STANDING.c.received_at, _STANDING.c.id)
)


def read_layers(tx: Transaction, moves: Iterable[Move]) -> Layers:
    """As many layers, oldest first, as the moves take from. No statement where they take none."""
    units = wanted(moves)
    found = Layers()
    if not units:
        return found
    shelves = sorted(units)
    values = tx.params(
        shelf_product=[one.product_id for one in shelves],
        shelf_location=[one.location_id for one in shelves],
        shelf_lot=[one.lot_id for one in shelves],
        shelf_units=[units[one] for one in shelves],
    )
    for number, *shelf, at, first, remaining, value, origin in tx.execute(_READ, values):
        where = Shelf(*shelf)
        layer = Layer(number, where, at, first, remaining, value, origin)
        found.queues.setdefault(where, deque()).append(layer)
    return found


_TAKEN = rows(
    ("taken_id", BigInteger), ("taken_remaining", BigInteger), ("taken_value", BigInteger)
)
_COLUMNS: dict[str, Kind] = {
    "product_id": BigInteger,
    "location_id": BigInteger,
    "lot_id": BigInteger,
    "posting_id": BigInteger,
    "origin_id": BigInteger,
    "received_at": At,
    "units": BigInteger,
    "cost": BigInteger,
    "remaining": BigInteger,
    "value": BigInteger,
}
_LAID = rows(*((f"laid_{name}", kind) for name, kind in _COLUMNS.items()))


def writing(where: ColumnElement[bool]) -> tuple[CTE, CTE]:
    """Layers of a set, written ``where`` it is to be."""
    taken = (
        cost_layer.update()
        .values(remaining=_TAKEN.c.taken_remaining, value=_TAKEN.c.taken_value)
        .where(_L.seller_id == SELLER, _L.id == _TAKEN.c.taken_id, where)
    )
    laid = insert(cost_layer).from_select(
        ["seller_id", *_COLUMNS],
        select(SELLER, *(_LAID.c[f"laid_{name}"] for name in _COLUMNS)).where(where),
    )
    return taken.cte("taken"), laid.cte("laid")


def layer_values(layers: Layers) -> dict[str, object]:
    """What :func:`writing` is given."""
    touched = sorted(layers.touched.items())
    new = layers.new
    return params(
        taken_id=[number for number, _ in touched],
        taken_remaining=[one.remaining for _, one in touched],
        taken_value=[one.value for _, one in touched],
        laid_product_id=[one.shelf.product_id for one in new],
        laid_location_id=[one.shelf.location_id for one in new],
        laid_lot_id=[one.shelf.lot_id for one in new],
        laid_posting_id=[one.posting_id for one in new],
        laid_origin_id=[one.origin_id for one in new],
        laid_received_at=[one.received_at for one in new],
        laid_units=[one.units for one in new],
        laid_cost=[one.cost for one in new],
        laid_remaining=[one.remaining for one in new],
        laid_value=[one.value for one in new],
    )
