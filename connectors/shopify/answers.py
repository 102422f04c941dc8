"""What an answer of the GraphQL endpoint means. Pure. Refusals come inside HTTP 200.

https://shopify.dev/docs/api/admin-graphql#status-and-error-codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.base import Level
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
from connectors.shopify.nodes import Node

#: ``errors[].extensions.code`` → what to raise. Codes that are not here are a ProtocolError.
NO_ACCESS = {"ACCESS_DENIED", "UNAUTHORIZED", "SHOP_INACTIVE"}
BROKEN = {"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"}
REFUSED = {"MAX_COST_EXCEEDED", "BAD_REQUEST", "BAD_USER_INPUT", "INVALID_VARIABLE"}


#: The figures of ``extensions.cost.throttleStatus``.
STATUS = re.compile(
    rb'"(currentlyAvailable|restoreRate|maximumAvailable)"\s*:\s*([0-9]+(?:\.[0-9]+)?)'
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Shopify's account of one query, in points, and of what is left."""

    requested: float
    actual: float
    maximum: float
    available: float
    restore_rate: float

    @property
    def wait(self) -> float:
        """Seconds until a query as dear as this one can be paid for."""
        missing = self.requested - self.available
        return max(missing, 0.0) / self.restore_rate if self.restore_rate > 0 else 1.0


def cost(body: Mapping[str, Any]) -> Cost | None:
    extensions = body.get("extensions")
    told = extensions.get("cost") if isinstance(extensions, Mapping) else None
    state = told.get("throttleStatus") if isinstance(told, Mapping) else None
    if not isinstance(told, Mapping) or not isinstance(state, Mapping):
        return None
    return Cost(
        requested=_number(told.get("requestedQueryCost")),
        actual=_number(told.get("actualQueryCost")),
        maximum=_number(state.get("maximumAvailable")),
        available=_number(state.get("currentlyAvailable")),
        restore_rate=_number(state.get("restoreRate")),
    )


def level(headers: Mapping[str, str], body: bytes) -> Level | None:
    """What an answer tells of the budget, which stands at its end: all else is left unread."""
    told = {
        name.decode(): float(number)
        for name, number in STATUS.findall(body, max(body.rfind(b'"throttleStatus"'), 0))
    }
    if "currentlyAvailable" not in told:
        return None
    return Level(told["currentlyAvailable"], told.get("restoreRate"), told.get("maximumAvailable"))


def data(body: object, *, write: bool) -> Mapping[str, Any]:
    """The ``data`` of an answer without errors; raises by what the caller must do about others."""
    if not isinstance(body, Mapping):
        raise _senseless("the answer is not a JSON object", write=write)
    if "errors" in body:
        raise _failure(body, write=write)
    found = body.get("data")
    if not isinstance(found, Mapping):
        raise _senseless("the answer has neither data nor errors", write=write)
    return found


def payload(data: Mapping[str, Any], name: str) -> Node:
    """What a mutation answered. One that cannot be read may have been done."""
    try:
        return Node(data).part(name)
    except Unreadable as error:
        raise UnknownOutcome(f"the answer to a write is not one: {error}") from error


def refusals(answer: Node, name: str = "userErrors") -> list[RejectedError]:
    """A mutation's own objections. Most kinds carry no code."""
    try:
        return [
            RejectedError(
                one.words("message") or "refused",
                code=one.words("code") or "user_error",
                field=".".join(str(step) for step in one.data.get("field") or ()),
            )
            for one in answer.parts_if_any(name)
        ]
    except Unreadable as error:
        raise UnknownOutcome(f"the answer to a write is not one: {error}") from error


def _failure(body: Mapping[str, Any], *, write: bool) -> ConnectorError:
    errors = body["errors"]
    first = errors[0] if isinstance(errors, list) and errors else {}
    error: Mapping[str, Any] = first if isinstance(first, Mapping) else {}
    message = str(error.get("message", errors))[:200]
    extensions = error.get("extensions")
    code = str(extensions.get("code", "")) if isinstance(extensions, Mapping) else ""
    if code == "THROTTLED":
        told = cost(body)
        wait = told.wait if told else None
        return TransientError(message, code=code, retry_after=wait, throttled=True)
    if code in NO_ACCESS:
        return AuthError(message, code=code)
    if code in BROKEN:
        kind = UnknownOutcome if write else TransientError
        return kind(message, code=code)
    if "cursor" in message.lower():
        return CursorExpired(message, code=code or "invalid_cursor")
    if code in REFUSED:
        return RejectedError(message, code=code)
    return ProtocolError(message, code=code, sample=message)


def _senseless(message: str, *, write: bool) -> ConnectorError:
    """A write whose answer cannot be read may have been done."""
    return UnknownOutcome(message) if write else ProtocolError(message)


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return 0.0
