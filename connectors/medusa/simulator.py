"""Medusa's Admin REST API on localhost: keys and sessions, lists, levels, fulfilments, refunds.

As unkind as the real one: a filter it does not know, or a list of ids that is too long, is ignored
with 200; an order comes without its currency unless that is asked for; a body with a field it does
not know is refused.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4
from wsgiref.types import WSGIApplication

from flask import Flask, Response, request

from connectors.medusa import catalogue, storefront
from connectors.medusa.fieldset import (
    ORDER_DEFAULTS,
    PAYMENT_DEFAULTS,
    VARIANT_DEFAULTS,
    chosen,
)
from connectors.medusa.office import Office, Refusal, not_found
from connectors.medusa.spelling import LOCATION, time
from connectors.medusa.storefront import ORDER_PREFIX
from connectors.simulators.faults import Fault
from connectors.simulators.server import Simulator, json_response
from connectors.simulators.shop import Event, Sale, Variant

#: Longer lists in a query are read as something else, and the filter is ignored.
LONGEST_LIST = 20
LISTS = {"Orders", "Payments", "Variants"}
Query = Mapping[str, str]


class Asked(NamedTuple):
    """A request as Medusa reads it. ``ids`` None: all, also where the list was too long."""

    query: Query
    ids: frozenset[str] | None
    body: Mapping[str, Any]


class MedusaSimulator(Simulator):
    """``by_password`` gives the seller a user instead of an API key; ``end_sessions`` ends those.
    ``unmanaged`` and ``kits`` are SKUs whose stock Medusa does not manage, or makes of parts;
    ``heedless`` are calls whose filters it does not know."""

    stock_write = "SetLevel"

    def __init__(self, *args: Any, by_password: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.shop.order_key = lambda number: f"{ORDER_PREFIX}{number:09d}"
        self.api_key = f"sk_{uuid4().hex}{uuid4().hex}"
        self.email, self.password = "admin@example.com", uuid4().hex
        self.by_password = by_password
        self.sessions: set[str] = set()
        self.unmanaged: set[str] = set()
        self.kits: set[str] = set()
        self.heedless: set[str] = set()
        self.office = Office(self.shop)

    def credentials(self) -> dict[str, str]:
        address = self.url or "https://medusa.example"
        if self.by_password:
            return {"url": address, "email": self.email, "password": self.password}
        return {"url": address, "api_key": self.api_key}

    def rotate_secret(self) -> str:
        """There are no webhooks to sign: a new API key, and the old one is void."""
        self.api_key = f"sk_{uuid4().hex}{uuid4().hex}"
        return self.api_key

    def end_sessions(self) -> None:
        self.sessions.clear()

    def drop_subscription(self, subscription: str) -> None:
        """Medusa has none."""

    def on_event(self, event: Event) -> None:
        """Medusa tells nobody."""

    def app(self) -> WSGIApplication:
        app = Flask("medusa")
        order, items = "/admin/orders/<key>", "/admin/inventory-items"
        for name, method, path, act in (
            ("Stores", "GET", "/admin/stores", self._stores),
            ("Locations", "GET", "/admin/stock-locations", self._locations),
            ("Variants", "GET", "/admin/product-variants", self._variants),
            ("Orders", "GET", "/admin/orders", self._orders),
            ("Order", "GET", order, self._order),
            ("Payments", "GET", "/admin/payments", self._payments),
            ("Levels", "POST", f"{items}/location-levels/batch", self._levels),
            ("AddLevel", "POST", f"{items}/<item>/location-levels", self._add_level),
            ("SetLevel", "POST", f"{items}/<item>/location-levels/<location>", self._set_level),
            ("Fulfil", "POST", f"{order}/fulfillments", self._fulfil),
            ("Ship", "POST", f"{order}/fulfillments/<fulfilment>/shipments", self._ship),
            ("Cancel", "POST", f"{order}/cancel", self._cancel),
            ("Refund", "POST", "/admin/payments/<payment>/refund", self._refund),
        ):
            app.add_url_rule(path, name, self._view(name, act), methods=[method])
        app.add_url_rule("/auth/user/emailpass", "Login", self._login, methods=["POST"])
        return app

    # -- the endpoint --------------------------------------------------------------------------

    def _view(self, name: str, act: Callable[..., Any]) -> Callable[..., Response]:
        """What is asked is read at once: a late write takes effect when its request is gone."""

        def view(**places: str) -> Response:
            if not self._is_open():
                return json_response({"message": "Unauthorized"}, 401)
            asked = _asked()
            if name in self.heedless:
                asked = asked._replace(query={"fields": asked.query.get("fields", "")}, ids=None)
            misread: dict[Fault, Callable[[], Response]] = {}
            if name in LISTS:
                first = asked._replace(query={"fields": asked.query.get("fields", "")})
                misread[Fault.PAGE_REPEATED] = lambda: self._told(lambda: act(first))
            return self.answer(
                name,
                lambda: self._told(lambda: act(asked, **places)),
                write=request.method == "POST",
                misread=misread,
            )

        return view

    def _told(self, act: Callable[[], Any]) -> Response:
        try:
            return json_response(act())
        except Refusal as error:
            return json_response({"type": error.kind, "message": str(error)}, error.status)

    def _is_open(self) -> bool:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            return self.api_key in (given, b64decode(given + "==").decode().removesuffix(":"))
        return kind == "Bearer" and given in self.sessions

    def _login(self) -> Response:
        def act() -> Response:
            body = request.get_json(force=True)
            if (body.get("email"), body.get("password")) != (self.email, self.password):
                said = {"type": "unauthorized", "message": "Invalid email or password"}
                return json_response(said, 401)
            token = uuid4().hex
            self.sessions.add(token)
            return json_response({"token": token})

        return self.answer("Login", act)

    # -- lists ---------------------------------------------------------------------------------

    def _stores(self, asked: Asked) -> dict[str, Any]:
        return _page("stores", [catalogue.store(self.shop, self.now())], asked.query)

    def _locations(self, asked: Asked) -> dict[str, Any]:
        place = {"id": LOCATION, "name": "Warehouse", "address": None, "metadata": None}
        return _page("stock_locations", [place], asked.query)

    def _variants(self, asked: Asked) -> dict[str, Any]:
        found = [
            one for one in self.shop.variants if asked.ids is None or _variant_id(one) in asked.ids
        ]
        shown = _piece(found, asked.query)
        levels = self.office.levels(shown)
        rows = [self._variant(one, levels, asked) for one in shown]
        return _page("variants", rows, asked.query, count=len(found))

    def _variant(self, one: Variant, levels: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        level = levels.get(catalogue.item_key(one))
        found = catalogue.variant(
            one, self.shop.currency, [level] if level else [],
            manage_inventory=one.sku not in self.unmanaged,
        )  # fmt: skip
        if one.sku in self.kits:
            found["inventory_items"][0]["required_quantity"] = 6
        return chosen(found, asked.query.get("fields", ""), VARIANT_DEFAULTS)

    def _orders(self, asked: Asked) -> dict[str, Any]:
        found = [one for one in self.shop.orders if asked.ids is None or one.key in asked.ids]
        found = sorted(
            (one for one in found if _within(one.updated_at, asked.query)),
            key=lambda one: one.position,
        )
        rows = [self._told_order(one, asked) for one in _piece(found, asked.query)]
        return _page("orders", rows, asked.query, count=len(found))

    def _payments(self, asked: Asked) -> dict[str, Any]:
        found = []
        for sale in self.shop.orders:
            trail = self.office.trail(sale)
            moved = trail.captured_at or sale.placed_at
            if _within(moved, asked.query):
                found.append((moved, sale.version, sale))
        found.sort(key=lambda one: one[:2])
        rows = [self._payment(one, asked) for *_, one in _piece(found, asked.query)]
        return _page("payments", rows, asked.query, count=len(found))

    def _payment(self, sale: Sale, asked: Asked) -> dict[str, Any]:
        whole = storefront.payment(sale, self.shop.currency, self.office.trail(sale))
        return chosen(whole, asked.query.get("fields", ""), PAYMENT_DEFAULTS)

    def _told_order(self, sale: Sale, asked: Asked) -> dict[str, Any]:
        whole = storefront.order(sale, self.shop.currency, self.office.trail(sale))
        return chosen(whole, asked.query.get("fields", ""), ORDER_DEFAULTS)

    # -- one order -----------------------------------------------------------------------------

    def _order(self, asked: Asked, key: str) -> dict[str, Any]:
        return {"order": self._told_order(self.office.sale(key), asked)}

    def _fulfil(self, asked: Asked, key: str) -> dict[str, Any]:
        self.office.fulfil(key, asked.body)
        return self._order(asked, key)

    def _ship(self, asked: Asked, key: str, fulfilment: str) -> dict[str, Any]:
        self.office.ship(key, fulfilment, asked.body)
        return self._order(asked, key)

    def _cancel(self, asked: Asked, key: str) -> dict[str, Any]:
        self.office.cancel(key)
        return self._order(asked, key)

    def _refund(self, asked: Asked, payment: str) -> dict[str, Any]:
        sale = self.office.refund(payment, asked.body)
        return {"payment": self._payment(sale, asked)}

    # -- stock ---------------------------------------------------------------------------------

    def _levels(self, asked: Asked) -> dict[str, Any]:
        return self.office.batch(asked.body)

    def _add_level(self, asked: Asked, item: str) -> dict[str, Any]:
        return self._item(item, self.office.write([{"inventory_item_id": item, **asked.body}], ()))

    def _set_level(self, asked: Asked, item: str, location: str) -> dict[str, Any]:
        given = {"inventory_item_id": item, "location_id": location, **asked.body}
        return self._item(item, self.office.write((), [given]))

    def _item(self, item: str, written: Mapping[str, Any]) -> dict[str, Any]:
        if self.shop.by_inventory(item.removeprefix("iitem_")) is None:
            raise not_found("InventoryItem", item)
        levels = [*written["created"], *written["updated"]]
        return {"inventory_item": {"id": item, "location_levels": levels}}


def _asked() -> Asked:
    found = request.args.getlist("id[]") or request.args.getlist("id")
    return Asked(
        query={name: values[-1] for name, values in request.args.lists()},
        ids=frozenset(found) if 0 < len(found) <= LONGEST_LIST else None,
        body=request.get_json(force=True) if request.method == "POST" else {},
    )


def _variant_id(one: Variant) -> str:
    return f"variant_{one.key}"


def _within(moment: datetime, query: Query) -> bool:
    least, most = query.get("updated_at[$gte]"), query.get("updated_at[$lte]")
    shown = time(moment)
    return (not least or shown >= least) and (not most or shown <= most)


def _piece(found: Iterable[Any], query: Query) -> list[Any]:
    start, limit = int(query.get("offset", 0)), int(query.get("limit", 15))
    return list(found)[start : start + limit]


def _page(name: str, rows: list[Any], query: Query, *, count: int | None = None) -> dict[str, Any]:
    total = len(rows) if count is None else count
    start, limit = int(query.get("offset", 0)), int(query.get("limit", 15))
    return {name: rows, "count": total, "offset": start, "limit": limit}
