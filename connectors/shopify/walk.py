"""Where a walk over orders or listings stands, packed into a cursor's token. Pure.

Shopify pages no list beyond 25,000 objects, whatever the cursor. A walk over orders therefore
starts anew at what it has seen when it nears that, and listings are paged by id alone.
https://shopify.dev/docs/api/usage/limits#pagination-limits
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from connectors.errors import CursorExpired, ProtocolError
from connectors.records import Cursor

LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Walk:
    """``start`` is the filter's lower bound, ``after`` Shopify's cursor, ``seen`` the latest change
    met so far, ``count`` the orders met since ``start``."""

    start: datetime
    after: str = ""
    seen: datetime | None = None
    count: int = 0

    def filter(self, until: datetime | None) -> str:
        terms = [f"updated_at:>='{_text(self.start)}'"]
        if until is not None:
            terms.append(f"updated_at:<='{_text(until)}'")
        return " AND ".join(terms)

    def met(self, times: Iterable[datetime], count: int) -> Walk:
        seen = max((*times, *([self.seen] if self.seen else [])), default=None)
        return replace(self, seen=seen, count=self.count + count)

    def onward(self, cursor: Cursor, end_cursor: str) -> Cursor:
        """The cursor of the next page. A page that ends where it began would go on for ever."""
        if not end_cursor or end_cursor == self.after:
            raise ProtocolError("the order list does not move on", code="page_repeated")
        walk = replace(self, after=end_cursor)
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


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
