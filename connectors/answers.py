"""Reading what channels answer: strict JSON, and what a status means for the caller. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from json import JSONDecodeError, loads
from typing import Any, NoReturn

from connectors.errors import (
    AuthError,
    ConnectorError,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)

#: Digits of the longest number read, and the largest power of ten: more is an attack on whoever
#: turns it into an integer.
LONGEST_NUMBER = 1000
#: Seconds. A channel that asks for more is asked again after this; some send a time stamp by error.
LONGEST_WAIT = 900.0
SAMPLE = 120

SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?", re.ASCII)
#: Text that may hold a NUL or half a surrogate pair; what matches is looked at more closely.
SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|[\x00\ud800-\udfff]")
BROKEN_TEXT = re.compile(r"[\x00\ud800-\udfff]")
#: E-mail addresses, and runs long enough to be a key or a token.
PRIVATE = re.compile(r"[^\s\"'<>]+@[^\s\"'<>]+|[A-Za-z0-9_+=.-]{16,}")
UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def parse_json(body: bytes | str, *, depth: int = 64, any_text: bool = False) -> Any:
    """Strict JSON; fractions become Decimal. Raises ProtocolError with a short sample.

    Refused, besides what is no JSON or not UTF-8: NaN and infinities, duplicate keys, containers
    nested deeper than ``depth``, numbers longer than a thousand digits, and strings with NUL bytes
    or lone surrogates, which the database cannot store. ``any_text`` lets those strings through: in
    a page of records only the one that holds them is bad, and its mapping must say so.
    """
    text, reason = "", ""
    try:
        text = (body if isinstance(body, str) else body.decode("utf-8")).removeprefix("\ufeff")
        value = loads(
            text,
            parse_float=_fraction,
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
        _check_nesting(value, depth, strings=not any_text and SUSPECT.search(text) is not None)
    except UnicodeDecodeError as error:
        text, reason = error.object.decode("utf-8", "replace"), "is not UTF-8"
    except JSONDecodeError as error:
        reason = f"is not JSON at character {error.pos}" if text.strip() else "is empty"
    except RecursionError:
        reason = "is nested too deeply"
    except _Unfit as error:
        reason = error.args[0]
    else:
        return value
    raise ProtocolError(f"the answer {reason}", code="bad_json", sample=sample(text))


def sample(text: str) -> str:
    """A short piece to look at, without e-mail addresses, tokens and control characters."""
    piece = UNPRINTABLE.sub(" ", text[: 4 * SAMPLE])
    return PRIVATE.sub("***", piece)[:SAMPLE]


def judge(name: str, status: int, headers: Mapping[str, str], *, write: bool) -> None:
    """Nothing for a 2xx, else the error its status stands for. ``name`` says which call it was.

    ``headers`` have lower-case names.
    """
    if 200 <= status < 300:
        return
    code = str(status)
    message = f"{name}: answered {status}"
    if status in (401, 403):
        raise AuthError(message, code=code)
    if status in (408, 425, 429) or 500 <= status < 600:
        _transient(message, status, retry_after(headers), write=write)
    if 400 <= status < 500:
        raise RejectedError(message, code=code)
    # A redirect is followed by nobody: tokens would go along to wherever it points.
    what = f"{message}, a redirect, which is not followed" if 300 <= status < 400 else message
    raise ProtocolError(what, code=code)


def _transient(message: str, status: int, wait: float | None, *, write: bool) -> NoReturn:
    told_to_wait = status == 503 and wait is not None
    kind: type[TransientError] = TransientError
    if write and status >= 500 and not told_to_wait:
        kind = UnknownOutcome
    raise kind(message, code=str(status), retry_after=wait, throttled=status == 429)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by a Retry-After of seconds or a date, at most :data:`LONGEST_WAIT`.

    None for none, for garbage and for what lies in the past. A date is measured against the
    answer's own Date, as clocks differ.
    """
    value = headers.get("retry-after", "").strip()
    if SECONDS.fullmatch(value):
        return min(float(value), LONGEST_WAIT)
    until = moment(value)
    if until is None:
        return None
    wait = (until - (moment(headers.get("date", "")) or datetime.now(UTC))).total_seconds()
    return min(wait, LONGEST_WAIT) if wait >= 0 else None


def moment(text: str) -> datetime | None:
    """The time of a header, None where it makes no sense."""
    try:
        found = parsedate_to_datetime(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, IndexError):
        return None


class _Unfit(ConnectorError):
    """JSON by the letter that we do not take. Never leaves :func:`parse_json`."""


def _fraction(text: str) -> Decimal:
    if len(text) > LONGEST_NUMBER:
        raise _Unfit("holds a number that is too long")
    try:
        value = Decimal(text)
    except ArithmeticError:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value.adjusted()) > LONGEST_NUMBER:
        raise _Unfit("holds a number that is out of range")
    return value


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > LONGEST_NUMBER:
        raise _Unfit("holds a number that is too long")
    return int(text)


def _refuse_constant(text: str) -> NoReturn:
    raise _Unfit(f"holds {text}, which is no number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Unfit("holds an object with the same key twice")
    return found


def _check_nesting(value: Any, depth: int, *, strings: bool) -> None:
    """Level by level, not by recursion: the depth is what is in doubt."""
    level = [value]
    for _ in range(depth + 1):
        if strings and any(isinstance(each, str) and BROKEN_TEXT.search(each) for each in level):
            raise _Unfit("holds text with a NUL byte or half a character")
        objects = [each for each in level if isinstance(each, dict)]
        lists = [each for each in level if isinstance(each, list)]
        if not objects and not lists:
            return
        level = [inside for each in lists for inside in each]
        level += [inside for each in objects for inside in each.values()]
        level += [key for each in objects for key in each] if strings else []
    raise _Unfit("is nested too deeply")
