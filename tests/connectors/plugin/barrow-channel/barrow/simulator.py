"""A stall at Barrow on localhost: the protocol around the shop that all simulators share.

:class:`~connectors.simulators.shop.Shop` keeps what is sold and lets buyers buy;
:class:`~connectors.simulators.server.Simulator` serves, counts and misbehaves on demand. Here is
only how Barrow puts it into words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from flask import Flask, Response, request

from barrow import PAGE
from connectors.records import OrderStatus
from connectors.simulators.faults import Fault
from connectors.simulators.server import Simulator, json_response
from connectors.simulators.shop import FIRST_VARIANT, Event, Position, Sale, Stale, Variant

STATES = {
    OrderStatus.UNPAID: "reserved",
    OrderStatus.CONFIRMED: "paid",
    OrderStatus.SHIPPED: "handed over",
    OrderStatus.CANCELLED: "called off",
}
#: Before every sale.
FIRST: Position = (datetime.min.replace(tzinfo=UTC), -1)


class BarrowSimulator(Simulator):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stall = f"stall-{uuid4().hex[:8]}"
        self.token = uuid4().hex

    def credentials(self) -> dict[str, str]:
        return {"token": self.token}

    def app(self) -> Flask:
        app = Flask("barrow")
        app.get("/v1/stall")(self._stall)
        app.get("/v1/goods")(self._goods)
        app.get("/v1/sales")(self._sales)
        app.get("/v1/sales/<keys>")(self._these)
        app.get("/v1/stock/<keys>")(self._stock)
        app.post("/v1/stock")(self._set_stock)
        return app

    def _asked(
        self,
        where: str,
        act: Callable[[], Response],
        *,
        write: bool = False,
        misread: Mapping[Fault, Callable[[], Response]] | None = None,
    ) -> Response:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return json_response({"error": "token"}, 401)
        return self.answer(where, act, write=write, misread=misread)

    # -- reading -------------------------------------------------------------------------------

    def _stall(self) -> Response:
        return self._asked("stall", lambda: json_response(self._described()))

    def _goods(self) -> Response:
        start = int(request.args.get("from", FIRST_VARIANT))
        first = {Fault.PAGE_REPEATED: lambda: self._goods_from(FIRST_VARIANT)}
        return self._asked("goods", lambda: self._goods_from(start), misread=first)

    def _goods_from(self, start: int) -> Response:
        found = self.shop.variants_from(start, PAGE + 1)
        told = [self._good(one) for one in found[:PAGE]]
        onward = found[PAGE].key if len(found) > PAGE else ""
        return json_response({"goods": told, "next": onward, "currency": self.shop.currency})

    def _sales(self) -> Response:
        place = request.args.get("page", "")
        try:
            after = position(place) if place else (moment(request.args["since"]), -1)
        except ValueError:
            return self._asked("sales", gone)
        odd = {
            Fault.PAGE_REPEATED: lambda: self._sales_after(FIRST),
            Fault.CURSOR_EXPIRED: lambda: gone() if place else self._sales_after(after),
        }
        return self._asked("sales", lambda: self._sales_after(after), misread=odd)

    def _sales_after(self, after: Position) -> Response:
        found = self.shop.orders_after(after, PAGE + 1)
        told = [self._sale(one) for one in found[:PAGE]]
        last = found[PAGE - 1] if len(found) > PAGE else None
        onward = f"{last.updated_at.isoformat()} {last.version}" if last else ""
        return json_response({"sales": told, "next": onward})

    def _these(self, keys: str) -> Response:
        def find() -> Response:
            found = [self.shop.order(key) for key in keys.split(",")]
            return json_response({"sales": [self._sale(one) for one in found if one], "next": ""})

        return self._asked("sales_by_id", find)

    def _stock(self, keys: str) -> Response:
        def look() -> Response:
            told = [{"goods": key, "units": self._units(key)} for key in keys.split(",")]
            return json_response({"stock": told})

        return self._asked("stock", look)

    # -- writing -------------------------------------------------------------------------------

    def _set_stock(self) -> Response:
        wanted = request.get_json()["set"]  # read now: a late write has no request any more
        return self._asked("set_stock", lambda: self._set(wanted), write=True)

    def _set(self, wanted: list[dict[str, Any]]) -> Response:
        return json_response({"results": [self._set_one(**one) for one in wanted]})

    def _set_one(self, goods: str, units: int, was: int | None) -> dict[str, Any]:
        with self.shop.lock:
            variant = self._variant(goods)
            if variant is None:
                return {"goods": goods, "result": "unknown", "units": None}
            if units < 0:
                return {"goods": goods, "result": "refused", "units": variant.quantity}
            try:
                self.shop.set_quantity(variant.inventory_key, units, was)
            except Stale as stale:
                return {"goods": goods, "result": "changed", "units": stale.current}
            return {"goods": goods, "result": "set", "units": units}

    # -- how -----------------------------------------------------------------------------------

    def _variant(self, key: str) -> Variant | None:
        try:
            return self.shop.variant(key)
        except KeyError:
            return None

    def _units(self, key: str) -> int | None:
        variant = self._variant(key)
        return variant.quantity if variant else None

    def _described(self) -> dict[str, Any]:
        return {
            "stall": self.stall,
            "name": self.shop.name,
            "currency": self.shop.currency,
            "time": self.now().isoformat(),
        }

    def _good(self, one: Variant) -> dict[str, Any]:
        return {
            "id": one.key,
            "sku": one.sku,
            "title": one.title,
            "barcode": one.barcode,
            "price": pounds(one.price),
            "units": one.quantity,
            "open": one.active,
        }

    def _sale(self, sale: Sale) -> dict[str, Any]:
        lines = [
            {
                "id": one.key,
                "goods": one.variant_key,
                "sku": one.sku,
                "title": one.title,
                "units": one.quantity,
                "taken_off": one.cancelled,
                "price": pounds(one.unit_price),
            }
            for one in sale.lines
        ]
        return {
            "id": sale.key,
            "number": sale.number,
            "state": STATES[sale.status],
            "currency": self.shop.currency,
            "total": pounds(sale.total),
            "placed": sale.placed_at.isoformat(),
            "changed": sale.updated_at.isoformat(),
            "called_off": sale.cancelled_at.isoformat() if sale.cancelled_at else None,
            "buyer": sale.buyer.get("name", ""),
            "lines": lines,
        }

    # Barrow tells of nothing by itself.

    def on_event(self, event: Event) -> None:
        return None

    def drop_subscription(self, subscription: str) -> None:
        return None

    def rotate_secret(self) -> str:
        raise NotImplementedError("Barrow signs nothing")


def gone() -> Response:
    return json_response({"error": "page"}, 410)


def pounds(pence: int) -> str:
    return str(Decimal(pence).scaleb(-2))


def position(place: str) -> Position:
    when, _, version = place.partition(" ")
    return moment(when), int(version)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
