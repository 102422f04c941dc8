"""Every request is counted, timed, logged and, where tracing is on, traced. By its route, never by
the path that was asked for, which may be anything; no header, no query and no body is looked at."""

from __future__ import annotations

from contextlib import ExitStack
from time import monotonic

from flask import Flask, Response, g, request

from hub import logs, metrics, tracing

log = logs.logger(__name__)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: Asked by machines, again and again: where all is well they are counted, and not in the log.
MACHINES = frozenset({"/healthz", "/readyz", "/metrics", "/webhooks/<string:path>"})
NO_ROUTE = "none"


def watch(app: Flask) -> None:
    """To be called when the request has its id, so that the log lines carry it."""
    app.before_request(_begin)
    app.after_request(_answered)
    app.teardown_request(_end)


def _begin() -> None:
    g.began = monotonic()
    g.watching = ExitStack()
    g.mark = g.watching.enter_context(
        tracing.span(_method(), "server", request_id=str(g.get("request_id", "")))
    )


def _answered(response: Response) -> Response:
    if "began" in g:
        answered(g.mark, g.began, _method(), _route(), response.status_code)
    return response


def answered(mark: tracing.Mark, began: float, method: str, route: str, status: int) -> None:
    """``began``: the monotonic clock when the request came."""
    seconds = monotonic() - began
    metrics.REQUESTS.labels(method, route, str(status)).inc()
    metrics.REQUEST_SECONDS.labels(route).observe(seconds)
    mark.name(f"{method} {route}")
    mark.note(route=route, status=status)
    if status >= 500:
        mark.failed(str(status))
    told = {"method": method, "route": route, "status": status}
    say = log.debug if route in MACHINES and status < 400 else log.info
    say("answered", milliseconds=round(seconds * 1000, 1), **told)


def _end(error: BaseException | None) -> None:
    watching = g.pop("watching", None)
    if watching is not None:
        watching.close()


def _method() -> str:
    return request.method if request.method in METHODS else "other"


def _route() -> str:
    return request.url_rule.rule if request.url_rule is not None else NO_ROUTE
