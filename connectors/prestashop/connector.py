"""The PrestaShop connector: joins client, office and the walks over products, orders and slips."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from connectors.base import Connection, Connector
from connectors.postsale import Cancellation, Parcel, Refund
from connectors.prestashop import catalogue, fulfilment, orders, refunds, stock
from connectors.prestashop.client import Client, address
from connectors.prestashop.office import Office
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


class PrestaShopConnector(Connector):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = Client(connection)
        self.office = Office(connection, self.client)

    def check(self) -> ShopInfo:
        """Reads the states too: without them no order can be understood."""
        parts = urlsplit(address(self.connection.credentials["url"]))
        place = f"{parts.netloc}{parts.path}"
        office = self.office
        info = ShopInfo(
            external_id=f"{place}#{office.shop_id}" if office.shop_id else place,
            name=office.name or place,
            currency=office.currency(),
            time_zone=office.zone().key,
            server_time=self.client.server_time,
        )
        office.states()
        return info

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        return catalogue.page(self.client, self.office, cursor)

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        return orders.pull(self.client, self.office, cursor)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        return orders.fetch(self.client, self.office, keys, self.connection.now())

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        return stock.read(self.client, refs, self.office.shop_id)

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        found = stock.push(self.client, offers, self.office.shop_id)
        return Pushed(tuple(found[one.key] for one in offers))

    def ship(self, parcel: Parcel) -> str:
        return fulfilment.ship(self.client, self.office, parcel)

    def cancel_order(self, cancellation: Cancellation) -> None:
        fulfilment.cancel(self.client, self.office, cancellation)

    def pull_refunds(self, cursor: Cursor) -> Page[Refund]:
        return refunds.pull(self.client, self.office, cursor)
