"""The simulated shop's orders: lists, updates, notes, refunds. What it knows of parcels, it knows
from the marks the hub leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from connectors.postsale import Parcel, ParcelLine, Refund
from connectors.simulators.shop import Sale, Shop
from connectors.simulators.trade import Refused as ShopRefused
from connectors.woocommerce import lists, marks
from connectors.woocommerce import storefront as words
from connectors.woocommerce.gate import Refused

STATUSES = {
    "any",
    "trash",
    "pending",
    "processing",
    "on-hold",
    "completed",
    "cancelled",
    "refunded",
    "failed",
}


class Office:
    """``trashed`` orders are in the list of the trash, and in no other."""

    def __init__(
        self, shop: Shop, parents: Mapping[str, int], index_lag: Callable[[], float]
    ) -> None:
        self.shop = shop
        self.parents = parents
        self.trashed: set[str] = set()
        self.notes: dict[str, list[dict[str, Any]]] = {}
        self._index_lag = index_lag
        self._numbers = count(1)

    def listed(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        status = query.get("status", "any")
        if status not in STATUSES:
            raise lists.invalid("status")
        after, before = lists.bounds(query)
        ends = min(before, self.shop.now() - timedelta(seconds=self._index_lag()))
        ends = ends if self._index_lag() else before
        found = [
            one
            for one in self.shop.orders
            if after < _second(one.updated_at) < ends and self._is(one, status)
        ]
        ways = {
            "id": lambda one: int(one.key),
            "date": lambda one: one.placed_at,
            "modified": lambda one: _second(one.updated_at),
        }
        shown = lists.page(lists.sort(found, query, ways), query, lambda one: int(one.key))
        return [self.told(one) for one in shown]

    def one(self, key: str) -> dict[str, Any]:
        return self.told(self._sale(key))

    def told(self, sale: Sale) -> dict[str, Any]:
        trashed = sale.key in self.trashed
        return words.order(sale, self.shop.currency, self.parents, trashed=trashed)

    def update(self, key: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Marks first, as the status may end the order."""
        sale = self._sale(key, 400)
        if given.get("status", "any") not in STATUSES - {"trash"}:
            raise lists.invalid("status")
        try:
            for mark in given.get("meta_data") or []:
                self._take_note_of(sale, mark)
            self._set_status(key, given.get("status"))
        except ShopRefused as error:
            raise Refused("woocommerce_rest_invalid_order", str(error), 400) from error
        return self.one(key)

    def list_notes(self, key: str) -> list[dict[str, Any]]:
        self._sale(key)
        return self.notes.get(key, [])

    def note(self, key: str, given: Mapping[str, Any]) -> dict[str, Any]:
        self._sale(key)
        made = {
            "id": next(self._numbers),
            "author": "admin",
            **words.dates("date_created", self.shop.now()),
            "note": str(given["note"]).replace("&", "&amp;"),
            "customer_note": bool(given.get("customer_note", False)),
        }
        self.notes.setdefault(key, []).append(made)
        return made

    def list_refunds(self, key: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        sale = self._sale(key)
        found = [words.refund(one, sale, self.shop.currency) for one in reversed(sale.refunds)]
        return list(lists.page(found, query, lambda one: int(one["id"])))

    def refund(self, key: str, given: Mapping[str, Any]) -> dict[str, Any]:
        sale = self._sale(key)
        amount = words.minor(str(given.get("amount", "0")), self.shop.currency)
        asked = Refund(
            "",
            key,
            amount,
            self.shop.currency,
            self.shop.now(),
            reason=str(given.get("reason") or ""),
            raw={"meta_data": given.get("meta_data") or [], "api_refund": given.get("api_refund")},
        )
        try:
            made = self.shop.refund(key, asked)
        except ShopRefused as error:
            code = "woocommerce_rest_cannot_create_order_refund"
            raise Refused(code, "Invalid refund amount.", 500) from error
        return words.refund(made, sale, self.shop.currency)

    def _sale(self, key: str, status: int = 404) -> Sale:
        sale = self.shop.order(key)
        if sale is None:
            raise Refused("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", status)
        return sale

    def _is(self, sale: Sale, status: str) -> bool:
        if (sale.key in self.trashed) != (status == "trash"):
            return False
        return status in ("any", "trash") or self.told(sale)["status"] == status

    def _take_note_of(self, sale: Sale, mark: Mapping[str, Any]) -> None:
        key, found = str(mark["key"]), marks.opened(mark["value"])
        if not key.startswith(marks.PARCEL):
            return
        parcel_key = key.removeprefix(marks.PARCEL)
        told = (str(found["carrier"]), str(found["number"]), str(found["url"]))
        for one in sale.parcels:
            if one.parcel_key == parcel_key:
                self.shop.correct_parcel(sale.key, one.external_id, *told)
                return
        lines = tuple(ParcelLine(line, units) for line, units in marks.units(found).items())
        sent = datetime.fromisoformat(str(found["shipped_at"]))
        carrier, number, url = told
        self.shop.ship(sale.key, Parcel(sale.key, parcel_key, carrier, number, sent, lines, url))

    def _set_status(self, key: str, status: object) -> None:
        sale = self._sale(key)
        if status == "cancelled":
            self.shop.cancel(key)
        elif status == "completed" and any(one.open for one in sale.lines):
            self.shop.ship(key)


def _second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
