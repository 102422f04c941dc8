"""The webhook door as the web server sees it: plain WSGI, asked before Flask is.

A burst of webhooks is most of what a web process ever answers in a minute, and Flask costs each as
much as all that the door does with it. It is the only way in: the routes of :mod:`hub.channels.api`
are there to be documented, and refuse the methods that the door does not know. Ids, headers,
counts, logs, traces and errors are those of every other route.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Request
from werkzeug.wsgi import get_content_length, get_input_stream

from hub import tracing
from hub.api import answering, watching
from hub.api.bodies import LARGEST
from hub.channels.door import Answered, Letter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

#: As Flask matches ``/webhooks/<string:path>``: whether it leads anywhere is the door's to say.
_PATH = re.compile(r"/webhooks/([^/]+)/?\Z")
ROUTE = "/webhooks/<string:path>"
METHODS = frozenset({"GET", "HEAD", "POST"})
#: (path, letter) → what the channel wants to hear; raises what is told as a problem.
Receives = Callable[[str, Letter], Answered]


class _Out(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Entrance:
    """``others`` is asked for everything that is no webhook."""

    def __init__(self, receive: Receives, public_url: str, others: WSGIApplication) -> None:
        self._receive = receive
        self._public_url = public_url
        self._others = others

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        found = _PATH.match(environ["PATH_INFO"]) if method in METHODS else None
        if found is None:
            return self._others(environ, start_response)
        began = monotonic()
        request_id = answering.name_request(environ.get("HTTP_X_REQUEST_ID", ""))
        with tracing.span(method, "server", request_id=request_id) as mark:
            out = self._answer(environ, found.group(1), request_id)
            watching.answered(mark, began, method, ROUTE, out.status)
        phrase = HTTP_STATUS_CODES.get(out.status, "unknown").upper()
        start_response(f"{out.status} {phrase}", list(out.headers.items()))
        return [] if method == "HEAD" else [out.body]

    def _answer(self, environ: WSGIEnvironment, path: str, request_id: str) -> _Out:
        try:
            answered = self._receive(path, letter(environ, path, self._public_url))
        except Exception as error:  # noqa: BLE001  # told, and logged where it was not foreseen
            failed = answering.told(error, request_id)
            return _out(failed.status, failed.content_type, failed.body, failed.headers, request_id)
        body = answered.body.encode()
        return _out(answered.status, answered.content_type, body, {}, request_id)


def _out(
    status: int, content_type: str, body: bytes, more: Mapping[str, str], request_id: str
) -> _Out:
    told = {"Content-Type": content_type, "Content-Length": str(len(body))}
    return _Out(status, {**told, **more, **answering.carried(request_id)}, body)


def letter(environ: WSGIEnvironment, path: str, public_url: str) -> Letter:
    """What came in, under the address that the channel knows us by. Raises 413."""
    where = f"{public_url or Request(environ).host_url.rstrip('/')}/webhooks/{path}"
    asked = environ.get("QUERY_STRING", "")
    url = f"{where}?{asked}" if asked else where
    return Letter(environ["REQUEST_METHOD"], url, headers(environ), body_of(environ))


def headers(environ: WSGIEnvironment) -> dict[str, str]:
    """By their names in lower case."""
    found = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and name not in _NAMED_TWICE
    }
    for name, key in _BARE.items():
        if environ.get(key):
            found[name] = environ[key]
    return found


#: WSGI gives these two without HTTP_: https://peps.python.org/pep-3333/#environ-variables
_BARE = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
_NAMED_TWICE = frozenset({"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"})


def body_of(environ: WSGIEnvironment) -> bytes:
    """The body's bytes, as :func:`hub.api.edge.raw_body` reads them. Raises 413."""
    raw = get_input_stream(environ, max_content_length=LARGEST).read()
    if len(raw) >= LARGEST and get_content_length(environ) is None:
        raise RequestEntityTooLarge
    return raw
