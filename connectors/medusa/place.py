"""Where a walk over what changed stands, packed into a cursor's token. Pure.

Medusa filters by time of change and pages by offset. Offsets shift while records change, so that
each page is asked for anew from the latest change met, without those of that moment that are known.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from connectors.errors import CursorExpired, ProtocolError
from connectors.fields import Unreadable, identity
from connectors.medusa.fields import Record
from connectors.records import Cursor

ORDERS, PAYMENTS = "orders", "payments"
#: Of the records of one moment so many ids are kept; only a bulk change makes more.
KNOWN = 200


@dataclass(frozen=True, slots=True)
class Place:
    """``kind`` is the list being read, ``origin`` where its walk began, ``start`` the latest change
    met, ``known`` ids of that moment, of which there were ``ties``; ``seen`` is the latest change
    of an order, which the watermark becomes."""

    kind: str
    origin: datetime
    start: datetime
    known: tuple[str, ...] = ()
    ties: int = 0
    seen: datetime | None = None

    @property
    def offset(self) -> int:
        return max(self.ties - len(self.known), 0)

    def among_payments(self) -> Place:
        return Place(PAYMENTS, self.origin, self.origin, seen=self.seen)

    def onward(self, cursor: Cursor) -> Cursor:
        seen = _text(self.seen) if self.seen else ""
        values = [self.kind, _text(self.origin), _text(self.start), self.known, self.ties, seen]
        return replace(cursor, token=json.dumps(values))

    def ended(self, cursor: Cursor) -> Cursor:
        """Between walks: the watermark is what the shop's own clock has shown us, never back."""
        return replace(cursor, since=max(cursor.since, self.seen or cursor.since), token="")

    def met(self, rows: Sequence[object], *, more: bool) -> tuple[Place, list[object]]:
        """After a page: where the next begins, and what of this one was not known. Raises
        ProtocolError where the answer shows that the filter or the order was not heeded, which
        Medusa does with what it does not know, or that the list does not move on."""
        times = [moment for moment in map(changed_at, rows) if moment is not None]
        if times != sorted(times) or times and times[0] < self.start:
            raise ProtocolError("the list is not what was asked for", code="filter_ignored")
        fresh = [one for one in rows if identity(one) not in self.known]
        if more and not fresh:
            raise ProtocolError("the list does not move on", code="page_repeated")
        last = times[-1] if times else self.start
        known, ties = self.known, self.ties
        if last > self.start:
            known, ties = (), 0
        here = [identity(one) for one in fresh if changed_at(one) in (last, None)]
        place = replace(
            self, start=last, known=(*known, *here)[-KNOWN:], ties=ties + len(here), seen=self.seen
        )
        if self.kind == ORDERS and times:
            place = replace(place, seen=max(last, self.seen or last))
        return place, fresh


def resume(cursor: Cursor, overlap: timedelta) -> Place:
    """The walk that a cursor is in the middle of, or a new one. Raises CursorExpired."""
    if not cursor.token:
        start = whole(cursor.since - overlap)
        return Place(ORDERS, start, start)
    try:
        kind, origin, start_text, known, ties, seen = json.loads(cursor.token)
        return Place(
            str(kind),
            datetime.fromisoformat(origin),
            datetime.fromisoformat(start_text),
            tuple(map(str, known)),
            int(ties),
            datetime.fromisoformat(seen) if seen else None,
        )
    except (ValueError, TypeError) as error:
        raise CursorExpired("the walk's token is not ours", code="bad_token") from error


def changed_at(row: object) -> datetime | None:
    """When a record changed, of an unreadable one too where it tells."""
    try:
        return Record(row).time("updated_at")
    except Unreadable:
        return None


def whole(moment: datetime) -> datetime:
    """The millisecond that Medusa would show: what follows it in the database is later."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def spelled(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(moment: datetime) -> str:
    return moment.isoformat()
