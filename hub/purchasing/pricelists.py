"""Price lists: what suppliers charge for products, from which day, in which quantities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    SmallInteger,
    String,
    bindparam,
    delete,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.db import SELLER, Kind, Transaction, among, rows
from hub.errors import InvalidInput
from hub.money import exponent
from hub.purchasing import suppliers
from hub.purchasing.models import price_tier, supplier, supplier_price
from hub.purchasing.prices import PriceList, Tier, ordered

_COLUMNS: dict[str, Kind] = {
    "product_id": BigInteger,
    "supplier_code": String,
    "currency": String,
    "minimum": BigInteger,
    "maximum": BigInteger,
    "pack": BigInteger,
    "lead_days": SmallInteger,
    "valid_from": Date,
    "valid_until": Date,
}
_SUPPLIER = bindparam("supplier", type_=BigInteger)
_GIVEN = rows(*_COLUMNS.items())
_NEW = upsert(supplier_price).from_select(
    ["seller_id", "supplier_id", *_COLUMNS],
    select(SELLER, _SUPPLIER, *(_GIVEN.c[name] for name in _COLUMNS)).order_by(
        _GIVEN.c.product_id, _GIVEN.c.valid_from
    ),
)
_KEY = ["seller_id", "supplier_id", "product_id", "valid_from"]
_SAVE = _NEW.on_conflict_do_update(
    index_elements=_KEY,
    set_={name: _NEW.excluded[name] for name in _COLUMNS if name not in _KEY},
).returning(supplier_price.c.id, supplier_price.c.product_id, supplier_price.c.valid_from)
_TIERS = rows(("price_id", BigInteger), ("from_quantity", BigInteger), ("unit_price", BigInteger))
_NEW_TIERS = insert(price_tier).from_select(
    ["seller_id", "price_id", "from_quantity", "unit_price"],
    select(SELLER, _TIERS.c.price_id, _TIERS.c.from_quantity, _TIERS.c.unit_price),
)
_OLD_TIERS = delete(price_tier).where(
    price_tier.c.seller_id == SELLER, among(price_tier.c.price_id, "ids")
)


def put(tx: Transaction, supplier_id: int, lists: Sequence[PriceList]) -> int:
    """Set a supplier's price lists; one for the same product and day takes the older's place.
    Answers how many. Raises NotFound, InvalidInput naming the list."""
    suppliers.get(tx, supplier_id)
    _check(lists)
    if not lists:
        return 0
    values = tx.params(**{name: [getattr(one, name) for one in lists] for name in _COLUMNS})
    saved = tx.execute(_SAVE, {**values, "supplier": supplier_id})
    ids = {(row.product_id, row.valid_from): row.id for row in saved}
    tx.execute(_OLD_TIERS, tx.params(ids=sorted(ids.values())))
    tiers = [(ids[one.product_id, one.valid_from], tier) for one in lists for tier in one.tiers]
    tx.execute(
        _NEW_TIERS,
        tx.params(
            price_id=[number for number, _ in tiers],
            from_quantity=[tier.from_quantity for _, tier in tiers],
            unit_price=[tier.unit_price for _, tier in tiers],
        ),
    )
    return len(ids)


def _check(lists: Sequence[PriceList]) -> None:
    seen = set()
    for place, one in enumerate(lists):
        where = f"items[{place}]"
        exponent(one.currency)
        if not ordered(one.tiers):
            raise InvalidInput(f"{where}.tiers", "must rise, each from more units than the last")
        if one.maximum is not None and one.maximum < one.minimum:
            raise InvalidInput(f"{where}.maximum", "is less than the minimum")
        if one.valid_until is not None and one.valid_until < one.valid_from:
            raise InvalidInput(f"{where}.valid_until", "is before valid_from")
        if (one.product_id, one.valid_from) in seen:
            raise InvalidInput(where, "is of the same product and day as another")
        seen.add((one.product_id, one.valid_from))


_PRICE = [supplier_price.c[name] for name in ("id", "supplier_id", *_COLUMNS)]


def of_supplier(tx: Transaction, supplier_id: int, *, after: int, limit: int) -> list[PriceList]:
    """A page of a supplier's lists, the ones of long ago too. Raises NotFound."""
    suppliers.get(tx, supplier_id)
    here = (supplier_price.c.supplier_id == supplier_id) & (supplier_price.c.id > after)
    return _read(tx, here, limit)


def of_products(tx: Transaction, product_ids: Sequence[int]) -> list[PriceList]:
    """Every list of these products by suppliers that are active."""
    active = select(supplier.c.id).where(supplier.c.seller_id == SELLER, supplier.c.active)
    here = among(supplier_price.c.product_id, "ids") & supplier_price.c.supplier_id.in_(active)
    return _read(tx, here, None, tx.params(ids=product_ids))


def _read(
    tx: Transaction,
    which: ColumnElement[bool],
    limit: int | None,
    values: dict[str, Any] | None = None,
) -> list[PriceList]:
    query = select(*_PRICE).where(supplier_price.c.seller_id == SELLER, which)
    found = tx.execute(query.order_by(supplier_price.c.id).limit(limit), values or tx.params())
    lists = list(found.mappings())
    tiers = _tiers(tx, [row["id"] for row in lists])
    return [PriceList(**row, tiers=tiers[row["id"]]) for row in lists]


_READ_TIERS = (
    select(price_tier.c.price_id, price_tier.c.from_quantity, price_tier.c.unit_price)
    .where(price_tier.c.seller_id == SELLER, among(price_tier.c.price_id, "ids"))
    .order_by(price_tier.c.price_id, price_tier.c.from_quantity)
)


def _tiers(tx: Transaction, ids: Sequence[int]) -> dict[int, tuple[Tier, ...]]:
    found: dict[int, tuple[Tier, ...]] = defaultdict(tuple)
    if ids:
        for number, start, price in tx.execute(_READ_TIERS, tx.params(ids=ids)):
            found[number] += (Tier(start, price),)
    return found
