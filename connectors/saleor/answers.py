"""What an answer of the GraphQL endpoint means. Pure.

Saleor says no in three forms: ``errors`` beside the data in a 200, with the name of the exception
as its code; the same with a 400 for what it did not run at all (a document it does not know, one
that costs too much); and ``errors`` inside a mutation. A token it does not know makes the caller
nobody, who is then refused what nobody may see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import (
    AuthError,
    ConnectorError,
    CursorExpired,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.fields import Unreadable
from connectors.saleor.nodes import Node

#: What Saleor answers, instead of the reason, when it broke.
BROKEN = "Internal Server Error"
BAD_CURSOR = "cursor is invalid"

#: ``extensions.exception.code``, the exception's name, where it tells of access.
NO_ACCESS = {
    "PermissionDenied",
    "DecodeError",
    "ExpiredSignatureError",
    "ImmatureSignatureError",
    "InvalidSignatureError",
    "InvalidTokenError",
    "PyJWTError",
}
#: Never to be had by asking again.
REFUSED = {"QueryCostError", "ReadOnlyException", "ValidationError"}

#: ``errors[].code`` inside a mutation: what cannot be done for want of a permission.
REFUSED_ACCESS = {"OUT_OF_SCOPE_APP", "OUT_OF_SCOPE_PERMISSION"}


def data(body: object, *, write: bool, ran: bool = True) -> Mapping[str, Any]:
    """The ``data`` of an answer without errors. ``ran`` false: it came with a 400, and nothing was
    done."""
    if not isinstance(body, Mapping):
        raise _senseless("the answer is not a JSON object", write=write and ran)
    if body.get("errors"):
        raise _failure(body["errors"], write=write, ran=ran)
    found = body.get("data")
    if not isinstance(found, Mapping):
        raise _senseless("the answer has neither data nor errors", write=write and ran)
    return found


def outcome(data: Mapping[str, Any], name: str) -> Node:
    """What a mutation answered. Raises RejectedError with the channel's code where it refused."""
    try:
        found = Node(data).part(name)
        refused = found.parts("errors")
        if refused:
            first = refused[0]
            raise refusal(first.words("code"), first.words("message"), first.words("field"))
    except Unreadable as error:
        raise UnknownOutcome(f"no answer to {name}: {error}", code="bad_answer") from error
    return found


def refusal(code: str, message: str, field: str = "") -> ConnectorError:
    if code in REFUSED_ACCESS:
        return AuthError(message, code=code)
    return RejectedError(message or code, code=code, field=field)


def _failure(errors: object, *, write: bool, ran: bool) -> ConnectorError:
    first = errors[0] if isinstance(errors, list) and errors else {}
    error: Mapping[str, Any] = first if isinstance(first, Mapping) else {}
    message, code = str(error.get("message", errors))[:200], _code(error)
    if code in NO_ACCESS:
        return AuthError(message, code=code)
    if BAD_CURSOR in message:
        return CursorExpired(message, code="invalid_cursor")
    if code in REFUSED:
        return RejectedError(message, code=code)
    if message == BROKEN:
        return UnknownOutcome(message, code=code) if write else TransientError(message, code=code)
    if write:
        # Not run: refused as it stands. Run, and broken on the way: who knows how far it got.
        return (UnknownOutcome if ran else RejectedError)(message, code=code)
    return ProtocolError(message, code=code, sample=message)


def _code(error: Mapping[str, Any]) -> str:
    extensions = error.get("extensions")
    told = extensions.get("exception") if isinstance(extensions, Mapping) else None
    return str(told.get("code", "")) if isinstance(told, Mapping) else ""


def _senseless(message: str, *, write: bool) -> ConnectorError:
    """A write whose answer cannot be read may have been done."""
    return UnknownOutcome(message) if write else ProtocolError(message)
