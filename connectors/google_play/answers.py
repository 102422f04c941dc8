"""What an answer of Google's APIs means. Pure. A status alone says too little: 403 may be a quota.

https://cloud.google.com/apis/design/errors and https://developers.google.com/android-publisher/quotas
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.answers import parse_json, retry_after
from connectors.errors import (
    AuthError,
    ConnectorError,
    ProtocolError,
    RejectedError,
    TransientError,
)

#: The statuses whose body decides; the rest are judged by themselves.
TOLD = frozenset({400, 403, 404, 409, 410, 412})

TOO_FAST = {
    "RESOURCE_EXHAUSTED",
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "quotaExceeded",
    "dailyLimitExceeded",
}
#: OAuth's words for an account that is not let in. https://datatracker.ietf.org/doc/html/rfc6749#section-5.2
NO_ACCESS = {"invalid_grant", "invalid_client", "unauthorized_client", "access_denied"}

#: Codes of a RejectedError which say that what was named is not there.
MISSING = {"404", "410"}


def refusal(name: str, status: int, headers: Mapping[str, str], body: bytes) -> ConnectorError:
    """What to raise for a status of :data:`TOLD`. ``name`` says which call it was; the channel's
    own message is not repeated, since it may hold a purchase token."""
    word = _word(body)
    message = f"{name}: answered {status} {word}".rstrip()
    if word in TOO_FAST:
        wait = retry_after(headers)
        return TransientError(message, code=word, retry_after=wait, throttled=True)
    if status == 403 or word in NO_ACCESS:
        return AuthError(message, code=word or str(status))
    return RejectedError(message, code=str(status))


def _word(body: bytes) -> str:
    """``rateLimitExceeded`` of the older form, ``RESOURCE_EXHAUSTED`` of the newer, or OAuth's."""
    try:
        found = parse_json(body)
    except ProtocolError:
        return ""
    error = found.get("error") if isinstance(found, Mapping) else None
    if isinstance(error, str):
        return _safe(error)
    if not isinstance(error, Mapping):
        return ""
    reasons = error.get("errors")
    first = reasons[0] if isinstance(reasons, list) and reasons else None
    reason = _safe(first.get("reason")) if isinstance(first, Mapping) else ""
    status = _safe(error.get("status"))
    return reason if reason in TOO_FAST or not status else status


def _safe(word: Any) -> str:
    return word if isinstance(word, str) and word.isidentifier() and len(word) <= 60 else ""


def known(body: object, *names: str) -> Mapping[str, Any]:
    """An object that has one of these fields, or none at all: an empty list is left out of
    Google's JSON, so only what is there tells an empty page from something else."""
    if not isinstance(body, Mapping):
        raise ProtocolError("the answer is not an object", code="bad_page")
    if body and not any(name in body for name in names):
        raise ProtocolError(f"the answer has none of {', '.join(names)}", code="bad_page")
    return body


def listed(body: object, name: str, *others: str) -> list[Any]:
    """The list of that name; absent means empty."""
    found = known(body, name, *others).get(name, [])
    if not isinstance(found, list):
        raise ProtocolError(f"{name} is not a list", code="bad_page")
    return found
