"""The simulated shop's orders after they were placed: sent, corrected, cancelled, noted upon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connectors.postsale import Parcel, ParcelLine
from connectors.saleor import storefront as words
from connectors.saleor.ids import key_of
from connectors.simulators.shop import Refused, Sale, Shop

Answer = dict[str, Any]


class Counter:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.notes: dict[tuple[str, str], str] = {}

    def note_of(self, order: str, name: str) -> str | None:
        return self.notes.get((order, name))

    def note(self, given: Mapping[str, Any]) -> Answer:
        if self.shop.order(given["id"]) is None:
            return {"errors": [_error("NOT_FOUND", "id", "Couldn't resolve to a node")]}
        for entry in given["input"]:
            self.notes[given["id"], entry["key"]] = entry["value"]
        return {"errors": []}

    def fulfill(self, given: Mapping[str, Any]) -> Answer:
        def act(sale: Sale) -> Answer:
            asked = given["input"]
            keys = {words.line_id(one): one.key for one in sale.lines}
            units = [
                ParcelLine(keys.get(one["orderLineId"], ""), stock["quantity"])
                for one in asked["lines"]
                for stock in one["stocks"]
                if stock["warehouse"] in (words.WAREHOUSE, words.OTHER_WAREHOUSE)
            ]
            if sum(one.quantity for one in units) <= 0:
                return _refused("ZERO_QUANTITY", "lines", "Total quantity must be larger than 0.")
            told = Parcel(
                sale.key, "", "", asked.get("trackingNumber") or "", self.shop.now(), tuple(units)
            )
            made = self.shop.ship(sale.key, told)
            fulfillment = {
                "id": words.fulfillment_id(made),
                "status": "FULFILLED",
                "trackingNumber": made.tracking_number,
            }
            return {"fulfillments": [fulfillment], "errors": []}

        def _refused(code: str, field: str, message: str) -> Answer:
            return {"fulfillments": None, "errors": [_error(code, field, message)]}

        return self._of_order(given["order"], act, _refused, "FULFILL_ORDER_LINE")

    def track(self, given: Mapping[str, Any]) -> Answer:
        key = key_of(given["id"], "Fulfillment")
        number = given["input"].get("trackingNumber") or ""
        for sale in self.shop.orders:
            for one in sale.parcels:
                if one.external_id == key:
                    self.shop.correct_parcel(sale.key, key, one.carrier, number)
                    told = {"id": given["id"], "trackingNumber": number}
                    return {"fulfillment": told, "errors": []}
        error = _error("NOT_FOUND", "id", "Couldn't resolve to a node")
        return {"fulfillment": None, "errors": [error]}

    def cancel(self, given: Mapping[str, Any]) -> Answer:
        def act(sale: Sale) -> Answer:
            if sale.cancelled_at is not None or sale.parcels:
                raise Refused("This order can't be canceled.")
            told = words.status(self.shop.cancel(sale.key))
            return {"order": {"id": sale.key, "status": told}, "errors": []}

        def refused(code: str, field: str, message: str) -> Answer:
            return {"order": None, "errors": [_error(code, field, message)]}

        return self._of_order(given["id"], act, refused, "CANNOT_CANCEL_ORDER")

    def _of_order(
        self,
        key: str,
        act: Callable[[Sale], Answer],
        refused: Callable[[str, str, str], Answer],
        code: str,
    ) -> Answer:
        with self.shop.lock:
            sale = self.shop.order(key)
            if sale is None:
                return refused("NOT_FOUND", "order", f"Couldn't resolve to a node: {key}")
            try:
                return act(sale)
            except Refused as error:
                return refused(code, "order", str(error))


def _error(code: str, field: str, message: str) -> dict[str, Any]:
    return {"field": field, "message": message, "code": code}
