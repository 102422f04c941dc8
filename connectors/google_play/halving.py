"""Calls that Google answers as a whole or not at all: the refused item is found by halving.

One unknown id among fifty costs some twelve calls instead of the other forty-nine orders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from connectors.errors import RejectedError

T = TypeVar("T")
R = TypeVar("R")


def halving(
    items: Sequence[T],
    ask: Callable[[Sequence[T]], Sequence[R]],
    refused: Callable[[T, RejectedError], Sequence[R]],
) -> list[R]:
    """The answers to all items that are taken, and for each that is not what ``refused`` makes of
    it. Any other error ends it."""
    if not items:
        return []
    try:
        return list(ask(items))
    except RejectedError as error:
        if len(items) == 1:
            return list(refused(items[0], error))
    middle = len(items) // 2
    return [
        *halving(items[:middle], ask, refused),
        *halving(items[middle:], ask, refused),
    ]
