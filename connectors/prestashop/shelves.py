"""The simulated shop's products, their combinations, and a row of stock for each of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from connectors.prestashop.storefront import Row, Writer, words
from connectors.prestashop.tables import Refused
from connectors.simulators.shop import FIRST_PRODUCT, FIRST_VARIANT, Sale, Shop, Variant

#: In front of a product's id: its own row of stock, the sum of its combinations'.
SUM = "9"


class Shelves:
    """``together`` variants make a product of combinations; 1: a product without. Of the SKUs in
    ``warehoused`` the stock is kept by warehouses: a number that is written does not stay."""

    def __init__(self, shop: Shop, together: int) -> None:
        self.shop = shop
        self.together = together
        self.warehoused: set[str] = set()

    def keys(self, variant_key: str) -> tuple[str, str]:
        """Product and combination of a variant."""
        if self.together == 1:
            return variant_key, "0"
        number = int(variant_key) - FIRST_VARIANT
        return str(FIRST_PRODUCT + number // self.together), variant_key

    def named(self, sale: Sale) -> Sale:
        """With product and combination in place of a variant's key."""
        lines = tuple(
            one
            if "-" in one.variant_key
            else replace(one, variant_key="-".join(self.keys(one.variant_key)))
            for one in sale.lines
        )
        return replace(sale, lines=lines)

    def products(self, rows: Writer) -> list[Row]:
        combined = self.together > 1
        return [
            rows.product(key, variants, combined=combined)
            for key, variants in self._groups().items()
        ]

    def combinations(self, rows: Writer) -> list[Row]:
        if self.together == 1:
            return []
        return [
            rows.combination(key, one, variants[0])
            for key, variants in self._groups().items()
            for one in variants
        ]

    def values(self) -> list[Row]:
        """Each variant has an option of its own: its SKU."""
        return [{"id": int(one.key), "name": words(one.sku)} for one in self.shop.variants]

    def stock(self, rows: Writer) -> Iterator[Row]:
        for product, variants in self._groups().items():
            if self.together > 1:
                units = sum(one.quantity for one in variants)
                yield rows.stock(SUM + product, product, "0", units, ours=True)
            for one in variants:
                attribute = self.keys(one.key)[1]
                ours = one.sku not in self.warehoused
                yield rows.stock(one.inventory_key, product, attribute, one.quantity, ours=ours)

    def write(self, row: str, quantity: int) -> None:
        """A sum is reckoned anew at once, and a warehouse's number later: neither stays."""
        variant = self.shop.by_inventory(row)
        if variant is None and not row.startswith(SUM):
            raise Refused(404, 92, "Invalid ID")
        if variant is not None and variant.sku not in self.warehoused:
            self.shop.set_quantity(row, quantity)

    def _groups(self) -> dict[str, list[Variant]]:
        groups: dict[str, list[Variant]] = {}
        for one in self.shop.variants:
            groups.setdefault(self.keys(one.key)[0], []).append(one)
        return groups
