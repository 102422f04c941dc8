"""The Vendure connector: joins client, mapping, the walks over orders and what follows a sale."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

from connectors.base import Connection, Connector
from connectors.errors import CursorExpired, ProtocolError, RejectedError
from connectors.fields import Unreadable, each
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
)
from connectors.vendure import lists, mapping, orders, refunds, sending, stock
from connectors.vendure.client import Client
from connectors.vendure.money import Node
from connectors.vendure.queries import LISTINGS, LISTINGS_PAGE, SHOP

#: Days for which delivered orders are looked at again, unless the seller sets another number.
RECENT_DAYS = 30
MOST_DAYS = 3650
#: Listings read again at the start of each page: when one is deleted, the rest move up.
BACK = 5


class VendureConnector(Connector):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = Client(connection)
        self._location = connection.settings.get("location_id", "").strip()

    def check(self) -> ShopInfo:
        try:
            data = self.client.run(SHOP)
            return mapping.shop(data, self.client.host, self.client.server_time)
        except Unreadable as error:
            raise ProtocolError(f"the shop cannot be read: {error}", code="bad_record") from error

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        seen, first, tail = _listed(cursor.token)
        location = self._place()
        skip = max(seen - len(tail), 0)
        data = self.client.run(LISTINGS, {"skip": skip})
        nodes, total = lists.page(data, "productVariants")
        places = lists.places(data)
        try:
            settings = Node(data).part_or_empty("globalSettings")
            tracked = settings.truth("trackInventory", otherwise=True)
            keys = [Node(one).key("id") for one in nodes]
        except Unreadable as error:
            raise ProtocolError(f"not a page of listings: {error}", code="bad_page") from error
        more = len(nodes) >= LISTINGS_PAGE
        if skip and keys and keys[0] == first or more and set(keys) <= set(tail):
            raise ProtocolError("the list of listings does not move on", code="page_repeated")
        fresh = [one for one, key in zip(nodes, keys, strict=True) if key not in tail]
        listings, bad = each(
            fresh, lambda one: mapping.listing(one, places, location, tracked=tracked)
        )
        more = more and (total is None or skip + len(nodes) < total)
        token = json.dumps([skip + len(nodes), first or keys[0], keys[-BACK:]]) if more else ""
        return Page(listings, Cursor(cursor.since, token, cursor.until), more, bad)

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        return orders.pull(self.client, cursor, self._recent())

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        return orders.fetch(self.client, keys, self.connection.now())

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        return stock.read(self.client, refs, self._place(refs)) if refs else ()

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        return Pushed(stock.push(self.client, offers, self._place(offers)) if offers else ())

    def ship(self, parcel: Parcel) -> str:
        return sending.ship(self.client, parcel)

    def cancel_order(self, cancellation: Cancellation) -> None:
        sending.cancel(self.client, cancellation)

    def refund(self, refund: Refund) -> Refund:
        return refunds.give(self.client, refund)

    def pull_refunds(self, cursor: Cursor) -> Page[Refund]:
        return refunds.pull(self.client, cursor, self._recent())

    def _recent(self) -> timedelta:
        told = self.connection.settings.get("recheck_days", "").strip()
        if told and not (told.isascii() and told.isdecimal() and int(told) <= MOST_DAYS):
            raise RejectedError(f"{told!r} is no number of days", field="recheck_days")
        return timedelta(days=int(told) if told else RECENT_DAYS)

    def _place(self, listed: Sequence[ListingRef | StockOffer] = ()) -> str:
        """The stock location that is kept here: the seller's choice, else where the listings were
        read, else the first one that was made, as Vendure itself takes it."""
        if self._location:
            return self._location
        told = {one.handles.get("location_id", "") for one in listed}
        if len(told) == 1 and "" not in told:
            return told.pop()
        locations = self.check().locations
        if not locations:
            raise RejectedError("the shop has no stock location", field="location_id")
        self._location = locations[0].external_id
        return self._location


def _listed(token: str) -> tuple[int, str, tuple[str, ...]]:
    """How many listings were seen, the first of all, and the last few."""
    if not token:
        return 0, "", ()
    try:
        seen, first, tail = json.loads(token)
        return int(seen), str(first), tuple(str(one) for one in tail)
    except (ValueError, TypeError) as error:
        raise CursorExpired("the walk's token is not ours", code="bad_token") from error
