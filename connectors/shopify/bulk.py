"""A long history of orders as Shopify prepares it: one bulk operation, and its file in pieces.

A walk that starts far back and has many orders before it asks for a file of them instead of page
upon page. Its token is the operation's id and how far the file is read; the file's address is asked
for anew each time, as it is signed and runs out. Behind the file the walk goes on by pages, from
when it was begun. Whatever goes wrong with the file, the paged walk is there.

https://shopify.dev/docs/api/usage/bulk-operations/queries
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.errors import CursorExpired, ProtocolError, RejectedError
from connectors.fields import Unreadable
from connectors.records import ChannelOrder, Cursor, Page
from connectors.shopify import answers, jsonl, orders
from connectors.shopify.client import Client
from connectors.shopify.nodes import Node
from connectors.shopify.queries import (
    EXPORT,
    EXPORTED,
    EXPORTS,
    ORDERS_COUNT,
    exported_orders,
)
from connectors.walk import Walk

#: How far back a walk must start, and how many orders there must be, for a file to be the shorter
#: way: five pages are what a full bucket of the smallest plan pays for.
FAR = timedelta(days=7)
MANY = 250

#: Bytes read at once: some hundred orders. An order of very many lines makes it read more.
PIECE = 2**18
LARGEST_PIECE = 2**24
#: Orders of one page: a handful of statements for the hub.
MOST = 250

#: Seconds until it pays to look again; it grows with the number of looks.
SOON, LATER = 5.0, 60.0
#: After so many looks the paged walk is the shorter way.
MOST_LOOKS = 120

AT_WORK = {"CREATED", "RUNNING"}
DONE = "COMPLETED"
#: BulkOperationUserErrorCode: another operation of this app is at work in the shop.
BUSY = {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"}
#: An operation of ours that is no older than this is taken up where its start went unanswered.
RECENT = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Place:
    """``operation`` is "" while another is at work; ``at`` is the byte the next order begins at;
    ``after``: the file is read, and the walk by pages goes on from then."""

    operation: str = ""
    at: int = 0
    looks: int = 0
    seen: datetime | None = None
    after: datetime | None = None

    def pack(self) -> str:
        seen = self.seen.isoformat() if self.seen else ""
        after = self.after.isoformat() if self.after else ""
        return json.dumps({"bulk": [self.operation, self.at, self.looks, seen, after]})


@dataclass(frozen=True, slots=True)
class Operation:
    """A bulk operation as Shopify shows it. ``began`` is by its own clock."""

    key: str
    status: str
    began: datetime
    url: str
    size: int | None


def takes(cursor: Cursor, now: datetime) -> bool:
    """Whether a walk is in the middle of a file, or may be worth one."""
    return cursor.token.startswith("{") or (not cursor.token and now - cursor.since > FAR)


def pull(client: Client, cursor: Cursor, now: datetime) -> Page[ChannelOrder]:
    place = unpack(cursor.token)
    if place.after is not None:
        walk = Walk(place.after - orders.OVERLAP, seen=place.seen)
        return orders.walked(client, cursor, walk)
    try:
        page = _prepared(client, cursor, place, now)
    except RejectedError:  # what makes files may be closed to the app; the list of orders is not
        page = None
    if page is not None:
        return page
    return _instead(cursor) if place.at else _paged(client, cursor)


def _prepared(
    client: Client, cursor: Cursor, place: Place, now: datetime
) -> Page[ChannelOrder] | None:
    """The next page by way of a file; None where pages are the shorter way, or the only one."""
    if place.looks > MOST_LOOKS or not cursor.token and _count(client, cursor) < MANY:
        return None
    if not place.operation:
        return _begin(client, cursor, place, now)
    found = _operation(client, place.operation)
    if found is not None and found.status in AT_WORK:
        return _later(cursor, place)
    if found is None or found.status != DONE:  # FAILED, CANCELED, EXPIRED, or a word of tomorrow
        return None
    if not found.url:  # of nothing there is no file
        return _read_through(cursor, place, found, ())
    return _piece(client, cursor, place, found)


def unpack(token: str) -> Place:
    if not token:
        return Place()
    try:
        operation, at, looks, seen, after = json.loads(token)["bulk"]
        return Place(str(operation), int(at), int(looks), _time(seen), _time(after))
    except (ValueError, TypeError, KeyError) as error:
        raise CursorExpired("the walk's token is not ours", code="bad_token") from error


def document(cursor: Cursor) -> str:
    """The operation's query; the same for the same watermark, by which it is known again."""
    return exported_orders(_search(cursor))


# -- beginning ---------------------------------------------------------------------------------


def _begin(
    client: Client, cursor: Cursor, place: Place, now: datetime
) -> Page[ChannelOrder] | None:
    """Ask for the file. One whose start went unanswered is taken up, not asked for twice."""
    wanted = document(cursor)
    key = _begun(client, wanted, now)
    if not key:
        answer = answers.payload(client.run(EXPORT, {"query": wanted}), "bulkOperationRunQuery")
        refused = [one.code for one in answers.refusals(answer)]
        if refused:
            return _later(cursor, place) if BUSY & set(refused) else None
        made = answer.optional("bulkOperation")
        key = made.words("id") if made else ""  # without one, it is looked for the next time
    return _later(cursor, replace(place, operation=key))


def _begun(client: Client, wanted: str, now: datetime) -> str:
    """An operation of this very query that is at work or just done, "" for none."""
    try:
        found = Node(client.run(EXPORTS)).part("bulkOperations").parts("nodes")
        for one in found:
            same = one.words("query").split() == wanted.split()
            alive = one.words("status") in {*AT_WORK, DONE}
            if same and alive and now - one.time("createdAt") < RECENT:
                return one.text("id")
    except Unreadable as error:
        raise ProtocolError(f"not a list of operations: {error}", code="bad_page") from error
    return ""


def _count(client: Client, cursor: Cursor) -> int:
    data = client.run(ORDERS_COUNT, {"filter": _search(cursor), "limit": MANY})
    try:
        counted = Node(data).optional("ordersCount")
        return counted.units("count") if counted else 0
    except Unreadable as error:
        raise ProtocolError(f"not a count of orders: {error}", code="bad_record") from error


def _search(cursor: Cursor) -> str:
    return orders.changed(Walk(cursor.since - orders.OVERLAP), cursor.until)


# -- going on ----------------------------------------------------------------------------------


def _operation(client: Client, key: str) -> Operation | None:
    try:
        found = Node(client.run(EXPORTED, {"id": key})).optional("bulkOperation")
        if found is None:
            return None
        return Operation(
            found.text("id"),
            found.text("status"),
            found.time("createdAt"),
            found.words("url"),
            int(found.key("fileSize")) if found.has("fileSize") else None,
        )
    except (Unreadable, ValueError) as error:
        raise ProtocolError(f"not a bulk operation: {error}", code="bad_record") from error


def _piece(
    client: Client, cursor: Cursor, place: Place, found: Operation
) -> Page[ChannelOrder] | None:
    """The orders of the next piece. One that holds no whole order is read again, and longer; None
    where the file is gone, or too large an order is in it."""
    size = PIECE
    while True:
        piece = client.download(found.url, place.at, size)
        if piece is None:
            return None
        total = piece.total if piece.total is not None else found.size
        ended = len(piece.body) < size if total is None else place.at + len(piece.body) >= total
        nodes, used = jsonl.orders(piece.body, ended=ended, most=MOST)
        if nodes or ended:
            break
        size *= 8
        if size > LARGEST_PIECE:
            return None
    items, bad = orders.read(client, nodes)
    seen = max([*orders.times(nodes), *([place.seen] if place.seen else [])], default=None)
    place = replace(place, at=place.at + used, seen=seen)
    if ended and used == len(piece.body):
        return replace(_read_through(cursor, place, found, items), bad=bad)
    return Page(items, replace(cursor, token=place.pack()), more=True, bad=bad)


def _read_through(
    cursor: Cursor, place: Place, found: Operation, items: tuple[ChannelOrder, ...]
) -> Page[ChannelOrder]:
    """The file is read; what changed meanwhile comes by pages, and as a walk of its own: it brings
    some of the file's orders again."""
    behind = Place(seen=place.seen, after=found.began)
    return Page(items, replace(cursor, token=behind.pack()), more=True, again_in=1.0)


def _later(cursor: Cursor, place: Place) -> Page[ChannelOrder]:
    looked = replace(place, looks=place.looks + 1)
    again_in = min(SOON * looked.looks, LATER)
    return Page((), replace(cursor, token=looked.pack()), more=True, again_in=again_in)


def _paged(client: Client, cursor: Cursor) -> Page[ChannelOrder]:
    """From the watermark, by pages."""
    return orders.pull(client, Cursor(cursor.since, "", cursor.until))


def _instead(cursor: Cursor) -> Page[ChannelOrder]:
    """By pages after all, as a walk of its own: it brings what was read of the file again."""
    place = Place(after=cursor.since)
    return Page((), replace(cursor, token=place.pack()), more=True, again_in=1.0)


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
