"""PrestaShop's webservice on localhost: rows out as JSON, rows in as XML, and its traps.

An empty list is ``[]``; times are local and can be asked for only with ``date=1``; PUT empties what
is not sent; a state can be set that makes no sense; numbers below 0 are taken.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from wsgiref.types import WSGIApplication
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from flask import Flask, Response, request

from connectors.postsale import Parcel
from connectors.prestashop import resources, tables
from connectors.prestashop import storefront as words
from connectors.prestashop.resources import Resource
from connectors.prestashop.shelves import Shelves
from connectors.prestashop.storefront import Row, Writer
from connectors.prestashop.tables import Refused
from connectors.records import OrderStatus
from connectors.simulators.faults import Fault
from connectors.simulators.server import Simulator
from connectors.simulators.shop import Event, Sale
from connectors.simulators.shop import Refused as NotSent

URL = "https://prestashop.example"
VERSION = "8.1.2"
VERBS = ["GET", "POST", "PUT", "PATCH"]
KNOWN = {one.name: one for one in vars(resources).values() if isinstance(one, Resource)}
LONGEST = 1_000_000
WALKED = {"orders", "products", "order_slip"}
#: What of a row must be sent with PUT and POST, by resource that may be written.
REQUIRED = {
    "stock_availables": {"id_product", "id_product_attribute", "quantity", "depends_on_stock"}
    | {"out_of_stock"},
    "order_carriers": {"id_order", "id_carrier"},
    "order_histories": {"id_order", "id_order_state"},
}


@dataclass(frozen=True)
class Asked:
    """One request, kept: a late write is done when the request is over."""

    method: str
    resource: str
    key: str
    query: Mapping[str, str]
    authorization: str
    body: bytes = field(repr=False)


class PrestaShopSimulator(Simulator):
    """``zone`` is the shop's; ``together`` variants are the combinations of one product. ``denied``
    are the resources the key may not use, or the verbs, as ``"POST order_histories"``."""

    def __init__(
        self,
        *args: Any,
        zone: str = "Europe/Paris",
        together: int = 1,
        patches: bool = True,
        **options: Any,
    ) -> None:
        self.histories: list[tuple[str, str, datetime]] = []
        self.tracking: dict[str, str] = {}
        self.denied: set[str] = set()
        self.configured = dict(words.CONFIGURATION)
        self._now_in: dict[str, str] = {}
        super().__init__(*args, **options)
        self.shop.order_number = words.reference
        self.key = uuid4().hex.upper()
        self.zone = zone
        self.patches = patches
        self.shelves = Shelves(self.shop, together)
        self._sources: dict[str, Callable[[Mapping[str, str]], Iterable[Row]]] = {
            "configurations": self._configuration,
            "currencies": self._currencies,
            "countries": lambda query: [{"id": int(words.COUNTRY), "iso_code": "GB"}],
            "states": lambda query: [{"id": int(words.REGION), "iso_code": "KEN"}],
            "order_states": lambda query: words.states(),
            "orders": self._orders,
            "order_details": lambda query: [
                row for sale in self._sales(query, "id_order") for row in self.rows.details(sale)
            ],
            "order_carriers": self._carriers,
            "order_histories": self._steps,
            "order_slip": self._slips,
            "customers": lambda query: map(
                self.rows.customer, self._sales(query, "id", words.CUSTOMER)
            ),
            "addresses": lambda query: map(
                self.rows.address, self._sales(query, "id", words.ADDRESS)
            ),
            "products": lambda query: self.shelves.products(self.rows),
            "combinations": lambda query: self.shelves.combinations(self.rows),
            "product_option_values": lambda query: self.shelves.values(),
            "stock_availables": lambda query: self.shelves.stock(self.rows),
        }

    @property
    def rows(self) -> Writer:
        return Writer(self.shop.currency, ZoneInfo(self.zone))

    def credentials(self) -> dict[str, str]:
        return {"url": URL, "key": self.key}

    def settings(self) -> dict[str, str]:
        return {"states": "14=held"}

    def rotate_secret(self) -> str:
        raise NotImplementedError("PrestaShop sends no webhooks")

    def drop_subscription(self, subscription: str) -> None:
        """There is none."""

    def on_event(self, event: Event) -> None:
        """Every change of state is written down."""
        if event.sale is None:
            return
        key, state = event.sale.key, words.STATE_OF[event.sale.status]
        if self._now_in.get(key) != state:
            self._now_in[key] = state
            self.histories.append((key, state, event.at))

    def app(self) -> WSGIApplication:
        app = Flask("prestashop")
        app.add_url_rule("/api/<resource>", "list", self._endpoint, methods=VERBS)
        app.add_url_rule("/api/<resource>/<key>", "row", self._endpoint, methods=VERBS)
        return app

    # -- the endpoint --------------------------------------------------------------------------

    def _endpoint(self, resource: str, key: str = "") -> Response:
        query = {name: value for name, value in request.args.items()}
        header = request.headers.get("Authorization", "")
        asked = Asked(request.method, resource, key, query, header, request.get_data())
        write = asked.method != "GET"
        where = f"{asked.method} {resource}" if write else resource
        misread: dict[Fault, Callable[[], Response]] = {}
        if resource in WALKED and "sort" in query:
            narrowing = ("filter[id]", "filter[date_upd]")
            first = {name: value for name, value in query.items() if name not in narrowing}
            again = Asked(asked.method, resource, key, first, header, b"")
            misread = {Fault.PAGE_REPEATED: lambda: self._told(again)}
        return self.answer(where, lambda: self._told(asked), write=write, misread=misread)

    def _told(self, asked: Asked) -> Response:
        try:
            with self.shop.lock:
                status, body = self._run(asked)
        except Refused as error:
            status = error.status
            told = {"errors": [{"code": error.code, "message": str(error)}]}
            body = told if error.code is not None else None
        headers = {
            "Date": self._clock().strftime("%a, %d %b %Y %H:%M:%S GMT"),
            "PSWS-Version": VERSION,
        }
        text = "" if body is None else json.dumps(body)
        return Response(text, status, headers, mimetype="application/json")

    def _run(self, asked: Asked) -> tuple[int, Any]:
        self._let_in(asked)
        resource = KNOWN[asked.resource]
        if asked.method == "GET":
            return 200, self._listed(resource, asked)
        fields = _fields(resource, asked.body)
        if asked.method == "POST":
            return 201, {resource.node: _as_text(self._added(fields, resource))}
        return 200, {resource.node: _as_text(self._changed(fields, resource, asked.method))}

    def _let_in(self, asked: Asked) -> None:
        key = b64encode(f"{self.key}:".encode()).decode()
        if asked.authorization != f"Basic {key}":
            raise Refused(401, 18, "Invalid authentication key format")
        if asked.query.get("output_format") != "JSON":
            raise Refused(400, 0, "this shop speaks JSON")
        if asked.query.get("id_shop", words.SHOP) != words.SHOP:
            raise Refused(404, 999, "This shop id does not exist")
        if asked.resource not in KNOWN:
            raise Refused(400, 27, f'Resource of type "{asked.resource}" does not exists')
        if asked.resource in self.denied:
            said = f'Resource of type "{asked.resource}" is not allowed with this key'
            raise Refused(401, 26, said)
        if asked.method == "PATCH" and not self.patches:
            raise Refused(405, 23, "Method PATCH is not valid")
        if f"{asked.method} {asked.resource}" in self.denied:
            raise Refused(405, 25, f"Method {asked.method} is not allowed with this key")

    # -- reading -------------------------------------------------------------------------------

    def _listed(self, resource: Resource, asked: Asked) -> Any:
        found = list(self._sources[resource.name](asked.query))
        if asked.key:
            row = next((one for one in found if str(one["id"]) == asked.key), None)
            if row is None:
                raise Refused(404, None)
            return {resource.node: self._whole(resource, row)}
        tables.check(asked.query, found[0].keys() if found else None)
        rows = [self._whole(resource, one) for one in tables.chosen(found, asked.query)]
        names = rows[0].keys() - {"associations"} if rows else set()
        told = [tables.shown(one, asked.query, names) for one in rows]
        return {resource.listed: told} if told else []

    def _whole(self, resource: Resource, row: Row) -> Row:
        """Of orders only what they are found by is made at first."""
        if resource.name != "orders":
            return row
        sale = self._sale(str(row["id"]))
        return self.rows.order(self.shelves.named(sale), self._tracking(sale))

    def _orders(self, query: Mapping[str, str]) -> list[Row]:
        rows, lag = self.rows, timedelta(seconds=self.faults.index_lag)
        start = tables.least(query, "date_upd")
        if start and "filter[id]" not in query:  # most of a long list is not looked at
            first = datetime.fromisoformat(start).replace(tzinfo=rows.zone) - timedelta(hours=2)
            found = self.shop.orders_after((first.astimezone(UTC), -1), LONGEST)
        else:
            found = tuple(self._sales(query, "id"))
        ends = self.now() - lag
        return [rows.columns(one) for one in found if not lag or one.updated_at <= ends]

    def _sales(self, query: Mapping[str, str], column: str, prefix: str = "") -> list[Sale]:
        """Those a filter names, or all."""
        named = tables.one_of(query, column)
        if named is None:
            return [self.shelves.named(one) for one in self.shop.orders]
        found = (self.shop.order(one.removeprefix(prefix)) for one in dict.fromkeys(named))
        return [self.shelves.named(one) for one in found if one is not None]

    def _sale(self, key: str) -> Sale:
        sale = self.shop.order(key)
        if sale is None:
            raise Refused(404, 92, "Invalid ID")
        return sale

    def _carriers(self, query: Mapping[str, str]) -> list[Row]:
        by_order = tables.one_of(query, "id_order") is not None
        named = self._sales(query, "id_order") if by_order else None
        sales = self._sales(query, "id", words.CARRIER) if named is None else named
        return [self.rows.carrier(one, self._tracking(one)) for one in sales]

    def _tracking(self, sale: Sale) -> str:
        told = sale.parcels[-1].tracking_number if sale.parcels else ""
        return self.tracking.get(sale.key, "") or told

    def _steps(self, query: Mapping[str, str]) -> list[Row]:
        rows = self.rows
        return [
            {
                "id": number,
                "id_employee": "0",
                "id_order_state": state,
                "id_order": key,
                "date_add": rows.time(at),
            }
            for number, (key, state, at) in enumerate(self.histories, 1)
        ]

    def _slips(self, query: Mapping[str, str]) -> list[Row]:
        rows, sales = self.rows, self._sales(query, "id_order")
        return [rows.slip(sale, one) for sale in sales for one in sale.refunds]

    def _configuration(self, query: Mapping[str, str]) -> list[Row]:
        told = {**self.configured, "PS_SHOP_NAME": self.shop.name, "PS_TIMEZONE": self.zone}
        return [
            {"id": n, "name": name, "value": value, "id_shop_group": "", "id_shop": ""}
            for n, (name, value) in enumerate(told.items(), 1)
        ]

    def _currencies(self, query: Mapping[str, str]) -> list[Row]:
        ours = {"iso_code": self.shop.currency, "conversion_rate": "1.000000"}
        other = {"iso_code": "USD", "conversion_rate": "1.250000"}
        return [
            {"id": int(words.DOLLAR), **other, "active": "1", "deleted": "0"},
            {"id": int(words.CURRENCY), **ours, "active": "1", "deleted": "0"},
        ]

    # -- writing -------------------------------------------------------------------------------

    def _changed(self, fields: Mapping[str, str], resource: Resource, method: str) -> Row:
        if "id" not in fields:
            raise Refused(400, 90, "id is required when modifying a resource")
        wanted = {"filter[id]": f"[{fields['id']}]"}
        found = tables.chosen(self._sources[resource.name](wanted), wanted)
        if not found:
            raise Refused(404, 92, "Invalid ID")
        missing = sorted(REQUIRED.get(resource.name, set()) - fields.keys())
        if method == "PUT" and missing:
            raise Refused(400, 41, f'parameter "{missing[0]}" required')
        if resource.name == "stock_availables" and "quantity" in fields:
            self.shelves.write(fields["id"], int(fields["quantity"]))
        elif resource.name == "order_carriers":
            self._track(str(found[0]["id_order"]), fields.get("tracking_number", ""))
        (row,) = tables.chosen(self._sources[resource.name](wanted), wanted)
        return {**row, "quantity": fields["quantity"]} if "quantity" in fields else row

    def _track(self, key: str, number: str) -> None:
        self.tracking[key] = number
        for told in self._sale(key).parcels[-1:]:
            self.shop.correct_parcel(key, told.external_id, told.carrier, number)

    def _added(self, fields: Mapping[str, str], resource: Resource) -> Row:
        if resource is not resources.ORDER_HISTORIES:
            raise Refused(405, 101, f"Method POST is not allowed for {resource.name}")
        if "id" in fields:
            raise Refused(400, 91, "id is forbidden when adding a new resource")
        missing = sorted(REQUIRED[resource.name] - fields.keys())
        if missing:
            raise Refused(400, 41, f'parameter "{missing[0]}" required')
        sale, state = self._sale(fields["id_order"]), fields["id_order_state"]
        if state not in {one[0] for one in words.STATES}:
            raise Refused(500, 46, "Unable to save resource")
        before = len(self.histories)
        self._step(sale, state)
        if len(self.histories) == before:
            self.histories.append((sale.key, state, self.now()))
        return list(self._steps({}))[-1]

    def _step(self, sale: Sale, state: str) -> None:
        if state == "6":
            self.shop.cancel(sale.key)
        elif state == "4" and sale.status is not OrderStatus.SHIPPED:
            self._ship(sale)
        elif state in words.STATUS_OF:
            self.shop.set_status(sale.key, words.STATUS_OF[state])

    def _ship(self, sale: Sale) -> None:
        """PrestaShop sends what is cancelled, or sent already, if it is told to."""
        number = self.tracking.get(sale.key, "")
        parcel = Parcel(sale.key, "", "", number, self.now(), ())
        try:
            self.shop.ship(sale.key, parcel)
        except NotSent:
            self.shop.set_status(sale.key, OrderStatus.SHIPPED)


def _fields(resource: Resource, body: bytes) -> dict[str, str]:
    """The row that is sent. Raises Refused."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - what our own connector sends, on localhost
    except ElementTree.ParseError:
        raise Refused(500, 127, "XML error : it is not well formed") from None
    row = root.find(resource.node)
    if root.tag != "prestashop" or row is None:
        raise Refused(400, 42, "the node of the resource is missing")
    return {one.tag: one.text or "" for one in row}


def _as_text(row: Row) -> Row:
    """Answers to writes have their ids as text."""
    return {name: str(one) if isinstance(one, int) else one for name, one in row.items()}
