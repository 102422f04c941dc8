"""Orders out of the shop, page by page and by id, with what stands of them in other resources.

Customers, addresses, countries and regions are read if the key may, and left out if not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors.fields import Unreadable, each
from connectors.prestashop import history, mapping, pages
from connectors.prestashop.answers import NotAllowed
from connectors.prestashop.client import ALL, Client
from connectors.prestashop.fields import Row
from connectors.prestashop.localtime import ShopClock
from connectors.prestashop.mapping import Around
from connectors.prestashop.office import Office
from connectors.prestashop.resources import (
    ADDRESSES,
    COUNTRIES,
    CUSTOMERS,
    ORDER_DETAILS,
    ORDER_HISTORIES,
    ORDER_SLIPS,
    ORDERS,
    PROVINCES,
    Resource,
)
from connectors.records import BadRecord, ChannelOrder, Cursor, Page
from connectors.walk import Walk, resume

ORDERS_PAGE = 50
#: A change is written in a transaction, and is seen when that ends.
OVERLAP = timedelta(minutes=10)
#: A walk by time and id may be as long as it likes.
ENDLESS = 10**12
#: A row of customers holds the hash of the password: only what is needed is asked for.
PERSON = {"display": "[id,firstname,lastname,email]"}
CODE = {"display": "[id,iso_code]"}

Read = tuple[tuple[ChannelOrder, ...], tuple[BadRecord, ...]]


def pull(client: Client, office: Office, cursor: Cursor) -> Page[ChannelOrder]:
    clock = office.clock()
    fresh, walk, onward = walked(client, ORDERS, cursor, clock, ORDERS_PAGE)
    orders, bad = Reader(client, office, clock).orders(fresh)
    return Page(orders, onward, bool(walk), bad)


def fetch(client: Client, office: Office, keys: Sequence[str], now: datetime) -> Page[ChannelOrder]:
    clock = office.clock()
    found = client.among(ORDERS, "id", [one for one in keys if one.isdecimal()])
    orders, bad = Reader(client, office, clock).orders(found)
    latest = max(times(found, clock), default=now)
    return Page(orders, Cursor(latest), more=False, bad=bad)


def walked(
    client: Client, resource: Resource, cursor: Cursor, clock: ShopClock, count: int
) -> tuple[list[Any], Walk | None, Cursor]:
    """The next rows of a list by time of change; the walk, if it goes on; and the cursor then."""
    walk = resume(cursor, OVERLAP)
    place = pages.unpack(walk.after) if walk.after else pages.Place(clock.floor(walk.start))
    until = clock.words(cursor.until) if cursor.until else pages.LAST
    found = client.read(resource, place.query(count, until))
    fresh, following = pages.turn(place, found, count)
    walk = walk.met(times(fresh, clock), len(fresh))
    if following is None:
        return fresh, None, walk.ended(cursor)
    return fresh, walk, walk.onward(cursor, following.pack(), longest=ENDLESS)


def times(found: Iterable[Any], clock: ShopClock) -> list[datetime]:
    """The times of change of a page, of unreadable rows too where they tell."""
    told = []
    for one in found:
        try:
            told.append(mapping.moment(Row(one), "date_upd", clock))
        except Unreadable:
            continue
    return told


class Reader:
    """Reads what belongs to orders. ``buyers`` false: not who bought."""

    def __init__(
        self, client: Client, office: Office, clock: ShopClock, *, buyers: bool = True
    ) -> None:
        self._client = client
        self._office = office
        self._clock = clock
        self._buyers = buyers

    def orders(self, found: Sequence[Any]) -> Read:
        if not found:
            return (), ()
        around = self._around([one for one in found if isinstance(one, Mapping)])
        return each(found, lambda one: mapping.order(one, around))

    def _around(self, found: Sequence[Mapping[str, Any]]) -> Around:
        states, now = self._office.states(), history.standing(found)
        details = self._if_allowed(ORDER_DETAILS, "id_order", history.links(found, "id"))
        refunded = history.refunded(one.data for one in details.values())
        sent = {key for key in refunded if states.has_shipped(now.get(key, ""))}
        ended = {key for key, state in now.items() if state and states.ended(state)}
        steps = history.steps(self._rows(ORDER_HISTORIES, "id_order", sent | ended), self._clock)
        slips = history.given(self._rows(ORDER_SLIPS, "id_order", sent), self._clock)
        sent_at = history.sent_at(steps, states)
        around = Around(
            clock=self._clock,
            states=states,
            currencies=self._office.currencies(),
            details=details,
            sent_at=sent_at,
            ended_at=history.ended_at(steps, now),
            off=history.off(slips, sent_at),
        )
        return self._with_buyers(around, found) if self._buyers else around

    def _with_buyers(self, around: Around, found: Sequence[Mapping[str, Any]]) -> Around:
        wanted = history.links(found, "id_customer")
        customers = self._if_allowed(CUSTOMERS, "id", wanted, PERSON)
        wanted = history.links(found, "id_address_delivery")
        addresses = self._if_allowed(ADDRESSES, "id", wanted)
        places = [one.data for one in addresses.values()]
        return replace(
            around,
            customers=customers,
            addresses=addresses,
            countries=self._codes(COUNTRIES, history.links(places, "id_country")),
            provinces=self._codes(PROVINCES, history.links(places, "id_state")),
        )

    def _codes(self, resource: Resource, ids: set[str]) -> dict[str, str]:
        """Codes do not change: each is asked for once."""
        known = self._office.codes.setdefault(resource, {})
        found = self._if_allowed(resource, "id", ids - known.keys(), CODE)
        known.update({key: row.words("iso_code") for key, row in found.items()})
        return known

    def _if_allowed(
        self, resource: Resource, column: str, values: set[str], query: Mapping[str, str] = ALL
    ) -> dict[str, Row]:
        """Rows by their id; none where the key may not read them."""
        found = {}
        for one in self._rows(resource, column, values, query):
            try:
                found[Row(one).key("id")] = Row(one)
            except Unreadable:
                continue
        return found

    def _rows(
        self, resource: Resource, column: str, values: set[str], query: Mapping[str, str] = ALL
    ) -> list[Any]:
        try:
            return self._client.among(resource, column, values, query)
        except NotAllowed:
            return []
