"""WooCommerce's storefront on localhost: the REST API v3 over plain HTTP, with signed requests.

It has the API's traps: row errors inside a 200, stock writes that do nothing where stock is not
managed, exclusive filters of whole seconds, lists without what is in the trash, refusals of refunds
as server errors, and webhooks that are sent once and switched off after some failures. It tells no
totals of its lists.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4
from wsgiref.types import WSGIApplication

from flask import Flask, Response, request

from connectors.signing import hmac_sha256_base64
from connectors.simulators.faults import Fault
from connectors.simulators.server import Simulator, json_response
from connectors.simulators.shop import Event, EventKind
from connectors.simulators.webhooks import Post
from connectors.woocommerce import storefront as words
from connectors.woocommerce.gate import Call, Gate, Refused
from connectors.woocommerce.hooks import Hooks
from connectors.woocommerce.office import Office
from connectors.woocommerce.paths import ROOT
from connectors.woocommerce.shelves import Shelves

Act = Callable[[], Any]
METHODS = ["GET", "POST", "PUT"]
SHOP = "rehearsal.example"


class WooCommerceSimulator(Simulator):
    """``pings``: a new webhook first posts a form without a signature, as the real one does.
    ``rotate_secret`` lets webhooks be signed by a new secret; ``credentials`` tells the newest."""

    def __init__(self, *args: Any, pings: bool = True, **options: Any) -> None:
        super().__init__(*args, **{**options, "webhook_backoff": ()})  # nothing is sent again
        self.pings = pings
        self.gate = Gate()
        self.secret = uuid4().hex
        self.hooks = Hooks(self.now)
        self.shelves = Shelves(self.shop)
        self.office = Office(self.shop, self.shelves.parents, lambda: self.faults.index_lag)
        self.shop.order_key = lambda number: str(5_000_001 + number)
        self.shop.order_number = lambda number: str(5_000_001 + number)

    def credentials(self) -> dict[str, str]:
        return {
            "url": self.url or f"https://{SHOP}",
            "consumer_key": self.gate.consumer_key,
            "consumer_secret": self.gate.consumer_secret,
            "webhook_secret": self.secret,
        }

    def rotate_secret(self) -> str:
        self.secret = uuid4().hex
        return self.secret

    def drop_subscription(self, subscription: str) -> None:
        self.hooks.disable(subscription)

    def trash(self, order_key: str) -> None:
        """Throw an order away: it is in no list any more but that of the trash."""
        with self.shop.lock:
            sale = self.shop.order(order_key)
            if sale is not None:
                self.office.trashed.add(order_key)
                self.shop.set_status(order_key, sale.status)

    def app(self) -> WSGIApplication:
        app = Flask("woocommerce")
        app.add_url_rule(f"{ROOT}/<path:path>", "api", self._api, methods=METHODS)
        return app

    # -- the endpoint --------------------------------------------------------------------------

    def _api(self, path: str) -> Response:
        """All that is asked is taken down first: a late write comes after its request."""
        query = {name: value for name, value in request.args.items() if name[:6] != "oauth_"}
        call = Call(request.method, request.base_url, dict(request.args))
        try:
            self.gate.let_in(call, self.now())
            name, act, write = self._operation(path, query)
        except Refused as refused:
            return self._refused(refused)

        def run(act: Act = act) -> Response:
            try:
                with self.shop.lock:
                    found = act()
            except Refused as refused:
                return self._refused(refused)
            return json_response(found, 201 if _creates(call, name) else 200, self._headers())

        misread = {}
        if name in ("products", "orders"):
            first = self._first(name, query)
            misread = {Fault.PAGE_REPEATED: lambda: run(first)}
        return self.answer(name, run, write=write, misread=misread)

    def _first(self, name: str, query: Mapping[str, str]) -> Act:
        """The list's first page again, whatever was asked for."""
        kept = {
            key: query[key] for key in ("per_page", "status", "orderby", "order") if key in query
        }
        if name == "orders":
            return lambda: self.office.listed(kept)
        return lambda: self.shelves.products(kept)

    def _operation(self, path: str, query: Mapping[str, str]) -> tuple[str, Act, bool]:
        """The operation's name, what it does, and whether it writes."""
        parts = tuple(path.strip("/").split("/"))
        body = request.get_json(force=True, silent=True) if request.method != "GET" else None
        given: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
        shape = " ".join([request.method, *("#" if one.isdecimal() else one for one in parts)])
        key = next((one for one in parts if one.isdecimal()), "")
        reads: dict[str, tuple[str, Act]] = {
            "GET data currencies current": ("currency", self._currency),
            "GET products": ("products", lambda: self.shelves.products(query)),
            "GET products # variations": (
                "variations",
                lambda: self.shelves.variations(key, query),
            ),
            "GET orders": ("orders", lambda: self.office.listed(query)),
            "GET orders #": ("order", lambda: self.office.one(key)),
            "GET orders # notes": ("notes", lambda: self.office.list_notes(key)),
            "GET orders # refunds": ("refunds", lambda: self.office.list_refunds(key, query)),
            "GET webhooks": ("webhooks", lambda: self.hooks.listed(query)),
        }
        writes: dict[str, tuple[str, Act]] = {
            "POST products batch": ("batch", lambda: self.shelves.batch("", given)),
            "POST products # variations batch": ("batch", lambda: self.shelves.batch(key, given)),
            "PUT orders #": ("update", lambda: self.office.update(key, given)),
            "POST orders # notes": ("note", lambda: self.office.note(key, given)),
            "POST orders # refunds": ("refund", lambda: self.office.refund(key, given)),
            "POST webhooks": ("webhook", lambda: self._new_hook(given)),
            "PUT webhooks #": ("webhook", lambda: self.hooks.update(key, given)),
        }
        if shape in reads:
            return *reads[shape], False
        if shape in writes:
            return *writes[shape], True
        said = "No route was found matching the URL and request method."
        raise Refused("rest_no_route", said, 404)

    def _currency(self) -> dict[str, Any]:
        return {"code": self.shop.currency, "name": "Pound sterling", "symbol": "&pound;"}

    def _refused(self, refused: Refused) -> Response:
        told = {"code": refused.code, "message": str(refused), "data": {"status": refused.status}}
        return json_response(told, refused.status, self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Date": self.now().strftime("%a, %d %b %Y %H:%M:%S GMT")}

    # -- webhooks ------------------------------------------------------------------------------

    def _new_hook(self, given: Mapping[str, Any]) -> dict[str, Any]:
        made = self.hooks.create(given)
        if self.pings:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            body = f"webhook_id={made['id']}".encode()
            url = str(made["delivery_url"])
            self.webhooks.send(Post(str(made["id"]), "ping", url, headers, body), headers)
        return made

    def on_event(self, event: Event) -> None:
        topic, body = self._told(event)
        for hook in self.hooks.listening(topic):
            sent = json.dumps(body, separators=(",", ":")).encode()
            resource, _, verb = topic.partition(".")
            headers = {
                "Content-Type": "application/json",
                "X-WC-Webhook-Source": f"https://{SHOP}/",
                "X-WC-Webhook-Topic": topic,
                "X-WC-Webhook-Resource": resource,
                "X-WC-Webhook-Event": verb,
                "X-WC-Webhook-ID": str(hook["id"]),
                "X-WC-Webhook-Delivery-ID": uuid4().hex,
                "X-WC-Webhook-Signature": hmac_sha256_base64(self.secret, sent),
            }
            forged = {**headers, "X-WC-Webhook-Signature": hmac_sha256_base64("forged", sent)}
            post = Post(str(hook["id"]), topic, str(hook["delivery_url"]), headers, sent)
            self.webhooks.send(post, forged)

    def _told(self, event: Event) -> tuple[str, dict[str, Any]]:
        if event.sale is not None:
            if event.sale.key in self.office.trashed:
                return "order.deleted", {"id": int(event.sale.key)}
            created = event.kind is EventKind.ORDER_CREATED
            return "order.created" if created else "order.updated", self.office.told(event.sale)
        if event.variant is not None and self.shop.by_inventory(event.variant.inventory_key):
            return "product.updated", words.product(event.variant, self.shop.currency, managed=True)
        return "product.deleted", {"id": int(event.variant.key) if event.variant else 0}


def _creates(call: Call, name: str) -> bool:
    return call.method == "POST" and name != "batch"
