"""Reading a JSON body strictly: what is ambiguous or cannot be stored is refused, never repaired.

https://www.rfc-editor.org/rfc/rfc8259 leaves duplicate keys, huge numbers and lone surrogates to
the receiver, and two receivers that differ are an attack.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from hub.errors import HubError

LARGEST = 1024 * 1024
DEEPEST = 64
MOST_DIGITS = 1000


class BadBody(HubError):
    """The body is not JSON that we read."""

    status = 400
    code = "bad_json"


def parse(raw: bytes) -> Any:
    """Raises BadBody, saying what is wrong."""
    try:
        value = json.loads(
            raw.decode(),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_whole,
            parse_float=_finite,
        )
    except UnicodeDecodeError:
        raise BadBody("the body is not UTF-8") from None
    except RecursionError:
        raise BadBody(f"the body is nested deeper than {DEEPEST} levels") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise BadBody(f"the body is not JSON ({where})") from None
    _check(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise BadBody("a name comes twice in one object")
    return made


def _no_constant(name: str) -> NoReturn:
    raise BadBody(f"{name} is not a JSON number")


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise BadBody(f"a number has more than {MOST_DIGITS} digits")
    return int(digits)


def _finite(digits: str) -> float:
    if len(digits) > MOST_DIGITS:
        raise BadBody(f"a number has more than {MOST_DIGITS} digits")
    value = float(digits)
    if not math.isfinite(value):
        raise BadBody("a number is too large")
    return value


def _check(value: Any) -> None:
    """Depth, and text that PostgreSQL cannot hold. No recursion: the depth is the caller's."""
    level = [value]
    for _ in range(DEEPEST + 1):
        below: list[Any] = []
        for one in level:
            if isinstance(one, str):
                _storable(one)
            elif isinstance(one, dict):
                for name in one:
                    _storable(name)
                below.extend(one.values())
            elif isinstance(one, list):
                below.extend(one)
        if not below:
            return
        level = below
    raise BadBody(f"the body is nested deeper than {DEEPEST} levels")


def _storable(text: str) -> None:
    if "\0" in text:
        raise BadBody("text holds a NUL character")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadBody("text holds half of a surrogate pair")
