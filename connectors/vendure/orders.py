"""Orders out of Vendure: those that changed, those whose change their own time hides, and by id.

``Order.updatedAt`` moves when an order is edited or cancelled, and stands still when it is paid,
fulfilled, sent, delivered or refunded. One walk therefore goes through three lists:

1. orders by ``updatedAt``, whole ones;
2. orders that are still open and were not in the first: only their times (payments, refunds,
   fulfilments, history), and the whole order where one of them is news. An order that lay in the
   cart before the watermark and was bought after it is found here, by ``orderPlacedAt``;
3. the same for delivered and cancelled orders placed in the last days (a setting), for refunds.

The second and third cost a light question for every 200 such orders. A walk with an upper bound
reads the past, where nothing is hidden: it goes through the first list alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.fields import Unreadable, each
from connectors.records import BadRecord, ChannelOrder, Cursor, Page
from connectors.vendure import lists, mapping
from connectors.vendure.client import Client
from connectors.vendure.lists import CHANGED, PLACED, OrderList
from connectors.vendure.money import Node
from connectors.vendure.paging import FIRST, Place, resume, text
from connectors.vendure.queries import ORDERS, ORDERS_PAGE, SCAN, SCAN_CLOSED, SCAN_PAGE

#: An order is in the lists as soon as it is committed; this is for transactions that take long.
OVERLAP = timedelta(minutes=10)
#: Questions asked within one call while nothing is found.
QUESTIONS = 8
#: Some databases keep whole seconds.
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Step:
    """What one question brought, and where the walk stands then; None: at its end."""

    orders: tuple[ChannelOrder, ...]
    bad: tuple[BadRecord, ...]
    place: Place | None
    seen: Place


def pull(client: Client, cursor: Cursor, recent: timedelta) -> Page[ChannelOrder]:
    place = resume(cursor) or beginning(cursor)
    orders: list[ChannelOrder] = []
    bad: list[BadRecord] = []
    for _ in range(QUESTIONS):
        room = ORDERS_PAGE - len(orders) - len(bad)
        step = _step(client, place, room, cursor.until, recent)
        orders += step.orders
        bad += step.bad
        if step.place is None:
            return Page(tuple(orders), step.seen.ended(cursor), False, tuple(bad))
        stays = step.place.phase == place.phase
        place = step.place
        if (orders or bad) and (stays or len(orders) + len(bad) >= ORDERS_PAGE):
            break
    return Page(tuple(orders), place.resting(cursor), True, tuple(bad))


def fetch(client: Client, keys: Sequence[str], now: datetime) -> Page[ChannelOrder]:
    orders, bad = _by_id(client, keys)
    latest = max((one.updated_at for one in orders), default=now)
    return Page(orders, Cursor(latest), more=False, bad=bad)


def beginning(cursor: Cursor) -> Place:
    start = cursor.since - OVERLAP
    return Place(start, whole(start))


def whole(moment: datetime) -> datetime:
    """Down to the thousandth, as Vendure tells times."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def phases(place: Place) -> tuple[OrderList, ...]:
    hidden = {CHANGED: {"before": text(place.start + SECOND)}}
    still = {"state": {"notIn": [*mapping.CARTS, *mapping.CLOSED]}}
    closed = {"state": {"in": list(mapping.CLOSED)}}
    return (
        OrderList(ORDERS, CHANGED, {}, ORDERS_PAGE),
        OrderList(SCAN, PLACED, {**still, **hidden}, SCAN_PAGE),
        OrderList(SCAN_CLOSED, PLACED, {**closed, **hidden}, SCAN_PAGE),
    )


def _step(
    client: Client, place: Place, room: int, until: datetime | None, recent: timedelta
) -> Step:
    walked = phases(place)
    listed = walked[min(place.phase, len(walked) - 1)]
    if listed.operation is ORDERS:
        rows = lists.read(client, listed, place, room, until)
        orders, bad = _read(rows.fresh(place), rows.precision)
        keys, more = rows.keys, rows.more
        place = place.met([one.updated_at for one in orders] + [moment for moment, _ in keys])
    else:
        rows = lists.read(client, listed, place, listed.rows)
        keys, news = _news(rows, place, room)
        more = rows.more or len(keys) < len(rows.keys)
        orders, bad = _by_id(client, news)
        place = place.met(one.updated_at for one in orders)
    if more:
        return Step(orders, bad, place.onward(keys), place)
    if place.phase + 1 >= len(walked) or until is not None:
        return Step(orders, bad, None, place)
    last = place.phase + 1 == len(walked) - 1
    bound = whole(place.start - recent) if last else FIRST
    return Step(orders, bad, place.next_list(bound), place)


def _news(
    rows: lists.Rows, place: Place, room: int
) -> tuple[tuple[tuple[datetime, str], ...], list[str]]:
    """Which of the scanned orders show a change, ``room`` at most, and the rows up to the last of
    those. One whose times cannot be read is looked at whole: that tells what is wrong."""
    known = set(place.tail)
    changed = {_changed(one, place.start) for one in rows.nodes} - known
    news: list[str] = []
    for index, (_, key) in enumerate(rows.keys):
        if key in changed:
            if len(news) == room:
                return rows.keys[:index], news
            news.append(key)
    return rows.keys, news


def _changed(data: object, since: datetime) -> str:
    """The id of a scanned order that changed after the moment, "" for others."""
    try:
        node = Node(data)
        key = node.key("id")
    except Unreadable:
        return ""
    try:
        return key if mapping.newest(node) > since else ""
    except Unreadable:
        return key


def _by_id(
    client: Client, keys: Sequence[str]
) -> tuple[tuple[ChannelOrder, ...], tuple[BadRecord, ...]]:
    if not keys:
        return (), ()
    options = {"take": len(keys), "filter": {"id": {"in": list(keys)}}}
    data = client.run(ORDERS, {"options": options})
    found, _ = lists.page(data, "orders")
    return _read(found, lists.places(data))


def _read(
    found: Sequence[Any], precision: int
) -> tuple[tuple[ChannelOrder, ...], tuple[BadRecord, ...]]:
    told = [one for one in found if not _is_aggregate(one)]
    return each(told, lambda one: mapping.order(one, precision))


def _is_aggregate(node: object) -> bool:
    return isinstance(node, Mapping) and node.get("type") == mapping.AGGREGATE
