"""A storefront on localhost: a real HTTP server around a shop, with faults and webhooks.

A channel's simulator says how requests are understood and how webhooks are signed; here is what
it does not have to say again.
"""

from __future__ import annotations

import json
import socket
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from threading import Event as Flag
from threading import Lock, Thread, Timer
from typing import Any, Self, cast
from wsgiref.types import WSGIApplication

from flask import Response, request
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from connectors.simulators.faults import ANY_REQUEST, WRITES, Fault, Faults
from connectors.simulators.shop import Event, Shop
from connectors.simulators.webhooks import Deliveries

HOST = "127.0.0.1"
HTML = "<!doctype html><title>We'll be right back</title><h1>Scheduled maintenance</h1>"


class _Handler(WSGIRequestHandler):
    """Keep-alive, no access log, and no waiting for the other side's delayed ACK."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def send_header(self, keyword: str, value: str) -> None:
        """A Date the shop tells itself takes the place of the server's: its clock may differ."""
        if keyword == "Date":
            lines = getattr(self, "_headers_buffer", [])
            lines[:] = [line for line in lines if not line.startswith(b"Date:")]
        super().send_header(keyword, value)

    def log(self, type: str, message: str, *args: object) -> None:
        """Quiet: a busy campaign would write a line per request."""


class _Server(ThreadedWSGIServer):
    """Knows its open connections, so that a stopped shop is really gone."""

    request_queue_size = 256

    def __init__(self, port: int, app: WSGIApplication) -> None:
        super().__init__(HOST, port, app, _Handler)
        self._open: set[socket.socket] = set()
        self._guard = Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        with self._guard:
            still_open = list(self._open)
        for connection in still_open:
            _cut(connection)


class Simulator(ABC):
    """One simulated shop of one channel. Start it, or use it in a ``with`` statement.

    ``requests`` counts what was asked, by operation. A stopped shop may be started again: it keeps
    its state and its port. ``stock_write`` names the operation that writes stock, for channels
    whose connector reads something before it.
    """

    stock_write = ""

    def __init__(
        self,
        shop: Shop | None = None,
        faults: Faults | None = None,
        *,
        port: int = 0,
        now: Callable[[], datetime] | None = None,
        webhook_backoff: Sequence[float] = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0),
    ) -> None:
        self.shop = shop or Shop("Rehearsal")
        self.faults = faults or Faults()
        self.requests: Counter[str] = Counter()
        self.webhooks = Deliveries(
            self.faults, backoff=webhook_backoff, dropped=self.drop_subscription
        )
        self.port = port
        self._clock = now or self.shop.now
        self.shop.now = self.now  # so that faults can put the shop's clock wrong
        self.shop.listen(self.on_event)
        self._server: _Server | None = None
        self._guard = Lock()
        self._stopping = Flag()
        self._timers: list[Timer] = []
        self._meanwhile: list[tuple[str, Callable[[], object]]] = []

    @abstractmethod
    def credentials(self) -> dict[str, str]:
        """What a seller would type in to connect this shop."""

    def settings(self) -> dict[str, str]:
        return {}

    @abstractmethod
    def rotate_secret(self) -> str:
        """Sign webhooks with a new secret from now on; answers it."""

    @abstractmethod
    def app(self) -> WSGIApplication | None:
        """The protocol, None for a channel that speaks none."""

    @abstractmethod
    def on_event(self, event: Event) -> None:
        """Turn a change into webhooks. Called under the shop's lock."""

    @abstractmethod
    def drop_subscription(self, subscription: str) -> None: ...

    def throttled(self) -> Response:
        """The channel's own way to say: too fast."""
        return Response("", 429, {"Retry-After": self.faults.retry_after})

    def now(self) -> datetime:
        return self._clock() + self.faults.skew

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}" if self._server is not None else ""

    @property
    def address(self) -> str:
        """``host:port``, as the HTTP session wants it named before it speaks to loopback."""
        return f"{HOST}:{self.port}"

    def start(self) -> Self:
        self._stopping.clear()
        app = self.app()
        if app is not None and self._server is None:
            self._server = _Server(self.port, app)
            self.port = self._server.server_port
            Thread(
                target=self._server.serve_forever,
                kwargs={"poll_interval": 0.05},
                name="storefront",
                daemon=True,
            ).start()
        self.webhooks.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self.webhooks.stop()
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.hang_up()
            server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- faults --------------------------------------------------------------------------------

    def meanwhile(self, action: Callable[[], object], where: str = "") -> None:
        """Let something happen in the shop right before the next matching request is answered."""
        self._meanwhile.append((where, action))

    def arrive(self, where: str) -> None:
        """A request is here: count it, and do what was to happen before it."""
        with self._guard:
            self.requests[where] += 1
            due = [one for one in self._meanwhile if one[0] in ("", where)]
            self._meanwhile = [one for one in self._meanwhile if one not in due]
        for _, action in due:
            action()

    def answer(
        self,
        where: str,
        act: Callable[[], Response],
        *,
        write: bool = False,
        misread: Mapping[Fault, Callable[[], Response]] | None = None,
    ) -> Response:
        """Do what was asked and answer, unless a fault wants it otherwise. ``misread`` are the
        faults of paging this request can have, which only the protocol can put into words."""
        self.arrive(where)
        others = misread or {}
        fault = self.faults.draw(where, (WRITES if write else ANY_REQUEST) | others.keys())
        if fault is None:
            return act()
        if fault in others:
            return others[fault]()
        return self._misbehave(fault, act)

    def _misbehave(self, fault: Fault, act: Callable[[], Response]) -> Response:
        refused = {
            Fault.UNAUTHORIZED: 401,
            Fault.FORBIDDEN: 403,
            Fault.ERROR_BEFORE: 503,
        }
        if fault in refused:
            return Response(HTML, refused[fault], mimetype="text/html")
        if fault is Fault.RATE_LIMITED:
            return Response("", 429, {"Retry-After": self.faults.retry_after})
        if fault is Fault.THROTTLED:
            return self.throttled()
        if fault is Fault.LATE:
            self.later(self.faults.late, act)
        if fault in (Fault.TIMEOUT_BEFORE, Fault.CUT_BEFORE, Fault.LATE):
            return self._silence(hang=fault is not Fault.CUT_BEFORE)
        return self._misreport(fault, act())

    def _misreport(self, fault: Fault, done: Response) -> Response:
        """The request took effect; the caller is told something else."""
        if fault is Fault.ERROR_AFTER:
            return Response(HTML, 503, mimetype="text/html")
        if fault is Fault.WRONG_BODY:
            return Response(HTML, 200, mimetype="text/html")
        if fault is Fault.WRONG_JSON:
            return json_response({"unexpected": []})
        if fault is Fault.TRUNCATED:
            whole = done.get_data()
            half = Response(whole[: len(whole) // 2], done.status_code, mimetype=done.mimetype)
            half.headers["Content-Length"] = str(len(whole))
            half.headers["Connection"] = "close"
            return half
        return self._silence(hang=fault is not Fault.CUT_AFTER)

    def _silence(self, *, hang: bool) -> Response:
        """Say nothing for a while, if asked to, then close the connection."""
        if hang:
            self._stopping.wait(self.faults.hang)
        _cut(cast(socket.socket, request.environ["werkzeug.socket"]))
        return Response("")

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        timer = Timer(seconds, act)
        timer.daemon = True
        self._timers = [one for one in self._timers if one.is_alive()]
        self._timers.append(timer)
        timer.start()


def json_response(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        json.dumps(body, separators=(",", ":")),
        status,
        dict(headers or {}),
        mimetype="application/json",
    )


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the other side was quicker
