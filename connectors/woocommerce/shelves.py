"""The simulated shop's products: simple ones, variations of one product, and who counts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connectors.simulators.shop import Shop, Variant
from connectors.woocommerce import lists
from connectors.woocommerce import storefront as words
from connectors.woocommerce.gate import Refused
from connectors.woocommerce.paths import LARGEST

FIRST_PARENT = 90_000_000_000_001


class Family(NamedTuple):
    """A product and its variations; a ``pooled`` one keeps one number for all of them."""

    key: int
    name: str
    variants: tuple[str, ...]
    pooled: bool


class Shelves:
    """``parents`` tells the product of each variation; ``unmanaged`` variants are not counted."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.parents: dict[str, int] = {}
        self.unmanaged: set[str] = set()
        self._families: dict[int, Family] = {}

    def family(self, name: str, skus: Sequence[str], *, pooled: bool = False) -> int:
        """Make variations of one product out of variants; answers the product's id."""
        keys = tuple(self.shop.variant(sku).key for sku in skus)
        key = FIRST_PARENT + len(self._families)
        self._families[key] = Family(key, name, keys, pooled)
        self.parents |= dict.fromkeys(keys, key)
        return key

    def products(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        simple = [
            words.product(one, self.shop.currency, managed=one.key not in self.unmanaged)
            for one in self.shop.variants
            if one.key not in self.parents
        ]
        found = simple + [self._parent(one) for one in self._families.values()]
        return self._listed(found, query)

    def variations(self, parent: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        family = self._families.get(int(parent))
        if family is None:
            said = "Invalid parent product."
            raise Refused("woocommerce_rest_product_variation_invalid_parent", said, 404)
        return self._listed([self._variation(one, family) for one in self._of(family)], query)

    def batch(self, parent: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Good rows are written whatever becomes of the others."""
        items = given.get("update") or []
        if len(items) > LARGEST:
            said = f"Unable to accept more than {LARGEST} items for this request."
            raise Refused("woocommerce_rest_request_entity_too_large", said, 413)
        return {"update": [self._row(parent, one) for one in items]}

    def _row(self, parent: str, item: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._write(parent, str(item.get("id")), item.get("stock_quantity"))
        except Refused as refused:
            error = {
                "code": refused.code,
                "message": str(refused),
                "data": {"status": refused.status},
            }
            return {"id": item.get("id"), "error": error}

    def _write(self, parent: str, key: str, quantity: object) -> dict[str, Any]:
        """Below zero is taken; what is not managed stays as it is, without a word."""
        if quantity is not None and not isinstance(quantity, int):
            raise lists.invalid("stock_quantity")
        family = self._families.get(int(parent or key))
        if family is not None and not parent:
            if family.pooled:
                self._set(self._of(family)[0].key, quantity)
            return self._parent(family)
        here = str(self.parents.get(key, "")) == parent
        if not here or key not in {one.key for one in self.shop.variants}:
            kind = "product_variation" if parent else "product"
            raise Refused(f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.", 400)
        counted = key not in self.unmanaged and (family is None or not family.pooled)
        if counted:
            self._set(key, quantity)
        variant = self.shop.variant(key)
        if family is not None:
            return self._variation(variant, family)
        return words.product(variant, self.shop.currency, managed=counted)

    def _set(self, key: str, quantity: int | None) -> None:
        if quantity is not None:
            self.shop.set_quantity(self.shop.variant(key).inventory_key, quantity)

    def _parent(self, family: Family) -> dict[str, Any]:
        found = self._of(family)
        return words.variable(
            family.key, family.name, found, self.shop.currency, managed=family.pooled
        )

    def _variation(self, variant: Variant, family: Family) -> dict[str, Any]:
        managed: bool | str = variant.key not in self.unmanaged
        shown = words.variation(variant, self.shop.currency, "parent" if family.pooled else managed)
        if family.pooled:
            shown["stock_quantity"] = self._of(family)[0].quantity
        return shown

    def _of(self, family: Family) -> list[Variant]:
        there = {one.key: one for one in self.shop.variants}
        return [there[key] for key in family.variants if key in there]

    def _listed(
        self, found: Sequence[dict[str, Any]], query: Mapping[str, str]
    ) -> list[dict[str, Any]]:
        ways = {
            "id": lambda one: one["id"],
            "date": lambda one: one["date_created_gmt"],
            "modified": lambda one: one["date_modified_gmt"],
        }
        return list(lists.page(lists.sort(found, query, ways), query, lambda one: int(one["id"])))
