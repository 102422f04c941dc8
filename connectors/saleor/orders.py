"""Orders out of Saleor: page by page by the time of change, and by id.

``updatedAt`` moves on payment, fulfilment, refund, cancellation and edit. It does not move when a
tracking number is corrected; numbers are no part of an order here, so nothing is missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import ProtocolError
from connectors.fields import Unreadable, each
from connectors.records import ChannelOrder, Cursor, Page
from connectors.saleor import mapping
from connectors.saleor.client import Client
from connectors.saleor.ids import is_order
from connectors.saleor.nodes import Node
from connectors.saleor.queries import ORDERS, Operation
from connectors.walk import Walk, resume

OVERLAP = timedelta(minutes=5)

#: Saleor's lists have no end; a very long walk starts anew so that its questions stay quick.
LONGEST = 50_000


def pull(client: Client, cursor: Cursor, channel: str) -> Page[ChannelOrder]:
    found, onward, more = changed(client, ORDERS, cursor, channel)
    orders, bad = each(found, mapping.order)
    return Page(orders, onward, more, bad)


def changed(
    client: Client, operation: Operation, cursor: Cursor, channel: str
) -> tuple[list[Any], Cursor, bool]:
    """One page of the orders changed since the cursor, as they came, and where it goes on."""
    walk = resume(cursor, OVERLAP)
    variables = {
        "filter": {"updatedAt": _span(walk, cursor.until)},
        "channel": channel or None,
        "after": walk.after or None,
    }
    found, more, end = page(client.run(operation, variables), "orders")
    walk = walk.met(_times(found), len(found))
    onward = walk.onward(cursor, end, longest=LONGEST) if more else walk.ended(cursor)
    return found, onward, more


def fetch(client: Client, keys: Sequence[str], channel: str, now: datetime) -> Page[ChannelOrder]:
    """One id that is none would fail them all. Webhooks tell of every channel's orders; those of
    another than ours are left out."""
    ids = [key for key in dict.fromkeys(keys) if is_order(key)]
    found: list[Any] = []
    if ids:
        variables = {"filter": {"ids": ids}, "channel": channel or None, "after": None}
        found, _, _ = page(client.run(ORDERS, variables), "orders")
    orders, bad = each(found, mapping.order)
    return Page(orders, Cursor(max(_times(found), default=now)), more=False, bad=bad)


def page(data: Mapping[str, Any], name: str) -> tuple[list[Any], bool, str]:
    """A connection's nodes as they came, whether more follow, and where the page ends."""
    try:
        connection = Node(data).part(name)
        info = connection.part("pageInfo")
        nodes = [edge.data.get("node") for edge in connection.parts("edges")]
        return nodes, info.truth("hasNextPage"), info.words("endCursor")
    except Unreadable as error:
        raise ProtocolError(f"not a page of {name}: {error}", code="bad_page") from error


def _span(walk: Walk, until: datetime | None) -> dict[str, str]:
    span = {"gte": _text(walk.start)}
    return span if until is None else {**span, "lte": _text(until)}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _times(found: Sequence[Any]) -> list[datetime]:
    """The times of change of a page, of unreadable orders too where they tell."""
    times = []
    for one in found:
        try:
            times.append(Node(one).time("updatedAt"))
        except Unreadable:
            continue
    return times
