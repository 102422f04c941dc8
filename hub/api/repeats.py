"""The door every unsafe call goes through: with an ``Idempotency-Key``, it takes effect once.

The whole view runs in one transaction and its answer is kept in it. What fails is rolled back and
leaves no answer, so that a call may be corrected under its key. Without a key, and where no token
is asked for, nothing is different.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, current_app, request
from flask.typing import ResponseReturnValue

from hub import failpoints, idempotency
from hub.api.edge import as_one, asked_by_token, installation, principal, raw_body
from hub.db import Transaction
from hub.errors import InvalidInput
from hub.idempotency import LONGEST, Answer, Call

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
#: What an answer's headers tell of its call; the others are every answer's.
TELLING = ("Content-Type", "ETag", "Location")
#: The header's own form is a quoted string (RFC 8941); most clients send it bare.
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"\Z')
_PRINTABLE = re.compile(rf"[\x20-\x7e]{{1,{LONGEST}}}\Z")


class BadKey(InvalidInput):
    """The header holds no key."""

    status = 400
    code = "idempotency_key_invalid"


class Hub(Flask):
    """Flask, whose every view is called through :func:`once`: no route can forget to."""

    def dispatch_request(self) -> ResponseReturnValue:
        return once(super().dispatch_request)


def once(dispatch: Callable[[], ResponseReturnValue]) -> ResponseReturnValue:
    if request.method not in UNSAFE or HEADER not in request.headers or not asked_by_token():
        return dispatch()
    call = Call(principal().actor, key_of(request.headers[HEADER]), _fingerprint())
    keyring = installation().keyring

    def work(tx: Transaction) -> Response:
        idempotency.hold(tx, call)
        kept = idempotency.answered(tx, keyring, call)
        if kept is not None:
            return Response(kept.body, kept.status, {**kept.headers, REPLAYED: "true"})
        response = current_app.make_response(dispatch())
        headers = {name: response.headers[name] for name in TELLING if name in response.headers}
        told = Answer(response.status_code, headers, response.get_data(as_text=True))
        idempotency.keep(tx, keyring, call, told)
        failpoints.reached("call.done")
        return response

    answer = as_one(work)
    failpoints.reached("call.committed")
    return answer


def key_of(given: str) -> str:
    """The key a header's value stands for. Raises BadKey."""
    text = given.strip()
    if text.startswith('"'):
        found = _QUOTED.match(text)
        text = re.sub(r"\\(.)", r"\1", found.group(1)) if found else ""
    if not _PRINTABLE.match(text):
        raise BadKey(HEADER, f"must have 1 to {LONGEST} printable ASCII characters")
    return text


def _fingerprint() -> str:
    """Equal for calls that ask the same: method, path, query, expected version and body."""
    asked = [
        request.method,
        request.path,
        request.query_string.decode("latin-1"),
        request.headers.get("If-Match", ""),
    ]
    return hashlib.sha256(json.dumps(asked).encode() + b"\0" + raw_body()).hexdigest()


def documented() -> dict[str, Any]:
    """The header as OpenAPI tells it."""
    return {
        "in": "header",
        "name": HEADER,
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST},
        "description": "the call takes effect once however often it is sent",
    }
