"""TikTok Shop's storefront on localhost: the signed API, tokens that run out, signed webhooks.

It answers the operations of :mod:`connectors.tiktok_shop.operations`, and the token endpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from wsgiref.types import WSGIApplication

from flask import Flask, Response, request

from connectors.simulators.faults import Fault
from connectors.simulators.server import Simulator, json_response
from connectors.simulators.shop import Event, EventKind
from connectors.simulators.webhooks import Post
from connectors.tiktok_shop import operations, regions
from connectors.tiktok_shop import storefront as words
from connectors.tiktok_shop.casebook import Casebook
from connectors.tiktok_shop.client import REFRESH
from connectors.tiktok_shop.dispatch import Dispatch
from connectors.tiktok_shop.gate import Call, Gate, Refused
from connectors.tiktok_shop.operations import ORDERS_PAGE, PRODUCTS_PAGE, Operation
from connectors.tiktok_shop.signature import webhook_signature
from connectors.tiktok_shop.stockroom import Stockroom
from connectors.tiktok_shop.till import Till
from connectors.tiktok_shop.webhooks import TYPES

Query = Mapping[str, str]
Body = Mapping[str, Any]

SHOP_ID = "7000714532876273420"
REQUEST_ID = "202203070749000101890810281E8C70B7"
NUMBERS = {name: number for number, (name, _, _) in TYPES.items()}
LISTS = ("Products", "Orders")
LAST = datetime.max.replace(tzinfo=UTC)


class TikTokShopSimulator(Simulator):
    """``rate`` is TikTok's own limit, in calls a second per path; ``together`` variants make a
    product, which lies in ``places`` warehouses; ``packs`` and ``platform`` say how it ships.
    ``gate`` has the tokens, ``stockroom`` the goods, ``dispatch`` the packages, ``casebook`` what
    comes back, ``till`` the money. ``rotate_secret`` changes the app's secret, for requests and
    webhooks alike."""

    def __init__(
        self,
        *args: Any,
        rate: float = 50,
        together: int = 1,
        places: int = 2,
        takes_zero: bool = True,
        packs: bool = False,
        platform: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.shop.order_number = self.shop.order_key  # an order has no other number than its id
        self.gate = Gate(rate)
        self.stockroom = Stockroom(
            self.shop, together=together, places=places, takes_zero=takes_zero
        )
        self.dispatch = Dispatch(self.shop, packs=packs, platform=platform)
        self.casebook = Casebook(self.shop, self.dispatch)
        self.till = Till(self.shop)
        self.subscriptions: dict[str, dict[str, Any]] = {}
        #: What is said of the thing that the path names.
        self._named: dict[str, Callable[[str, Query, Body], dict[str, Any]]] = {
            "SetStock": lambda key, query, body: self.stockroom.write(key, body["skus"]),
            "Providers": lambda key, query, body: self.dispatch.providers(key),
            "MarkShipped": lambda key, query, body: self.dispatch.mark(key, body),
            "ShipPackage": lambda key, query, body: self.dispatch.ship(key, body),
            "Split": lambda key, query, body: self.dispatch.split(key, body),
            "Correct": lambda key, query, body: self.dispatch.correct(key, body),
            "Eligibility": lambda key, query, body: self.casebook.eligibility(key),
            "Transactions": lambda key, query, body: self.till.transactions(key, query),
        }
        self._answers: dict[str, Callable[[Query, Body], dict[str, Any]]] = {
            "Shops": self._shops,
            "Warehouses": lambda query, body: {
                "warehouses": words.warehouses(self.stockroom.places)
            },
            "Products": self._products,
            "Inventory": self._inventory,
            "Activate": lambda query, body: self.stockroom.switch(body["product_ids"], on=True),
            "Deactivate": lambda query, body: self.stockroom.switch(body["product_ids"], on=False),
            "Orders": self._orders,
            "OrdersById": self._orders_by_id,
            "Webhooks": self._webhooks,
            "SetWebhook": self._set_webhook,
            "Cancel": lambda query, body: self.casebook.cancel(body),
            "Cancellations": self.casebook.cancellations,
            "Returns": self.casebook.returns,
            "Statements": lambda query, body: self.till.statements(query),
        }

    def credentials(self) -> dict[str, str]:
        return {
            "app_key": self.gate.app_key,
            "app_secret": self.gate.app_secret,
            "access_token": self.gate.access_token,
            "refresh_token": self.gate.refresh_token,
        }

    def rotate_secret(self) -> str:
        self.gate.app_secret = uuid4().hex
        return self.gate.app_secret

    def drop_subscription(self, subscription: str) -> None:
        self.subscriptions.pop(subscription, None)

    def app(self) -> WSGIApplication:
        app = Flask("tiktok_shop")
        app.add_url_rule(REFRESH, "Refresh", self._refresh)
        for one in operations.ALL:
            path = one.path.replace("{", "<").replace("}", ">")
            app.add_url_rule(path, one.name, self._endpoint(one), methods=[one.method])
        return app

    # -- the endpoint --------------------------------------------------------------------------

    def _endpoint(self, operation: Operation) -> Callable[..., Response]:
        def endpoint(**named: str) -> Response:
            query = {name: value for name, value in request.args.items()}
            raw = request.get_data()
            token = request.headers.get("x-tts-access-token", "")
            call = Call(request.path, query, raw, token)

            def act(query: Query = query) -> Response:
                return self._told(lambda: self._run(operation, call, query, named))

            misread = self._misreadings(operation, query, act)
            return self.answer(operation.name, act, write=operation.write, misread=misread)

        return endpoint

    def _run(
        self, operation: Operation, call: Call, query: Query, named: Mapping[str, str]
    ) -> dict[str, Any]:
        # The gateway's clock is right, whatever is wrong with the shop's.
        self.gate.let_in(operation, call, self._clock())
        body = json.loads(call.body) if call.body else {}
        for key in named.values():
            return self._named[operation.name](key, query, body)
        return self._answers[operation.name](query, body)

    def _told(self, act: Callable[[], dict[str, Any]]) -> Response:
        date = self.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        try:
            told = {"code": 0, "message": "Success", "data": act()}
            return json_response({**told, "request_id": REQUEST_ID}, headers={"Date": date})
        except words.BadToken:
            refused = Refused(36009004, "Invalid parameter. The `page_token` is invalid.", 400)
        except Refused as error:
            refused = error
        body = {"code": refused.code, "message": str(refused), "request_id": REQUEST_ID}
        wait = {"Retry-After": self.faults.retry_after} if refused.status == 429 else {}
        return json_response(body, refused.status, {"Date": date, **wait})

    def _refresh(self) -> Response:
        query = {name: value for name, value in request.args.items()}

        def act() -> Response:
            return self._told(lambda: self.gate.refresh(query, self._clock()))

        return self.answer("Refresh", act, write=True)

    def throttled(self) -> Response:
        body = {"code": 36009002, "message": "Too many requests.", "request_id": REQUEST_ID}
        return json_response(body, headers={"Retry-After": self.faults.retry_after})

    def _misreadings(
        self, operation: Operation, query: Query, act: Callable[[Query], Response]
    ) -> dict[Fault, Callable[[], Response]]:
        if operation.name not in LISTS:
            return {}
        first = {name: value for name, value in query.items() if name != "page_token"}
        lost = {**query, "page_token": "lost"}
        found: dict[Fault, Callable[[], Response]] = {Fault.PAGE_REPEATED: lambda: act(first)}
        if "page_token" in query:
            found[Fault.CURSOR_EXPIRED] = lambda: act(lost)
        return found

    # -- the operations ------------------------------------------------------------------------

    def _shops(self, query: Query, body: Body) -> dict[str, Any]:
        markets = {currency: region for region, currency in regions.CURRENCIES.items()}
        shop = {
            "id": SHOP_ID,
            "name": self.shop.name,
            "region": markets[self.shop.currency],
            "seller_type": "LOCAL",
            "cipher": self.gate.cipher,
            "code": "GBLCTEST",
        }
        return {"shops": [shop]}

    def _products(self, query: Query, body: Body) -> dict[str, Any]:
        with self.shop.lock:
            if "sku_ids" in body:
                groups, after = self._holding(body["sku_ids"]), 0
            else:
                start = int(words.unpack(query["page_token"])[0]) if "page_token" in query else 0
                groups, after = self.stockroom.products(start, PRODUCTS_PAGE)
            products = [self.stockroom.described(one, self.shop.currency) for one in groups]
        found: dict[str, Any] = {"products": products, "total_count": len(products)}
        return {**found, "next_page_token": words.pack(after)} if after else found

    def _holding(self, keys: list[str]) -> list[list[Any]]:
        if len(keys) > operations.SKUS_ASKED:
            raise Refused(12019087, "The number of SKU IDs exceeds the limit of 10")
        known = [one for one in map(self.stockroom.variant, keys) if one is not None]
        products = {words.product_key(one, self.stockroom.together) for one in known}
        return [self.stockroom.variants_of(one) for one in sorted(products)]

    def _inventory(self, query: Query, body: Body) -> dict[str, Any]:
        if len(body.get("sku_ids", ())) > operations.STOCK_PAGE:
            raise Refused(12019015, "The number of SKU exceed the limit")
        products: dict[str, list[dict[str, Any]]] = {}
        with self.shop.lock:
            for key in body["sku_ids"]:
                variant = self.stockroom.variant(key)
                if variant is not None:
                    shelves = self.stockroom.shelves(variant)
                    told = words.inventory(variant, shelves, self.shop.sold[variant.sku])
                    product = words.product_key(variant, self.stockroom.together)
                    products.setdefault(product, []).append(told)
        found = [{"product_id": key, "skus": skus} for key, skus in products.items()]
        return {"inventory": found} if found else {}

    def _orders(self, query: Query, body: Body) -> dict[str, Any]:
        lag = timedelta(seconds=self.faults.index_lag)
        ends = self.now() - lag if lag else LAST
        if "update_time_lt" in body:
            ends = min(ends, words.moment_of(body["update_time_lt"]))
        after = (words.moment_of(body.get("update_time_ge", 0)), -1)
        if "page_token" in query:
            after = words.position(query["page_token"])
        changed = self.shop.orders_after(after, ORDERS_PAGE + 1)
        found = [sale for sale in changed if sale.updated_at < ends]
        shown = found[:ORDERS_PAGE]
        orders = [self.dispatch.order(one) for one in shown]
        told: dict[str, Any] = {"orders": orders, "total_count": len(self.shop.orders)}
        if len(found) > ORDERS_PAGE:
            moment, version = shown[-1].position
            told["next_page_token"] = words.pack(moment.isoformat(), version)
        return told

    def _orders_by_id(self, query: Query, body: Body) -> dict[str, Any]:
        sales = [self.shop.order(key) for key in query["ids"].split(",")]
        return {"orders": [self.dispatch.order(one) for one in sales if one]}

    def _webhooks(self, query: Query, body: Body) -> dict[str, Any]:
        found = list(self.subscriptions.values())
        return {"webhooks": found, "total_count": len(found)}

    def _set_webhook(self, query: Query, body: Body) -> dict[str, Any]:
        topic, now = str(body["event_type"]), words.seconds(self.now())
        self.subscriptions[topic] = {
            "event_type": topic,
            "address": body["address"],
            "create_time": now,
            "update_time": now,
        }
        return {}

    # -- webhooks ------------------------------------------------------------------------------

    def on_event(self, event: Event) -> None:
        if event.sale is not None:
            self._notify("ORDER_STATUS_CHANGE", words.order_told(event.sale))
            if event.kind is EventKind.ORDER_CANCELLED:
                self._notify("CANCELLATION_STATUS_CHANGE", words.cancellation_told(event.sale))
        elif event.variant is not None and event.kind is EventKind.LISTING:
            key = words.product_key(event.variant, self.stockroom.together)
            self._notify("PRODUCT_STATUS_CHANGE", words.product_told(key, event.at))

    def deauthorise(self) -> None:
        """The seller takes the app's permission back."""
        said = f"Shop_id {SHOP_ID} is deauthorized from your APP by merchant."
        self._notify("SELLER_DEAUTHORIZATION", {"message": said})
        self.gate.access_token = self.gate.refresh_token = ""

    def _notify(self, topic: str, data: Mapping[str, Any]) -> None:
        subscription = self.subscriptions.get(topic)
        if subscription is None:
            return
        told = {
            "type": NUMBERS[topic],
            "tts_notification_id": str(uuid4().int % 10**19),
            "shop_id": SHOP_ID,
            "timestamp": words.seconds(self.now()),
            "data": data,
        }
        body = json.dumps(told, separators=(",", ":")).encode()
        signed = webhook_signature(self.gate.app_key, self.gate.app_secret, body)
        headers = {"Content-Type": "application/json", "Authorization": signed}
        forged = {**headers, "Authorization": webhook_signature(self.gate.app_key, "forged", body)}
        self.webhooks.send(Post(topic, topic, subscription["address"], headers, body), forged)
