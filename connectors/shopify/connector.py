"""The Shopify connector: joins client, mapping and the walks over orders and stock."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import Connection, Connector
from connectors.errors import ProtocolError, RejectedError
from connectors.fields import Unreadable, each
from connectors.postsale import Cancellation, Parcel, Payout, Refund, Return
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
from connectors.shopify import (
    bulk,
    cancelling,
    fulfilments,
    mapping,
    orders,
    payouts,
    refunds,
    repaying,
    returns,
    stock,
    subscriptions,
)
from connectors.shopify.client import Client
from connectors.shopify.lists import page
from connectors.shopify.nodes import Node
from connectors.shopify.queries import LISTINGS, SHOP

YES = {"yes", "true", "on", "1"}


class ShopifyConnector(Connector):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = Client(connection)
        self._location = _location(connection.settings.get("location_id", ""))
        self._notifies = connection.settings.get("notify_buyers", "").lower() in YES

    def check(self) -> ShopInfo:
        try:
            return mapping.shop(self.client.run(SHOP), self.client.server_time)
        except Unreadable as error:
            raise ProtocolError(f"the shop cannot be read: {error}", code="bad_record") from error

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        """Paged by id: such a walk neither expires nor shifts when a product is added."""
        location = self._place()
        start = int(cursor.token) if cursor.token.isdigit() else 0
        data = self.client.run(LISTINGS, {"filter": f"id:>={start}", "location": location})
        found, more, _ = page(data, "productVariants")
        try:
            currency = Node(data).part("shop").text("currencyCode")
            last = max((_number(Node(one).text("id")) for one in found), default=start)
        except Unreadable as error:
            raise ProtocolError(f"not a page of listings: {error}", code="bad_page") from error
        if more and last < start or more and not found:
            raise ProtocolError("the list of listings does not move on", code="page_repeated")
        listings, bad = each(found, lambda one: mapping.listing(one, currency, location))
        token = str(last + 1) if more else ""
        return Page(listings, Cursor(cursor.since, token, cursor.until), more, bad)

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        now = self.connection.now()
        if bulk.takes(cursor, now):
            return bulk.pull(self.client, cursor, now)
        return orders.pull(self.client, cursor)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        return orders.fetch(self.client, keys, self.connection.now())

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        return stock.read(self.client, refs, self._place(refs)) if refs else ()

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        return Pushed(stock.push(self.client, offers, self._place(offers)) if offers else ())

    def subscribe(self, url: str) -> tuple[Subscription, ...]:
        return subscriptions.subscribe(self.client, url)

    def subscriptions(self) -> tuple[Subscription, ...]:
        return subscriptions.listed(self.client)

    def ship(self, parcel: Parcel) -> str:
        return fulfilments.ship(self.client, parcel, notify=self._notifies, location=self._location)

    def cancel_order(self, cancellation: Cancellation) -> None:
        cancelling.cancel(self.client, cancellation, notify=self._notifies)

    def refund(self, refund: Refund) -> Refund:
        return repaying.give_back(self.client, refund, notify=self._notifies)

    def pull_refunds(self, cursor: Cursor) -> Page[Refund]:
        return refunds.pull(self.client, cursor)

    def pull_returns(self, cursor: Cursor) -> Page[Return]:
        return returns.pull(self.client, cursor)

    def pull_payouts(self, cursor: Cursor) -> Page[Payout]:
        return payouts.pull(self.client, cursor)

    def _place(self, listed: Sequence[ListingRef | StockOffer] = ()) -> str:
        """The location whose stock is kept here: the seller's choice, else where the listings were
        read (""), else the first active one, which takes a question."""
        told = bool(listed) and all(one.handles.get("location_id") for one in listed)
        if not self._location and not told:
            active = [one for one in self.check().locations if one.active]
            if not active:
                raise RejectedError("the shop has no active location", field="location_id")
            self._location = active[0].external_id
        return self._location


def _location(chosen: str) -> str:
    """Sellers copy the bare number out of the address bar."""
    return f"gid://shopify/Location/{chosen}" if chosen.isdigit() else chosen


def _number(gid: str) -> int:
    """``gid://shopify/ProductVariant/123`` → 123."""
    last = gid.rpartition("/")[2]
    if not last.isdigit():
        raise Unreadable("id", f"{gid!r} is not a Shopify id")
    return int(last)
