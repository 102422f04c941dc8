"""Walks over what changed: one page of a search by time of change, oldest change first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from connectors.fields import Unreadable
from connectors.records import Cursor
from connectors.tiktok_shop import answers
from connectors.tiktok_shop.client import Client
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.operations import Operation
from connectors.walk import Walk, resume

#: The lists are searches of their own, and lag behind what they list.
OVERLAP = timedelta(minutes=10)

#: How far one search may be paged is not documented; those who met an end name some thousand
#: orders.
LONGEST = 2_000


class Step(NamedTuple):
    """One page as it came, and the cursor after it."""

    found: Sequence[Any]
    onward: Cursor
    more: bool


def step(client: Client, operation: Operation, name: str, size: int, cursor: Cursor) -> Step:
    """``name`` is the list's in the answer's data."""
    walk = resume(cursor, OVERLAP)
    query = {"page_size": str(size), "sort_field": "update_time", "sort_order": "ASC"}
    if walk.after:
        query["page_token"] = walk.after
    data = client.run(operation, query, changed(walk, cursor.until))
    found, token = answers.listed(data, name), next_token(data)
    walk = walk.met(times(found), len(found))
    onward = walk.onward(cursor, token, longest=LONGEST) if token else walk.ended(cursor)
    return Step(found, onward, bool(token))


def changed(walk: Walk, until: datetime | None) -> dict[str, int]:
    """From the whole second on that the walk starts in, to before ``until``."""
    bounds = {"update_time_ge": int(walk.start.timestamp())}
    if until is not None:
        bounds["update_time_lt"] = int(until.timestamp()) + 1
    return bounds


def next_token(data: Mapping[str, Any]) -> str:
    token = data.get("next_page_token")
    return token if isinstance(token, str) else ""


def times(found: Sequence[Any], name: str = "update_time") -> list[datetime]:
    """The times of change of a page, of unreadable records too where they tell."""
    told = []
    for one in found:
        try:
            told.append(Record(one).unix_time(name))
        except Unreadable:
            continue
    return told
