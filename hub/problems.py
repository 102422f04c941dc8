"""One shape for every error: RFC 9457, ``application/problem+json``.

Decides what to tell of an error, and nothing else; :mod:`hub.app` catches and answers. What the
hub did not foresee is told as a reference only: its text may hold somebody's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from hub.errors import HubError, InsufficientStock, InvalidInput, Unauthenticated, Unavailable

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:storefront-hub:problem:"
RETRY_AFTER = "2"
Errors = dict[str, list[str]]

#: A lock not got, cancelled by its time limit, or the server is going down.
BUSY = frozenset({"55P03", "57014", "57P01", "57P02", "57P03", "25P03"})
#: No connection, a loser of a deadlock, no room, a fault of the machine.
BUSY_CLASSES = frozenset({"08", "40", "53", "58"})


@dataclass(frozen=True, slots=True)
class Problem:
    """``unforeseen`` ones must be logged: their detail tells nothing."""

    status: int
    code: str
    detail: str = ""
    errors: Errors = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    unforeseen: bool = False

    def body(self, request_id: str) -> dict[str, Any]:
        told: dict[str, Any] = {
            "type": TYPE + self.code,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        }
        return {**told, "errors": self.errors} if self.errors else told


def problem_of(error: BaseException) -> Problem:
    if isinstance(error, HubError):
        return _ours(error)
    if isinstance(error, HTTPException):
        return _http(error)
    if isinstance(error, PoolTimeout):
        return _busy()
    if isinstance(error, DBAPIError):
        return _database(error)
    return _unforeseen()


def _ours(error: HubError) -> Problem:
    if error.status >= 500 and not isinstance(error, Unavailable):
        return _unforeseen(error.code)
    errors: Errors = {}
    headers: dict[str, str] = {}
    if isinstance(error, InvalidInput):
        errors = {error.field: [error.reason]}
    elif isinstance(error, InsufficientStock):
        errors = {f"product {key}": [f"{units} missing"] for key, units in error.short.items()}
    elif isinstance(error, Unavailable):
        headers = {"Retry-After": RETRY_AFTER}
    elif isinstance(error, Unauthenticated):
        headers = {"WWW-Authenticate": 'Bearer realm="hub"'}
    return Problem(error.status, error.code, error.message, errors, headers)


def _http(error: HTTPException) -> Problem:
    status = HTTPStatus(error.code or 500)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _unforeseen()
    messages = (getattr(error, "data", None) or {}).get("messages")
    if messages:
        return Problem(status, "invalid_input", "the request has fields in error", flat(messages))
    kept = {"Allow", "Retry-After"}
    headers = {name: value for name, value in error.get_headers() if name in kept}
    return Problem(status, status.name.lower(), error.description or "", {}, headers)


def flat(messages: Any, path: str = "") -> Errors:
    """marshmallow's nested messages by field path: ``items[3].sku``. Locations are left out."""
    if not isinstance(messages, dict):
        said = messages if isinstance(messages, list) else [messages]
        return {path or "body": [str(one) for one in said]}
    found: Errors = {}
    for key, inner in messages.items():
        if key in {"json", "query"} and not path:
            step = ""
        elif key == "_schema":
            step = path
        elif isinstance(key, int) or (path and str(key).isdecimal()):
            step = f"{path}[{key}]"
        else:
            step = f"{path}.{key}" if path else str(key)
        found.update(flat(inner, step))
    return found


def _database(error: DBAPIError) -> Problem:
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if state in BUSY or state[:2] in BUSY_CLASSES or error.connection_invalidated:
        return _busy()
    if state[:2] == "22" or (not state and isinstance(error.orig, psycopg.DataError)):
        return Problem(422, "invalid_input", "a value is not one the database can hold")
    if state[:2] == "23":
        return Problem(409, "conflict", "the change conflicts with what is recorded")
    if not state and isinstance(error.orig, psycopg.OperationalError):
        return _busy()
    return _unforeseen()


def _busy() -> Problem:
    said = "the database is busy or away; try again shortly"
    return Problem(503, "unavailable", said, headers={"Retry-After": RETRY_AFTER})


def _unforeseen(code: str = "internal") -> Problem:
    said = "something went wrong here; the request_id says where to look in the log"
    return Problem(500, code, said, unforeseen=True)
