"""Products and places by the names people give them, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hub.db import Transaction
from hub.errors import InvalidInput
from hub.inventory import products
from hub.inventory.products import sku_key


def product_ids(tx: Transaction, skus: Sequence[str], where: str) -> list[int]:
    """In the order given. Raises InvalidInput naming the one there is not."""
    known = products.by_sku(tx, skus)
    found = []
    for place, sku in enumerate(skus):
        number = known.get(sku_key(sku))
        if number is None:
            raise InvalidInput(f"{where}[{place}].sku", "is no product of yours")
        found.append(number)
    return found


def names(tx: Transaction, ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Product → (SKU, name)."""
    wanted = sorted(set(ids))
    return {one.id: (one.sku, one.name) for one in products.these(tx, wanted)} if wanted else {}


def places(tx: Transaction) -> dict[str, int]:
    return {place.code: place.id for place in products.locations(tx)}


def place_id(tx: Transaction, code: str, field: str = "location") -> int:
    """Raises InvalidInput."""
    known = places(tx)
    if code not in known:
        raise InvalidInput(field, "is no location of yours")
    return known[code]


def place_codes(tx: Transaction) -> dict[int, str]:
    return {place.id: place.code for place in products.locations(tx)}
