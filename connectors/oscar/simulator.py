"""An Oscar shop on localhost: the admin part of django-oscar-api, with its whole lists and URLs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4
from wsgiref.types import WSGIApplication

from flask import Flask, Response, request

from connectors.records import OrderStatus
from connectors.simulators.faults import Fault
from connectors.simulators.server import Simulator, json_response
from connectors.simulators.shop import Event, Sale, SaleLine, Variant

#: The operation, as faults and the count of requests name it.
SET_STOCK = "PATCH stockrecords"
STATUS = {OrderStatus.CANCELLED: "Cancelled", OrderStatus.SHIPPED: "Complete"}
TOO_LOW = {"num_in_stock": ["Ensure this value is greater than or equal to 0."]}
CLASSES = [{"name": "Goods", "slug": "goods", "requires_shipping": True, "track_stock": True}]
MISSING = {"detail": "No record matches the given query."}
WRONG = {"detail": "Invalid username/password."}


class OscarSimulator(Simulator):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.shop.order_number = lambda number: str(100_001 + number)
        self.password = uuid4().hex

    def credentials(self) -> dict[str, str]:
        return {"url": self.url, "username": "owner", "password": self.password}

    def settings(self) -> dict[str, str]:
        return {"currency": self.shop.currency}

    def rotate_secret(self) -> str:
        """There are no webhooks to sign: the password changes."""
        self.password = uuid4().hex
        return self.password

    def on_event(self, event: Event) -> None:
        """Nobody is told of anything."""

    def drop_subscription(self, subscription: str) -> None:
        """There are none."""

    def app(self) -> WSGIApplication:
        app = Flask("oscar")

        @app.route("/api/admin/<path:path>", methods=["GET", "PATCH"])
        def asked(path: str) -> Response:
            given, sent = request.authorization, request.get_json(silent=True)

            def act() -> Response:
                if given is None or (given.username, given.password) != ("owner", self.password):
                    return json_response(WRONG, 401)
                found = self._find(path, sent)
                status = 404 if found is MISSING else 400 if found is TOO_LOW else 200
                return json_response(found, status)

            where = f"{request.method} {path.partition('/')[0]}"
            # Lists have no pages: one repeated is the same whole list.
            same = {} if sent else {Fault.PAGE_REPEATED: act}
            return self.answer(where, act, write=bool(sent), misread=same)

        return app

    def _find(self, path: str, sent: Mapping[str, int] | None) -> object:
        """The answer to a question, or to a change of stock."""
        variants = self.shop.variants
        match path.rstrip("/").split("/"):
            case ["productclasses"]:
                return CLASSES
            case ["products"]:
                return [self._product(one) for one in reversed(variants)]
            case ["products", key]:
                found = [self._product(one) for one in variants if one.product_key == key]
                return found[0] if found else MISSING
            case ["stockrecords", key]:
                variant = self.shop.by_inventory(key)
                return self._stock(variant, sent) if variant else MISSING
            case ["orders"]:
                newest_first = sorted(self.shop.orders, key=lambda one: one.placed_at)[::-1]
                return [self._order(one) for one in newest_first]
            case ["orders", key, *lines]:
                sale = self.shop.order(key)
                if lines:  # of an order that is not there, none
                    return [self._line(sale, one) for one in sale.lines] if sale else []
                return self._order(sale) if sale else MISSING
        return MISSING

    def _stock(self, variant: Variant, sent: Mapping[str, int] | None) -> object:
        if sent is None:
            return self._record(variant)
        if sent["num_in_stock"] < 0:
            return TOO_LOW
        with self.shop.lock:
            free = sent["num_in_stock"] - self._allocated(variant)
            self.shop.set_quantity(variant.inventory_key, free)
            return self._record(self.shop.variant(variant.key))

    def _allocated(self, variant: Variant) -> int:
        lines = [line for sale in self.shop.orders for line in sale.lines]
        return sum(one.open for one in lines if one.variant_key == variant.key)

    # -- what it says --------------------------------------------------------------------------

    def _product(self, variant: Variant) -> dict[str, Any]:
        return {
            "id": int(variant.product_key),
            "url": self._url("admin/products", variant.product_key),
            "product_class": "goods",
            "stockrecords": [self._record(variant)],
            "children": [],
            "structure": "standalone",
            "is_public": variant.active,
            "upc": variant.barcode or None,
            "title": variant.title,
            "parent": None,
        }

    def _record(self, variant: Variant) -> dict[str, Any]:
        allocated = self._allocated(variant)
        return {
            "url": self._url("admin/stockrecords", variant.inventory_key),
            "product": int(variant.product_key),
            "partner_sku": variant.sku,
            "price_currency": self.shop.currency,
            "price": _money(variant.price),
            "num_in_stock": variant.quantity + allocated,
            "num_allocated": allocated or None,
            "date_updated": _time(variant.updated_at),
        }

    def _order(self, sale: Sale) -> dict[str, Any]:
        return {
            "number": sale.number,
            "url": self._url("admin/orders", sale.key),
            "lines": self._url("admin/orders", sale.key) + "lines/",
            "owner": None,
            "currency": self.shop.currency,
            "total_incl_tax": _money(sale.total),
            "total_excl_tax": _money(sale.total),
            "shipping_incl_tax": "0.00",
            "shipping_excl_tax": "0.00",
            "shipping_address": None,
            "status": STATUS.get(sale.status, "new"),
            "email": sale.buyer.get("email", ""),
            "date_placed": _time(sale.placed_at),
        }

    def _line(self, sale: Sale, line: SaleLine) -> dict[str, Any]:
        """What was deleted is null. Of units taken off, nothing is left to see."""
        there = next((one for one in self.shop.variants if one.key == line.variant_key), None)
        units = line.quantity if sale.cancelled_at else line.quantity - line.cancelled
        product = self._url("products", there.product_key) if there else None
        record = f"{product}stockrecords/{there.inventory_key}/" if there else None
        prices = ("incl_tax", "excl_tax", "incl_tax_excl_discounts", "excl_tax_excl_discounts")
        return {
            "url": self._url("admin/orderlines", line.key),
            "product": product,
            "stockrecord": record,
            "quantity": units,
            "price_currency": self.shop.currency,
            **{f"price_{one}": _money(line.unit_price * units) for one in prices},
        }

    def _url(self, path: str, key: str) -> str:
        return f"{self.url}/api/{path}/{key}/"


def _money(minor: int) -> str:
    return str(Decimal(minor).scaleb(-2))


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
