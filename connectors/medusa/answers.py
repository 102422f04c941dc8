"""What an answer of Medusa means. Pure. Errors are ``{type, message, code}`` under their status.

https://docs.medusajs.com/api/admin#http-error-types. Without access the answer is only
``{"message": "Unauthorized"}``, and what stands before the server (a proxy) answers in HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.answers import judge
from connectors.errors import (
    AuthError,
    ConnectorError,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.http import Response
from connectors.medusa.calls import Call

#: Statuses whose body says more than they do.
TOLD = frozenset({400, 401, 403, 404, 409, 422})
NO_ACCESS = {401, 403}
#: Two transactions met; nothing was done.
COLLIDED = 409
#: The code of a 404 that is not Medusa's: no such call at this server.
NO_SUCH_CALL = "no_such_call"


def data(call: Call, response: Response) -> Mapping[str, Any]:
    """The body of an answer that holds what the call is for; raises by what the caller must do
    about any other. A write whose answer makes no sense may have been done."""
    body = _body(response)
    if response.status in TOLD:
        raise refusal(call, response.status, body)
    judge(call.name, response.status, response.headers, write=call.write)
    if body is None or call.holds not in body:
        message = f"{call.name}: the answer has no {call.holds}"
        raise UnknownOutcome(message) if call.write else ProtocolError(message, code="bad_answer")
    return body


def refusal(call: Call, status: int, body: Mapping[str, Any] | None) -> ConnectorError:
    kind = _word(body, "type")
    said = _word(body, "message")[:200] or f"{call.name}: answered {status}"
    code = kind or _word(body, "code") or str(status)
    if status in NO_ACCESS:
        return AuthError(said, code=code)
    if status == COLLIDED:
        return TransientError(said, code=code)
    if status == 404 and not kind:
        return RejectedError(said, code=NO_SUCH_CALL)
    return RejectedError(said, code=code)


def rows(found: Mapping[str, Any], name: str) -> list[Any]:
    items = found.get(name)
    if not isinstance(items, list):
        raise ProtocolError(f"{name} is not a list", code="bad_page")
    return items


def _word(body: Mapping[str, Any] | None, name: str) -> str:
    found = (body or {}).get(name)
    return found if isinstance(found, str) else ""


def _body(response: Response) -> Mapping[str, Any] | None:
    try:
        body = response.json()
    except ProtocolError:
        return None
    return body if isinstance(body, Mapping) else None
