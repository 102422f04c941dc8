"""Orders out of Medusa: those that changed, then those whose payment did, and by id.

Capturing a payment does not move the order's time of change. The second half of each walk reads the
payments that changed, and fetches those of their orders that the first half did not show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from connectors.errors import ProtocolError
from connectors.fields import Unreadable, each, identity
from connectors.medusa import answers, mapping, place
from connectors.medusa.calls import (
    IDS,
    ORDER_FIELDS,
    ORDERS,
    ORDERS_PAGE,
    PAID_FIELDS,
    PAYMENTS,
    PAYMENTS_PAGE,
    Call,
)
from connectors.medusa.client import Client
from connectors.medusa.fields import Record
from connectors.medusa.place import Place
from connectors.records import ChannelOrder, Cursor, Page

T = TypeVar("T")

OVERLAP = timedelta(minutes=10)
#: A payment that moved later than this after its order did may have moved after the order was read
#: in this walk; one that moved sooner is within the next walk's overlap.
APART = timedelta(minutes=1)


def pull(
    client: Client, cursor: Cursor, read: Callable[[object], T], fields: str = ORDER_FIELDS
) -> Page[T]:
    """One page, each order as ``read`` makes it of the answer. The end of one list and the
    beginning of the other come together: most walks are one page."""
    at = place.resume(cursor, OVERLAP)
    found: list[object] = []
    more = False
    if at.kind == place.ORDERS:
        found, more, at = _changed(client, ORDERS, ORDERS_PAGE, at, fields, cursor.until)
        if more:
            return _page(found, read, at.onward(cursor), more=True)
        at = at.among_payments()
    paid, more, at = _changed(client, PAYMENTS, PAYMENTS_PAGE, at, PAID_FIELDS, cursor.until)
    shown = {identity(one) for one in found}
    found += by_id(client, sorted(_unseen(paid, at.origin) - shown), fields)
    return _page(found, read, at.onward(cursor) if more else at.ended(cursor), more=more)


def fetch(client: Client, keys: Sequence[str], now: datetime) -> Page[ChannelOrder]:
    found = by_id(client, keys, ORDER_FIELDS)
    orders, bad = each(found, mapping.order)
    times = [moment for moment in map(place.changed_at, found) if moment is not None]
    return Page(orders, Cursor(max(times, default=now)), more=False, bad=bad)


def by_id(client: Client, keys: Sequence[str], fields: str) -> list[object]:
    """Those that are there. A list that is longer than was asked for shows that the filter was not
    heeded."""
    found: list[object] = []
    for start in range(0, len(keys), IDS):
        some = keys[start : start + IDS]
        query = [("fields", fields), ("limit", str(len(some))), *(("id[]", key) for key in some)]
        rows = answers.rows(client.run(ORDERS, query), ORDERS.holds)
        if {identity(one) for one in rows} - set(some):
            raise ProtocolError("orders came that were not asked for", code="filter_ignored")
        found += rows
    return found


def _changed(
    client: Client, call: Call, size: int, at: Place, fields: str, until: datetime | None
) -> tuple[list[object], bool, Place]:
    """The next records of a list, the oldest change first, and whether more follow."""
    limit = size + len(at.known)
    query = [
        ("fields", fields),
        ("order", "updated_at"),
        ("limit", str(limit)),
        ("offset", str(at.offset)),
        ("updated_at[$gte]", place.spelled(at.start)),
    ]
    if until is not None:
        query.append(("updated_at[$lte]", place.spelled(until + timedelta(milliseconds=1))))
    data = client.run(call, query)
    rows = answers.rows(data, call.holds)
    more = _more(data, at.offset, len(rows), limit)
    at, fresh = at.met(rows, more=more)
    return fresh, more, at


def _more(data: Any, offset: int, length: int, limit: int) -> bool:
    """By the list's own count; a server may give fewer than were asked for."""
    count = data.get("count")
    if isinstance(count, int) and not isinstance(count, bool):
        return offset + length < count
    return length >= limit


def _unseen(payments: Sequence[object], origin: datetime) -> set[str]:
    """The orders of these payments that the first half of the walk has not shown, or has shown as
    they were before. A payment of a cart has no order yet."""
    keys = set()
    for one in payments:
        order = _order_of(one)
        moved, paid = place.changed_at(order), place.changed_at(one)
        settled = moved and paid and moved >= origin and paid - moved <= APART
        if identity(order) and not settled:
            keys.add(identity(order))
    return keys


def _order_of(payment: object) -> Mapping[str, Any] | None:
    """As far as it was told; a payment that cannot be read is nobody's."""
    try:
        order = Record(payment).part_or_empty("payment_collection").optional("order")
    except Unreadable:
        return None
    return order.data if order else None


def _page(
    found: Sequence[object], read: Callable[[object], T], cursor: Cursor, *, more: bool
) -> Page[T]:
    good, bad = each(found, read)
    return Page(good, cursor, more, bad)
