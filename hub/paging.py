"""Keyset pagination: a page is what comes after a key, so rows that are added or deleted meanwhile
neither repeat nor skip. The cursor is opaque to callers and checked on the way in."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from hub.errors import InvalidInput

DEFAULT = 50
MOST = 200
LARGEST_ID = 2**63 - 1

T = TypeVar("T")


class Page(NamedTuple, Generic[T]):
    """``next`` is the cursor of the following page, None at the end."""

    items: Sequence[T]
    next: str | None


def page(rows: Sequence[T], limit: int, of: str, key: Callable[[T], int | str]) -> Page[T]:
    """A page out of the ``limit + 1`` rows that were asked for."""
    if len(rows) <= limit:
        return Page(rows, None)
    kept = rows[:limit]
    return Page(kept, cursor(of, key(kept[-1])))


def cursor(of: str, key: int | str) -> str:
    plain = json.dumps([of, key], ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def after_id(text: str, of: str, first: int = 0) -> int:
    """The id a cursor of list ``of`` stands for; ``first`` where there is none."""
    if not text:
        return first
    key = _key(text, of)
    if type(key) is not int or not 0 <= key <= LARGEST_ID:
        raise _broken()
    return key


def after_text(text: str, of: str) -> str:
    if not text:
        return ""
    key = _key(text, of)
    if not isinstance(key, str) or len(key) > 500 or any(map(_unstorable, key)):
        raise _broken()
    return key


def _unstorable(letter: str) -> bool:
    return letter < " " or "\ud800" <= letter <= "\udfff"


def _key(text: str, of: str) -> Any:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        raise _broken() from None
    if not isinstance(found, list) or len(found) != 2 or found[0] != of:
        raise _broken()
    return found[1]


def _broken() -> InvalidInput:
    return InvalidInput("after", "is no cursor of this list")
