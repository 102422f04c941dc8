"""Products and locations: found by SKU or barcode through normalised keys."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, String, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.db import SELLER, Transaction, params, rows
from hub.errors import InvalidInput, NotFound
from hub.inventory.models import location, product


def sku_key(sku: str) -> str:
    """The form SKUs are matched by: compatibility characters folded, case and outer space ignored.

    Stored in a column of its own, because under row-level security ``lower(sku)`` reaches no index.
    Raises InvalidInput for empty, overlong and unprintable SKUs.
    """
    try:
        sku.encode()
    except UnicodeEncodeError:
        raise InvalidInput("sku", "holds half of a surrogate pair") from None
    key = unicodedata.normalize("NFKC", sku).strip().casefold()
    if not 0 < len(key) <= 120 or len(sku) > 120:
        raise InvalidInput("sku", "must have 1 to 120 characters")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in key):
        raise InvalidInput("sku", "must not hold control characters")
    return key


@dataclass(frozen=True, slots=True)
class NewProduct:
    sku: str
    name: str = ""
    barcode: str = ""


_PRODUCTS = rows(("sku", String), ("sku_key", String), ("name", String), ("barcode", String))


def add_products(tx: Transaction, items: Iterable[NewProduct]) -> dict[str, int]:
    """Create those that are new; SKU as given → product id, for all. An existing name is kept."""
    wanted = {sku_key(item.sku): item for item in items}
    if not wanted:
        return {}
    for item in wanted.values():
        if "\0" in item.name + item.barcode or len(item.name) > 500 or len(item.barcode) > 64:
            raise InvalidInput(
                "product", f"name or barcode of {item.sku!r} is too long or not text"
            )
    columns = ["sku", "sku_key", "name", "barcode"]
    statement = (
        upsert(product)
        .from_select(
            ["seller_id", *columns],
            select(tx.seller, *(_PRODUCTS.c[name] for name in columns)).order_by(
                _PRODUCTS.c.sku_key
            ),
        )
        .on_conflict_do_nothing(index_elements=["seller_id", "sku_key"])
    )
    values = params(
        sku=[item.sku for item in wanted.values()],
        sku_key=list(wanted),
        name=[item.name for item in wanted.values()],
        barcode=[item.barcode for item in wanted.values()],
    )
    tx.execute(statement, values)
    ids = by_sku(tx, [item.sku for item in wanted.values()])
    return {item.sku: ids[key] for key, item in wanted.items()}


def by_sku(tx: Transaction, skus: Sequence[str]) -> dict[str, int]:
    """Normalised SKU → product id, for those there are."""
    keys = [sku_key(sku) for sku in skus]
    found = tx.execute(
        select(product.c.sku_key, product.c.id).where(
            product.c.seller_id == tx.seller_id, product.c.sku_key == func.any(keys)
        )
    )
    return {key: value for key, value in found}


def product_id(tx: Transaction, sku: str) -> int:
    """Raises NotFound for a SKU the seller does not have."""
    found = by_sku(tx, [sku])
    if not found:
        raise NotFound(f"no product with SKU {sku!r}")
    return next(iter(found.values()))


def add_location(
    tx: Transaction, code: str, name: str = "", kind: str = "warehouse", priority: int = 100
) -> int:
    """The id of the location with this code, created if need be."""
    if not 0 < len(code) <= 40 or not code.isprintable():
        raise InvalidInput("code", "must have 1 to 40 printable characters")
    statement = upsert(location).values(
        seller_id=tx.seller_id, code=code, name=name or code, kind=kind, priority=priority
    )
    tx.execute(statement.on_conflict_do_nothing(index_elements=["seller_id", "code"]))
    return location_id(tx, code)


def location_id(tx: Transaction, code: str) -> int:
    found = tx.execute(
        select(location.c.id).where(location.c.seller_id == tx.seller_id, location.c.code == code)
    ).scalar()
    if found is None:
        raise NotFound(f"no location {code!r}")
    return int(found)


#: Active locations that stock may be sold from, in order of priority.
OWN_LOCATIONS = (
    select(location.c.id)
    .where(
        location.c.seller_id == SELLER,
        location.c.active,
        location.c.kind.in_(["warehouse", "third_party", "shop"]),
    )
    .order_by(location.c.priority, location.c.id)
)


def own_locations(tx: Transaction) -> tuple[int, ...]:
    """Active locations that stock may be sold from, in order of priority."""
    return tuple(tx.execute(OWN_LOCATIONS, tx.params()).scalars())


class Product(NamedTuple):
    id: int
    sku: str
    sku_key: str
    name: str
    barcode: str
    active: bool
    keyed: bool
    version: int


class Location(NamedTuple):
    id: int
    code: str
    name: str
    kind: str
    priority: int
    active: bool


def products(tx: Transaction, after_key: str, limit: int) -> list[Product]:
    """A page in the order of the SKUs' keys."""
    return _read(tx, product.c.sku_key > after_key, limit)


def these(tx: Transaction, ids: Sequence[int]) -> list[Product]:
    return _read(tx, product.c.id == func.any(list(ids)), len(ids))


def get(tx: Transaction, number: int) -> Product:
    """Raises NotFound."""
    found = these(tx, [number])
    if not found:
        raise NotFound(f"no product {number}")
    return found[0]


def _read(tx: Transaction, which: ColumnElement[bool], limit: int) -> list[Product]:
    columns = [product.c[name] for name in Product._fields]
    mine = select(*columns).where(product.c.seller_id == tx.seller_id, which)
    return [Product(*row) for row in tx.execute(mine.order_by(product.c.sku_key).limit(limit))]


def locations(tx: Transaction) -> list[Location]:
    """Every location, in order of priority."""
    columns = [location.c[name] for name in Location._fields]
    mine = select(*columns).where(location.c.seller_id == tx.seller_id)
    ordered = mine.order_by(location.c.priority, location.c.id)
    return [Location(*row) for row in tx.execute(ordered)]
