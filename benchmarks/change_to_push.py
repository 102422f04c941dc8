"""From an order's commit in one shop to the stock request at the other, all else idle.

Real processes: a clock and a live worker. The floor is the queue's own way: the same worker, the
same queue, a job whose first act is the same HTTP request. The two take turns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from random import Random
from signal import SIGTERM
from time import perf_counter

import requests
from rq import Queue

from benchmarks import shop
from benchmarks.ground import HERE, Ground, after_commit
from benchmarks.harness import Result, Scale, benchmark, note, percentile
from benchmarks.push_drain import KEYS
from benchmarks.shop import KEYRING
from benchmarks.storefront import Storefront
from hub.config import environment, settings
from hub.db import Database, Transaction
from hub.heartbeat import beats
from hub.sales.intake import take_in
from servers import process
from sync import queues
from sync.lanes import LIVE

GOAL, EXTRA_GOAL = 4.0, 100.0
PRODUCTS = 200
WARM_UP = 10
APART = 0.05
PATIENCE = 20.0
PROCESSES = {"clock": ["clock"], "worker": ["worker", "--lane", "live"]}
#: What the two shops would be asked for besides stock is not what is measured.
ONLY_PUSH = """
UPDATE flow SET next_at = 'infinity', cursor = CASE flow
       WHEN 'check' THEN jsonb_build_object('round', now()) ELSE cursor END"""
#: Nothing is due when the clock starts.
SHOWN = """
UPDATE listing SET sent_version = desired_version, sent_quantity = desired_quantity,
       remote_quantity = desired_quantity, check_at = NULL, checks_left = 0"""

SESSION = requests.Session()
SESSION.trust_env = False


def ask(url: str, body: str) -> None:
    """The floor's job, run by the worker."""
    headers = {"Content-Type": "application/json"}
    SESSION.post(url, data=body.encode(), headers=headers, timeout=10)


BODY = '{"query": "' + "q" * 300 + '", "variables": {"quantities": ["' + "v" * 200 + '"]}}'


@contextmanager
def processes(ground: Ground, name: str, shops: Iterable[Storefront]) -> Iterator[dict[str, str]]:
    """A clock and a live worker, with logs beside the servers'. Answers their environment."""
    env = {
        **environment(),
        "DATABASE_URL": ground.app_url(name),
        "REDIS_URL": ground.valkey.url,
        "HUB_HOME": str(ground.home),
        "HUB_SECRET_KEYS": KEYS,
        "HUB_LOOPBACK": ",".join(one.address for one in shops),
        "HUB_READBACK_SECONDS": "86400",
        "HUB_LOG_LEVEL": "WARNING",
    }
    children = []
    try:
        for kind, words in PROCESSES.items():
            with (ground.home / f"{kind}.log").open("wb") as log:
                command: list[str | Path] = [sys.executable, "-m", "hub.cli", *words]
                children.append(
                    process.spawn(
                        command, stop_signal=SIGTERM, env=env, stdout=log, cwd=HERE.parent
                    )
                )
        yield env
        assert all(child.poll() is None for child in children), "a process left while measured"
    finally:
        for child in children:
            process.stop(child, SIGTERM, 20.0)


def _await_beats(database: Database) -> None:
    deadline = time.monotonic() + 60
    while {one.kind for one in beats(database)} < set(PROCESSES):
        assert time.monotonic() < deadline, "clock and worker did not start: see their logs"
        time.sleep(0.1)


class Other:
    """The second shop, and the moments its server was asked."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[float] = SimpleQueue()
        self.server = Storefront(self._asked.put)

    def asked(self) -> float:
        """When the one request came that was waited for."""
        at = self._asked.get(timeout=PATIENCE)
        assert self._asked.empty(), "more than one request"
        return at


class Bench:
    """Both ways to the second shop's server. The first shop need not be told what it sold."""

    def __init__(self, database: Database, here: shop.Shop, queue: Queue, other: Other) -> None:
        self.database = database
        self.here = here
        self.queue = queue
        self.other = other
        self.orders = shop.orders(here, 1)
        self.committed = 0.0
        after_commit(database, self._note)

    def _note(self) -> None:
        self.committed = perf_counter()

    def ours(self) -> float:
        """Sold in the first shop. From the moment COMMIT came back, before the ring goes out."""
        (one,) = shop.take(self.orders, 1)

        def work(tx: Transaction) -> None:
            take_in(tx, KEYRING, self.here.target, [one])

        self.database.command(self.here.seller_id, work)
        return self.other.asked() - self.committed

    def floor(self) -> float:
        began = perf_counter()
        self.queue.enqueue(
            f"{__name__}.{ask.__name__}",
            self.other.server.url,
            BODY,
            job_timeout=queues.JOB_SECONDS,
            result_ttl=0,
        )
        return self.other.asked() - began


def _rest(chance: Random) -> None:
    time.sleep(APART * chance.uniform(1.5, 3.0))


@benchmark("change-to-push")
def change_to_push(ground: Ground, scale: Scale) -> Iterable[Result]:
    chance = Random(4)
    ours, floor = [], []
    with ExitStack() as stack:
        name = stack.enter_context(ground.copy(ground.shops(products=PRODUCTS, shops=2)))
        first, other = Storefront(), Other()
        shops = [first, other.server]
        boss = stack.enter_context(ground.superuser(name, autocommit=True))
        here = shop.read(boss)
        for account_id, one in zip(here.account_ids, shops, strict=True):
            stack.callback(one.stop)
            boss.execute("UPDATE account SET base_url = %s WHERE id = %s", (one.url, account_id))
        boss.execute(ONLY_PUSH)
        boss.execute(SHOWN)
        database = stack.enter_context(ground.app(name))
        env = stack.enter_context(processes(ground, name, shops))
        _await_beats(database)
        found = settings(env)
        lane = queues.lane_name(found, LIVE)
        queue = Queue(lane, connection=queues.connect(found), serializer="json")
        bench = Bench(database, here, queue, other)
        for number in range(-WARM_UP, scale.samples):
            _rest(chance)
            mine = bench.ours()
            _rest(chance)
            theirs = bench.floor()
            if number >= 0:
                ours.append(mine * 1e3)
                floor.append(theirs * 1e3)
    yield from _results(ours, floor)


def _results(ours: list[float], floor: list[float]) -> Iterator[Result]:
    mine, theirs = percentile(ours, 50), percentile(floor, 50)
    mine_99, theirs_99 = percentile(ours, 99), percentile(floor, 99)
    for who, side in (("ours", ours), ("RQ", floor)):
        parts = ", ".join(f"p{at} {percentile(side, at):.1f} ms" for at in (50, 90, 99))
        note(f"{who}: {parts}")
    count = len(ours)
    yield Result("change-to-push", "ms", mine, theirs, mine / theirs, GOAL, count)
    extra = mine_99 - theirs_99
    yield Result("change-to-push-p99-extra-ms", "ms", mine_99, theirs_99, extra, EXTRA_GOAL, count)
