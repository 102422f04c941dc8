"""Where a walk over orders stands, packed into a cursor's token. Pure.

How far one search may be paged is not documented; those who met an end name some thousand orders.
A long walk therefore starts anew at what it has seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.errors import CursorExpired, ProtocolError
from connectors.records import Cursor

LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Walk:
    """``start`` is the filter's lower bound, ``after`` TikTok's page token, ``seen`` the latest
    change met so far, ``count`` the orders met since ``start``."""

    start: datetime
    after: str = ""
    seen: datetime | None = None
    count: int = 0

    def filter(self, until: datetime | None) -> dict[str, int]:
        """From the whole second on that ``start`` lies in, to before ``until``."""
        bounds = {"update_time_ge": int(self.start.timestamp())}
        if until is not None:
            bounds["update_time_lt"] = int(until.timestamp()) + 1
        return bounds

    def met(self, times: Iterable[datetime], count: int) -> Walk:
        seen = max((*times, *([self.seen] if self.seen else [])), default=None)
        return replace(self, seen=seen, count=self.count + count)

    def onward(self, cursor: Cursor, token: str) -> Cursor:
        """The cursor of the next page. A page that ends where it began would go on for ever."""
        if token == self.after:
            raise ProtocolError("the order list does not move on", code="page_repeated")
        walk = replace(self, after=token)
        if self.count >= LONGEST and self.seen is not None and self.seen > self.start:
            walk = Walk(self.seen, seen=self.seen)
        return replace(cursor, token=_pack(walk))

    def ended(self, cursor: Cursor) -> Cursor:
        """Between walks: the watermark is what the channel's own clock has shown us, never back."""
        return replace(cursor, since=max(cursor.since, self.seen or cursor.since), token="")


def resume(cursor: Cursor, overlap: timedelta) -> Walk:
    if not cursor.token:
        return Walk(cursor.since - overlap)
    try:
        start, after, seen, count = json.loads(cursor.token)
        return Walk(_time(start), str(after), _time(seen) if seen else None, int(count))
    except (ValueError, TypeError) as error:
        raise CursorExpired("the walk's token is not ours", code="bad_token") from error


def _pack(walk: Walk) -> str:
    seen = walk.seen.isoformat() if walk.seen else ""
    return json.dumps([walk.start.isoformat(), walk.after, seen, walk.count])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
