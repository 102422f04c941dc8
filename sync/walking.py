"""Walking what a channel lists, page by page, from a cursor that is saved with what it covers.

A page that repeats itself, or a token that does, ends the walk as a protocol error instead of
turning for ever. A token that the channel has forgotten starts it again from its watermark.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, TypeVar

from connectors.errors import ConnectorError, CursorExpired, ProtocolError
from connectors.records import Cursor, Page

T = TypeVar("T")
#: A page, and what marks each of its items as seen.
Step = tuple[Page[T], list[Hashable]]

MOST_PAGES = 2_000


class LostLease(ConnectorError):
    """Somebody else has taken over after our lease ran out; what we read, they read too."""

    def __init__(self) -> None:
        super().__init__("the lease ran out while the page was read", code="lost_lease")


def walk(
    start: Cursor,
    step: Callable[[Cursor], Step[T]],
    save: Callable[[Page[T]], object],
    enough: Callable[[], bool] = lambda: False,
) -> float | None:
    """To the walk's end, or as far as the channel has prepared it, or until it is ``enough`` for
    now: then answers in how many seconds it goes on."""
    cursor = start
    seen: set[Hashable] = set()
    tokens: set[str] = set()
    for _ in range(MOST_PAGES):
        try:
            page, marks = step(cursor)
        except CursorExpired:
            if not cursor.token:
                raise
            cursor = Cursor(cursor.since)
            tokens.clear()
            continue
        _refuse_circles(page, marks, seen, tokens)
        save(page)
        cursor = page.cursor
        if not page.more:
            return None
        if page.again_in > 0:
            return page.again_in
        if enough():
            return 0.0
    raise ProtocolError(f"the walk did not end within {MOST_PAGES} pages", code="endless_walk")


def _refuse_circles(
    page: Page[T], marks: list[Hashable], seen: set[Hashable], tokens: set[str]
) -> None:
    """A token that comes twice, or a page that brings nothing new while promising more."""
    if not page.more:
        return
    new = set(marks) - seen
    if page.cursor.token in tokens or (marks and not new):
        raise ProtocolError("the channel repeats a page for ever", code="repeated_page")
    seen |= new
    tokens.add(page.cursor.token)


def dump_cursor(cursor: Cursor) -> dict[str, Any]:
    return {
        "since": cursor.since.isoformat(),
        "token": cursor.token,
        "until": cursor.until.isoformat() if cursor.until else None,
    }


def load_cursor(saved: dict[str, Any]) -> Cursor:
    until = saved.get("until")
    return Cursor(
        datetime.fromisoformat(saved["since"]),
        str(saved.get("token", "")),
        datetime.fromisoformat(until) if until else None,
    )
