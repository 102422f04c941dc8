"""Shopify's storefront on localhost: GraphQL over HTTP, cost throttling, signed webhooks.

It answers the operations of :mod:`connectors.shopify.queries`, by their names, with every field
they ask for; it is no GraphQL engine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any
from uuid import uuid4
from wsgiref.types import WSGIApplication

from flask import Flask, Response, request

from connectors.shopify import storefront as words
from connectors.shopify.budget import Bucket, actual, requested
from connectors.shopify.queries import (
    API_VERSION,
    LINES_PAGE,
    LISTINGS_PAGE,
    ORDERS_PAGE,
    SET_STOCK,
    SUBSCRIBE,
)
from connectors.shopify.stockroom import Refused, Stockroom
from connectors.signing import hmac_sha256_base64
from connectors.simulators.faults import Fault
from connectors.simulators.server import Simulator, json_response
from connectors.simulators.shop import Event, EventKind
from connectors.simulators.webhooks import Post

Variables = Mapping[str, Any]

TOPICS = {
    EventKind.ORDER_CREATED: ("ORDERS_CREATE",),
    EventKind.ORDER_UPDATED: ("ORDERS_UPDATED",),
    EventKind.ORDER_CANCELLED: ("ORDERS_CANCELLED", "ORDERS_UPDATED"),
    EventKind.STOCK: ("INVENTORY_LEVELS_UPDATE",),
    EventKind.LISTING: ("PRODUCTS_UPDATE",),
}
WRITES = {SET_STOCK.name, SUBSCRIBE.name}
DOMAIN = "rehearsal.myshopify.com"
LAST = datetime.max.replace(tzinfo=UTC)


class ShopifySimulator(Simulator):
    """``points`` and ``restore_rate`` are the shop's plan. ``rotate_secret`` makes new webhooks be
    signed with a new secret; ``credentials`` tells the newest."""

    def __init__(
        self, *args: Any, points: float = 2000, restore_rate: float = 100, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.access_token = f"shpat_{uuid4().hex}"
        self.client_secret = f"shpss_{uuid4().hex}"
        self.bucket = Bucket(points, restore_rate, lambda: datetime.now(UTC))
        self.stockroom = Stockroom(self.shop)
        self.subscriptions: dict[str, dict[str, str]] = {}
        self._budget = Lock()
        self._answers: dict[str, Callable[[Variables], dict[str, Any]]] = {
            "Shop": self._shop,
            "Listings": self._listings,
            "Orders": self._orders,
            "OrdersById": self._orders_by_id,
            "OrderLines": self._order_lines,
            "Stock": self._stock,
            "SetStock": lambda given: self.stockroom.set(given["input"], str(given["key"])),
            "Subscriptions": self._subscriptions,
            "Subscribe": self._subscribe,
        }

    def credentials(self) -> dict[str, str]:
        return {
            "shop_domain": DOMAIN,
            "access_token": self.access_token,
            "client_secret": self.client_secret,
        }

    def rotate_secret(self) -> str:
        self.client_secret = f"shpss_{uuid4().hex}"
        return self.client_secret

    def drop_subscription(self, subscription: str) -> None:
        self.subscriptions.pop(subscription, None)

    def app(self) -> WSGIApplication:
        app = Flask("shopify")
        path = "/admin/api/<version>/graphql.json"
        app.add_url_rule(path, "graphql", self._graphql, methods=["POST"])
        return app

    # -- the endpoint --------------------------------------------------------------------------

    def _graphql(self, version: str) -> Response:
        if request.headers.get("X-Shopify-Access-Token") != self.access_token:
            return json_response({"errors": "[API] Invalid API key or access token"}, 401)
        if version != API_VERSION:
            return json_response({"errors": "Not Found"}, 404)
        body = request.get_json(force=True)
        name, variables = str(body.get("operationName")), body.get("variables") or {}
        if name not in self._answers:
            return json_response(_errors(f"No operation named {name!r}", "BAD_REQUEST"))
        if name == SET_STOCK.name and "@idempotent" not in body["query"]:
            variables = {**variables, "key": ""}

        def act() -> Response:
            return self._run(name, variables)

        return self.answer(
            name, act, write=name in WRITES, misread=self._misreadings(name, variables)
        )

    def _run(self, name: str, variables: Variables) -> Response:
        asked = requested(name, dict(variables))
        with self._budget:
            if asked > self.bucket.available():
                return self.throttled(asked)
        try:
            data = self._answers[name](variables)
        except words.BadCursor:
            return json_response(_errors("Invalid cursor for current pagination sort.", ""))
        except Refused as refused:
            return json_response(_errors(str(refused), refused.code))
        with self._budget:
            paid = actual(name, data)
            self.bucket.pay(paid)
            told = self.bucket.told(asked, paid)
        return json_response({"data": data, "extensions": {"cost": told}}, headers=self._headers())

    def throttled(self, asked: int = 100) -> Response:
        told = self.bucket.told(asked, None)
        answer = _errors("Throttled", "THROTTLED")
        return json_response({**answer, "extensions": {"cost": told}}, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        date = self.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        return {"X-Shopify-API-Version": API_VERSION, "Date": date}

    def _misreadings(self, name: str, variables: Variables) -> dict[Fault, Callable[[], Response]]:
        if name not in ("Orders", "Listings"):
            return {}
        first = {**variables, "after": None}
        if name == "Listings":
            first["filter"] = "id:>=0"
        expired = _errors("Invalid cursor for current pagination sort.", "")
        found: dict[Fault, Callable[[], Response]] = {
            Fault.PAGE_REPEATED: lambda: self._run(name, first)
        }
        if variables.get("after"):
            found[Fault.CURSOR_EXPIRED] = lambda: json_response(expired)
        return found

    # -- the operations ------------------------------------------------------------------------

    def _shop(self, given: Variables) -> dict[str, Any]:
        locations = [
            {"id": words.CLOSED_LOCATION, "name": "Old shop", "isActive": False},
            {"id": words.LOCATION, "name": "Warehouse", "isActive": True},
        ]
        shop = {
            "id": words.gid("Shop", "548380009"),
            "name": self.shop.name,
            "currencyCode": self.shop.currency,
            "ianaTimezone": "Europe/London",
            "myshopifyDomain": DOMAIN,
        }
        return {"shop": shop, "locations": {"nodes": locations}}

    def _listings(self, given: Variables) -> dict[str, Any]:
        start = int(_filter(r"id:>=(\d+)", given["filter"]) or 0)
        found = self.shop.variants_from(start, LISTINGS_PAGE + 1)
        place = given["location"]
        nodes = [
            words.variant(one, self.shop.currency, stocked=self._stocked(one.inventory_key, place))
            for one in found[:LISTINGS_PAGE]
        ]
        more = len(found) > LISTINGS_PAGE
        return {
            "shop": {"currencyCode": self.shop.currency},
            "productVariants": {"pageInfo": {"hasNextPage": more}, "nodes": nodes},
        }

    def _orders(self, given: Variables) -> dict[str, Any]:
        since = _filter(r"updated_at:>='([^']+)'", given["filter"])
        until = _filter(r"updated_at:<='([^']+)'", given["filter"])
        after = words.position(given["after"]) if given.get("after") else (_time(since), -1)
        ends = _time(until) + timedelta(seconds=1) if until else LAST
        if self.faults.index_lag:
            ends = min(ends, self.now() - timedelta(seconds=self.faults.index_lag))
        changed = self.shop.orders_after(after, ORDERS_PAGE + 1)
        found = [sale for sale in changed if sale.updated_at < ends]
        shown = found[:ORDERS_PAGE]
        end = shown[-1].position if shown else None
        return {
            "orders": words.connection(
                [words.order(one, self.shop.currency) for one in shown],
                more=len(found) > ORDERS_PAGE,
                end=words.pack(end[0].isoformat(), end[1]) if end else None,
            )
        }

    def _orders_by_id(self, given: Variables) -> dict[str, Any]:
        sales = [self.shop.order(words.key(one, "Order")) for one in given["ids"]]
        return {
            "nodes": [
                {"__typename": "Order", **words.order(one, self.shop.currency)} if one else None
                for one in sales
            ]
        }

    def _order_lines(self, given: Variables) -> dict[str, Any]:
        sale = self.shop.order(words.key(given["id"], "Order"))
        if sale is None:
            return {"order": None}
        start = words.offset(given["after"])
        return {
            "order": {
                "id": given["id"],
                "updatedAt": words.time(sale.updated_at),
                "lineItems": words.lines(sale, self.shop.currency, start, LINES_PAGE),
            }
        }

    def _stock(self, given: Variables) -> dict[str, Any]:
        nodes = []
        for one in given["ids"]:
            item = words.key(one, "InventoryItem")
            variant = self.shop.by_inventory(item)
            stocked = self._stocked(item, given["location"])
            nodes.append(
                {"__typename": "InventoryItem", **words.inventory_item(variant, stocked=stocked)}
                if variant
                else None
            )
        return {"nodes": nodes}

    def _stocked(self, inventory_key: str, location: str) -> bool:
        return location == words.LOCATION and inventory_key not in self.stockroom.unstocked

    def _subscriptions(self, given: Variables) -> dict[str, Any]:
        found = list(self.subscriptions.values())
        return {"webhookSubscriptions": words.connection(found, more=False, end=None)}

    def _subscribe(self, given: Variables) -> dict[str, Any]:
        topic, uri = given["topic"], given["uri"]
        errors = []
        if any(one["topic"] == topic and one["uri"] == uri for one in self.subscriptions.values()):
            field = ["webhookSubscription", "callbackUrl"]
            message = "Address for this topic has already been taken"
            errors, made = [{"field": field, "message": message}], None
        else:
            key = words.gid("WebhookSubscription", str(uuid4().int % 10**13))
            made = self.subscriptions[key] = {"id": key, "topic": topic, "uri": uri}
        return {"webhookSubscriptionCreate": {"webhookSubscription": made, "userErrors": errors}}

    # -- webhooks ------------------------------------------------------------------------------

    def on_event(self, event: Event) -> None:
        if not self.subscriptions:
            return
        event_id = str(uuid4())
        for topic in TOPICS[event.kind]:
            for subscription in list(self.subscriptions.values()):
                if subscription["topic"] == topic:
                    self._notify(subscription, topic, event, event_id)

    def _notify(
        self, subscription: Mapping[str, str], topic: str, event: Event, event_id: str
    ) -> None:
        body = json.dumps(_body(event)).encode()
        name = _rest_topic(topic)
        headers = {
            "Content-Type": "application/json",
            "X-Shopify-Topic": name,
            "X-Shopify-Hmac-Sha256": hmac_sha256_base64(self.client_secret, body),
            "X-Shopify-Shop-Domain": DOMAIN,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": str(uuid4()),
            "X-Shopify-Event-Id": event_id,
            "X-Shopify-Triggered-At": self.now().isoformat().replace("+00:00", "Z"),
        }
        forged = {**headers, "X-Shopify-Hmac-Sha256": hmac_sha256_base64("forged", body)}
        post = Post(subscription["id"], name, subscription["uri"], headers, body)
        self.webhooks.send(post, forged)


def _body(event: Event) -> dict[str, Any]:
    if event.sale is not None:
        return words.order_body(event.sale)
    if event.variant is None:
        return {}
    is_stock = event.kind is EventKind.STOCK
    return words.level_body(event.variant) if is_stock else words.product_body(event.variant)


def _rest_topic(topic: str) -> str:
    """``INVENTORY_LEVELS_UPDATE`` → ``inventory_levels/update``, as the header has it."""
    kind, _, verb = topic.lower().rpartition("_")
    return f"{kind}/{verb}"


def _errors(message: str, code: str) -> dict[str, Any]:
    extensions = {"code": code} if code else {}
    return {"errors": [{"message": message, "extensions": extensions}]}


def _filter(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found.group(1) if found else ""


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text) if text else datetime.min.replace(tzinfo=UTC)
