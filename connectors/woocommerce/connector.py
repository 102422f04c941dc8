"""The WooCommerce connector: joins client, mapping and the walks over products and orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.base import Connection, Connector
from connectors.errors import CursorExpired, ProtocolError
from connectors.fields import Unreadable, each, identity
from connectors.postsale import Cancellation, Parcel, Refund
from connectors.records import (
    ChannelOrder,
    Cursor,
    Listing,
    ListingRef,
    Page,
    Pushed,
    RemoteStock,
    ShopInfo,
    StockOffer,
    Subscription,
)
from connectors.woocommerce import (
    catalogue,
    counter,
    orders,
    pages,
    refunds,
    stock,
    subscriptions,
)
from connectors.woocommerce.client import Client
from connectors.woocommerce.fields import Record
from connectors.woocommerce.pages import Place
from connectors.woocommerce.paths import CURRENCY, LARGEST, PRODUCTS, products
from connectors.woocommerce.webhooks import SECRET

#: Each variable product takes a call of its own; so many within one page of listings.
VARIABLE_PRODUCTS = 20


class WooCommerceConnector(Connector):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = Client(connection)
        self._currency = ""

    def check(self) -> ShopInfo:
        """The shop's name is behind no key; its address says whose it is."""
        self._currency = ""
        currency = self._money()
        _, _, name = self.client.address.partition("://")
        return ShopInfo(name, name, currency, server_time=self.client.server_time)

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        currency = self._money()
        query = {"status": "any"}
        before = _place(cursor.token)
        walked = pages.by_id(self.client, PRODUCTS, query, before, LARGEST)
        taken = _some(walked.items)
        place, more = walked.place, walked.more
        if len(taken) < len(walked.items):
            left = len(walked.items) - len(taken)
            last = max([before.last, *map(pages.number, taken)])
            place, more = Place(last, place.offset - left), True
        found, bad = each(taken, lambda one: tuple(self._sold(one, currency)))
        items = tuple(one for some in found for one in some)
        token = f"{place.last} {place.offset}" if more else ""
        return Page(items, Cursor(cursor.since, token, cursor.until), more, bad)

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        return orders.pull(self.client, cursor)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        return orders.fetch(self.client, keys, self.connection.now())

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        return stock.read(self.client, refs)

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        return Pushed(stock.push(self.client, offers))

    def subscribe(self, url: str) -> tuple[Subscription, ...]:
        return subscriptions.subscribe(self.client, url, self.connection.credentials[SECRET])

    def subscriptions(self) -> tuple[Subscription, ...]:
        return subscriptions.listed(self.client, self.connection.credentials[SECRET])

    def ship(self, parcel: Parcel) -> str:
        to_buyer = self.connection.settings.get("tracking_note", "") != "shop"
        return counter.ship(self.client, parcel, to_buyer=to_buyer)

    def cancel_order(self, cancellation: Cancellation) -> None:
        counter.cancel(self.client, cancellation)

    def refund(self, refund: Refund) -> Refund:
        by_gateway = self.connection.settings.get("refunds", "") != "record"
        return refunds.make(self.client, refund, by_gateway=by_gateway)

    def pull_refunds(self, cursor: Cursor) -> Page[Refund]:
        return refunds.pull(self.client, cursor)

    def _money(self) -> str:
        """The shop's currency, asked for once. Only keys with the rights we need are told."""
        if not self._currency:
            try:
                self._currency = Record(self.client.one(CURRENCY)).currency("code")
            except Unreadable as error:
                said = f"the shop's currency cannot be read: {error}"
                raise ProtocolError(said, code="bad_record") from error
        return self._currency

    def _sold(self, product: object, currency: str) -> Iterator[Listing]:
        if not catalogue.is_variable(product):
            yield from catalogue.simple(product, currency)
            return
        yield from catalogue.variations(product, self._variations(product), currency)

    def _variations(self, product: object) -> Iterator[Any]:
        path = products(identity(product))
        place, more = Place(), True
        while more:
            found, place, more = pages.by_id(self.client, path, {"status": "any"}, place, LARGEST)
            yield from found


def _some(found: Sequence[Any]) -> list[Any]:
    """The first of them, up to the last variable product that still has its turn."""
    taken: list[Any] = []
    variable = 0
    for one in found:
        variable += _is_variable(one)
        if variable > VARIABLE_PRODUCTS:
            break
        taken.append(one)
    return taken


def _is_variable(product: object) -> bool:
    try:
        return catalogue.is_variable(product)
    except Unreadable:
        return False  # mapping says what is wrong with it


def _place(token: str) -> Place:
    """Where a walk over the catalogue stands."""
    if not token:
        return Place()
    try:
        last, offset = map(int, token.split())
    except ValueError as error:
        raise CursorExpired("the walk's token is not ours", code="bad_token") from error
    return Place(last, offset)
