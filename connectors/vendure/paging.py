"""Where a walk over Vendure's orders stands, packed into a cursor's token. Pure.

Vendure pages by position, which shifts when an order leaves the list. So each page asks for what
comes after the last one's end by the list's own time (``bound``, exclusive), ``skip`` places on
among those of the same time; the last ones read (``tail``) are asked for again and known by id.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from connectors.errors import CursorExpired, ProtocolError
from connectors.records import Cursor

#: How many may leave the list between two pages without another one being missed.
BACK = 5
#: Vendure tells times to the thousandth of a second; some of its databases keep whole ones.
TICK = timedelta(milliseconds=1)
FIRST = datetime(1970, 1, 1, tzinfo=UTC)

#: The time a list is sorted by and the id of each row, in the list's order.
Keys = Sequence[tuple[datetime, str]]


@dataclass(frozen=True, slots=True)
class Place:
    """``start``: what changed after it is of interest. ``phase`` counts the lists that are walked
    one after the other. ``seen`` is the latest change met so far."""

    start: datetime
    bound: datetime
    phase: int = 0
    skip: int = 0
    tail: tuple[str, ...] = ()
    seen: datetime | None = None

    @property
    def asked(self) -> int:
        """The position to ask for."""
        return max(self.skip - len(self.tail), 0)

    def met(self, times: Iterable[datetime]) -> Place:
        return replace(self, seen=max((*times, *([self.seen] if self.seen else [])), default=None))

    def next_list(self, bound: datetime) -> Place:
        return Place(self.start, bound, self.phase + 1, seen=self.seen)

    def onward(self, keys: Keys) -> Place:
        """Behind these rows. Raises ProtocolError where they bring nothing new."""
        known = set(self.tail)
        if not keys or all(key in known for _, key in keys):
            raise ProtocolError("the list does not move on", code="page_repeated")
        self.check(keys)
        last = keys[-1][0]
        tied = tuple(key for moment, key in keys if moment == last)
        if last - TICK > self.bound:
            return replace(self, bound=last - TICK, skip=len(tied), tail=tied[-BACK:])
        ids = tuple(key for _, key in keys)
        return replace(self, skip=self.asked + len(keys), tail=ids[-BACK:])

    def check(self, keys: Keys) -> None:
        """Rows from before the place are another page than the one that was asked for."""
        if any(moment < self.bound for moment, _ in keys):
            raise ProtocolError("the list begins again", code="page_repeated")

    def ended(self, cursor: Cursor) -> Cursor:
        """Between walks: the watermark is what the shop's own clock has shown us, never back."""
        return replace(cursor, since=max(cursor.since, self.seen or cursor.since), token="")

    def resting(self, cursor: Cursor) -> Cursor:
        return replace(cursor, token=_pack(self))


def resume(cursor: Cursor) -> Place | None:
    """The walk that a cursor is in the middle of, None between walks. Raises CursorExpired."""
    if not cursor.token:
        return None
    try:
        start, bound, phase, skip, tail, seen = json.loads(cursor.token)
        return Place(
            _time(start),
            _time(bound),
            int(phase),
            int(skip),
            tuple(str(one) for one in tail),
            _time(seen) if seen else None,
        )
    except (ValueError, TypeError) as error:
        raise CursorExpired("the walk's token is not ours", code="bad_token") from error


def text(moment: datetime) -> str:
    """As Vendure reads and writes times."""
    told = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return told.replace("+00:00", "Z")


def _pack(place: Place) -> str:
    seen = place.seen.isoformat() if place.seen else ""
    times = [place.start.isoformat(), place.bound.isoformat()]
    return json.dumps([*times, place.phase, place.skip, list(place.tail), seen])


def _time(told: str) -> datetime:
    return datetime.fromisoformat(told)
