"""The simulated shop's products and stock: writes of all warehouses at once, products off and on.

Refusals of one SKU stand in the data of an answer with code 0, those of a product in the answer's
code, as at TikTok. Sales take from the main warehouse first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.simulators.shop import FIRST_PRODUCT, FIRST_VARIANT, Shop, Variant
from connectors.tiktok_shop import storefront as words
from connectors.tiktok_shop.gate import Refused

LARGEST = 99_999
MOST_SKUS = 100
ACTIVE, OFF, PENDING = "ACTIVATE", "SELLER_DEACTIVATED", "PENDING"


class Stockroom:
    """``together`` variants make a product. ``places`` are the warehouses of every SKU,
    ``takes_zero`` whether 0 is good stock, ``audits`` whether a product put on sale again waits."""

    def __init__(self, shop: Shop, *, together: int, places: int, takes_zero: bool) -> None:
        self.shop = shop
        self.together = together
        self.places = [words.MAIN, words.SECOND][:places]
        self.takes_zero = takes_zero
        self.audits = False
        self._second: Counter[str] = Counter()
        self._status: dict[str, str] = {}

    # -- what there is -------------------------------------------------------------------------

    def products(self, start: int, most: int) -> tuple[list[list[Variant]], int]:
        """From the product with number ``start`` on, and the number to go on from (0: the end)."""
        first = FIRST_VARIANT + start * self.together
        found = self.shop.variants_from(first, most * self.together + 1)
        groups: dict[int, list[Variant]] = {}
        for one in found:
            groups.setdefault(self._number(one), []).append(one)
        shown = list(groups)[:most]
        after = list(groups)[most:]
        return [groups[number] for number in shown], after[0] if after else 0

    def variants_of(self, product: str) -> list[Variant]:
        number = int(product) - FIRST_PRODUCT if product.isdecimal() else -1
        if number < 0:
            return []
        first = FIRST_VARIANT + number * self.together
        found = self.shop.variants_from(first, self.together)
        return [one for one in found if self._number(one) == number]

    def described(self, variants: Sequence[Variant], currency: str) -> dict[str, Any]:
        key = words.product_key(variants[0], self.together)
        shelves = {one.key: self.shelves(one) for one in variants}
        return words.product(variants, key, self.status(key, variants), currency, shelves)

    def status(self, product: str, variants: Sequence[Variant]) -> str:
        if not any(one.active for one in variants):
            return OFF
        return self._status.get(product, ACTIVE)

    def shelves(self, variant: Variant) -> dict[str, int]:
        second = min(self._second[variant.key], max(variant.quantity, 0))
        counts = (variant.quantity - second, second)
        return dict(zip(self.places, counts, strict=False))

    def variant(self, key: str) -> Variant | None:
        found = self.shop.variants_from(int(key), 1) if key.isdecimal() else ()
        return found[0] if found and found[0].key == key else None

    # -- what is done with it ------------------------------------------------------------------

    def write(self, product: str, skus: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        with self.shop.lock:
            variants = self.variants_of(product)
            if not variants:
                raise Refused(12052032, "The product does not exist")
            if self.status(product, variants) != ACTIVE:
                raise Refused(12052901, "The product in its current status is not available")
            if len(skus) > MOST_SKUS:
                raise Refused(12052050, "A product cannot have more than 100 different SKUs")
            if len({one["id"] for one in skus}) < len(skus):
                raise Refused(12052553, "Sku id duplicate")
            known = {one.key: one for one in variants}
            errors = [error for one in skus for error in self._write(known.get(one["id"]), one)]
            return {"errors": errors} if errors else {}

    def switch(self, products: Sequence[str], *, on: bool) -> dict[str, Any]:
        if len(products) > 20:
            raise Refused(12019120, "The number of provided product IDs exceeds the limit.")
        with self.shop.lock:
            errors = [error for one in products for error in self._switch(one, on=on)]
        return {"errors": errors} if errors else {}

    def approve(self) -> None:
        """What waits for its audit passes it."""
        self._status = {key: word for key, word in self._status.items() if word != PENDING}

    def _write(self, variant: Variant | None, entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Writes, or says why not."""
        if variant is None:
            yield _error(12052556, "The SKU id not exist.", sku_id=entry["id"])
            return
        given = {one.get("warehouse_id", words.MAIN): one["quantity"] for one in entry["inventory"]}
        reason = self._objection(given)
        if reason is not None:
            code, said, place = reason
            more = [{"warehouse_id": place, "code": code, "message": said}]
            yield _error(12052990, "Check failed", sku_id=variant.key, extra_errors=more)
            return
        self._second[variant.key] = given.get(words.SECOND, 0)
        self.shop.set_quantity(variant.inventory_key, sum(given.values()))

    def _objection(self, given: Mapping[str, int]) -> tuple[int, str, str] | None:
        for place in given.keys() - set(self.places):
            return 12052097, "The warehouse does not exist", place
        for place in set(self.places) - given.keys():
            return 12019028, "Multiple warehouses detected. Include all warehouse IDs.", place
        for place, quantity in given.items():
            if quantity < 0:
                return 12019024, "stock count is invalid", place
            if quantity > LARGEST or quantity == 0 and not self.takes_zero:
                return 12052055, "The SKU inventory quantity must be within limits.", place
        return None

    def _switch(self, product: str, *, on: bool) -> Iterator[dict[str, Any]]:
        variants = self.variants_of(product)
        if not variants:
            yield _error(12052032, "The product does not exist", product_id=product)
        elif (self.status(product, variants) == ACTIVE) is on:
            said = "The product in its current status is not available for this operation."
            yield _error(12052901, said, product_id=product)
        elif on and not self.audits:
            self._status.pop(product, None)
        else:
            self._status[product] = PENDING if on else OFF

    def _number(self, variant: Variant) -> int:
        return (int(variant.key) - FIRST_VARIANT) // self.together


def _error(code: int, message: str, **detail: Any) -> dict[str, Any]:
    return {"code": code, "message": message, "detail": detail}
