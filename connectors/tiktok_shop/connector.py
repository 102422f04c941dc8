"""The TikTok Shop connector: joins client, mapping and the walks over orders and products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.base import Connection, Connector
from connectors.errors import ProtocolError
from connectors.fields import Unreadable
from connectors.postsale import Cancellation, Parcel, Payout, Refund, Return
from connectors.records import (
    ChannelOrder,
    Cursor,
    Listing,
    ListingRef,
    Page,
    Pushed,
    PushOutcome,
    PushResult,
    RemoteStock,
    ShopInfo,
    StockOffer,
    Subscription,
)
from connectors.tiktok_shop import (
    answers,
    cancelling,
    lists,
    mapping,
    payouts,
    refunds,
    regions,
    returns,
    sending,
    stock,
    switching,
)
from connectors.tiktok_shop.client import Client
from connectors.tiktok_shop.operations import (
    ORDERS,
    ORDERS_BY_ID,
    ORDERS_PAGE,
    PRODUCTS,
    PRODUCTS_PAGE,
    SET_WEBHOOK,
    WAREHOUSES,
    WEBHOOKS,
)
from connectors.tiktok_shop.webhooks import TOPICS

DEACTIVATE = "deactivate"
DROP_OFF = "DROP_OFF"


class TikTokShopConnector(Connector):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = Client(connection)
        self._warehouse = connection.settings.get("warehouse_id", "")
        self._switched = connection.settings.get("zero_stock", "") == DEACTIVATE
        self._handover = connection.settings.get("handover", "") or DROP_OFF

    def check(self) -> ShopInfo:
        shop = self.client.shop()
        found = answers.listed(self.client.run(WAREHOUSES), "warehouses")
        try:
            places = [mapping.location(one) for one in found]
            return ShopInfo(
                external_id=shop.text("id"),
                name=shop.words("name") or shop.text("id"),
                currency=regions.currency(shop),
                locations=tuple(one for one in places if one is not None),
                server_time=self.client.server_time,
            )
        except Unreadable as error:
            raise ProtocolError(f"the shop cannot be read: {error}", code="bad_record") from error

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        query = {"page_size": str(PRODUCTS_PAGE)}
        if cursor.token:
            query["page_token"] = cursor.token
        data = self.client.run(PRODUCTS, query, {"status": "ALL"})
        found, token = answers.listed(data, "products"), lists.next_token(data)
        if token and token == cursor.token:
            raise ProtocolError("the list of products does not move on", code="page_repeated")
        products, bad = mapping.each(
            found, lambda one: tuple(mapping.listings(one, switched=self._switched))
        )
        listings = tuple(one for product in products for one in product)
        return Page(listings, Cursor(cursor.since, token, cursor.until), bool(token), bad)

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        step = lists.step(self.client, ORDERS, "orders", ORDERS_PAGE, cursor)
        orders, bad = mapping.each(step.found, mapping.order)
        return Page(orders, step.onward, step.more, bad)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        found: list[Any] = []
        if keys:
            data = self.client.run(ORDERS_BY_ID, {"ids": ",".join(keys)})
            found = answers.listed(data, "orders")
        orders, bad = mapping.each(found, mapping.order)
        latest = max(lists.times(found), default=self.connection.now())
        return Page(orders, Cursor(latest), more=False, bad=bad)

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        return (switching if self._switched else stock).read(self.client, refs) if refs else ()

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        known = [one for one in offers if one.handles.get("product_id")]
        found = {
            one.key: PushResult(one.key, PushOutcome.REJECTED, None, "no_product")
            for one in offers
            if one not in known
        }
        if known:
            way = switching if self._switched else stock
            found |= way.push(self.client, known, self._warehouse)
        return Pushed(tuple(found[one.key] for one in offers))

    def subscribe(self, url: str) -> tuple[Subscription, ...]:
        """One address per topic: another one that was there is replaced."""
        there = {one.topic for one in self.subscriptions() if one.url == url}
        for topic in TOPICS:
            if topic not in there:
                self.client.run(SET_WEBHOOK, body={"address": url, "event_type": topic})
        return tuple(one for one in self.subscriptions() if one.url == url)

    def subscriptions(self) -> tuple[Subscription, ...]:
        found = answers.listed(self.client.run(WEBHOOKS), "webhooks")
        return mapping.each(found, mapping.subscription)[0]

    def ship(self, parcel: Parcel) -> str:
        return sending.ship(self.client, parcel, self._handover)

    def cancel_order(self, cancellation: Cancellation) -> None:
        cancelling.cancel(self.client, cancellation)

    def pull_refunds(self, cursor: Cursor) -> Page[Refund]:
        return refunds.pull(self.client, cursor, self.connection.now)

    def pull_returns(self, cursor: Cursor) -> Page[Return]:
        return returns.pull(self.client, cursor)

    def pull_payouts(self, cursor: Cursor) -> Page[Payout]:
        return payouts.pull(self.client, cursor)
