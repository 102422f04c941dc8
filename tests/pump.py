"""The carriers without Redis: what is due is worked off here, by the jobs' own functions.

A world is a seller with shops that share stock, connected, linked, stocked and live. Its webhooks
come in through the real door. Time is made to pass in the database, where all due times are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any, Self

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from connectors.base import load
from connectors.catalog import channel
from connectors.errors import ConnectorError, KeyMissing, SignatureError
from connectors.records import WebhookRequest
from connectors.shopify.budget import Bucket
from connectors.shopify.simulator import ShopifySimulator
from connectors.simulators.faults import Faults
from connectors.simulators.server import Simulator
from connectors.simulators.shop import Shop
from hub import invariants
from hub.channels import accounts, connecting, door, requests, vitals
from hub.config import Settings
from hub.conflicts.record import open_kinds
from hub.db import Database, Transaction
from hub.errors import HubError, NotFound
from hub.inventory import adjusting, products
from hub.inventory.models import State
from hub.schema import INVARIANTS
from hub.secrets import Keyring, Secret
from sync.carrier import Carrier
from sync.clock import Topic, due_work
from sync.convergence import Picture, picture
from sync.jobs import HANDLERS

GOODS = {"MUG": 10, "APRON": 10, "BOARD": 10}
#: What the shops show before they are connected: never what the hub has.
BEFORE = 99
ROUNDS = 100


def pump(carrier: Carrier, rounds: int = ROUNDS) -> list[Topic]:
    """Work until nothing is due; answers what ran. Fails where something is due for ever. A job
    that a channel's error ends has written down when it is tried again."""
    ran: list[Topic] = []
    for _ in range(rounds):
        topics = due_work(carrier.database)
        if not topics:
            return ran
        for topic, seller_id, account_id in topics:
            ran.append((topic, seller_id, account_id))
            try:
                HANDLERS[topic](carrier, seller_id, account_id)
            except ConnectorError:
                continue
    raise AssertionError(f"still due after {rounds} rounds: {due_work(carrier.database)}")


def time_passes(database: Database, seller_id: int, seconds: float) -> None:
    """Let everything that waits have waited so much longer; leases run out like the rest."""
    columns = {
        "flow": ("next_at", "lease_until"),
        "listing": ("next_at", "check_at", "remote_at", "sent_at"),
        "outbox": ("next_at",),
    }
    rounds = (
        "UPDATE flow SET cursor = jsonb_build_object('round',"
        " (cursor->>'round')::timestamptz - make_interval(secs => :s)) WHERE cursor ? 'round'"
    )
    with database.transaction(seller_id) as tx:
        for table, names in columns.items():
            changes = ", ".join(f"{name} = {name} - make_interval(secs => :s)" for name in names)
            tx.execute(text(f"UPDATE {table} SET {changes}"), {"s": seconds})
        tx.execute(text(rounds), {"s": seconds})


def opens(
    channel_name: str, letter: door.Letter, secrets: door.Secrets, now: datetime
) -> door.Answered:
    """How a channel's webhooks are opened, by its declaration."""
    declared = channel(channel_name).webhooks
    if declared is None:
        raise NotFound("this channel sends nothing")
    sent = WebhookRequest(letter.method, letter.url, letter.headers, letter.body)
    try:
        verified = declared.verify(sent, secrets, now)
    except SignatureError as error:
        raise door.NotGenuine(error.message) from error
    except KeyMissing as error:
        raise door.KeyAway(error.message) from error
    hints = [{"kind": one.kind.value, "key": one.key} for one in verified.hints]
    event = door.Event(verified.event_id, verified.topic, hints)
    return door.Answered(200, "", "text/plain", event)


class Doorway:
    """The hub's webhook address on localhost. ``shut``: answers 503, as a hub that is away."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self.shut = False
        self.answers: list[int] = []
        doorway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                names = {name.lower(): value for name, value in self.headers.items()}
                letter = door.Letter("POST", doorway.url + self.path, names, body)
                status = doorway.take(database, keyring, self.path, letter)
                doorway.answers.append(status)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False  # closing waits until every answer is given
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def take(self, database: Database, keyring: Keyring, path: str, letter: door.Letter) -> int:
        if self.shut:
            return 503
        try:
            key = path.rpartition("/")[2]
            return door.receive(database, keyring, opens, key, letter).status
        except HubError as error:
            return int(error.status)
        except SQLAlchemyError:
            return 503

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class World:
    """``shops`` and ``accounts`` go by the shop's name: north, south."""

    carrier: Carrier
    seller_id: int
    location_id: int
    doorway: Doorway
    shops: dict[str, Simulator] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.carrier.database

    # -- what happens --------------------------------------------------------------------------

    def pump(self) -> list[str]:
        """Let webhooks arrive and work off what is due; answers the jobs' topics."""
        for simulator in self.shops.values():
            assert simulator.webhooks.drain()
        return [topic for topic, _, _ in pump(self.carrier)]

    def later(self, seconds: float = 60.0) -> list[str]:
        time_passes(self.database, self.seller_id, seconds)
        return self.pump()

    def buy(self, name: str, *lines: tuple[str, int]) -> str:
        """A purchase at a shop; answers the order's key there."""
        return self.shops[name].shop.buy(lines, buyer={"name": "Berta Buyer"}).key

    def adjust(self, sku: str, change: int) -> None:
        def work(tx: Transaction) -> None:
            line = adjusting.Adjustment(products.product_id(tx, sku), self.location_id, change)
            adjusting.adjust(tx, f"test:{tx.ids(1)[0]}", [line])

        self.database.command(self.seller_id, work)

    def stock(self, units: Mapping[str, int]) -> None:
        """Opening stock, in one posting."""

        def work(tx: Transaction) -> None:
            wanted = {products.sku_key(sku): count for sku, count in units.items() if count}
            ids = products.by_sku(tx, list(wanted))
            lines = [
                adjusting.Adjustment(ids[key], self.location_id, count)
                for key, count in wanted.items()
            ]
            if lines:
                adjusting.adjust(tx, "opening", lines, reason="opening")

        self.database.command(self.seller_id, work)

    def ask(self, name: str, kind: str, argument: Mapping[str, Any] | None = None) -> Any:
        """Ask a channel; answers what came of it."""
        number = self.database.command(
            self.seller_id, lambda tx: requests.ask(tx, self.accounts[name], kind, argument)
        )
        self.pump()
        with self.database.transaction(self.seller_id) as tx:
            return requests.get(tx, number)

    def set_mode(self, name: str, mode: str) -> None:
        with self.database.transaction(self.seller_id) as tx:
            accounts.set_mode(tx, self.accounts[name], mode)

    def connect(self, name: str, simulator: Simulator, channel_name: str) -> int:
        """Connect one more shop in shadow; nothing is read yet."""
        secrets = {key: Secret(value) for key, value in simulator.credentials().items()}
        new = accounts.NewAccount(
            channel_name,
            name,
            secrets,
            simulator.settings(),
            simulator.url,
            connecting.stock_mode(self.carrier.declaration(channel_name)),
        )
        with self.database.transaction(self.seller_id) as tx:
            number = accounts.connect(tx, self.carrier.keyring, new)
        self.shops[name] = simulator
        self.accounts[name] = number
        return number

    def go_live(self) -> None:
        for name in self.accounts:
            self.set_mode(name, accounts.LIVE)

    # -- what is -------------------------------------------------------------------------------

    def query(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.database.transaction(self.seller_id) as tx:
            return [tuple(row) for row in tx.execute(text(statement), values)]

    def shown(self, sku: str) -> dict[str, int]:
        """What each shop shows of a SKU it sells."""
        found = {}
        for name, simulator in self.shops.items():
            if any(one.sku == sku for one in simulator.shop.variants):
                found[name] = simulator.shop.quantity(sku)
        return found

    def available(self, sku: str) -> int:
        statement = (
            "SELECT coalesce(sum(l.quantity), 0) FROM level l JOIN product p ON p.id = l.product_id"
            " WHERE p.sku_key = :sku AND l.state = :state"
        )
        key = products.sku_key(sku)
        return int(self.query(statement, sku=key, state=int(State.AVAILABLE))[0][0])

    def orders(self, name: str) -> dict[str, str]:
        """Order key at the shop → status in the hub. Fails where one is there twice."""
        found = self.query(
            "SELECT external_id, status FROM sales_order WHERE account_id = :a ORDER BY id",
            a=self.accounts[name],
        )
        keys = [str(key).rpartition("/")[2] for key, _ in found]
        assert len(keys) == len(set(keys))
        return {key: str(status) for key, (_, status) in zip(keys, found, strict=True)}

    def writes(self, name: str) -> int:
        """Stock writes that reached a shop."""
        asked = self.shops[name].requests
        return asked["SetStock"] + asked["push_stock"]

    def listing(self, name: str, sku: str) -> dict[str, Any]:
        statement = (
            "SELECT id, state, product_id, desired_version, desired_quantity, sent_version,"
            " confirmed_version, remote_quantity, last_error FROM listing"
            " WHERE account_id = :a AND sku = :sku"
        )
        with self.database.transaction(self.seller_id) as tx:
            found = tx.execute(text(statement), {"a": self.accounts[name], "sku": sku})
            return dict(found.mappings().one())

    def flow(self, name: str, flow: str) -> vitals.FlowState:
        with self.database.transaction(self.seller_id) as tx:
            states = vitals.states(tx, self.accounts[name])
        return next(one for one in states if one.flow == flow)

    def due_in(self, name: str, flow: str) -> float:
        """Seconds until a flow is due, by the database's clock."""
        statement = (
            "SELECT extract(epoch FROM next_at - now()) FROM flow"
            " WHERE account_id = :a AND flow = :f"
        )
        return float(self.query(statement, a=self.accounts[name], f=flow)[0][0])

    def conflicts(self) -> dict[str, int]:
        with self.database.transaction(self.seller_id) as tx:
            return open_kinds(tx)

    def inbox(self) -> dict[str, int]:
        """Webhooks taken in, counted by state."""
        return dict(self.query("SELECT state, count(*) FROM webhook GROUP BY state"))

    def picture(self) -> Picture:
        pairs = {name: (self.accounts[name], one.shop) for name, one in self.shops.items()}
        return picture(self.database, self.seller_id, pairs)

    def check(self) -> None:
        """Everything that must always hold does."""
        with self.database.transaction(self.seller_id) as tx:
            assert invariants.check(tx, INVARIANTS) == []

    def agrees(self) -> None:
        """Shops and hub agree: no order lost or doubled, every listing confirmed to be right."""
        seen = self.picture()
        assert seen.converged, seen


def simulator(channel_name: str, name: str, goods: Sequence[str], quantity: int) -> Simulator:
    """A shop with goods on sale, impatient (silence lasts a moment, webhooks are soon repeated) and
    with a plan that no test uses up by itself."""
    made: Simulator = load(channel(channel_name).simulator)(
        Shop(name, "GBP"), Faults(hang=0.05, late=0.4), webhook_backoff=(0.05,) * 7
    )
    if isinstance(made, ShopifySimulator):
        made.bucket = Bucket(1_000_000, 1_000_000, lambda: datetime.now(UTC))
    for number, sku in enumerate(goods):
        made.shop.add_variant(sku, f"{sku.capitalize()} {number}", 500 + number, quantity)
    return made


@contextmanager
def world(
    database: Database,
    keyring: Keyring,
    seller_id: int,
    home: Path,
    *,
    goods: Mapping[str, int] | None = None,
    channels: Sequence[str] = ("shopify", "shopify"),
    readback: float = 0.0,
    webhooks: bool = True,
    before: Callable[[Mapping[str, Simulator]], object] = lambda shops: None,
    grown: Callable[[], object] = lambda: None,
    make_carrier: Callable[[Settings, Database, Keyring], Carrier] = Carrier,
) -> Iterator[World]:
    """Shops north and south, both live and showing what the hub has. ``before`` happens in the
    shops before the hub comes; ``grown`` is called once the listings are in."""
    goods = GOODS if goods is None else goods
    with ExitStack() as stack:
        doorway = stack.enter_context(Doorway(database, keyring))
        names = ("north", "south", "east", "west")[: len(channels)]
        shops = {
            name: stack.enter_context(simulator(kind, name, list(goods), BEFORE))
            for name, kind in zip(names, channels, strict=True)
        }
        before(shops)
        settings = Settings(
            home=home,
            public_url=doorway.url,
            loopback=frozenset(one.address for one in shops.values()),
            readback_seconds=readback,
        )
        carrier = make_carrier(settings, database, keyring)
        stack.callback(carrier.close)
        with database.transaction(seller_id) as tx:
            location_id = products.add_location(tx, "MAIN", "Main warehouse")
        made = World(carrier, seller_id, location_id, doorway)
        for name, kind in zip(names, channels, strict=True):
            made.connect(name, shops[name], kind)
            assert made.ask(name, "listings", {"create": True}).state == "done"
            if webhooks:
                assert made.ask(name, "subscribe").state == "done"
        grown()
        made.stock(goods)
        made.go_live()
        made.pump()
        yield made


def eventually(holds: Callable[[], bool], seconds: float, what: str, every: float = 0.1) -> float:
    """Wait until it holds; answers after how many seconds. Fails, saying what did not."""
    began = monotonic()
    while not holds():
        if monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds} s: {what}")
        sleep(every)
    return monotonic() - began
