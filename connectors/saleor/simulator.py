"""Saleor on localhost: GraphQL over HTTP, physical stock, webhooks signed with a published key.

It answers the operations of :mod:`connectors.saleor.queries`, by their names, with every field they
ask for; it is no GraphQL engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4
from wsgiref.types import WSGIApplication

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from flask import Flask, Response, request

from connectors import jws
from connectors.saleor import signature
from connectors.saleor import storefront as words
from connectors.saleor.counter import Counter
from connectors.saleor.ids import gid, key_of
from connectors.saleor.queries import ALL, LISTINGS_PAGE, ORDERS_PAGE, REFUNDS_PAGE
from connectors.saleor.stockroom import Stockroom
from connectors.saleor.till import Till
from connectors.saleor.webhooks import type_of
from connectors.simulators.faults import Fault
from connectors.simulators.server import Simulator, json_response
from connectors.simulators.shop import FIRST_VARIANT, Event, EventKind, Sale
from connectors.simulators.webhooks import Post

Variables = Mapping[str, Any]

TOPICS = {
    EventKind.ORDER_CREATED: ("ORDER_CREATED",),
    EventKind.ORDER_UPDATED: ("ORDER_UPDATED",),
    EventKind.ORDER_CANCELLED: ("ORDER_CANCELLED", "ORDER_UPDATED"),
    EventKind.ORDER_SHIPPED: ("FULFILLMENT_CREATED", "ORDER_UPDATED"),
    EventKind.ORDER_REFUNDED: ("ORDER_REFUNDED", "ORDER_UPDATED"),
    EventKind.STOCK: ("PRODUCT_VARIANT_STOCK_UPDATED",),
    EventKind.LISTING: ("PRODUCT_VARIANT_UPDATED",),
}
HOST = "rehearsal.saleor.cloud"
PERMISSIONS = ("MANAGE_PRODUCTS", "MANAGE_ORDERS", "HANDLE_PAYMENTS", "MANAGE_APPS")
WRITES = {one.name for one in ALL if one.write}
LAST = datetime.max.replace(tzinfo=UTC)
PAGES = {"Orders": ORDERS_PAGE, "Refunds": REFUNDS_PAGE}


@cache
def signing_key(number: int) -> RSAPrivateKey:
    """The nth key; the shops of one process share them, as making one takes time."""
    return generate_private_key(public_exponent=65537, key_size=2048)


class SaleorSimulator(Simulator):
    """``rotate_secret`` makes new webhooks be signed with a new key. ``legacy``: orders were paid
    through a payment plugin."""

    stock_write = "SetStock"

    def __init__(self, *args: Any, legacy: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.shop.listing_key = lambda key: words.variant_id(key).rpartition("/")[2]
        self.shop.order_key = words.order_key
        self.shop.order_number = lambda number: str(number + 1)
        self.token = uuid4().hex
        self.permissions = PERMISSIONS
        self.stockroom = Stockroom(self.shop)
        self.counter = Counter(self.shop)
        self.till = Till(self.shop, legacy=legacy)
        self.hooks: dict[str, dict[str, Any]] = {}
        self._key = 0
        signing_key(self._key)  # now, and not while a caller waits for it
        self._answers: dict[str, Callable[[Variables], dict[str, Any]]] = {
            "Shop": self._shop,
            "Listings": self._listings,
            "Orders": self._orders,
            "Refunds": self._refunds,
            "Stock": self._stock,
            "SetStock": lambda given: {"stockBulkUpdate": self.stockroom.set(given["stocks"])},
            "Desk": self._desk,
            "Note": lambda given: {"updatePrivateMetadata": self.counter.note(given)},
            "Fulfill": lambda given: {"orderFulfill": self.counter.fulfill(given)},
            "Track": lambda given: {"orderFulfillmentUpdateTracking": self.counter.track(given)},
            "Cancel": lambda given: {"orderCancel": self.counter.cancel(given)},
            "Money": self._money,
            "Grant": self._grant,
            "Request": self._request,
            "PayBack": self._pay_back,
            "Webhooks": self._webhooks,
            "Subscribe": self._subscribe,
            "Resubscribe": self._resubscribe,
        }

    def credentials(self) -> dict[str, str]:
        return {"url": f"https://{HOST}", "token": self.token}

    def rotate_secret(self) -> str:
        self._key += 1
        return self.key_id

    @property
    def key_id(self) -> str:
        numbers = signing_key(self._key).public_key().public_numbers()
        return hashlib.sha256(str(numbers.n).encode()).hexdigest()[:43]

    def drop_subscription(self, subscription: str) -> None:
        """As somebody does in the dashboard: switched off, and still to be seen."""
        if subscription in self.hooks:
            self.hooks[subscription]["isActive"] = False

    def app(self) -> WSGIApplication:
        app = Flask("saleor")
        app.add_url_rule("/graphql/", "graphql", self._graphql, methods=["POST"])
        app.add_url_rule("/.well-known/jwks.json", "jwks", self._jwks, methods=["GET"])
        return app

    # -- the endpoints -------------------------------------------------------------------------

    def _jwks(self) -> Response:
        entry = jws.published(signing_key(self._key).public_key(), self.key_id)
        return self.answer("jwks", lambda: json_response({"keys": [entry]}))

    def _graphql(self) -> Response:
        body = request.get_json(force=True)
        name, variables = str(body.get("operationName")), body.get("variables") or {}
        if name not in self._answers:
            return json_response(_errors(f"No operation {name!r}", "GraphQLError"), 400)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return json_response({**_errors(NOBODY, "PermissionDenied"), "data": {"app": None}})
        return self.answer(
            name,
            lambda: self._run(name, variables),
            write=name in WRITES,
            misread=self._misreadings(name, variables),
        )

    def _run(self, name: str, variables: Variables) -> Response:
        try:
            data = self._answers[name](variables)
        except words.BadCursor:
            return json_response(
                {**_errors("Received cursor is invalid.", "GraphQLError"), "data": None}
            )
        date = self.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        cost = {"requestedQueryCost": 1, "maximumAvailable": 50000}
        told = {"data": data, "extensions": {"cost": cost}}
        return json_response(told, headers={"Date": date})

    def _misreadings(self, name: str, variables: Variables) -> dict[Fault, Callable[[], Response]]:
        if name not in ("Orders", "Listings", "Refunds"):
            return {}
        first = {**variables, "after": None}
        found: dict[Fault, Callable[[], Response]] = {
            Fault.PAGE_REPEATED: lambda: self._run(name, first)
        }
        if variables.get("after"):
            broken = {**variables, "after": "?"}
            found[Fault.CURSOR_EXPIRED] = lambda: self._run(name, broken)
        return found

    # -- reading -------------------------------------------------------------------------------

    def _shop(self, given: Variables) -> dict[str, Any]:
        channel = {
            "id": gid("Channel", "1"),
            "slug": words.CHANNEL,
            "name": "Default",
            "isActive": True,
            "currencyCode": self.shop.currency,
        }
        places = [(words.WAREHOUSE, "Main", "main"), (words.OTHER_WAREHOUSE, "Old", "old")]
        nodes = [{"id": key, "name": name, "slug": slug} for key, name, slug in places]
        return {
            "shop": {"name": self.shop.name, "domain": {"host": HOST}},
            "app": {
                "id": gid("App", "1"),
                "name": "Hub",
                "permissions": [{"code": one} for one in self.permissions],
            },
            "channels": [channel],
            "warehouses": {"edges": [{"node": one} for one in nodes]},
        }

    def _listings(self, given: Variables) -> dict[str, Any]:
        after = given.get("after")
        start = words.variant_after(after) + 1 if after else FIRST_VARIANT
        with self.shop.lock:
            found = self.shop.variants_from(start, LISTINGS_PAGE + 1)
            nodes = [
                words.variant(
                    one,
                    self.shop.currency,
                    self.stockroom.levels(one),
                    tracked=one.key not in self.stockroom.untracked,
                )
                for one in found[:LISTINGS_PAGE]
            ]
        end = words.pack(found[len(nodes) - 1].key) if nodes else None
        more = len(found) > LISTINGS_PAGE
        return {"productVariants": words.connection(nodes, more=more, end=end)}

    def _stock(self, given: Variables) -> dict[str, Any]:
        keys = {key_of(one, "ProductVariant") for one in given["ids"]}
        with self.shop.lock:
            edges = [
                {
                    "node": {
                        "id": words.variant_id(one.key),
                        "trackInventory": one.key not in self.stockroom.untracked,
                        "stocks": self.stockroom.levels(one),
                    }
                }
                for one in self.shop.variants
                if one.key in keys
            ]
        return {"productVariants": {"edges": edges}}

    def _orders(self, given: Variables) -> dict[str, Any]:
        return self._page(given, ORDERS_PAGE, lambda one: words.order(one, self.shop.currency))

    def _refunds(self, given: Variables) -> dict[str, Any]:
        return self._page(given, REFUNDS_PAGE, self.till.order)

    def _page(
        self, given: Variables, size: int, show: Callable[[Sale], dict[str, Any]]
    ) -> dict[str, Any]:
        wanted = given["filter"]
        if given.get("channel") not in (None, words.CHANNEL):
            return {"orders": words.connection([], more=False, end=None)}
        if "ids" in wanted:
            sales = [self.shop.order(one) for one in wanted["ids"]]
            nodes = [show(one) for one in sales if one is not None]
            return {"orders": words.connection(nodes, more=False, end=None)}
        span, after = wanted["updatedAt"], given.get("after")
        start = words.position(after) if after else (_time(span.get("gte")), -1)
        ends = _time(span["lte"]) if span.get("lte") else LAST
        if self.faults.index_lag:
            ends = min(ends, self.now() - timedelta(seconds=self.faults.index_lag))
        changed = self.shop.orders_after(start, size + 1)
        found = [sale for sale in changed if sale.updated_at <= ends]
        shown = found[:size]
        end = shown[-1].position if shown else None
        place = words.pack(end[0].isoformat(), end[1]) if end else None
        more = len(found) > size
        return {"orders": words.connection([show(one) for one in shown], more=more, end=place)}

    def _desk(self, given: Variables) -> dict[str, Any]:
        sale = self.shop.order(given["id"])
        note = self.counter.note_of(given["id"], given["note"])
        return {"order": words.desk(sale, note) if sale else None}

    def _money(self, given: Variables) -> dict[str, Any]:
        sale = self.shop.order(given["id"])
        note = self.counter.note_of(given["id"], given["note"])
        shown = {**self.till.order(sale), "privateMetafield": note} if sale else None
        return {"order": shown}

    # -- writing -------------------------------------------------------------------------------

    def _grant(self, given: Variables) -> dict[str, Any]:
        return {"orderGrantRefundCreate": self.till.grant(given["id"], given["input"])}

    def _request(self, given: Variables) -> dict[str, Any]:
        return {"transactionRequestRefundForGrantedRefund": self.till.request(given["id"])}

    def _pay_back(self, given: Variables) -> dict[str, Any]:
        return {"orderRefund": self.till.pay_back(given["id"], given["amount"])}

    def _webhooks(self, given: Variables) -> dict[str, Any]:
        return {"app": {"id": gid("App", "1"), "webhooks": list(self.hooks.values())}}

    def _subscribe(self, given: Variables) -> dict[str, Any]:
        asked = given["input"]
        key = gid("Webhook", str(len(self.hooks) + 1))
        self.hooks[key] = {"id": key, "targetUrl": asked["targetUrl"], **_hook(asked)}
        return {"webhookCreate": {"webhook": {"id": key}, "errors": []}}

    def _resubscribe(self, given: Variables) -> dict[str, Any]:
        found = self.hooks.get(given["id"])
        if found is None:
            error = {"field": "id", "message": "Couldn't resolve to a node", "code": "NOT_FOUND"}
            return {"webhookUpdate": {"webhook": None, "errors": [error]}}
        found.update(_hook(given["input"]))
        return {"webhookUpdate": {"webhook": {"id": given["id"]}, "errors": []}}

    # -- webhooks ------------------------------------------------------------------------------

    def on_event(self, event: Event) -> None:
        self.stockroom.on_event(event)
        if event.sale is not None:
            key = event.sale.key
        else:
            key = words.variant_id(event.variant.key) if event.variant else ""
        for topic in TOPICS[event.kind]:
            for hook in list(self.hooks.values()):
                if hook["isActive"] and {"eventType": topic} in hook["asyncEvents"]:
                    self._notify(hook, topic, key)

    def _notify(self, hook: Mapping[str, Any], topic: str, key: str) -> None:
        body = words.event_body(type_of(topic), self.now(), key)
        headers = {
            "Content-Type": "application/json",
            "Saleor-Event": topic.lower(),
            "Saleor-Domain": HOST,
            "Saleor-Api-Url": f"https://{HOST}/graphql/",
            "Saleor-Signature": signature.write(body, signing_key(self._key), self.key_id),
        }
        wrong = signature.write(body + b" ", signing_key(self._key), self.key_id)
        forged = {**headers, "Saleor-Signature": wrong}
        self.webhooks.send(Post(hook["id"], topic, hook["targetUrl"], headers, body), forged)


NOBODY = "To access this path, you need one of the following permissions: AUTHENTICATED_APP"


def _hook(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "isActive": asked["isActive"],
        "subscriptionQuery": asked["query"],
        "asyncEvents": [{"eventType": one} for one in asked["asyncEvents"]],
    }


def _errors(message: str, code: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"exception": {"code": code}}}]}


def _time(text: object) -> datetime:
    return datetime.fromisoformat(str(text)) if text else datetime.min.replace(tzinfo=UTC)
