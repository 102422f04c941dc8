"""The Oscar connector: the walk over a list that comes whole, and the lines of each order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from connectors.base import Connection, Connector
from connectors.errors import CursorExpired, RejectedError
from connectors.fields import Unreadable, each
from connectors.oscar import CHANNEL, PAGE, mapping, stock
from connectors.oscar.client import Client
from connectors.oscar.mapping import Goods, Node
from connectors.records import (
    ChannelOrder,
    Cursor,
    Listing,
    ListingRef,
    OrderStatus,
    Page,
    Pushed,
    RemoteStock,
    ShopInfo,
    StockOffer,
)

T = TypeVar("T")

#: What is read and written here. Each is looked at by a right of its own.
LOOKED_AT = ("orders", "products", "stockrecords")


class OscarConnector(Connector):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = Client(connection)
        self._goods: dict[str, Goods] = {}
        self._known: set[str] = set()

    def check(self) -> ShopInfo:
        """No record has the number 0: a user without the right to look is refused before that."""
        currency = self._checked(mapping.money_of, "currency")
        self._checked(mapping.statuses, "statuses")
        for name in LOOKED_AT:
            self.client.one(f"/admin/{name}/0/")
        return ShopInfo(self.client.host, self.client.host, currency)

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        products = self.client.rows("/admin/products/")
        good, bad = mapping.catalogue(products, self.client.rows("/admin/productclasses/"))
        return Page(good, cursor, more=False, bad=bad)

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        """Oldest first, by when they were placed. The list is read again for each page; ``token``
        says after which order. Those without a readable date come with the last page."""
        words = self._checked(mapping.statuses, "statuses")
        begin = (cursor.since - CHANNEL.orders.overlap, -1)
        after = _place(cursor.token) if cursor.token else begin
        told, undated = each(self.client.rows("/admin/orders/"), mapping.dated, "number")
        left = sorted((one for one in told if one[:2] > after), key=lambda one: one[:2])
        some, more = left[:PAGE], len(left) > PAGE
        good, bad = each([one.data for one in some], lambda one: self._order(one, words), "number")
        if more:
            token = f"{some[-1].placed_at.isoformat()} {some[-1].key}"
            return Page(good, Cursor(cursor.since, token), more, bad)
        latest = some[-1].placed_at if some else cursor.since
        return Page(good, Cursor(max(cursor.since, latest)), more, bad + undated)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        words = self._checked(mapping.statuses, "statuses")
        told = [self.client.one(f"/admin/orders/{key}/") for key in keys if key.isdecimal()]
        found = [one for one in told if one is not None]
        good, bad = each(found, lambda one: self._order(one, words), "number")
        return Page(good, Cursor(self.connection.now()), more=False, bad=bad)

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        return tuple(stock.read(self.client, ref) for ref in refs)

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        return Pushed(stock.push(self.client, offers))

    def _order(self, data: Mapping[str, Any], words: Mapping[str, OrderStatus]) -> ChannelOrder:
        key = mapping.dated(data).key
        lines = self.client.rows(f"/admin/orders/{key}/lines/")
        return mapping.order(data, lines, self._sold(lines), words)

    def _sold(self, lines: Iterable[object]) -> Mapping[str, Goods]:
        """SKU and title by stock record: each product that lines name is looked up once."""
        named = {Node(one).optional_ident("product") for one in lines}
        for product in named - self._known - {""}:
            found = self.client.one(f"/admin/products/{product}/")
            self._goods.update(mapping.sold_as(found) if found is not None else {})
            self._known.add(product)
        return self._goods

    def _checked(self, read: Callable[[str], T], setting: str) -> T:
        """What a setting says, as the seller typed it in."""
        try:
            return read(self.connection.settings.get(setting, "").strip())
        except Unreadable as error:
            raise RejectedError(error.reason, code=setting, field=setting) from error


def _place(token: str) -> tuple[datetime, int]:
    moment, _, key = token.partition(" ")
    try:
        return datetime.fromisoformat(moment), int(key)
    except ValueError as error:
        raise CursorExpired("the token is not ours", code="bad_token") from error
