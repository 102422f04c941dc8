"""What an answer of TikTok Shop means. Pure. Refusals come inside HTTP 200, and with 4xx too.

``{code, message, request_id, data}``, 0 being success. The codes of the gateway:
https://partner.tiktokshop.com/docv2/page/common-errors; each call's own stand on its page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.answers import judge, retry_after
from connectors.errors import (
    AuthError,
    ConnectorError,
    CursorExpired,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.http import Response

#: Statuses whose body says more than they do.
TOLD = frozenset({400, 401, 403, 404})

#: The access token has run out; another can be had for the refresh token.
EXPIRED = {105001, 105002}
NO_ACCESS = {
    101000,  # token and shop cipher do not belong together
    105005,  # a scope is missing
    106001,  # the signature: another app secret
    10006402,  # permission denied
    12019114,  # the seller has no permission
    12052700,  # the seller is inactive
    36004004,  # the code or refresh token is void
    36009033,  # our address is not on the app's list
}
THROTTLED = {36009002}
BROKEN = {
    10002014, 10002015, 10037002, 10037003, 10037004, 36009003, 36009007,
    # "System process error", "System timeout" and the like, of parcels and of cases:
    11001027, 11001031, 11005010, 11006005, 11006026, 21001003, 21001008, 21001011, 21001029,
    21001043, 21001055, 21008300, 21022026, 21022029, 21022030, 21042001, 21042076, 25001028,
}  # fmt: skip
#: "Page number is invalid": what a page token comes down to.
LOST_PAGE = {12019108}

#: One code for a dozen faults of a request: the first word that the message holds tells.
AMBIGUOUS = 36009004
WORDS: tuple[tuple[str, type[ConnectorError]], ...] = (
    ("page_token", CursorExpired),
    ("timestamp", TransientError),  # our clock; it will be put right
    ("app_key", AuthError),
    ("signature", AuthError),
    ("shop_id", AuthError),
)
#: ``x-tts-access-token`` or ``access_token``, which old answers say.
TOKEN_WORD = "access"  # noqa: S105 - a word of a message


class TokenExpired(AuthError):
    """Never leaves :mod:`connectors.tiktok_shop.client`, which refreshes the token once."""


def data(name: str, response: Response, *, write: bool) -> Mapping[str, Any]:
    """The ``data`` of an answer with code 0, {} where it has none; raises by what the caller must
    do about any other. A write whose answer makes no sense may have been done."""
    body = _body(response)
    code = body.get("code")
    if not isinstance(code, int) or isinstance(code, bool):
        judge(name, response.status, response.headers, write=write)
        raise _senseless(f"{name}: the answer has no code", write=write)
    if code != 0:
        raise failure(code, str(body.get("message", "")), response.headers, write=write)
    judge(name, response.status, response.headers, write=write)
    found = body.get("data")
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise _senseless(f"{name}: the data of the answer are not an object", write=write)
    return found


def failure(
    number: int, message: str, headers: Mapping[str, str], *, write: bool
) -> ConnectorError:
    code, said = str(number), message[:200]
    if number in EXPIRED or _about_token(number, said):
        return TokenExpired(said, code=code)
    if number in THROTTLED:
        return TransientError(said, code=code, retry_after=retry_after(headers), throttled=True)
    if number in NO_ACCESS:
        return AuthError(said, code=code)
    if number in BROKEN:
        return (UnknownOutcome if write else TransientError)(said, code=code)
    if number in LOST_PAGE:
        return CursorExpired(said, code=code)
    if number == AMBIGUOUS:
        kinds = [kind for word, kind in WORDS if word in said.lower()]
        return (kinds[0] if kinds else RejectedError)(said, code=code)
    return RejectedError(said, code=code)


def listed(found: Mapping[str, Any], name: str) -> list[Any]:
    """A list of an answer; empty ones may be left out."""
    items = found.get(name)
    if items is None:
        return []
    if not isinstance(items, list):
        raise ProtocolError(f"{name} is not a list", code="bad_page")
    return items


def _about_token(number: int, message: str) -> bool:
    return number == AMBIGUOUS and TOKEN_WORD in message.lower()


def _body(response: Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ProtocolError:
        return {}
    return body if isinstance(body, Mapping) else {}


def _senseless(message: str, *, write: bool) -> ConnectorError:
    return UnknownOutcome(message) if write else ProtocolError(message)
