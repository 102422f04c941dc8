"""The Google Play connector: joins client, mapping and the ways to orders and stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.base import Connection, Connector
from connectors.errors import CursorExpired, ProtocolError, RejectedError
from connectors.fields import Unreadable, each
from connectors.google_play import CHANNEL, answers, mapping, orders, pushes, shipping, stock
from connectors.google_play.client import Client, Params
from connectors.google_play.fields import Resource
from connectors.google_play.webhooks import AUDIENCE, EMAIL, KEYS
from connectors.postsale import Parcel
from connectors.records import (
    ChannelOrder,
    Cursor,
    Hint,
    Listing,
    ListingRef,
    Page,
    Pushed,
    RemoteStock,
    ShopInfo,
    StockOffer,
    Subscription,
)

LISTINGS_PAGE = 100


class GooglePlayConnector(Connector):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = Client(connection)
        self._currency = connection.settings.get("currency", "") or "USD"
        self._topic = connection.settings.get("topic", "")

    def check(self) -> ShopInfo:
        """Google tells neither the app's name nor its currency to such an account."""
        self._products((("pageSize", "1"),))
        package = self.client.package
        return ShopInfo(package, package, self._currency, server_time=self.client.server_time)

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        asked = [("pageSize", str(LISTINGS_PAGE))]
        if cursor.token:
            asked.append(("pageToken", cursor.token))
        try:
            body = self._products(asked)
        except RejectedError as error:
            if not cursor.token:
                raise
            raise CursorExpired("the list's token is no longer known", code=error.code) from error
        found = answers.listed(body, "oneTimeProducts", "nextPageToken")
        token = _onward(body)
        if token and token == cursor.token:
            raise ProtocolError("the list of products does not move on", code="page_repeated")
        read, bad = each(found, lambda one: mapping.listings(one, self._currency), "productId")
        items = tuple(listing for product in read for listing in product)
        return Page(items, Cursor(cursor.since, token, cursor.until), bool(token), bad)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        return orders.fetch(self.client, keys, self.connection.now())

    def pull_events(self, cursor: Cursor) -> Page[Hint]:
        overlap = CHANNEL.orders.overlap
        return orders.voided(self.client, cursor, self.connection.now(), overlap)

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        return stock.read(self.client, refs)

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        return Pushed(stock.push(self.client, offers))

    def subscribe(self, url: str) -> tuple[Subscription, ...]:
        given = self.connection.credentials
        audience, email = given[AUDIENCE], given[EMAIL]
        return (pushes.subscribe(self.client, self._topic, url, audience, email),)

    def subscriptions(self) -> tuple[Subscription, ...]:
        return pushes.subscriptions(self.client, self._topic)

    def webhook_keys(self) -> Mapping[str, str]:
        return {KEYS: self.client.keys()}

    def ship(self, parcel: Parcel) -> str:
        shipping.acknowledge(self.client, parcel.order_key)
        return ""

    def _products(self, asked: Params) -> Mapping[str, object]:
        body = self.client.read("oneTimeProducts", params=asked)
        return answers.known(body, "oneTimeProducts", "nextPageToken")


def _onward(body: Mapping[str, object]) -> str:
    try:
        return Resource(body).words("nextPageToken")
    except Unreadable as error:
        raise ProtocolError(f"not a page: {error}", code="bad_page") from error
