"""Vendure's Admin API on localhost: GraphQL over HTTP, sessions and API keys.

It answers the operations of :mod:`connectors.vendure.queries`, by their names, with every field
they ask for; it is no GraphQL engine. Like the real one it has no webhooks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4
from wsgiref.types import WSGIApplication

from flask import Flask, Response, request

from connectors.simulators.faults import Fault
from connectors.simulators.server import Simulator, json_response
from connectors.simulators.shop import Event, Sale
from connectors.vendure import storefront as words
from connectors.vendure.backoffice import Backoffice, Refusal
from connectors.vendure.client import API_KEY, CHANNEL_TOKEN, PATH, SESSION_TOKEN
from connectors.vendure.queries import (
    ALL,
    LISTINGS,
    LISTINGS_PAGE,
    LOGIN,
    ORDERS,
    REFUNDS,
    SCAN,
    SCAN_CLOSED,
)

Variables = Mapping[str, Any]

WRITES = {one.name for one in ALL if one.write}
MOST_ROWS = 1000
BEGINNING = "1970-01-01T00:00:00.000Z"


class VendureSimulator(Simulator):
    """``end_sessions`` lets every login run out. ``whole_seconds``: its database keeps no
    fractions of them, as SQLite does."""

    stock_write = "SetStock"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.shop.order_number = lambda number: f"VND{1001 + number}"
        self.username = "hub@shop.example"
        self.password = uuid4().hex
        self.api_keys = {uuid4().hex}
        self.channel_token = uuid4().hex
        self.sessions: set[str] = set()
        self.office = Backoffice(self.shop)
        self.whole_seconds = False
        self._answers: dict[str, Callable[[Variables], dict[str, Any]]] = {
            "Shop": self._shop,
            "Listings": self._listings,
            "Stock": self._stock,
            "SetStock": lambda given: self.office.set_stock(given["input"]),
            "Orders": lambda given: self._orders(given, words.order),
            "Scan": lambda given: self._orders(given, words.scanned),
            "ScanClosed": lambda given: self._orders(given, _without_history),
            "Refunds": lambda given: self._orders(given, words.refunded),
            "Standing": self._standing,
            "Fulfil": lambda given: self.office.fulfil(given["input"]),
            "Send": lambda given: self.office.send(given["id"]),
            "Cancel": lambda given: self.office.cancel(given["input"]),
            "Refund": lambda given: self.office.refund(given["input"]),
            "Settle": lambda given: self.office.settle(given["input"]),
        }

    def credentials(self) -> dict[str, str]:
        return {"url": self.url, "username": self.username, "password": self.password}

    def rotate_secret(self) -> str:
        """There are no webhooks to sign: the password changes."""
        self.password = uuid4().hex
        return self.password

    def drop_subscription(self, subscription: str) -> None:
        """There are none."""

    def end_sessions(self) -> None:
        self.sessions.clear()

    def on_event(self, event: Event) -> None:
        self.office.note(event)

    def app(self) -> WSGIApplication:
        app = Flask("vendure")
        app.add_url_rule(PATH, "graphql", self._graphql, methods=["POST"])
        return app

    # -- the endpoint --------------------------------------------------------------------------

    def _graphql(self) -> Response:
        body = request.get_json(force=True)
        name, variables = str(body.get("operationName")), body.get("variables") or {}
        channel = request.headers.get(CHANNEL_TOKEN)
        if channel and channel != self.channel_token:
            return self._told(
                _errors("No channel with the token could be found", "CHANNEL_NOT_FOUND")
            )
        if name == LOGIN.name:
            return self.answer(name, lambda: self._login(variables))
        if name not in self._answers:
            refused = _errors(f'Unknown operation named "{name}".', "OPERATION_RESOLUTION_FAILURE")
            return self._told(refused, 400)
        if not self._may_enter():
            message = "You are not currently authorized to perform this action"
            return self._told(_errors(message, "FORBIDDEN"))
        return self.answer(
            name,
            lambda: self._run(name, variables),
            write=name in WRITES,
            misread=self._misreadings(name, variables),
        )

    def _run(self, name: str, variables: Variables) -> Response:
        try:
            return self._told({"data": self._answers[name](variables)})
        except Refusal as refusal:
            return self._told(_errors(str(refusal), refusal.code))

    def _may_enter(self) -> bool:
        key = request.headers.get(API_KEY)
        if key is not None:
            return key in self.api_keys
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return kind == "Bearer" and token in self.sessions

    def _login(self, given: Variables) -> Response:
        if (given.get("username"), given.get("password")) != (self.username, self.password):
            error = {
                "__typename": "InvalidCredentialsError",
                "errorCode": "INVALID_CREDENTIALS_ERROR",
                "message": "The provided credentials are invalid",
            }
            return self._told({"data": {"login": error}})
        token = uuid4().hex
        self.sessions.add(token)
        answer = self._told({"data": {"login": {"__typename": "CurrentUser", "id": "1"}}})
        answer.headers[SESSION_TOKEN] = token
        return answer

    def _told(self, body: object, status: int = 200) -> Response:
        date = self.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        return json_response(body, status, {"Date": date})

    def _misreadings(self, name: str, given: Variables) -> dict[Fault, Callable[[], Response]]:
        if name == LISTINGS.name:
            first: Variables = {"skip": 0}
        elif name in (ORDERS.name, SCAN.name, SCAN_CLOSED.name, REFUNDS.name) and "sort" in (
            options := given["options"]
        ):
            by = next(iter(options["sort"]))
            start = {**options["filter"], by: {"after": BEGINNING}}
            first = {"options": {**options, "skip": 0, "filter": start}}
        else:
            return {}
        return {Fault.PAGE_REPEATED: lambda: self._run(name, first)}

    # -- the operations ------------------------------------------------------------------------

    def _shop(self, given: Variables) -> dict[str, Any]:
        currency = self.shop.currency
        channel = {"id": "1", "code": "__default_channel__", "defaultCurrencyCode": currency}
        locations = [
            {"id": words.LOCATION, "name": "Default Stock Location"},
            {"id": words.OTHER_LOCATION, "name": "Shop floor"},
        ]
        return {"activeChannel": channel, "stockLocations": {"items": locations}}

    def _settings(self) -> dict[str, Any]:
        return {"serverConfig": {"moneyStrategyPrecision": self.office.precision}}

    def _listings(self, given: Variables) -> dict[str, Any]:
        with self.shop.lock:
            allocated, found = self.office.allocated(), self.shop.variants
        shown = found[given["skip"] : given["skip"] + LISTINGS_PAGE]
        items = [
            words.variant(one, allocated[one.key], self.office.scale, self.office.track(one.key))
            for one in shown
        ]
        settings = {"trackInventory": self.office.tracks, **self._settings()}
        listed = {"totalItems": len(found), "items": items}
        return {"globalSettings": settings, "productVariants": listed}

    def _stock(self, given: Variables) -> dict[str, Any]:
        with self.shop.lock:
            allocated, found = self.office.allocated(), self.shop.variants
        asked = set(given["ids"])
        items = [
            {
                "id": one.key,
                "trackInventory": self.office.track(one.key),
                "stockLevels": words.levels(one, allocated[one.key]),
            }
            for one in found
            if one.key in asked
        ]
        settings = {"trackInventory": self.office.tracks}
        return {"globalSettings": settings, "productVariants": {"items": items}}

    def _orders(
        self, given: Variables, told: Callable[[words.Dossier], dict[str, Any]]
    ) -> dict[str, Any]:
        options = given["options"]
        take = options.get("take", 100)
        if take > MOST_ROWS:
            message = f"Cannot take more than {MOST_ROWS} results from a list query"
            raise Refusal(message, "USER_INPUT_ERROR")
        by = next(iter(options.get("sort") or {"id": "ASC"}))
        wanted = options.get("filter") or {}
        with self.shop.lock:
            sales = self.shop.orders
            found = [one for one in sales if self._is_indexed(one) and self._fits(one, wanted)]
            found.sort(key=lambda one: (self._value(one, by), one.version))
            start = options.get("skip", 0)
            shown = [self.office.dossier(one) for one in found[start : start + take]]
        listed = {"totalItems": len(found), "items": [self._rounded(told(one)) for one in shown]}
        asks_for_times = told is words.scanned or told is _without_history
        settings = {} if asks_for_times else {"globalSettings": self._settings()}
        return {**settings, "orders": listed}

    def _standing(self, given: Variables) -> dict[str, Any]:
        sale = self.shop.order(given["id"])
        told = words.standing(self.office.dossier(sale)) if sale is not None else None
        return {"globalSettings": self._settings(), "order": told}

    # -- lists ---------------------------------------------------------------------------------

    def _is_indexed(self, sale: Sale) -> bool:
        lag = self.faults.index_lag
        return not lag or (self.now() - sale.updated_at).total_seconds() >= lag

    def _fits(self, one: Sale, wanted: Mapping[str, Any]) -> bool:
        return all(
            _holds(self._value(one, name), operator, operand)
            for name, operators in wanted.items()
            for operator, operand in operators.items()
        )

    def _value(self, one: Sale, name: str) -> Any:
        """As the database keeps it: times as text, which compares as they do."""
        if name == "updatedAt":
            return self._kept(self.office.changed_at(one))
        if name == "orderPlacedAt":
            return words.time(one.placed_at)
        return {"id": one.key, "state": words.STATES[one.status], "active": False}[name]

    def _kept(self, moment: datetime) -> str:
        return words.time(moment.replace(microsecond=0) if self.whole_seconds else moment)

    def _rounded(self, node: dict[str, Any]) -> dict[str, Any]:
        """With its own times as the database keeps them; when it was placed is kept exactly."""
        if not self.whole_seconds:
            return node
        names = node.keys() & {"updatedAt", "createdAt"}
        return {**node, **{name: f"{node[name][:19]}.000Z" for name in names}}


def _holds(value: Any, operator: str, operand: Any) -> bool:
    """``after`` and ``before`` are exclusive, ``between`` is not."""
    tests: dict[str, Callable[[], bool]] = {
        "eq": lambda: bool(value == operand),
        "in": lambda: value in operand,
        "notIn": lambda: value not in operand,
        "after": lambda: bool(value > operand),
        "before": lambda: bool(value < operand),
        "between": lambda: bool(operand["start"] <= value <= operand["end"]),
    }
    return tests[operator]()


def _without_history(of: words.Dossier) -> dict[str, Any]:
    return {name: value for name, value in words.scanned(of).items() if name != "latest"}


def _errors(message: str, code: str) -> dict[str, Any]:
    error: dict[str, Any] = {"message": message, "path": []}
    return {"errors": [{**error, "extensions": {"code": code}} if code else error], "data": None}
