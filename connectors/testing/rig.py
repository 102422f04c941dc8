"""A channel, its simulator and connectors between them: what the contract suite works on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any, Self, TypeVar

import pytest

from connectors.base import Capability, Channel, Connection, Connector, StockMode, connect
from connectors.http import Http
from connectors.records import (
    ChannelOrder,
    Credentials,
    Cursor,
    Listing,
    ListingRef,
    Page,
    StockOffer,
    WebhookRequest,
)
from connectors.simulators.server import Simulator
from connectors.simulators.shop import Shop

T = TypeVar("T")

#: More pages than any walk of the suite needs: beyond it, a walk does not end.
MOST_PAGES = 100

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Rig:
    """Starts the simulator, and closes everything at the end. ``timeout`` is the connectors'
    deadline; silent answers hold the line somewhat longer than that."""

    def __init__(self, channel: Channel, simulator: Simulator, *, timeout: float = 1.0) -> None:
        self.channel = channel
        self.simulator = simulator
        self.timeout = timeout
        simulator.faults.hang = timeout + 0.3
        simulator.faults.late = timeout + 0.4
        self._open: list[Http] = []

    @property
    def shop(self) -> Shop:
        return self.simulator.shop

    def __enter__(self) -> Self:
        self.simulator.start()
        return self

    def __exit__(self, *_: object) -> None:
        for http in self._open:
            http.close()
        self.simulator.stop()

    def connector(self, **changed: str) -> Connector:
        """A connector as if after a restart; ``changed`` replaces credentials."""
        http = Http(
            hosts=self.channel.hosts, loopback=(self.simulator.address,), timeout=self.timeout
        )
        self._open.append(http)
        connection = Connection(
            credentials=Credentials({**self.simulator.credentials(), **changed}),
            http=http,
            now=lambda: datetime.now(UTC),
            settings=self.simulator.settings(),
            base_url=self.simulator.url,
        )
        return connect(self.channel, connection)

    def needs(self, *capabilities: Capability) -> None:
        for capability in capabilities:
            if not self.channel.can(capability):
                pytest.skip(f"{self.channel.name} does not declare {capability}")

    # -- the shop's side -----------------------------------------------------------------------

    def stock_up(self, count: int = 3, quantity: int = 1000) -> list[str]:
        """So many variants, of which the SKUs are answered."""
        skus = [f"SKU-{n}" for n in range(count)]
        for n, sku in enumerate(skus):
            self.shop.add_variant(sku, f"Thing {n}", 1001 + 7 * n, quantity)
        return skus

    def sell(self, count: int, *, ago: timedelta = timedelta(hours=1)) -> list[str]:
        """So many orders, a second apart; answers their numbers."""
        start = datetime.now(UTC) - ago
        return [
            self.shop.buy([("SKU-0", 1)], at=start + timedelta(seconds=n)).number
            for n in range(count)
        ]

    def shows(self, quantity: int) -> int:
        """What the channel can show of so many units: the number, or only that there are some."""
        stock = self.channel.stock
        switched = stock is not None and stock.mode is StockMode.AVAILABILITY
        return min(quantity, 1) if switched else quantity

    # -- the connector's side ------------------------------------------------------------------

    def listings(self, connector: Connector) -> list[Listing]:
        return [one for page in walk(connector.list_listings) for one in page.items]

    def listing(self, connector: Connector, sku: str) -> Listing:
        return next(one for one in self.listings(connector) if one.sku == sku)

    def orders(self, connector: Connector, cursor: Cursor | None = None) -> list[ChannelOrder]:
        return [one for page in walk(connector.pull_orders, cursor) for one in page.items]


def walk(read: Callable[[Cursor], Page[T]], cursor: Cursor | None = None) -> Iterator[Page[T]]:
    """Every page of a walk. Fails when it does not end."""
    cursor = cursor or Cursor(LONG_AGO)
    for _ in range(MOST_PAGES):
        page = read(cursor)
        assert not page.bad, page.bad
        yield page
        if not page.more:
            return
        cursor = page.cursor
    pytest.fail(f"the walk did not end within {MOST_PAGES} pages")


def stored(cursor: Cursor) -> Cursor:
    """The cursor as it comes back from the database."""
    until = cursor.until.isoformat() if cursor.until else ""
    since, token, until = json.loads(json.dumps([cursor.since.isoformat(), cursor.token, until]))
    return Cursor(
        datetime.fromisoformat(since), token, datetime.fromisoformat(until) if until else None
    )


def offer(listing: Listing, quantity: int, key: str, expected: int | None = None) -> StockOffer:
    return StockOffer(listing.external_id, quantity, key, expected, listing.handles)


def ref(listing: Listing) -> ListingRef:
    return ListingRef(listing.external_id, listing.handles)


@dataclass
class Inbox:
    """A webhook address on localhost. ``failures`` of the next posts are answered with 500."""

    failures: int = 0

    def __post_init__(self) -> None:
        self.received: list[WebhookRequest] = []
        self._changed = Condition()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(inbox.take(self.path, self.headers, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, headers: Any, body: bytes) -> int:
        names = {name.lower(): value for name, value in headers.items()}
        with self._changed:
            self.received.append(WebhookRequest("POST", self.url, names, body))
            self._changed.notify_all()
            if self.failures > 0:
                self.failures -= 1
                return 500
            return 200

    def wait(self, count: int, timeout: float = 5.0) -> list[WebhookRequest]:
        return self.until(lambda received: len(received) >= count, timeout)

    def until(
        self, enough: Callable[[list[WebhookRequest]], bool], timeout: float = 5.0
    ) -> list[WebhookRequest]:
        """What has come, once that is enough."""
        with self._changed:
            assert self._changed.wait_for(lambda: enough(self.received), timeout), (
                f"{len(self.received)} webhooks came, and not those that were waited for"
            )
            return list(self.received)
