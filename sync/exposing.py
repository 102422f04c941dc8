"""The metrics of a host's workers, served by their supervisor: they have no other door.

On a loopback address to anybody on the machine, elsewhere only to the bearer of the metrics token.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from hub import metrics
from hub.errors import Misconfigured


class Quiet(WSGIRequestHandler):
    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:
        """A scrape every few seconds is no news."""


def expose(bind: str, token: str, folder: str) -> WSGIServer:
    """Serve from a thread, for as long as the process lives. Raises Misconfigured."""
    host, port = address(bind, token)
    try:
        server = make_server(host, port, application(token, folder), handler_class=Quiet)
    except OSError as error:
        raise Misconfigured(f"HUB_METRICS_BIND {bind}: {error.strerror}") from None
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def address(bind: str, token: str) -> tuple[str, int]:
    host, _, port = bind.rpartition(":")
    try:
        loopback = ipaddress.ip_address(host).is_loopback
        number = int(port)
    except ValueError:
        raise Misconfigured("HUB_METRICS_BIND must be an IPv4 address and a port") from None
    if not loopback and not token:
        raise Misconfigured("HUB_METRICS_BIND can be reached from outside: set HUB_METRICS_TOKEN")
    return host, number


def application(token: str, folder: str) -> Callable[..., Iterable[bytes]]:
    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        kind = [("Content-Type", "text/plain; charset=utf-8")]
        if environ.get("PATH_INFO") != "/metrics":
            start("404 Not Found", kind)
            return [b"no such path\n"]
        if token and not metrics.may_read(environ.get("HTTP_AUTHORIZATION", ""), token):
            start("401 Unauthorized", kind)
            return [b"send the metrics token\n"]
        start("200 OK", [("Content-Type", metrics.CONTENT_TYPE)])
        return [metrics.page(folder)]

    return answer
