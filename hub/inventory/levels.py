"""Reading stock: now from levels, at a past moment from moves."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, literal_column, select, union_all

from hub.db import Transaction
from hub.inventory.models import State, level, location, move, product
from hub.inventory.products import product_id


class Level(NamedTuple):
    location: str
    state: str
    quantity: int


class StockRow(NamedTuple):
    product_id: int
    sku: str
    name: str
    location: str
    state: str
    quantity: int


def stock(tx: Transaction, sku: str, as_of: datetime | None = None) -> list[Level]:
    """Levels of one SKU by location and state; as of the end of a past moment where given.

    ``as_of`` counts what had been *posted* by then: what the ledger showed, and must show again.
    Raises NotFound.
    """
    number = product_id(tx, sku)
    if as_of is None:
        found = tx.execute(
            select(location.c.code, level.c.state, level.c.quantity)
            .join(location, _same_location(level))
            .where(level.c.seller_id == tx.seller_id, level.c.product_id == number)
            .where(level.c.quantity > 0)
            .order_by(location.c.code, level.c.state)
        )
    else:
        found = tx.execute(_past(tx, number, as_of))
    return [Level(code, State(state).name.lower(), int(units)) for code, state, units in found]


def _past(tx: Transaction, number: int, as_of: datetime) -> Any:
    until = (
        move.c.seller_id == tx.seller_id,
        move.c.product_id == number,
        move.c.posted_at <= as_of,
    )
    arrived = select(
        move.c.to_location_id.label("place"),
        move.c.to_state.label("state"),
        move.c.quantity.label("units"),
    ).where(*until, move.c.to_location_id.is_not(None))
    left = select(move.c.from_location_id, move.c.from_state, -move.c.quantity).where(
        *until, move.c.from_location_id.is_not(None)
    )
    both = union_all(arrived, left).subquery()
    total = func.sum(both.c.units)
    return (
        select(location.c.code, both.c.state, total)
        .join(location, (location.c.seller_id == tx.seller_id) & (location.c.id == both.c.place))
        .group_by(location.c.code, both.c.state)
        .having(total != 0)
        .order_by(location.c.code, both.c.state)
    )


def _same_location(table: Any) -> Any:
    return (location.c.seller_id == table.c.seller_id) & (location.c.id == table.c.location_id)


def stock_page(tx: Transaction, after_sku: str = "", limit: int = 100) -> list[StockRow]:
    """Levels of the next ``limit`` SKUs in the order of their keys, every location and state."""
    page = (
        select(product.c.id, product.c.sku, product.c.sku_key, product.c.name)
        .where(product.c.seller_id == tx.seller_id, product.c.sku_key > after_sku)
        .order_by(product.c.sku_key)
        .limit(limit)
        .subquery()
    )
    here = (level.c.seller_id == tx.seller_id) & (level.c.product_id == page.c.id)
    found = tx.execute(
        select(
            page.c.id,
            page.c.sku,
            page.c.name,
            func.coalesce(location.c.code, literal_column("''")),
            func.coalesce(level.c.state, int(State.AVAILABLE)),
            func.coalesce(level.c.quantity, 0),
        )
        .select_from(page)
        .join(level, here, isouter=True)
        .join(location, _same_location(level), isouter=True)
        .order_by(page.c.sku_key, location.c.code, level.c.state)
    )
    return [
        StockRow(number, sku, name, code, State(state).name.lower(), units)
        for number, sku, name, code, state, units in found
    ]
