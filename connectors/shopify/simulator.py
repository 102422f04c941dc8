"""Shopify's storefront on localhost: GraphQL over HTTP, cost throttling, signed webhooks.

It answers the operations of :mod:`connectors.shopify.queries` and its neighbour, by their names,
with every field they ask for; it is no GraphQL engine. What it does after a sale is in rooms of
its own: despatch, till, back office, exports; the gatehouse lets in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any
from uuid import uuid4
from wsgiref.types import WSGIApplication

from flask import Flask, Response, request

from connectors.shopify import postsale_queries, queries
from connectors.shopify import storefront as words
from connectors.shopify.backoffice import BackOffice
from connectors.shopify.budget import Bucket, actual, requested
from connectors.shopify.despatch import Despatch
from connectors.shopify.exports import Exports
from connectors.shopify.gatehouse import Gatehouse, Grant
from connectors.shopify.queries import (
    API_VERSION,
    LINES_PAGE,
    LISTINGS_PAGE,
    ORDERS_PAGE,
    SET_STOCK,
)
from connectors.shopify.stockroom import Refused, Stockroom
from connectors.shopify.till import Till
from connectors.signing import hmac_sha256_base64
from connectors.simulators.faults import Fault
from connectors.simulators.server import Simulator, json_response
from connectors.simulators.shop import Event, EventKind, Sale
from connectors.simulators.webhooks import Post

Variables = Mapping[str, Any]

TOPICS = {
    EventKind.ORDER_CREATED: ("ORDERS_CREATE",),
    EventKind.ORDER_UPDATED: ("ORDERS_UPDATED",),
    EventKind.ORDER_CANCELLED: ("ORDERS_CANCELLED", "ORDERS_UPDATED"),
    EventKind.ORDER_SHIPPED: ("FULFILLMENTS_CREATE", "ORDERS_UPDATED"),
    EventKind.ORDER_REFUNDED: ("REFUNDS_CREATE", "ORDERS_UPDATED"),
    EventKind.STOCK: ("INVENTORY_LEVELS_UPDATE",),
    EventKind.LISTING: ("PRODUCTS_UPDATE",),
}
WRITES = {one.name for one in (*queries.ALL, *postsale_queries.ALL) if one.write}
DOMAIN = "rehearsal.myshopify.com"
LAST = datetime.max.replace(tzinfo=UTC)


class ShopifySimulator(Simulator):
    """``points`` and ``restore_rate`` are the shop's plan. ``rotate_secret`` makes new webhooks be
    signed with a new secret; ``credentials`` tells the newest. ``grant`` is how the app gets in;
    ``denied`` are operations that it lacks the access scope for."""

    def __init__(
        self,
        *args: Any,
        points: float = 2000,
        restore_rate: float = 100,
        grant: Grant = Grant.CUSTOM,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.gatehouse = Gatehouse(grant, self.now)
        self.denied: set[str] = set()
        self.bucket = Bucket(points, restore_rate, lambda: datetime.now(UTC))
        self.stockroom = Stockroom(self.shop)
        self.despatch = Despatch(self.shop)
        self.till = Till(self.shop, self.changed)
        self.backoffice = BackOffice(self.shop, self.changed)
        self.exports = Exports(self.shop, lambda: self.url, self._exported)
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
            **self.despatch.operations(),
            **self.till.operations(),
            **self.backoffice.operations(),
            **self.exports.operations(),
        }

    @property
    def access_token(self) -> str:
        return self.gatehouse.access_token

    @access_token.setter
    def access_token(self, token: str) -> None:
        """From now on this one opens, and no other."""
        self.gatehouse.hand_out(token)

    @property
    def client_secret(self) -> str:
        return self.gatehouse.client_secret

    def credentials(self) -> dict[str, str]:
        return {"shop_domain": DOMAIN, **self.gatehouse.credentials()}

    def rotate_secret(self) -> str:
        self.gatehouse.client_secret = f"shpss_{uuid4().hex}"
        return self.client_secret

    def drop_subscription(self, subscription: str) -> None:
        self.subscriptions.pop(subscription, None)

    def app(self) -> WSGIApplication:
        app = Flask("shopify")
        path = "/admin/api/<version>/graphql.json"
        app.add_url_rule(path, "graphql", self._graphql, methods=["POST"])
        app.add_url_rule("/admin/oauth/access_token", "token", self._token, methods=["POST"])
        app.add_url_rule("/bulk/<number>.jsonl", "file", self._file)
        return app

    # -- the endpoint --------------------------------------------------------------------------

    def _token(self) -> Response:
        form = request.form.to_dict()
        return self.answer("Token", lambda: json_response(*self.gatehouse.renew(form)), write=True)

    def _file(self, number: str) -> Response:
        signature, piece = request.args.get("signature", ""), request.headers.get("Range", "")
        return self.answer("File", lambda: Response(*self.exports.file(number, signature, piece)))

    def _graphql(self, version: str) -> Response:
        if not self.gatehouse.opens(request.headers.get("X-Shopify-Access-Token", "")):
            return json_response({"errors": "[API] Invalid API key or access token"}, 401)
        if version != API_VERSION:
            return json_response({"errors": "Not Found"}, 404)
        body = request.get_json(force=True)
        name, variables = str(body.get("operationName")), body.get("variables") or {}
        if name not in self._answers:
            return json_response(_errors(f"No operation named {name!r}", "BAD_REQUEST"))
        if name in self.denied:
            return json_response(_errors(f"Access denied for {name} field.", "ACCESS_DENIED"))
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
        sales, more, end = self.changed(given, ORDERS_PAGE)
        nodes = [words.order(one, self.shop.currency) for one in sales]
        return {"orders": words.connection(nodes, more=more, end=end)}

    def changed(self, given: Variables, size: int) -> tuple[Sequence[Sale], bool, str | None]:
        """A page of orders by time of change, whether more follow, and where it ends."""
        since = _filter(r"updated_at:>='([^']+)'", given["filter"])
        until = _filter(r"updated_at:<='([^']+)'", given["filter"])
        after = words.position(given["after"]) if given.get("after") else (_time(since), -1)
        ends = _time(until) + timedelta(seconds=1) if until else LAST
        if self.faults.index_lag:
            ends = min(ends, self.now() - timedelta(seconds=self.faults.index_lag))
        changed = self.shop.orders_after(after, size + 1)
        found = [sale for sale in changed if sale.updated_at < ends]
        shown = found[:size]
        end = words.pack(*words.place(shown[-1])) if shown else None
        return shown, len(found) > size, end

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
        event_id = str(uuid4())
        for topic in TOPICS[event.kind]:
            self._tell(topic, partial(_body, topic, event), event_id)

    def _exported(self, operation: str) -> None:
        body = {"admin_graphql_api_id": operation, "status": "completed", "type": "query"}
        self._tell("BULK_OPERATIONS_FINISH", lambda: body, str(uuid4()))

    def _tell(self, topic: str, body: Callable[[], dict[str, Any]], event_id: str) -> None:
        for subscription in list(self.subscriptions.values()):
            if subscription["topic"] == topic:
                self._notify(subscription, topic, json.dumps(body()).encode(), event_id)

    def _notify(
        self, subscription: Mapping[str, str], topic: str, body: bytes, event_id: str
    ) -> None:
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


def _body(topic: str, event: Event) -> dict[str, Any]:
    if event.sale is not None:
        if topic == "FULFILLMENTS_CREATE":
            return words.parcel_body(event.sale)
        return (
            words.refund_body(event.sale)
            if topic == "REFUNDS_CREATE"
            else words.order_body(event.sale)
        )
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
