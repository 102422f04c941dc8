"""What others' trouble costs quiet sellers: change → request, alone, beside a backlog, beside a
channel that hangs.

Real processes, as many as are started by default. Quiet sellers sell at a steady pace, whatever
comes of it, and each sale is waited for at their other shop. Beside them another seller has so many
listings due at a shop of ordinary speed; then sellers sell whose other shops accept connections and
never answer. The floor is the quiet sellers' p99 alone, in the same run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count, cycle
from threading import Event, Lock, Thread
from time import perf_counter

import psycopg

from benchmarks import shop
from benchmarks.change_to_push import ONLY_PUSH, SHOWN
from benchmarks.ground import Ground, after_commit
from benchmarks.harness import Result, Scale, benchmark, note, percentile
from benchmarks.push_drain import KEYS, MAKE_DUE
from benchmarks.shop import KEYRING, Shop
from benchmarks.street import Door
from benchmarks.webhook_burst import running
from hub.config import environment
from hub.db import Database
from hub.heartbeat import beats
from hub.sales.intake import take_in

GOAL = 2.0
QUIET, HANGING = 4, 4
PRODUCTS = 200
#: Listings of the seller with a backlog, by scale.
BACKLOG = {"quick": 5_000, "usual": 20_000, "full": 100_000}
#: Sales a second: of the quiet sellers together, of those whose channel hangs.
RATE, HANGING_RATE = 4.0, 1.0
#: Seconds that a shop of ordinary speed takes for a batch.
ORDINARY = 0.25
WARM_UP = 24
#: Of the scale's samples: each takes a quarter of a second, three times.
SHARE = 0.5
PATIENCE = 60.0
STAFF = {("clock", ""), ("worker", "live"), ("worker", "long"), ("worker", "bulk")}
MOVED = "UPDATE account SET base_url = %s WHERE seller_id = ANY(%s)"
MADE_DUE = "UPDATE flow SET next_at = now() WHERE seller_id = %s AND flow = 'push'"
#: What is left of the backlog is wanted no more.
GIVEN_UP = "UPDATE listing SET sent_version = desired_version WHERE seller_id = %s"
#: Their pulls come due as pulls do, one here, one there.
HANGS = """
UPDATE flow SET next_at = now() + make_interval(secs => 10 * random())
WHERE seller_id = ANY(%s) AND flow = 'pull'"""
WAITING = "SELECT count(*) FROM listing WHERE seller_id = %s AND sent_version < desired_version"


def furnished(ground: Ground, name: str, *, backlog: int) -> None:
    """The seller with the backlog, quiet ones, those whose channel will hang, in that order; each
    by a connection of its own: a foreign key's plan is made for as many rows as there are."""
    wanted = [(backlog, 1), *[(PRODUCTS, 2)] * QUIET, *[(PRODUCTS, 3)] * HANGING]
    for products, shops in wanted:
        with ground.app(name) as database:
            shop.furnish(database, products=products, shops=shops)
    with ground.superuser(name, autocommit=True) as boss:
        boss.execute("VACUUM (ANALYZE) product, level, listing, offer")


def sellers(boss: psycopg.Connection) -> list[Shop]:
    def ids(table: str, seller_id: int, order: str) -> tuple[int, ...]:
        query = f"SELECT id FROM {table} WHERE seller_id = %s ORDER BY {order}"
        return tuple(row[0] for row in boss.execute(query.encode(), (seller_id,)))

    found = boss.execute("SELECT id FROM seller ORDER BY id").fetchall()
    return [
        Shop(
            number,
            ids("location", number, "id")[0],
            ids("account", number, "id"),
            ids("product", number, "sku_key"),
        )
        for (number,) in found
    ]


@dataclass
class Seller:
    """One who sells in the first shop, product after product. ``sold``: when each product's sale
    was committed; ``waits``: milliseconds until the other shop was asked for it."""

    here: Shop
    sold: dict[int, float] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    numbers: Iterator[int] = field(default_factory=count)

    def committed(self, product: int) -> None:
        with self.lock:
            self.sold[product] = perf_counter()

    def asked(self, product: int, at: float) -> None:
        with self.lock:
            since = self.sold.pop(product, None)
            if since is not None:
                self.waits.append((at - since) * 1e3)


class Till:
    """Where sellers sell, one after the other, at a pace that nothing holds up for long."""

    def __init__(self, database: Database, sellers: Sequence[Seller], pace: float) -> None:
        self.database = database
        self.turns = cycle(sellers)
        self.apart = 1 / pace
        self._sold: Callable[[], None] = lambda: None
        after_commit(database, lambda: self._sold())

    def sell(self, seller: Seller) -> None:
        number = next(seller.numbers)
        product = number % PRODUCTS
        one = shop.order(10**6 + number, [(product, 1)])
        self._sold = partial(seller.committed, product)
        self.database.command(
            seller.here.seller_id,
            lambda tx: take_in(tx, KEYRING, seller.here.target, [one]),
        )

    def open(self, sales: int, stop: Event) -> None:
        due = perf_counter()
        for _ in range(sales):
            due += self.apart
            if stop.wait(max(0.0, due - perf_counter())):
                return
            self.sell(next(self.turns))


@dataclass
class Market:
    """Everybody's shops, and the processes that carry for them."""

    boss: psycopg.Connection
    quiet: list[Seller]
    hanging: list[Seller]
    busy: Shop
    till: Till
    other_till: Till

    def quietly(self, sales: int) -> list[float]:
        """Milliseconds from each quiet sale to the other shop's request for it."""
        for one in self.quiet:
            one.waits.clear()
        self.till.open(sales, Event())
        deadline = time.monotonic() + PATIENCE
        while any(one.sold for one in self.quiet):
            assert time.monotonic() < deadline, "a sale never came to the other shop"
            time.sleep(0.05)
        return [each for one in self.quiet for each in one.waits]

    def beside_a_backlog(self, sales: int) -> list[float]:
        self.boss.execute(f"{MAKE_DUE} WHERE seller_id = %s".encode(), (self.busy.seller_id,))
        self.boss.execute(MADE_DUE, (self.busy.seller_id,))
        waits = self.quietly(sales)
        left = self.boss.execute(WAITING, (self.busy.seller_id,)).fetchone()
        note(f"{left[0] if left else 0:,} of the backlog are left")
        self.boss.execute(GIVEN_UP, (self.busy.seller_id,))
        return waits

    def beside_what_hangs(self, sales: int) -> list[float]:
        stop = Event()
        self.boss.execute(HANGS, ([one.here.seller_id for one in self.hanging],))
        selling = Thread(target=self.other_till.open, args=(10**6, stop))
        selling.start()
        try:
            return self.quietly(sales)
        finally:
            stop.set()
            selling.join()


@contextmanager
def open_market(ground: Ground, backlog: int) -> Iterator[Market]:
    with ExitStack() as stack:
        template = ground.template(
            f"fairness_{backlog}", partial(furnished, backlog=backlog), base=ground.empty()
        )
        name = stack.enter_context(ground.copy(template))
        boss = stack.enter_context(ground.superuser(name, autocommit=True))
        everybody = sellers(boss)
        busy, others = everybody[0], everybody[1:]
        quiet = [Seller(one) for one in others[:QUIET]]
        hanging = [Seller(one) for one in others[QUIET:]]
        hangs, ordinary = Door(seconds=None), Door(seconds=ORDINARY)
        doors = [hangs, ordinary, *(Door(asked=one.asked) for one in quiet)]
        for door in doors:
            stack.callback(door.stop)
        boss.execute(MOVED, (hangs.url, [one.here.seller_id for one in hanging]))
        boss.execute(MOVED, (ordinary.url, [busy.seller_id]))
        for one, door in zip(quiet, doors[2:], strict=True):
            boss.execute(MOVED, (door.url, [one.here.seller_id]))
        boss.execute(ONLY_PUSH)
        boss.execute(SHOWN)
        boss.execute("VACUUM (ANALYZE) listing, flow, account")
        tills = [
            Till(stack.enter_context(ground.app(name)), *given)
            for given in ((quiet, RATE), (hanging, HANGING_RATE))
        ]
        env = environ(ground, name, doors)
        stack.enter_context(running(ground, ["clock"], env))
        stack.enter_context(running(ground, ["worker"], env))
        _await_beats(tills[0].database)
        yield Market(boss, quiet, hanging, busy, *tills)


def environ(ground: Ground, name: str, doors: Iterable[Door]) -> dict[str, str]:
    return {
        **environment(),
        "DATABASE_URL": ground.app_url(name),
        "REDIS_URL": ground.valkey.url,
        "HUB_HOME": str(ground.home),
        "HUB_SECRET_KEYS": KEYS,
        "HUB_LOOPBACK": ",".join(one.address for one in doors),
        "HUB_READBACK_SECONDS": "86400",
        "HUB_LOG_LEVEL": "ERROR",
    }


def _await_beats(database: Database) -> None:
    deadline = time.monotonic() + PATIENCE
    while not {(one.kind, str(one.details.get("lane", ""))) for one in beats(database)} >= STAFF:
        assert time.monotonic() < deadline, "clock and workers did not start: see their logs"
        time.sleep(0.1)


@benchmark("fairness")
def fairness(ground: Ground, scale: Scale) -> Iterable[Result]:
    with open_market(ground, BACKLOG[scale.name]) as market:
        market.quietly(WARM_UP)
        sales = int(scale.samples * SHARE)
        alone = market.quietly(sales)
        backlog = market.beside_a_backlog(sales)
        hangs = market.beside_what_hangs(sales)
    floor = percentile(alone, 99)
    told = {"alone": alone, "beside a backlog": backlog, "beside what hangs": hangs}
    for who, waits in told.items():
        parts = ", ".join(f"p{at} {percentile(waits, at):.1f}" for at in (50, 90, 99))
        note(f"{who}: {parts}, longest {max(waits):.1f} ms, of {len(waits)}")
    for name, waits in (("backlog", backlog), ("hanging", hangs)):
        ours = percentile(waits, 99)
        yield Result(f"fairness-{name}-p99", "ms", ours, floor, ours / floor, GOAL, len(waits))
