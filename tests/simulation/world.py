"""A seller with simulated shops that share stock: what one seed happens in."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psycopg
from redis import Redis

from connectors.base import Limit
from connectors.records import Listing
from hub.channels import accounts, listings, requests
from hub.channels.accounts import NewAccount
from hub.db import Transaction
from hub.inventory import adjusting, products
from hub.inventory.products import NewProduct
from hub.secrets import Secret
from hub.seller import create_seller
from sync.budgets import Budget, Own
from sync.carrier import Carrier
from sync.keeping import Keeper
from tests.simulation import borders
from tests.simulation.channel import KINDS, Refusal, Shop
from tests.simulation.clocked import Clock, ClockedDatabase, watched
from tests.simulation.connector import installed
from tests.simulation.desk import Desk
from tests.simulation.entering import Premises, open_shop
from tests.simulation.faults import Dice
from tests.simulation.gate import Gate
from tests.simulation.scheduler import Rates, Scheduler, Task
from tests.simulation.waking import Queue, Waking
from tests.simulation.watch import Watch

NAMES = ("north", "south", "east")
#: What shops show before they are connected: never what the hub has.
BEFORE = 9
#: What a shop lets be asked, and for how long an access token opens: some are close.
LIMITS = (*[Limit("requests", 10.0, 60.0)] * 3, Limit("requests", 2.0, 12.0))
LIFETIMES = (1e9, 1e9, 400.0, 120.0, 40.0)


@dataclass
class Bench:
    """What runs share: a migrated database with the simulated clock, and a way to look into it."""

    database: ClockedDatabase
    carrier: Carrier
    monitor: psycopg.Connection
    redis: Redis

    def waits(self, pid: int) -> bool:
        found = self.monitor.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", (pid,))
        row = found.fetchone()
        return bool(row and row[0])


@dataclass
class Trace:
    """What happened, in words that are the same in every replay: no ids."""

    digest: Any = field(default_factory=hashlib.sha256)
    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        self.digest.update(line.encode() + b"\n")
        self.lines.append(line)


@dataclass
class World:
    seed: int
    bench: Bench
    random: Random
    dice: Dice
    clock: Clock
    scheduler: Scheduler
    queue: Queue
    waking: Waking
    trace: Trace
    watch: Watch
    seller_id: int = 0
    shops: dict[str, Shop] = field(default_factory=dict)
    gates: dict[str, Gate] = field(default_factory=dict)
    desks: dict[str, Desk] = field(default_factory=dict)
    #: Each worker's keeper, for as long as it works.
    keepers: dict[Task, Keeper] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    locations: list[int] = field(default_factory=list)
    products: dict[str, int] = field(default_factory=dict)
    rings: list[str] = field(default_factory=list)
    #: Units that came into the building by what the staff did, by SKU.
    received: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    @property
    def database(self) -> ClockedDatabase:
        return self.bench.database

    @property
    def carrier(self) -> Carrier:
        return self.bench.carrier

    def worker(self) -> Carrier:
        """A process of its own: what it holds, only it can keep."""
        carrier = self.bench.carrier
        made = Carrier(carrier.settings, carrier.database, carrier.keyring)
        made.lines = carrier.lines
        return made

    def budget(self, account_id: int, limit: Limit) -> Budget:
        """By what a worker's process counts, as all others do."""
        key = f"simulated:{self.seller_id}:{account_id}"
        shared = borders.Counted(self.bench.redis, key, limit, self.clock)
        return Budget(shared, Own(limit), None)

    def forget_budgets(self) -> None:
        for name, gate in self.gates.items():
            self.bench.redis.delete(f"simulated:{self.seller_id}:{self.accounts[name]}")
            gate.forgive()

    def tell(self, line: str) -> None:
        self.trace.add(f"{self.clock.seconds:.3f} {line}")

    def broken(self, what: str) -> None:
        self.tell(f"BROKEN: {what}")
        self.violations.append(what)

    def name_of(self, account_id: int) -> str:
        return next((name for name, one in self.accounts.items() if one == account_id), "all")

    def look(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """What the database holds now, seen by nobody in the run."""
        return self.bench.monitor.execute(statement, values).fetchall()

    def hear(self, rings: set[str]) -> None:
        for ring in sorted(rings):
            if not self.dice.hit("ring lost"):
                self.rings.append(ring)

    def unreadable(self, account_id: int) -> set[str]:
        """Orders that came as records nobody could read, and wait for a person."""
        start = f"order:{account_id}:"
        found = self.look(
            "SELECT subject FROM conflict WHERE kind = 'poison_record'"
            " AND state NOT IN ('auto_resolved', 'resolved') AND subject LIKE %(start)s",
            start=f"{start}%",
        )
        return {str(row[0]).removeprefix(start) for row in found}

    def known(self, shop: Shop, key: str) -> dict[str, int]:
        """The order lines of a shop's listing that the hub has, and their units."""
        return dict(
            self.look(
                "SELECT l.external_id, l.quantity FROM order_line l JOIN sales_order o"
                " ON o.seller_id = l.seller_id AND o.id = l.order_id"
                " WHERE o.account_id = %(account)s AND l.listing_key = %(key)s",
                account=self.accounts[shop.name],
                key=key,
            )
        )

    def hid_a_sale(self, shop: Shop, key: str, refused: Refusal) -> None:
        """Called by a shop whose refused number was written over: its orders must be known, unless
        what the hub has read since leads to that number by itself."""
        known = self.known(shop, key)
        read = sum(units for line, units in known.items() if line not in refused.known)
        if read and refused.expected - read == refused.current:
            return
        account_id = self.accounts[shop.name]
        found = self.look(
            "SELECT external_id FROM sales_order WHERE account_id = %(account)s",
            account=account_id,
        )
        unread = refused.readable - {row[0] for row in found} - self.unreadable(account_id)
        if unread:
            said = f"{shop.name} {key} was written over unread orders {sorted(unread)}"
            self.broken(f"no_sale_is_hidden: {said}")


@contextmanager
def opened(bench: Bench, seed: int) -> Iterator[World]:
    """The world of a seed, connected, stocked and live."""
    random = Random(seed)
    dice = Dice.rolled(random)
    database = bench.database
    database.clock = clock = Clock()
    queue = Queue(dice)
    trace = Trace()
    world: World
    scheduler = Scheduler(random, bench.waits, lambda line: world.tell(line))
    watch = Watch(
        clock,
        scheduler,
        lambda statement, **values: world.look(statement, **values),
        lambda what: world.broken(what),
    )
    world = World(
        seed, bench, random, dice, clock, scheduler, queue, Waking(database, queue), trace, watch
    )
    with ExitStack() as stack:
        stack.enter_context(installed())
        stack.enter_context(borders.given(clock, scheduler))
        stack.enter_context(watch.claims())
        stack.enter_context(watched(database.engine, scheduler))
        database.border, database.rung = scheduler.border, world.hear
        _furnish(world, stack)
        scheduler.rates = Rates(
            switch=random.choice((0.1, 0.3, 0.6)),
            within=random.choice((0.0, 0.02, 0.1, 0.3)),
            sleep=random.choice((0.0, 0.05, 0.25)),
            crash=random.choice((0.0, 0.005, 0.02, 0.05)),
        )
        try:
            yield world
        finally:
            scheduler.rates = Rates()
            scheduler.finish()
            _leave(world)


def _furnish(world: World, stack: ExitStack) -> None:
    """A seller, goods at one or two locations, and two or three shops of different kinds."""
    random = world.random
    skus = ["MUG", "APRON", "BOARD", "VASE"][: random.choice((1, 2, 3, 4))]
    shops = random.sample(KINDS, 2) if random.random() < 0.7 else [random.choice(KINDS)] * 2
    if random.random() < 0.2:
        shops = list(KINDS)
    world.seller_id = create_seller(world.database, f"Seller of seed {world.seed}")
    world.look("SELECT set_config('app.seller', %(seller)s, false)", seller=str(world.seller_id))
    credentials = {}
    for name, kind in zip(NAMES, shops, strict=False):
        premises = _build(world, name, kind)
        key = f"{world.seller_id}:{name}"
        credentials[name] = stack.enter_context(open_shop(key, premises))
        for sku in skus:
            if sku == skus[0] or random.random() < 0.8:
                premises.shop.stock[f"{name}-{sku}"] = BEFORE
    opening = {sku: random.choice((0, 2, 5, 12)) for sku in skus}
    with world.database.transaction(world.seller_id) as tx:
        places = ("MAIN", "SIDE")[: random.choice((1, 1, 2))]
        world.locations = [
            products.add_location(tx, one, priority=i) for i, one in enumerate(places)
        ]
        made = products.add_products(tx, [NewProduct(sku) for sku in skus])
        world.products = dict(made)
        _stock(tx, world, opening)
        for name, shop in world.shops.items():
            _connect(tx, world, shop, credentials[name])


def _build(world: World, name: str, kind: str) -> Premises:
    """A shop with its gate and its desk."""
    shop = Shop(name, kind, world.clock, world.dice)
    shop.border, shop.known = world.scheduler.border, world.known
    shop.hid_a_sale = world.hid_a_sale
    shop.note = world.tell
    limit, lifetime = world.random.choice(LIMITS), world.random.choice(LIFETIMES)
    gate = Gate(name, world.clock, world.dice, limit, lifetime, world.broken)
    desk = Desk(shop, world.watch.told, world.watch.doubled)
    world.shops[name], world.gates[name], world.desks[name] = shop, gate, desk

    def budget() -> Budget:
        return world.budget(world.accounts[name], limit)

    def asked(what: str, writes: bool) -> None:
        world.watch.asks(world.seller_id, world.accounts[name], what, writes)

    return Premises(shop, gate, desk, budget, asked)


def _stock(tx: Transaction, world: World, opening: Mapping[str, int]) -> None:
    lines = []
    for sku, units in opening.items():
        place = world.random.choice(world.locations)
        if units:
            lines.append(adjusting.Adjustment(world.products[sku], place, units))
            world.received[sku] += units
    if lines:
        adjusting.adjust(tx, "opening", lines, reason="opening")


def _connect(tx: Transaction, world: World, shop: Shop, credentials: Mapping[str, str]) -> None:
    secrets = {name: Secret(value) for name, value in credentials.items()}
    new = NewAccount(f"simulated_{shop.kind}", shop.name, secrets)
    number = accounts.connect(tx, world.carrier.keyring, new)
    world.accounts[shop.name] = number
    world.paths[shop.name] = accounts.get(tx, number).webhook_path
    if shop.kind != "told":
        shop.webhook_url = f"/webhooks/{world.paths[shop.name]}"
        requests.answer(tx, requests.ask(tx, number, "subscribe"), True, {"topics": ["order"]})
    found = [Listing(key, _sku(key), "A thing", units) for key, units in shop.stock.items()]
    listings.save_listings(tx, number, found)
    listings.link(tx, number, listings.matches(tx, listings.unlinked(tx, number)))
    accounts.set_mode(tx, number, accounts.LIVE)


def _sku(key: str) -> str:
    return key.partition("-")[2]


def _leave(world: World) -> None:
    """Nothing of this seller is due in the runs that follow."""
    with world.database.transaction(world.seller_id) as tx:
        for statement in (
            "UPDATE flow SET next_at = 'infinity' WHERE seller_id = :seller",
            "DELETE FROM stock_change WHERE seller_id = :seller",
        ):
            tx.connection.exec_driver_sql(statement.replace(":seller", str(world.seller_id)))


def listings_of(world: World) -> Sequence[tuple[Any, ...]]:
    """(account, key, product, listing id, version, paused), in an order that replays."""
    return world.look(
        "SELECT account_id, external_id, product_id, id, version, paused FROM listing"
        " WHERE seller_id = %(seller)s ORDER BY external_id",
        seller=world.seller_id,
    )
