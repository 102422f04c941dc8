"""From kill -9 of a worker in mid-job to what the job was for.

Real processes: a clock, and a supervisor with the workers that are started by default. A shop that
is asked for something kills, before it answers, the worker that asked, which holds a lease, and
every other that could take over: what is measured includes its successor's start. The time runs
until the stock that was to be set is recorded as sent, the order that was being read is in the
ledger, or the person who asked has an answer. There is no floor: the goal is in seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count, islice
from queue import Empty, SimpleQueue
from random import Random
from signal import SIGKILL
from time import perf_counter, sleep
from typing import Any

import psycopg

from benchmarks.ground import Ground
from benchmarks.harness import Result, Scale, benchmark, figure, note, percentile
from benchmarks.webhook_burst import (
    SKU,
    Place,
    environ,
    open_shops,
    read,
    running,
    simulated,
    stock,
)
from hub.channels import flows, requests
from hub.db import Database, Transaction
from hub.heartbeat import beats
from hub.inventory.adjusting import Adjustment, adjust
from hub.inventory.products import own_locations, product_id
from servers import process

GOAL = 10.0
KILLS = {"quick": 3, "usual": 21, "full": 60}
PATIENCE = 120.0
#: The lanes where each is done: those that go on may have stepped aside.
LIVE, BULK = ("live", "long"), ("bulk",)
LOOK = 0.01
#: Nothing but what is measured is due.
QUIET = """
UPDATE flow SET next_at = 'infinity', cursor = CASE flow
       WHEN 'check' THEN jsonb_build_object('round', now()) ELSE cursor END"""
PUSHED = "SELECT bool_and(sent_version = desired_version AND sent_quantity = %s) FROM listing"
TAKEN_IN = "SELECT count(*) = 1 FROM sales_order WHERE external_id LIKE %s"
ANSWERED = "SELECT state = 'done' FROM request WHERE id = %s"
OFFERED = "SELECT max(desired_quantity) FROM listing"

Effect = tuple[str, tuple[Any, ...]]


@dataclass
class Bench:
    """One shop, and who carries for it. ``killed``: when its workers were."""

    database: Database
    boss: psycopg.Connection
    place: Place
    killed: SimpleQueue[float] = field(default_factory=SimpleQueue)
    numbers: Iterator[int] = field(default_factory=count)

    def workers(self) -> dict[str, int]:
        """Lane → the process that serves it."""
        found = [one for one in beats(self.database) if one.kind == "worker"]
        return {str(one.details["lane"]): one.pid for one in found if process.alive(one.pid)}

    def staffed(self) -> dict[str, int]:
        began = perf_counter()
        while set(found := self.workers()) < {*LIVE, *BULK}:
            assert perf_counter() - began < PATIENCE, "the workers do not start: see their log"
            sleep(0.1)
        return found

    def recovery(self, lanes: Sequence[str], where: str, ask: Callable[[], Effect]) -> float:
        """Seconds from the kill to the effect."""
        staff = self.staffed()

        def kill() -> None:
            for lane in lanes:
                os.kill(staff[lane], SIGKILL)
            self.killed.put(perf_counter())

        self.place.shop.meanwhile(kill, where)
        effect = ask()
        try:
            since = self.killed.get(timeout=PATIENCE)
        except Empty:
            raise AssertionError(f"no worker came for {where}") from None
        while not (self.boss.execute(effect[0].encode(), effect[1]).fetchone() or (False,))[0]:
            assert perf_counter() - since < PATIENCE, f"never taken up: {where}"
            sleep(LOOK)
        return perf_counter() - since

    def stock_changes(self) -> Effect:
        (before,) = self.boss.execute(OFFERED).fetchone() or (0,)

        def work(tx: Transaction) -> None:
            (here,) = own_locations(tx)
            key = f"change:{next(self.numbers)}"
            adjust(tx, key, [Adjustment(product_id(tx, SKU), here, 1)])

        self.database.command(self.place.seller_id, work)
        return PUSHED, (before + 1,)

    def order_comes(self) -> Effect:
        key = self.place.shop.shop.buy([(SKU, 1)]).key
        account_id = self.place.account_id
        self.database.command(
            self.place.seller_id, lambda tx: flows.make_due(tx, flows.PULL, [account_id])
        )
        return TAKEN_IN, (f"%/{key}",)

    def person_asks(self) -> Effect:
        account_id = self.place.account_id
        number = self.database.command(
            self.place.seller_id, lambda tx: requests.ask(tx, account_id, "test")
        )
        return ANSWERED, (number,)


@benchmark("recovery")
def recovery(ground: Ground, scale: Scale) -> Iterable[Result]:
    chance = Random(9)
    waits: dict[str, list[float]] = {}
    with ExitStack() as stack:
        name = stack.enter_context(ground.copy(ground.empty()))
        shop = stack.enter_context(simulated("north"))
        database = stack.enter_context(ground.app(name))
        (place,) = open_shops(database, [shop])
        read(database, ground.home, [place])
        stock(database, place.seller_id)
        read(database, ground.home, [place])
        boss = stack.enter_context(ground.superuser(name, autocommit=True))
        boss.execute(QUIET)
        env = {
            **environ(ground, name, [place]),
            "REDIS_URL": ground.valkey.url,
            "HUB_READBACK_SECONDS": "86400",
            "HUB_PULL_SECONDS": "86400",
        }
        stack.enter_context(running(ground, ["clock"], env))
        stack.enter_context(running(ground, ["worker"], env))
        bench = Bench(database, boss, place)
        jobs = {
            "push": (LIVE, "SetStock", bench.stock_changes),
            "pull": (LIVE, "Orders", bench.order_comes),
            "request": (BULK, "Shop", bench.person_asks),
        }
        for kind in islice(_in_turn(jobs), KILLS[scale.name]):
            bench.staffed()
            sleep(chance.uniform(0.2, 2.0))  # any moment of the clock's round
            waits.setdefault(kind, []).append(bench.recovery(*jobs[kind]))
    yield from _results(waits)


def _in_turn(kinds: Iterable[str]) -> Iterator[str]:
    while True:
        yield from kinds


def _results(waits: dict[str, list[float]]) -> Iterator[Result]:
    for kind, those in waits.items():
        shown = ", ".join(f"{one:.1f}" for one in sorted(those))
        note(f"{kind}: {shown} s")
    every = [one for those in waits.values() for one in those]
    p99 = percentile(every, 99)
    yield figure("recovery-p50", "s", every)
    yield Result("recovery-p99", "s", p99, None, p99 / GOAL, 1.0, len(every))
