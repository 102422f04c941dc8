"""Where a walk over changed orders stands, packed into a cursor's token. Pure.

For channels that filter by time of change and page by a cursor of their own. Such lists end
somewhere, documented or not; a long walk therefore starts anew at what it has seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.errors import CursorExpired, ProtocolError
from connectors.records import Cursor


@dataclass(frozen=True, slots=True)
class Walk:
    """``start`` is the filter's lower bound, ``after`` the channel's cursor or page, ``seen`` the
    latest change met so far, ``count`` the orders met since ``start``."""

    start: datetime
    after: str = ""
    seen: datetime | None = None
    count: int = 0

    def met(self, times: Iterable[datetime], count: int) -> Walk:
        seen = max((*times, *([self.seen] if self.seen else [])), default=None)
        return replace(self, seen=seen, count=self.count + count)

    def onward(self, cursor: Cursor, after: str, *, longest: int) -> Cursor:
        """The cursor of the next page; from ``longest`` orders on, of a walk that starts anew. A
        page that ends where it began would go on for ever."""
        if not after or after == self.after:
            raise ProtocolError("the order list does not move on", code="page_repeated")
        walk = replace(self, after=after)
        if self.count >= longest and self.seen is not None and self.seen > self.start:
            walk = Walk(self.seen, seen=self.seen)
        return replace(cursor, token=_pack(walk))

    def ended(self, cursor: Cursor) -> Cursor:
        """Between walks: the watermark is what the channel's own clock has shown us, never back."""
        return replace(cursor, since=max(cursor.since, self.seen or cursor.since), token="")


def resume(cursor: Cursor, overlap: timedelta) -> Walk:
    """The walk that a cursor is in the middle of, or a new one. Raises CursorExpired."""
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
