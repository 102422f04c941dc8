"""Joins client and mapping into what the hub asks of a channel.

Only here is it known how Barrow pages: ``Cursor.since`` is the hub's watermark, ``Cursor.token`` is
Barrow's place inside the present walk, and nobody else reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from barrow import CHANNEL, PAGE, mapping
from barrow.client import Client
from barrow.mapping import Given, Unreadable
from connectors.base import Connection, Connector
from connectors.errors import ProtocolError, UnknownOutcome
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
)

T = TypeVar("T")


class BarrowConnector(Connector):
    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.client = Client(connection)

    def check(self) -> ShopInfo:
        return sense(mapping.stall, self.client.read("/stall"))

    def list_listings(self, cursor: Cursor) -> Page[Listing]:
        """Paged by id: a walk neither expires nor shifts when goods are added."""
        told = self.client.read("/goods", **({"from": cursor.token} if cursor.token else {}))
        found, onward = page(told, "goods", cursor)
        currency = sense(lambda one: mapping.text(one, "currency"), told)
        good, bad = mapping.each(found, lambda one: mapping.listing(one, currency))
        return Page(good, Cursor(cursor.since, onward), bool(onward), bad)

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        since = (cursor.since - CHANNEL.orders.overlap).isoformat()
        asked = {"page": cursor.token} if cursor.token else {"since": since}
        told = self.client.read("/sales", **asked)
        found, onward = page(told, "sales", cursor)
        good, bad = mapping.each(found, mapping.order)
        if onward:
            return Page(good, Cursor(cursor.since, onward), True, bad)
        # The oldest change comes first, so the last page holds the newest.
        newest = max((one.updated_at for one in good), default=cursor.since)
        return Page(good, Cursor(max(cursor.since, newest)), False, bad)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        now = Cursor(self.connection.now())
        if not keys:
            return Page((), now, more=False)
        told = self.client.read(f"/sales/{','.join(keys)}")
        good, bad = mapping.each(page(told, "sales", now)[0], mapping.order)
        return Page(good, now, False, bad)

    def read_stock(self, refs: Sequence[ListingRef]) -> tuple[RemoteStock, ...]:
        read: list[RemoteStock] = []
        for start in range(0, len(refs), PAGE):
            keys = ",".join(ref.key for ref in refs[start : start + PAGE])
            told = self.client.read(f"/stock/{keys}")
            read += sense(lambda one: [mapping.stock(s) for s in mapping.items(one, "stock")], told)
        return tuple(read)

    def push_stock(self, offers: Sequence[StockOffer]) -> Pushed:
        if not offers:
            return Pushed(())
        wanted = [{"goods": one.key, "units": one.quantity, "was": one.expected} for one in offers]
        told = self.client.write("/stock", {"set": wanted})
        try:
            answers = {one.key: one for one in map(mapping.result, mapping.items(told, "results"))}
        except Unreadable as error:
            raise UnknownOutcome(f"no answer to a write: {error}") from error
        silent = PushOutcome.UNKNOWN
        return Pushed(tuple(answers.get(one.key, PushResult(one.key, silent)) for one in offers))


def page(told: Given, name: str, cursor: Cursor) -> tuple[list[Given], str]:
    """The records of a page, and the place of the next one ("" at the end)."""
    found = sense(lambda one: mapping.items(one, name), told)
    onward = sense(lambda one: mapping.text(one, "next"), told)
    if onward and onward == cursor.token:
        raise ProtocolError("the list does not move on", code="page_repeated")
    return found, onward


def sense(read: Callable[[Given], T], told: Given) -> T:
    """What an answer says. Raises ProtocolError where it makes none."""
    try:
        return read(told)
    except Unreadable as error:
        raise ProtocolError(f"the answer makes no sense: {error}", code="bad_answer") from error
