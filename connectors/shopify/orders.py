"""Orders out of Shopify: page by page, by id, and with all lines of the long ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import ProtocolError
from connectors.fields import Unreadable, each
from connectors.records import BadRecord, ChannelOrder, Cursor, Page
from connectors.shopify import mapping, sending
from connectors.shopify.client import Client
from connectors.shopify.lists import page
from connectors.shopify.nodes import Node
from connectors.shopify.queries import ORDER_LINES, ORDERS, ORDERS_BY_ID, Operation
from connectors.walk import Walk, resume

#: The search behind the filter lags behind writes by seconds, at times by minutes.
OVERLAP = timedelta(minutes=10)

#: How often an order may change under our hands before we leave it to the next walk.
TRIES = 3

#: Shopify pages no list beyond 25,000 objects, whatever the cursor.
#: https://shopify.dev/docs/api/usage/limits#pagination-limits
LONGEST = 20_000


def pull(client: Client, cursor: Cursor) -> Page[ChannelOrder]:
    return walked(client, cursor, resume(cursor, OVERLAP))


def walked(client: Client, cursor: Cursor, walk: Walk) -> Page[ChannelOrder]:
    """The next page of a walk by time of change."""
    found, more, onward = step(client, ORDERS, cursor, walk)
    orders, bad = read(client, found)
    return Page(orders, onward, more, bad)


def step(
    client: Client, operation: Operation, cursor: Cursor, walk: Walk
) -> tuple[list[Any], bool, Cursor]:
    """A page of changed orders as they came, with what ``operation`` asks of each; whether more
    follow; and the cursor behind it."""
    variables = {"filter": changed(walk, cursor.until), "after": walk.after or None}
    found, more, end_cursor = page(client.run(operation, variables), "orders")
    walk = walk.met(times(found), len(found))
    onward = walk.onward(cursor, end_cursor, longest=LONGEST) if more else walk.ended(cursor)
    return found, more, onward


def changed(walk: Walk, until: datetime | None) -> str:
    """The search for what changed since the walk's start."""
    terms = [f"updated_at:>='{_text(walk.start)}'"]
    if until is not None:
        terms.append(f"updated_at:<='{_text(until)}'")
    return " AND ".join(terms)


def fetch(client: Client, keys: Sequence[str], now: datetime) -> Page[ChannelOrder]:
    found = _by_id(client, keys)
    orders, bad = read(client, found)
    return Page(orders, Cursor(max(times(found), default=now)), more=False, bad=bad)


def _by_id(client: Client, keys: Sequence[str]) -> list[Any]:
    if not keys:
        return []
    found = client.run(ORDERS_BY_ID, {"ids": list(keys)}).get("nodes")
    if not isinstance(found, list):
        raise ProtocolError("orders by id came without nodes", code="bad_page")
    return [one for one in found if isinstance(one, Mapping) and one.get("__typename") == "Order"]


def read(
    client: Client, found: Sequence[Any]
) -> tuple[tuple[ChannelOrder, ...], tuple[BadRecord, ...]]:
    """Orders out of nodes, with what their page did not say fetched."""
    whole = [_whole(client, one) if _has_more_lines(one) else one for one in found]
    known = [one for one in whole if one is not None]
    sent = sending.asked(client, [str(one.get("id")) for one in known if mapping.unclear(one)])
    return each(known, lambda one: mapping.order(one, sent.get(_key(one))))


def _key(order: object) -> str:
    return str(order.get("id")) if isinstance(order, Mapping) else ""


def _has_more_lines(order: object) -> bool:
    try:
        return Node(order).part("lineItems").part("pageInfo").truth("hasNextPage")
    except Unreadable:
        return False  # mapping says what is wrong with it


def _whole(client: Client, order: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The order with every line. One that was edited meanwhile is read again from the start: lines
    of two versions make an order that never was."""
    for _ in range(TRIES):
        if order is None or not _has_more_lines(order):
            return order
        lines = _more_lines(client, order)
        if lines is not None:
            first = order["lineItems"]
            ended = {"hasNextPage": False, "endCursor": None}
            return {**order, "lineItems": {"pageInfo": ended, "nodes": [*first["nodes"], *lines]}}
        order = next(iter(_by_id(client, [str(order["id"])])), None)
    raise ProtocolError("an order changes faster than it can be read", code="order_unstable")


def _more_lines(client: Client, order: Mapping[str, Any]) -> list[Any] | None:
    """The lines beyond the first page; None if the order changed since that was read."""
    lines: list[Any] = []
    after = str(order["lineItems"]["pageInfo"].get("endCursor", ""))
    more = True
    while more:
        data = client.run(ORDER_LINES, {"id": order["id"], "after": after})
        now = data.get("order")
        if not isinstance(now, Mapping) or now.get("updatedAt") != order.get("updatedAt"):
            return None
        found, more, end_cursor = page(now, "lineItems")
        if more and end_cursor == after:
            raise ProtocolError("the list of lines does not move on", code="page_repeated")
        lines, after = lines + found, end_cursor
    return lines


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def times(found: Sequence[Any]) -> list[datetime]:
    """The times of change of a page, of unreadable orders too where they tell."""
    told = []
    for one in found:
        try:
            told.append(Node(one).time("updatedAt"))
        except Unreadable:
            continue
    return told
