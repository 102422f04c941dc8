"""Orders out of WooCommerce: changed ones in the order of their change, and by id.

The filters count whole seconds and leave their bound out, and an order that changes moves to the
end of the list, so that what follows it moves up: page 2 is never asked for. Each page asks anew
from the last second seen, without the orders it has had of that second (``exclude``). A second
with more than a page of orders is walked by id instead (:mod:`connectors.woocommerce.pages`).
Orders in the trash are in no list but that of the trash, which is therefore walked at the end.
Adding a note or a meta field does not change an order's time; a refund does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import CursorExpired, ProtocolError
from connectors.fields import Unreadable, each, identity
from connectors.records import ChannelOrder, Cursor, Page
from connectors.woocommerce import mapping, pages, paths
from connectors.woocommerce.client import Client
from connectors.woocommerce.fields import Record
from connectors.woocommerce.pages import Place
from connectors.woocommerce.paths import LARGEST, ORDERS, ORDERS_PAGE, OVERLAP

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Trail:
    """Where a walk stands. ``start`` is the second asked from, ``had`` the orders already met in
    it; ``crowd`` where the walk through one crowded second stands; ``seen`` the latest change."""

    start: datetime
    trash: bool = False
    had: tuple[int, ...] = ()
    crowd: Place | None = None
    seen: datetime | None = None


def pull(client: Client, cursor: Cursor) -> Page[ChannelOrder]:
    found, onward, more = changed(client, cursor)
    orders, bad = _read(client, found)
    return Page(orders, onward, more, bad)


def changed(client: Client, cursor: Cursor) -> tuple[list[Any], Cursor, bool]:
    """A page of what changed, as it came; the trash follows the last of the rest at once."""
    trail: Trail | None = _resume(cursor)
    found: list[Any] = []
    while trail is not None:
        was_trash, seen = trail.trash, trail.seen
        some, trail, seen = _step(client, trail, cursor.until)
        found += some
        if trail is None and not was_trash:
            trail = Trail(_floor(cursor.since - OVERLAP), trash=True, seen=seen)
        elif trail is not None:
            return found, replace(cursor, token=_pack(trail)), True
    since = max(cursor.since, seen or cursor.since)
    return found, replace(cursor, since=since, token=""), False


def fetch(client: Client, keys: Sequence[str], now: datetime) -> Page[ChannelOrder]:
    """In the trash too: that is where ``order.deleted`` leads."""
    wanted = [key for key in dict.fromkeys(keys) if key.isascii() and key.isdecimal()]
    found: list[Any] = []
    for status in ("any", "trash"):
        had = {identity(one) for one in found}
        left = [key for key in wanted if key not in had]
        found += _by_id(client, left, status) if left else []
    orders, bad = _read(client, found)
    return Page(orders, Cursor(max(times(found), default=now)), more=False, bad=bad)


def refunds_of(client: Client, order: Mapping[str, Any]) -> list[Any]:
    """In full, where the order says that there are any: it tells sums alone.

    Walks overlap, and each order with refunds costs a request of its own: what was read of an order
    that has not changed since is not asked for again.
    """
    key, named = identity(order), order.get("refunds")
    if not key or not named:
        return []
    state = (client.address, key, order.get("date_modified_gmt"), *_ids(named))
    known: list[Any] | None = client.remembered.get(state)
    if known is not None:
        return known
    found = client.listed(paths.refunds(key), {"per_page": str(LARGEST)})
    if _ids(found) == _ids(named):  # else one has come or gone between the two answers
        client.remembered.keep(state, found)
    return found


def _ids(refunds: Any) -> tuple[str, ...]:
    some = refunds if isinstance(refunds, list) else []
    return tuple(sorted(identity(one) for one in some))


def times(found: Sequence[object]) -> list[datetime]:
    """The times of change of a page, of unreadable orders too where they tell."""
    moments = (time(one) for one in found)
    return [one for one in moments if one is not None]


def time(order: object) -> datetime | None:
    try:
        return Record(order).gmt("date_modified_gmt")
    except Unreadable:
        return None


def _read(client: Client, found: Sequence[Any]) -> tuple[tuple[ChannelOrder, ...], tuple[Any, ...]]:
    placed = [one for one in found if not mapping.is_draft(one)]
    refunds = {identity(one): refunds_of(client, one) for one in placed if isinstance(one, Mapping)}
    return each(placed, lambda one: mapping.order(one, refunds.get(identity(one), ())))


def _by_id(client: Client, keys: Sequence[str], status: str) -> list[Any]:
    query = {"include": ",".join(keys), "per_page": str(LARGEST), "status": status}
    found = client.listed(ORDERS, query)
    return [one for one in found if identity(one) in keys]


def _step(
    client: Client, trail: Trail, until: datetime | None
) -> tuple[list[Any], Trail | None, datetime | None]:
    """The next orders, where to go on (None: at the end), and the latest change by then."""
    step = _crowded if trail.crowd is not None else _onward
    found, onward = step(client, trail, until)
    moments = times(found) + ([trail.seen] if trail.seen else [])
    seen = max(moments, default=None)
    return found, replace(onward, seen=seen) if onward else None, seen


def _onward(client: Client, trail: Trail, until: datetime | None) -> tuple[list[Any], Trail | None]:
    query = {"orderby": "modified", "order": "asc", "per_page": str(ORDERS_PAGE)}
    if trail.had:
        query["exclude"] = ",".join(map(str, trail.had))
    found = client.listed(ORDERS, _filter(trail, until) | query)
    new = [one for one in found if pages.number(one) not in trail.had]
    moments = times(found)
    if len(found) < ORDERS_PAGE:
        return new, None
    if not moments:
        raise ProtocolError("no order of a page says when it changed", code="bad_page")
    latest = max(moments)
    if latest < trail.start:
        raise ProtocolError("the order list goes back in time", code="page_repeated")
    met = tuple(pages.number(one) for one in found if time(one) == latest)
    if latest > trail.start:
        return new, replace(trail, start=latest, had=met)
    return new, replace(trail, had=(*trail.had, *met), crowd=Place())


def _crowded(
    client: Client, trail: Trail, until: datetime | None
) -> tuple[list[Any], Trail | None]:
    """One second's orders by id; what was met before the crowd was noticed is dropped."""
    bounds = _filter(trail, trail.start)
    walked = pages.by_id(client, ORDERS, bounds, trail.crowd or Place(), ORDERS_PAGE)
    new = [one for one in walked.items if pages.number(one) not in trail.had]
    if walked.more:
        return new, replace(trail, crowd=walked.place)
    return new, replace(trail, start=trail.start + SECOND, had=(), crowd=None)


def _filter(trail: Trail, until: datetime | None) -> dict[str, str]:
    """Both bounds are exclusive: a second is added on either side."""
    query = {
        "status": "trash" if trail.trash else "any",
        "modified_after": _text(trail.start - SECOND),
        "dates_are_gmt": "true",
    }
    if until is not None:
        query["modified_before"] = _text(until + SECOND)
    return query


def _resume(cursor: Cursor) -> Trail:
    if not cursor.token:
        return Trail(_floor(cursor.since - OVERLAP))
    try:
        start, trash, had, crowd, seen = json.loads(cursor.token)
        return Trail(
            datetime.fromisoformat(start),
            bool(trash),
            tuple(int(one) for one in had),
            Place(*map(int, crowd)) if crowd else None,
            datetime.fromisoformat(seen) if seen else None,
        )
    except (ValueError, TypeError) as error:
        raise CursorExpired("the walk's token is not ours", code="bad_token") from error


def _pack(trail: Trail) -> str:
    seen = trail.seen.isoformat() if trail.seen else ""
    crowd = list(trail.crowd) if trail.crowd is not None else []
    return json.dumps([trail.start.isoformat(), trail.trash, list(trail.had), crowd, seen])


def _floor(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
