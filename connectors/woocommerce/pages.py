"""Walking a list in the order of ids, by offset, so that what is deleted meanwhile hides nothing.

Each page begins with the last item of the one before. If that is not there, earlier items have
gone and the rest has moved up: then the walk steps back, and drops what it has had.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from connectors.errors import CursorExpired, ProtocolError
from connectors.fields import identity
from connectors.woocommerce.client import Client

#: Requests for one page: a list that shrinks faster than that is walked from its start again.
TRIES = 10


class Place(NamedTuple):
    """``last`` is the largest id met, ``offset`` how far down the list it stood."""

    last: int = 0
    offset: int = 0


class Walked(NamedTuple):
    items: list[Any]
    place: Place
    more: bool


def by_id(client: Client, path: str, query: Mapping[str, str], place: Place, size: int) -> Walked:
    """The next items, each of which has a larger id than all before. A page that was mostly old,
    after a step back, is filled up."""
    asked = {**query, "orderby": "id", "order": "asc", "per_page": str(size)}
    last, start, stepped_back = place.last, max(place.offset - 1, 0), False
    new: list[Any] = []
    for _ in range(TRIES):
        found = client.listed(path, {**asked, "offset": str(start)})
        ids = [number(one) for one in found]
        if start and next(filter(None, ids), last + 1) > last:
            start, stepped_back = max(start - size, 0), True
            continue
        new += [one for one, key in zip(found, ids, strict=True) if key > last or not key]
        moved = max(ids, default=0) > last
        last, start = max([last, *ids]), start + len(found)
        more = len(found) >= size
        if not more or len(new) > size // 2 or (moved and not stepped_back):
            return Walked(new, Place(last, start), more)
        if not stepped_back:
            raise ProtocolError("the list does not move on", code="page_repeated")
        start -= 1
    raise CursorExpired("the list has shrunk too far to find the place", code="list_changed")


def number(item: object) -> int:
    """The id as a number; 0 for what has none, which no mapping will read."""
    found = identity(item)
    return int(found) if found.isascii() and found.isdecimal() and len(found) < 19 else 0
