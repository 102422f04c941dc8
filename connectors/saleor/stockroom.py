"""Stock at the simulated shop: at hand, its open orders' units included, as Saleor counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.saleor import storefront as words
from connectors.saleor.ids import gid, key_of
from connectors.simulators.shop import Event, Sale, Shop, Variant

Answer = dict[str, Any]


class Stockroom:
    """``untracked`` and ``unstocked`` hold keys of variants that Saleor does not count, or not in
    this warehouse."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.untracked: set[str] = set()
        self.unstocked: set[str] = set()
        self._of_order: dict[str, Counter[str]] = {}
        self._allocated: Counter[str] = Counter()
        for sale in shop.orders:
            self._note(sale)

    def on_event(self, event: Event) -> None:
        if event.sale is not None:
            self._note(event.sale)

    def allocated(self, variant_key: str) -> int:
        return self._allocated[variant_key]

    def levels(self, variant: Variant) -> list[Answer]:
        if variant.key in self.unstocked:
            return []
        taken = self.allocated(variant.key)
        return [words.stock(variant.quantity + taken, taken)]

    def set(self, rows: Sequence[Mapping[str, Any]]) -> Answer:
        """With REJECT_FAILED_ROWS: the good rows are written, each is answered in its place."""
        with self.shop.lock:
            results = [self._set(row) for row in rows]
        written = sum(one["stock"] is not None for one in results)
        return {"count": written, "results": results, "errors": []}

    def _set(self, row: Mapping[str, Any]) -> Answer:
        key, quantity = key_of(row["variantId"], "ProductVariant"), row["quantity"]
        if not key:
            return _refused("INVALID", "variantId", "Invalid variantId.")
        if quantity < 0:
            return _refused("INVALID", "quantity", "Quantity should not be less than 0.")
        variant = next(
            (one for one in self.shop.variants_from(int(key), 1) if one.key == key), None
        )
        if variant is None or key in self.unstocked or row["warehouseId"] != words.WAREHOUSE:
            return _refused("NOT_FOUND", None, "Stock was not found.")
        taken = self.allocated(key)
        self.shop.set_quantity(variant.inventory_key, quantity - taken)
        stock = {"id": gid("Stock", key), "quantity": quantity, "quantityAllocated": taken}
        return {"stock": stock, "errors": None}

    def _note(self, sale: Sale) -> None:
        """What an order's open lines hold, in the place of what they held."""
        held: Counter[str] = Counter()
        for line in sale.lines:
            held[line.variant_key] += line.open
        self._allocated.subtract(self._of_order.pop(sale.key, Counter()))
        self._allocated.update(held)
        self._of_order[sale.key] = held


def _refused(code: str, field: str | None, message: str) -> Answer:
    return {"stock": None, "errors": [{"field": field, "message": message, "code": code}]}
