"""What an answer of the webservice means. Pure.

Refusals are ``{"errors": [{"code": …, "message": …}]}`` under 400, 401, 403, 404, 405 and 500; the
codes are the webservice's own. A row that does not exist is a 404 with an empty body. A notice of
PHP makes a 500 of a write that was done.
https://devdocs.prestashop-project.org/8/webservice/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

#: Statuses whose body says more than they do.
TOLD = frozenset({400, 401, 403, 404, 405, 500, 503})

#: ``errors[].code`` → the key is missing, malformed, switched off, or not for this shop.
NO_ACCESS = {16, 17, 18, 19, 20, 21, 132}
#: The whole webservice is switched off.
SWITCHED_OFF = 22
#: The key has no right to this resource, or not to this verb of it.
NO_RIGHT = {25, 26}
#: The resource does not exist in this version, or does not know the verb.
NO_VERB = {"23", "25", "101", "405", "501"}
#: The request itself is refused, whatever the status: filters, fields, ids, values.
REFUSED = {23, 999, *range(27, 46), *range(78, 94), 101, 123, 124, 131}
#: There is no row of that id (in this shop).
NO_ROW = {"87", "92", "131", "404"}


class NotAllowed(AuthError):
    """The key opens the shop, and not this part of it."""


def body(name: str, response: Response, *, write: bool) -> Any:
    """The parsed answer of a request that was granted; raises by what the caller must do."""
    problem: ProtocolError | None = None
    found: Any = None
    try:
        found = response.json()
    except ProtocolError as error:
        problem = error
    told = _errors(found)
    if told:
        raise _failure(name, response.status, told[0], write=write)
    judge(name, response.status, response.headers, write=write)
    if problem is not None:
        raise senseless(problem.message, write=write, sample=problem.sample)
    return found


def rows(found: Any, nodes: str, node: str) -> list[Any]:
    """The rows of a list. An empty one is ``[]``; one of a single row may come without a list."""
    if found == []:
        return []
    for name in (nodes, node) if isinstance(found, Mapping) else ():
        listed = found.get(name)
        if isinstance(listed, list):
            return listed
        if isinstance(listed, Mapping):
            return [listed]
    raise senseless(f"not a list of {nodes}", write=False)


def written(found: Any, nodes: str, node: str) -> Mapping[str, Any]:
    """The row as it is after a write, under its own name or in a list."""
    if isinstance(found, Mapping):
        single, listed = found.get(node), found.get(nodes)
        if isinstance(single, Mapping):
            return single
        if isinstance(listed, list) and listed and isinstance(listed[0], Mapping):
            return listed[0]
    raise senseless(f"the answer to a write is not a {node}", write=True)


def senseless(message: str, *, write: bool, sample: str = "") -> ConnectorError:
    """A write whose answer cannot be read may have been done."""
    if write:
        return UnknownOutcome(message, code="bad_answer")
    return ProtocolError(message, code="bad_answer", sample=sample)


def _errors(found: Any) -> Sequence[Mapping[str, Any]]:
    told = found.get("errors") if isinstance(found, Mapping) else None
    if isinstance(told, Mapping):  # as XML is turned into JSON by some versions
        told = told.get("error")
    listed = told if isinstance(told, list) else [told]
    return [one for one in listed if isinstance(one, Mapping)]


def _failure(name: str, status: int, error: Mapping[str, Any], *, write: bool) -> ConnectorError:
    code, said = _number(error.get("code")), str(error.get("message") or "")[:200]
    message, word = f"{name}: {said or f'answered {status}'}", str(code or status)
    if code in NO_RIGHT:
        return NotAllowed(message, code=word)
    if code in NO_ACCESS or code == SWITCHED_OFF or status in (401, 403):
        return AuthError(message, code=word)
    if code in REFUSED or 400 <= status < 500:
        return RejectedError(message, code=word)
    kind = UnknownOutcome if write else TransientError
    return kind(message, code=word)


def _number(code: object) -> int:
    text = str(code)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0
