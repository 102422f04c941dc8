"""What the simulated Google answers: the app's resources out of the shop's state, all or nothing
where Google's own calls are. Speaks no HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.google_play import storefront as words
from connectors.simulators.shop import Sale, Shop, Variant

MOST_ORDERS = 1000
MOST_PRODUCTS = 100
MOST_SWITCHES = 100
LONGEST_LIST = 1000
HORIZON = timedelta(days=30)


class Refused(Exception):
    """An error as Google tells it."""

    def __init__(self, status: int, word: str, message: str = "") -> None:
        super().__init__(message or word)
        self.status = status
        self.word = word


class Office:
    """``acknowledged`` holds the keys of orders whose purchase was."""

    def __init__(self, shop: Shop, package: str) -> None:
        self.shop = shop
        self.package = package
        self.acknowledged: set[str] = set()

    def products(self, size: int, token: str) -> dict[str, Any]:
        try:
            start = words.first_of(token)
        except words.BadToken:
            raise Refused(400, "INVALID_ARGUMENT") from None
        found = [
            variants
            for variants in words.products(self.shop.variants).values()
            if int(variants[0].key) >= start
        ]
        size = min(size or 50, LONGEST_LIST)
        shown, rest = found[:size], found[size:]
        answer: dict[str, Any] = {}
        if shown:
            answer["oneTimeProducts"] = [self._product(one) for one in shown]
        if rest:
            answer["nextPageToken"] = words.pack(int(rest[0][0].key))
        return answer

    def products_by_id(self, ids: Sequence[str]) -> dict[str, Any]:
        self._limit(ids, MOST_PRODUCTS)
        there = words.products(self.shop.variants)
        if not there.keys() >= set(ids):
            raise Refused(404, "NOT_FOUND")
        return {"oneTimeProducts": [self._product(there[one]) for one in ids]}

    def switch(self, product: str, requests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """All or nothing."""
        wanted = [_wanted(one) for one in requests]
        self._limit([(named["productId"], named["purchaseOptionId"]) for named, _ in wanted],
                    MOST_SWITCHES)  # fmt: skip
        with self.shop.lock:
            options = [self._option(product, named) for named, _ in wanted]
            for option, (_, on) in zip(options, wanted, strict=True):
                self.shop.set_quantity(option.inventory_key, on)
            there = words.products(self.shop.variants)
            return {"oneTimeProducts": [self._product(there[one.sku]) for one in options]}

    def orders(self, ids: Sequence[str]) -> dict[str, Any]:
        self._limit(ids, MOST_ORDERS)
        return {"orders": [self.order(one) for one in ids]}

    def order(self, key: str) -> dict[str, Any]:
        return words.order(self._sale(key), self.shop.currency)

    def purchase(self, token: str) -> dict[str, Any]:
        sale = self._sale(words.order_of(token))
        return words.purchase(sale, acknowledged=sale.key in self.acknowledged)

    def acknowledge(self, product: str, token: str) -> None:
        sale = self._sale(words.order_of(token))
        if product not in {line.sku for line in sale.lines}:
            raise Refused(404, "NOT_FOUND")
        if sale.key in self.acknowledged or words.state(sale) != "PROCESSED":
            raise Refused(400, "FAILED_PRECONDITION")
        self.acknowledged.add(sale.key)
        self.shop.ship(sale.key)

    def voided(self, start: datetime, size: int, token: str) -> dict[str, Any]:
        """By the time of the change; a token goes on where its page ended."""
        if not token and start < self.shop.now() - HORIZON:
            raise Refused(400, "INVALID_ARGUMENT")
        try:
            after = words.position(token) if token else (start, -1)
        except words.BadToken:
            raise Refused(400, "INVALID_ARGUMENT") from None
        changed = self.shop.orders_after(after, len(self.shop.orders) + 1)
        found = [sale for sale in changed if words.is_voided(sale)]
        size = min(size or 100, LONGEST_LIST)
        shown = found[:size]
        answer: dict[str, Any] = {}
        if shown:
            answer["voidedPurchases"] = [words.voided(one) for one in shown]
        if len(found) > size:
            moment, version = shown[-1].position
            onward = words.pack(moment.isoformat(), version)
            answer["tokenPagination"] = {"nextPageToken": onward}
        return answer

    def _product(self, variants: Sequence[Variant]) -> dict[str, Any]:
        return words.product(variants, self.package, self.shop.currency)

    def _sale(self, key: str) -> Sale:
        found = self.shop.order(key)
        if found is None:
            raise Refused(404, "NOT_FOUND")
        return found

    def _option(self, product: str, named: Mapping[str, Any]) -> Variant:
        if product not in ("-", named["productId"]) or named["packageName"] != self.package:
            raise Refused(400, "INVALID_ARGUMENT")
        for variant in words.products(self.shop.variants).get(named["productId"], []):
            if variant.key == named["purchaseOptionId"]:
                return variant
        raise Refused(404, "NOT_FOUND")

    def _limit(self, named: Sequence[object], most: int) -> None:
        if not 1 <= len(named) <= most or len(set(named)) != len(named):
            raise Refused(400, "INVALID_ARGUMENT")


def _wanted(asked: Mapping[str, Any]) -> tuple[Mapping[str, Any], int]:
    """(what is named, 1 for on and 0 for off)"""
    if len(asked) != 1:
        raise Refused(400, "INVALID_ARGUMENT")
    if "activatePurchaseOptionRequest" in asked:
        return asked["activatePurchaseOptionRequest"], 1
    if "deactivatePurchaseOptionRequest" in asked:
        return asked["deactivatePurchaseOptionRequest"], 0
    raise Refused(400, "INVALID_ARGUMENT")
