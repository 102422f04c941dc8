"""The Medusa connector: joins client, mapping and the walks over orders, variants and stock."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import Connection, Connector
from connectors.errors import ProtocolError, RejectedError
from connectors.fields import Unreadable
from connectors.medusa import answers, listings, mapping, orders, parcels, refunds, stock
from connectors.medusa.calls import REFUND_FIELDS, STORES
from connectors.medusa.client import Client
from connectors.medusa.fields import Record
from connectors.postsale import Cancellation, Parcel, Refund
from connectors.records import (
    ChannelLocation,
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


class MedusaConnector(Connector):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = Client(connection)
        self._location = connection.settings.get("location_id", "").strip()
        self._known = False

    def check(self) -> ShopInfo:
        store, locations = self._store(), self._locations()
        self._chosen(locations)
        try:
            return mapping.shop(store.data, locations, self.client.server_time)
        except Unreadable as error:
            raise ProtocolError(f"the shop cannot be read: {error}", code="bad_record") from error

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        try:
            currency = mapping.currency_of(self._store())
        except Unreadable as error:
            raise ProtocolError(f"the shop cannot be read: {error}", code="bad_record") from error
        return listings.page(self.client, cursor, currency, self._place())

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        return orders.pull(self.client, cursor, mapping.order)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        return orders.fetch(self.client, keys, self.connection.now())

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        return stock.read(self.client, refs, self._place(refs)) if refs else ()

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        return Pushed(stock.push(self.client, offers, self._place(offers)) if offers else ())

    def ship(self, parcel: Parcel) -> str:
        return parcels.ship(self.client, parcel, self._place())

    def cancel_order(self, cancellation: Cancellation) -> None:
        parcels.cancel(self.client, cancellation)

    def refund(self, refund: Refund) -> Refund:
        return refunds.give(self.client, refund)

    def pull_refunds(self, cursor: Cursor) -> Page[Refund]:
        """A refund moves its order: those of the orders that changed, told again at each change."""
        page = orders.pull(self.client, cursor, mapping.refunds, REFUND_FIELDS)
        found = tuple(one for some in page.items for one in some)
        return Page(found, page.cursor, page.more, page.bad)

    def _store(self) -> Record:
        found = answers.rows(self.client.run(STORES, (("limit", "1"),)), STORES.holds)
        try:
            return Record(found[0] if found else None, "store")
        except Unreadable as error:
            raise ProtocolError(f"the shop cannot be read: {error}", code="bad_record") from error

    def _locations(self) -> tuple[ChannelLocation, ...]:
        return stock.locations(self.client)

    def _place(self, listed: Sequence[ListingRef | StockOffer] = ()) -> str:
        """The location whose stock is kept here: the seller's choice, else where the listings were
        read (""), else the one made first, which takes a question."""
        told = bool(listed) and all(one.handles.get("location_id") for one in listed)
        if told or self._known:
            return self._location
        self._location = self._chosen(self._locations())
        self._known = True
        return self._location

    def _chosen(self, locations: Sequence[ChannelLocation]) -> str:
        """Medusa takes stock for a location that it does not have, and shows it nowhere."""
        keys = [one.external_id for one in locations]
        if not keys:
            raise RejectedError("the shop has no stock location", field="location_id")
        if self._location and self._location not in keys:
            raise RejectedError(
                f"the shop has no stock location {self._location}; it has {', '.join(keys)}",
                code="unknown_location",
                field="location_id",
            )
        return self._location or keys[0]
