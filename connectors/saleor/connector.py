"""The Saleor connector: joins client, mapping and the walks over orders, stock and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.base import Connection, Connector
from connectors.errors import ProtocolError
from connectors.fields import each
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
from connectors.saleor import fulfilment, mapping, orders, refunds, shops, stock, subscribing
from connectors.saleor.client import Client
from connectors.saleor.queries import LISTINGS, SHOP


class SaleorConnector(Connector):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = Client(connection)
        self._channel = connection.settings.get("channel", "").strip()
        self._warehouse = connection.settings.get("warehouse", "")
        self._placed: shops.Place | None = None

    def check(self) -> ShopInfo:
        return shops.info(self.client.run(SHOP), self._channel, self.client.server_time)

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        place = self._place()
        data = self.client.run(LISTINGS, {"after": cursor.token or None})
        found, more, end = orders.page(data, "productVariants")
        if more and (not end or end == cursor.token):
            raise ProtocolError("the list of listings does not move on", code="page_repeated")
        listings, bad = each(
            found,
            lambda one: mapping.listing(one, place.channel, place.currency, place.warehouse),
        )
        return Page(listings, Cursor(cursor.since, end if more else "", cursor.until), more, bad)

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        return orders.pull(self.client, cursor, self._channel)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        return orders.fetch(self.client, keys, self._channel, self.connection.now())

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        return stock.read(self.client, refs, self._stocked_in(refs)) if refs else ()

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        return Pushed(stock.push(self.client, offers, self._stocked_in(offers)) if offers else ())

    def subscribe(self, url: str) -> tuple[Subscription, ...]:
        return subscribing.subscribe(self.client, url)

    def subscriptions(self) -> tuple[Subscription, ...]:
        return subscribing.subscriptions(self.client)

    def webhook_keys(self) -> Mapping[str, str]:
        return subscribing.keys(self.client)

    def ship(self, parcel: Parcel) -> str:
        warehouse = "" if parcel.external_id else self._place().warehouse
        return fulfilment.ship(self.client, parcel, warehouse)

    def cancel_order(self, cancellation: Cancellation) -> None:
        fulfilment.cancel(self.client, cancellation)

    def refund(self, refund: Refund) -> Refund:
        return refunds.give(self.client, refund)

    def pull_refunds(self, cursor: Cursor) -> Page[Refund]:
        return refunds.pull(self.client, cursor, self._channel)

    def _stocked_in(self, listed: Sequence[ListingRef | StockOffer]) -> str:
        """The warehouse the listings were read for; the seller's choice may have changed since, and
        a name is looked up."""
        told = {one.handles.get("warehouse_id", "") for one in listed}
        if not self._warehouse and len(told) == 1 and (only := told.pop()):
            return only
        return self._place().warehouse

    def _place(self) -> shops.Place:
        if self._placed is None:
            data = self.client.run(SHOP)
            self._placed = shops.place(data, self._channel, self._warehouse)
        return self._placed
