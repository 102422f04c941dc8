"""What ringing costs the commits: eight writers, a slow disk, a clock that listens.

The disk is slowed by the server's own ``commit_delay`` of 5 ms. A NOTIFY inside the transaction
would let one commit through at a time; ours comes after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Event, Thread
from time import perf_counter

from benchmarks import shop
from benchmarks.ground import SUPERUSER, Ground
from benchmarks.harness import Result, Scale, alternate, benchmark, note, rate
from hub.db import CHANNEL, Database, create
from hub.inventory.adjusting import Adjustment, adjust
from sync.clock import listener

WRITERS = 8
COMMITS = 60  # of each writer, in a pass
GOAL = 1.1
TASK = tuple[int, int, str, bool]  # product, location, key, ringing


class Writer:
    """What one process keeps: its database."""

    database: Database
    seller_id: int


def start(url: str, seller_id: int) -> None:
    Writer.database = Database(create(url, pool=1, name="bench-ring"))
    Writer.seller_id = seller_id


def write(task: TASK) -> None:
    """Small postings of one product, each a transaction. Posting always asks for a ring; without
    ringing that is forgotten before the commit."""
    product, place, key, ringing = task
    for number in range(COMMITS):
        with Writer.database.transaction(Writer.seller_id) as tx:
            adjust(tx, f"{key}:{number}", [Adjustment(product, place, 1)])
            if not ringing:
                tx.rings.clear()


@contextmanager
def _listening(url: str) -> Iterator[list[str]]:
    """A clock's connection that hears every ring."""
    heard: list[str] = []
    stop = Event()
    with listener(url) as connection:
        connection.execute(f"LISTEN {CHANNEL}".encode())

        def hear() -> None:
            while not stop.is_set():
                heard.extend(notice.payload for notice in connection.notifies(timeout=0.2))

        ear = Thread(target=hear)
        ear.start()
        try:
            yield heard
        finally:
            stop.set()
            ear.join()


@benchmark("ring")
def ring(ground: Ground, scale: Scale) -> Iterable[Result]:
    with ground.copy(ground.shops(products=20, shops=1)) as name:
        with ground.superuser(SUPERUSER, autocommit=True) as boss:
            for setting in ("commit_delay = 5000", "commit_siblings = 0"):
                boss.execute(f"ALTER DATABASE {name} SET {setting}".encode())
        with ground.superuser(name) as boss:
            here = shop.read(boss)
        url = ground.app_url(name)
        pool = ProcessPoolExecutor(WRITERS, get_context("spawn"), start, (url, here.seller_id))
        passes = iter(range(10_000))

        def commits(*, ringing: bool) -> float:
            key = f"pass {next(passes)}"
            tasks = [
                (product, here.location_id, f"{key}:{product}", ringing)
                for product in here.products[:WRITERS]
            ]
            began = perf_counter()
            list(pool.map(write, tasks))
            return perf_counter() - began

        with pool, _listening(url) as heard:
            ours, floor = alternate(
                scale.passes, lambda: commits(ringing=True), lambda: commits(ringing=False)
            )
    note(f"{len(heard):,} rings heard of {(scale.passes + 1) * WRITERS * COMMITS:,}")
    yield rate("ring", "commits/s", WRITERS * COMMITS, ours, floor, GOAL)
