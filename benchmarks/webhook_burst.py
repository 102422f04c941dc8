"""A burst of webhooks while workers and Redis are dead; then they come back and catch up.

Two shops of one seller post to the real web processes, as many as are started by default: new
events, ones that come twice (half of them while the first is still under way), forged ones and
recordings. The sender runs on the same two cores. The floor is the bare INSERT of the same rows, a
transaction each, from as many connections as the web processes have threads.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from random import Random
from signal import SIGTERM
from statistics import median
from time import monotonic, perf_counter, sleep
from typing import Any

import psycopg

from benchmarks import senders
from benchmarks.ground import HERE, Ground
from benchmarks.harness import Result, Scale, Spread, benchmark, figure, note, percentile
from benchmarks.push_drain import KEYS
from benchmarks.shop import KEYRING
from connectors.shopify.budget import Bucket
from connectors.shopify.simulator import ShopifySimulator
from connectors.signing import hmac_sha256_base64
from connectors.simulators.shop import Shop
from hub.channels import accounts, requests
from hub.config import Settings, environment
from hub.db import Database, Transaction
from hub.inventory.adjusting import Adjustment, adjust
from hub.inventory.products import add_location, own_locations, product_id
from hub.secrets import Secret
from hub.seller import create_seller
from servers import process
from sync.carrier import Carrier
from sync.clock import due_work
from sync.jobs import HANDLERS

WEBHOOKS = 10_000
#: Of every hundred.
TWICE, FORGED, OLD = 15, 3, 2
ORDERS = 500
SKU = "MUG"
CONNECTIONS = 32
THREADS = 16
GOAL_RATE, GOAL_P99 = 1_000.0, 250.0
PATIENCE = 300.0
#: An order's body is a few kilobytes of what the hub does not look at.
REST = {"line_items": [{"title": "Enamel mug", "properties": "p" * 180}] * 16}
#: The shops are not asked for anything else while they are measured.
ONLY_INBOX = "UPDATE flow SET next_at = 'infinity'"
BARE = """
INSERT INTO webhook (seller_id, account_id, event_id, topic, hints, body_hash)
VALUES (%s, %s, %s, 'orders/updated', %s, %s)"""
STORED = """
SELECT count(*), count(DISTINCT (account_id, event_id)), coalesce(min(state), ''),
       coalesce(max(state), '') FROM webhook"""

ORDERS_OF = """
SELECT array(SELECT DISTINCT account_id || (hints->0->>'key') AS o FROM webhook ORDER BY o),
       array(SELECT account_id || external_id AS o FROM sales_order ORDER BY o)"""


@dataclass(frozen=True, slots=True)
class Place:
    """A shop and the account it is connected as."""

    shop: ShopifySimulator
    seller_id: int
    account_id: int
    path: str
    orders: tuple[str, ...]


@dataclass(slots=True)
class Posts:
    """Requests ready to be sent; which are genuine; what is to be stored of them, each once."""

    raw: list[bytes] = field(default_factory=list)
    genuine: list[bool] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)


def posts(places: Sequence[Place], amount: int, passing: int) -> Posts:
    chance = Random(passing)
    now = datetime.now(UTC)
    made = Posts()
    before: list[bytes] = []
    for number in range(amount):
        place, kind = places[number % len(places)], number % 100
        if kind < TWICE and len(before) > 200:
            # Every second one follows its first at once.
            made.raw.append(before[-1] if kind % 2 else chance.choice(before))
            made.genuine.append(True)
            continue
        event_id = f"{passing}-{number:06}"
        order = chance.choice(place.orders)
        body = json.dumps({"admin_graphql_api_id": order, "number": number, **REST}).encode()
        forged = TWICE <= kind < TWICE + FORGED
        old = TWICE + FORGED <= kind < TWICE + FORGED + OLD
        secret = "guessed" if forged else place.shop.credentials()["client_secret"]
        sent_at = now - timedelta(days=8 if old else 0)
        raw = request(place.path, event_id, body, secret, sent_at)
        made.raw.append(raw)
        made.genuine.append(not forged and not old)
        if made.genuine[-1]:
            before.append(raw)
            hints = json.dumps([{"kind": "order", "key": order}])
            digest = sha256(body).digest()
            made.rows.append((place.seller_id, place.account_id, event_id, hints, digest))
    return made


def request(path: str, event_id: str, body: bytes, secret: str, sent_at: datetime) -> bytes:
    head = {
        "Host": "hub.example.org",
        "User-Agent": "Shopify-Captain-Hook",
        "Content-Type": "application/json",
        "Content-Length": len(body),
        "X-Shopify-Topic": "orders/updated",
        "X-Shopify-Shop-Domain": "bench.myshopify.com",
        "X-Shopify-API-Version": "2026-07",
        "X-Shopify-Webhook-Id": event_id,
        "X-Shopify-Event-Id": f"event {event_id}",
        "X-Shopify-Triggered-At": sent_at.isoformat(),
        "X-Shopify-Hmac-Sha256": hmac_sha256_base64(secret, body),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST /webhooks/{path} HTTP/1.1\r\n{lines}\r\n".encode() + body


@contextmanager
def running(
    ground: Ground, words: Sequence[str], env: dict[str, str], fd: int = 0
) -> Iterator[int]:
    """One of the hub's processes, with its log beside the servers'; answers its pid."""
    with (ground.home / f"{words[0]}.log").open("wb") as log:
        command: list[str | Path] = [sys.executable, "-m", "hub.cli", *words]
        child = process.spawn(
            command,
            stop_signal=SIGTERM,
            env=env,
            stdout=log,
            cwd=HERE.parent,
            pass_fds=[fd] if fd else [],
        )
    try:
        yield child.pid
        assert child.poll() is None, f"{words[0]} left while it was measured: see its log"
    finally:
        process.stop(child, SIGTERM, 20.0)


def environ(ground: Ground, name: str, places: Sequence[Place]) -> dict[str, str]:
    return {
        **environment(),
        "DATABASE_URL": ground.app_url(name),
        "HUB_HOME": str(ground.home),
        "HUB_SECRET_KEYS": KEYS,
        "HUB_PUBLIC_URL": "https://hub.example.org",
        "HUB_LOOPBACK": ",".join(one.shop.address for one in places),
        "HUB_LOG_LEVEL": "ERROR",
    }


@dataclass(frozen=True, slots=True)
class Web:
    address: tuple[str, int]
    pid: int

    def cpu(self) -> float:
        """Seconds its processes have worked, where the system says so (Linux)."""
        ticks = 0
        for file in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                words = file.read_text().rpartition(")")[2].split()
                ticks += int(words[11]) + int(words[12]) if int(words[1]) == self.pid else 0
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def web(ground: Ground, env: dict[str, str]) -> Iterator[Web]:
    """The web processes, and no Redis: nothing listens where it is said to be."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        fd = listening.fileno()
        listening.set_inheritable(True)
        alone = {**env, "REDIS_URL": "redis://127.0.0.1:1/0", "HUB_WEB_FD": str(fd)}
        with running(ground, ["web"], alone, fd) as pid:
            address = listening.getsockname()
            _await_web(address[1])
            yield Web(address, pid)


def _await_web(port: int) -> None:
    """Until it has answered often enough for every process to have been asked."""
    for _ in range(20):
        one = HTTPConnection("127.0.0.1", port, timeout=60)
        one.request("GET", "/readyz")
        assert one.getresponse().status == 200, "the web does not start: see its log"
        one.close()


def open_shops(database: Database, shops: Sequence[ShopifySimulator]) -> list[Place]:
    """A seller who has connected them all; their orders come later."""
    seller_id = create_seller(database, "Bench")
    database.command(seller_id, lambda tx: add_location(tx, "MAIN"))

    def connect(tx: Transaction, number: int, one: ShopifySimulator) -> tuple[int, str]:
        secrets = {name: Secret(value) for name, value in one.credentials().items()}
        new = accounts.NewAccount("shopify", f"shop {number}", secrets, one.settings(), one.url)
        account_id = accounts.connect(tx, KEYRING, new)
        requests.ask(tx, account_id, "listings", {"create": True})
        accounts.set_mode(tx, account_id, accounts.LIVE)
        return account_id, accounts.get(tx, account_id).webhook_path

    made = []
    for number, one in enumerate(shops):
        with database.transaction(seller_id) as tx:
            account_id, path = connect(tx, number, one)
        made.append(Place(one, seller_id, account_id, path, ()))
    return made


def read(database: Database, home: Path, places: Sequence[Place]) -> None:
    """What connecting makes due is worked off, until nothing is."""
    loopback = frozenset(one.shop.address for one in places)
    carrier = Carrier(Settings(home=home, loopback=loopback), database, KEYRING)
    deadline = monotonic() + PATIENCE
    try:
        while due := due_work(database):
            assert monotonic() < deadline, due
            for topic, seller_id, account_id in due:
                HANDLERS[topic](carrier, seller_id, account_id)
    finally:
        carrier.close()


def stock(database: Database, seller_id: int) -> None:
    """More than will be sold, so that what is measured ends with the order."""

    def work(tx: Transaction) -> None:
        (place,) = own_locations(tx)
        adjust(tx, "opening", [Adjustment(product_id(tx, SKU), place, 1_000_000)])

    database.command(seller_id, work)


def sold(place: Place) -> Place:
    """Orders that nobody has told the hub of yet."""
    keys = [place.shop.shop.buy([(SKU, 1)]).key for _ in range(ORDERS)]
    gids = tuple(f"gid://shopify/Order/{key}" for key in keys)
    return Place(place.shop, place.seller_id, place.account_id, place.path, gids)


@dataclass
class Bench:
    ground: Ground
    boss: psycopg.Connection
    env: dict[str, str]
    places: list[Place]
    numbers: Iterator[int] = field(default_factory=count)

    def burst(self, web: Web, amount: int) -> senders.Burst:
        """Everything genuine is acknowledged, all else refused, and each event is there once."""
        self.boss.execute("DELETE FROM webhook")
        made = posts(self.places, amount, next(self.numbers))
        before = web.cpu()
        told = senders.post(web.address, made.raw, CONNECTIONS)
        each = (web.cpu() - before) / amount * 1e3
        wrong = [
            (status, genuine)
            for status, genuine in zip(told.statuses, made.genuine, strict=True)
            if status != (200 if genuine else 401)
        ]
        assert not wrong, wrong[:10]
        assert self.stored() == (len(made.rows), len(made.rows), "new", "new"), self.stored()
        note(
            f"{told.statuses.count(200) / told.seconds:,.0f} acknowledged a second of"
            f" {amount / told.seconds:,.0f}; CPU of the web processes {each:.2f} ms a webhook, of"
            f" the sender {told.cpu / amount * 1e3:.2f} ms; {told.again} sent again"
        )
        return told

    def bare(self, amount: int) -> Spread:
        self.boss.execute("DELETE FROM webhook")
        rows = posts(self.places, amount, next(self.numbers)).rows
        with ExitStack() as stack:
            hands = [
                stack.enter_context(self.ground.superuser(self.boss.info.dbname, autocommit=True))
                for _ in range(THREADS)
            ]
            for hand in hands:
                hand.prepare_threshold = 0
            made = Spread(THREADS, rows, lambda at, row: _insert(hands[at], row))
        assert self.stored()[0] == len(rows)
        return made

    def stored(self) -> tuple[Any, ...]:
        return tuple(self.boss.execute(STORED).fetchone() or ())

    def caught_up(self) -> float:
        """Events a second, from the start of clock and worker to the last one done."""
        env = {**self.env, "REDIS_URL": self.ground.valkey.url}
        amount = int(self.stored()[0])
        began = perf_counter()
        with running(self.ground, ["clock"], env), running(self.ground, ["worker"], env):
            while self.stored() != (amount, amount, "done", "done"):
                assert perf_counter() - began < PATIENCE, self.stored()
                sleep(0.1)
            seconds = perf_counter() - began
        told_of, taken_in = self.boss.execute(ORDERS_OF).fetchone() or ((), ())
        assert told_of, "nothing was told"
        assert set(told_of) <= set(taken_in), set(told_of) - set(taken_in)
        return amount / seconds


def _insert(hand: psycopg.Connection, row: tuple[Any, ...]) -> None:
    hand.execute(BARE, row)


def simulated(name: str) -> ShopifySimulator:
    """With a plan that catching up does not use up."""
    made = Shop(name, "EUR")
    made.add_variant(SKU, "Enamel mug", 1_500, 1_000_000)
    one = ShopifySimulator(made)
    one.bucket = Bucket(1_000_000, 1_000_000, lambda: datetime.now(UTC))
    return one


@benchmark("webhook-burst")
def webhook_burst(ground: Ground, scale: Scale) -> Iterable[Result]:
    passes = max(1, scale.passes // 3)
    amount = WEBHOOKS if scale.passes > 2 else WEBHOOKS // 10
    rates, waits, floors, floor_waits = [], [], [], []
    with ExitStack() as stack:
        name = stack.enter_context(ground.copy(ground.empty()))
        shops = [stack.enter_context(simulated(one)) for one in ("north", "south")]
        database = stack.enter_context(ground.app(name))
        opened = open_shops(database, shops)
        read(database, ground.home, opened)
        stock(database, opened[0].seller_id)
        read(database, ground.home, opened)
        boss = stack.enter_context(ground.superuser(name, autocommit=True))
        places = [sold(one) for one in opened]
        bench = Bench(ground, boss, environ(ground, name, places), places)
        boss.execute(ONLY_INBOX)
        with web(ground, bench.env) as doors:
            bench.bare(amount // 10)
            bench.burst(doors, amount // 10)
            for _ in range(passes):
                bare = bench.bare(amount)
                floors.append(len(bare.waits) / bare.seconds)
                floor_waits.append(percentile(bare.waits, 99) * 1e3)
                told = bench.burst(doors, amount)
                rates.append(told.statuses.count(200) / told.seconds)
                waits.append(percentile(told.waits, 99) * 1e3)
        caught_up = bench.caught_up()
    mine, p99 = median(rates), median(waits)
    name = "webhook-burst"
    yield Result(name, "acks/s", mine, median(floors), GOAL_RATE / mine, 1.0, passes)
    yield Result(f"{name}-p99", "ms", p99, median(floor_waits), p99 / GOAL_P99, 1.0, passes)
    yield figure(f"{name}-caught-up", "events/s", [caught_up])
