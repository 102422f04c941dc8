"""The in-memory connector: the whole contract in its shortest form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from connectors.base import Connection, Connector
from connectors.errors import CursorExpired, ProtocolError
from connectors.memory import CHANNEL, PAGE, counter, mapping
from connectors.memory.client import Client
from connectors.memory.simulator import MemorySimulator
from connectors.postsale import Cancellation, Parcel, Refund
from connectors.records import (
    ChannelOrder,
    Cursor,
    Listing,
    ListingRef,
    Page,
    Pushed,
    PushResult,
    RemoteStock,
    ShopInfo,
    StockOffer,
    Subscription,
)
from connectors.simulators.faults import Fault
from connectors.simulators.shop import FIRST_VARIANT, Position, Sale, Variant


class MemoryConnector(Connector):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = Client(connection)

    def check(self) -> ShopInfo:
        return self.client.ask("check", MemorySimulator.describe)

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        start = int(cursor.token or FIRST_VARIANT)

        def read(shop: MemorySimulator, start: int = start) -> tuple[Sequence[Variant], str]:
            return shop.shop.variants_from(start, PAGE + 1), shop.shop.currency

        found, currency = self.client.ask(
            "list_listings", read, misread={Fault.PAGE_REPEATED: lambda shop: read(shop, 0)}
        )
        shown, more = found[:PAGE], len(found) > PAGE
        if shown and int(shown[0].key) < start:
            raise ProtocolError("the list does not move on", code="page_repeated")
        token = str(int(shown[-1].key) + 1) if more else ""
        items = tuple(mapping.listing(one, currency) for one in shown)
        return Page(items, Cursor(cursor.since, token), more)

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        first: Position = (cursor.since - CHANNEL.orders.overlap, -1)
        after = _position(cursor.token) if cursor.token else first

        def read(shop: MemorySimulator, after: Position = after) -> tuple[Sequence[Sale], str]:
            return shop.changed(after, PAGE + 1), shop.shop.currency

        found, currency = self.client.ask(
            "pull_orders", read, misread={Fault.PAGE_REPEATED: lambda shop: read(shop, first)}
        )
        shown, more = found[:PAGE], len(found) > PAGE
        if shown and shown[0].position <= after:
            raise ProtocolError("the list does not move on", code="page_repeated")
        last = shown[-1].position if shown else after
        onward = Cursor(cursor.since, _token(last)) if more else Cursor(max(cursor.since, last[0]))
        return Page(tuple(mapping.order(one, currency) for one in shown), onward, more)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        def read(shop: MemorySimulator) -> tuple[ChannelOrder, ...]:
            found = (shop.shop.order(key) for key in keys)
            return tuple(mapping.order(one, shop.shop.currency) for one in found if one)

        now = Cursor(self.connection.now())
        return Page(self.client.ask("fetch_orders", read), now, more=False)

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        def read(shop: MemorySimulator) -> tuple[RemoteStock, ...]:
            found = [(ref.key, shop.find_variant(ref.handles)) for ref in refs]
            return tuple(
                RemoteStock(key, one.quantity if one else None, gone=one is None)
                for key, one in found
            )

        return self.client.ask("read_stock", read)

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        def write(shop: MemorySimulator) -> tuple[PushResult, ...]:
            return tuple(shop.set_stock(offer) for offer in offers)

        return Pushed(self.client.ask("push_stock", write, write=True) if offers else ())

    def subscribe(self, url: str) -> tuple[Subscription, ...]:
        return self.client.ask("subscribe", lambda shop: shop.subscribe(url), write=True)

    def subscriptions(self) -> tuple[Subscription, ...]:
        return self.client.ask("subscriptions", lambda shop: tuple(shop.subscriptions.values()))

    def ship(self, parcel: Parcel) -> str:
        return self.client.ask("ship", lambda shop: counter.ship(shop, parcel), write=True)

    def cancel_order(self, cancellation: Cancellation) -> None:
        self.client.ask("cancel", lambda shop: counter.cancel(shop, cancellation), write=True)

    def refund(self, refund: Refund) -> Refund:
        return self.client.ask("refund", lambda shop: counter.refund(shop, refund), write=True)

    def pull_refunds(self, cursor: Cursor) -> Page[Refund]:
        found = self.client.ask("pull_refunds", lambda shop: counter.refunds(shop, cursor.since))
        latest = max((one.refunded_at for one in found), default=cursor.since)
        return Page(found, Cursor(max(cursor.since, latest)), more=False)


def _token(position: Position) -> str:
    return f"{position[0].isoformat()} {position[1]}"


def _position(token: str) -> Position:
    moment, _, version = token.partition(" ")
    try:
        return datetime.fromisoformat(moment), int(version)
    except ValueError as error:
        raise CursorExpired("the token is not ours", code="bad_token") from error
