"""What an answer of the GraphQL endpoint means. Pure.

Errors come in three forms: ``errors`` with a code, inside HTTP 200 or 400; a member of the result's
union with ``errorCode``; and no JSON at all, from whatever stands before the shop.
https://docs.vendure.io/guides/developer-guide/error-handling
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.errors import (
    AuthError,
    ConnectorError,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.fields import Unreadable
from connectors.vendure.money import Node

#: ``errors[].extensions.code`` → what to raise. FORBIDDEN is a session that has ended, too.
NO_ACCESS = {"FORBIDDEN", "UNAUTHORIZED", "UNAUTHENTICATED", "CHANNEL_NOT_FOUND"}
REFUSED = {"USER_INPUT_ERROR", "BAD_USER_INPUT", "ILLEGAL_OPERATION", "ENTITY_NOT_FOUND"}
#: Our question does not fit the shop's schema: nothing was done, and somebody must look.
MISFIT = {"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "OPERATION_RESOLUTION_FAILURE"}


def data(body: object, *, write: bool) -> Mapping[str, Any]:
    """The ``data`` of an answer without errors; raises by what the caller must do about others."""
    if not isinstance(body, Mapping):
        raise _senseless("the answer is not a JSON object", write=write)
    if body.get("errors"):
        raise _failure(body["errors"], write=write)
    found = body.get("data")
    if not isinstance(found, Mapping):
        raise _senseless("the answer has neither data nor errors", write=write)
    return found


def result(found: Mapping[str, Any], name: str, kind: str) -> Node:
    """The member ``kind`` of a mutation's union. Raises RejectedError for an error of it."""
    try:
        node = Node(found).part(name)
        said = node.words("__typename")
        if node.has("errorCode"):
            told = node.words("transitionError") or node.words("message")
            raise RejectedError(told[:200], code=node.text("errorCode"))
    except Unreadable as error:
        raise UnknownOutcome(f"no answer to {name}: {error}", code="bad_record") from error
    if said not in ("", kind):
        raise RejectedError(f"{name} was answered with {said}", code=said)
    return node


def _failure(errors: object, *, write: bool) -> ConnectorError:
    first = errors[0] if isinstance(errors, list) and errors else {}
    error: Mapping[str, Any] = first if isinstance(first, Mapping) else {}
    message = str(error.get("message", errors))[:200]
    extensions = error.get("extensions")
    code = str(extensions.get("code") or "") if isinstance(extensions, Mapping) else ""
    if code in NO_ACCESS:
        return AuthError(message, code=code)
    if code in REFUSED:
        return RejectedError(message, code=code)
    if code in MISFIT:
        return ProtocolError(message, code=code, sample=message)
    # INTERNAL_SERVER_ERROR, none, or a plug-in's own. The shop rolls back what it wrote itself, but
    # a payment provider may have been asked by then.
    kind = UnknownOutcome if write else TransientError
    return kind(message, code=code or "INTERNAL_SERVER_ERROR")


def _senseless(message: str, *, write: bool) -> ConnectorError:
    """A write whose answer cannot be read may have been done."""
    kind = UnknownOutcome if write else ProtocolError
    return kind(message, code="bad_answer")
