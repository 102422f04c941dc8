"""100,000 due listings of 10 shops, pushed in batches of 250 to a server that answers at once.

What must be small is our share: the wall time in which neither HTTP nor SQL is under way. HTTP is
the time inside ``requests.Session.send``, which contains that library's own work; SQL is the time
inside the driver's execute and in COMMIT and ROLLBACK. The next batch is claimed while one is at
the channel; time in which both are under way counts once. Building bodies and statements, reading
answers, making rows of results, locks and threads: all that is ours, unless something is waited for
meanwhile.
"""

from __future__ import annotations

import base64
import gc
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median
from threading import Lock
from time import perf_counter, process_time
from typing import Any

import requests
from sqlalchemy import Engine, event

from benchmarks import shop
from benchmarks.ground import HERE, Ground
from benchmarks.harness import Result, Scale, benchmark, figure, note
from hub.config import Settings
from sync.carrier import Carrier
from sync.push import push

SHOPS = 10
BATCH = 250
GOAL = 0.1
PASSES = 5  # at most, and one that does not count
KEYS = f"bench:{base64.b64encode(shop.KEY).decode()}"

#: Every listing shows something else than it should, and is due.
MAKE_DUE = """
UPDATE listing SET desired_version = desired_version + 1, desired_quantity = desired_quantity + 1,
       remote_quantity = desired_quantity, next_at = '-infinity', check_at = NULL"""


@dataclass(slots=True)
class Meter:
    """Seconds and calls on the two sides we do not answer for; ``waited`` is the time with at least
    one of them under way, in any thread."""

    http: float = 0.0
    calls: int = 0
    sql: float = 0.0
    statements: int = 0
    waited: float = 0.0
    _under_way: int = 0
    _since: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def reset(self) -> None:
        self.http = self.sql = self.waited = 0.0
        self.calls = self.statements = 0

    def _begin(self) -> float:
        with self._lock:
            now = perf_counter()
            if not self._under_way:
                self._since = now
            self._under_way += 1
            return now

    def _end(self, began: float) -> float:
        with self._lock:
            now = perf_counter()
            self._under_way -= 1
            if not self._under_way:
                self.waited += now - self._since
            return now - began

    def watch(self, engine: Engine) -> None:
        def before(*given: Any) -> None:
            given[4].bench_start = self._begin()

        def after(*given: Any) -> None:
            self.sql += self._end(given[4].bench_start)
            self.statements += 1

        event.listen(engine, "before_cursor_execute", before)
        event.listen(engine, "after_cursor_execute", after)
        for name in ("do_commit", "do_rollback"):
            setattr(engine.dialect, name, self._timed(getattr(engine.dialect, name)))

    def _timed(self, call: Any) -> Any:
        def timed(connection: Any) -> None:
            start = self._begin()
            call(connection)
            self.sql += self._end(start)

        return timed

    @contextmanager
    def sends(self) -> Iterator[None]:
        """While this is open, every send of every session is counted."""
        send = requests.Session.send

        def timed(session: requests.Session, *args: Any, **options: Any) -> requests.Response:
            start = self._begin()
            try:
                return send(session, *args, **options)
            finally:
                self.http += self._end(start)
                self.calls += 1

        requests.Session.send = timed  # type: ignore[method-assign]
        try:
            yield
        finally:
            requests.Session.send = send  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Drained:
    wall: float
    cpu: float
    http: float
    calls: int
    sql: float
    statements: int
    outside: float


@contextmanager
def storefront() -> Iterator[str]:
    """The address of a server in a process of its own."""
    program = [sys.executable, "-m", "benchmarks.storefront"]
    with subprocess.Popen(program, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield f"127.0.0.1:{int(child.stdout.readline())}"
        finally:
            child.terminate()


def _carrier(ground: Ground, name: str, address: str) -> Carrier:
    settings = Settings(
        home=ground.home,
        database_url=ground.app_url(name),
        secret_keys=KEYS,
        loopback=frozenset({address}),
        readback_seconds=86_400.0,
    )
    return Carrier.of(settings)


def _drain(carrier: Carrier, here: shop.Shop, listings: int, meter: Meter) -> Drained:
    """Push every account in turn, as one worker would."""
    meter.reset()
    with meter.sends():
        wall, cpu = perf_counter(), process_time()
        accepted = sum(push(carrier, here.seller_id, one) for one in here.account_ids)
        wall, cpu = perf_counter() - wall, process_time() - cpu
    drained = Drained(wall, cpu, meter.http, meter.calls, meter.sql, meter.statements, meter.waited)
    assert accepted == listings, f"{accepted} of {listings} listings were accepted"
    return drained


@benchmark("push-drain")
def push_drain(ground: Ground, scale: Scale) -> Iterable[Result]:
    listings = SHOPS * scale.listings
    template = ground.shops(products=scale.listings, shops=SHOPS)
    passes = min(scale.passes, PASSES)
    kept: list[Drained] = []
    with ExitStack() as stack:
        name = stack.enter_context(ground.copy(template))
        address = stack.enter_context(storefront())
        boss = stack.enter_context(ground.superuser(name, autocommit=True))
        boss.execute("UPDATE account SET base_url = %s", (f"http://{address}",))
        here = shop.read(boss)
        carrier = _carrier(ground, name, address)
        stack.callback(carrier.close)
        meter = Meter()
        meter.watch(carrier.database.engine)
        for number in range(-1, passes):
            boss.execute(MAKE_DUE)
            boss.execute("VACUUM (ANALYZE) listing")
            gc.collect()
            drained = _drain(carrier, here, listings, meter)
            if number >= 0:
                kept.append(drained)
    one = kept[-1]
    note(f"last pass: SQL {one.sql / one.wall:.0%} in {one.statements:,} statements")
    note(f"HTTP {one.http / one.wall:.0%} in {one.calls:,} calls")
    walls = median(each.wall for each in kept)
    outside = median(each.outside for each in kept)
    share = median(1 - each.outside / each.wall for each in kept)
    yield Result("push-drain", "s", walls, outside, share, GOAL, passes)
    yield figure("push-drain-listings", "listings/s", [listings / each.wall for each in kept])
    yield figure("push-drain-cpu", "ms/call", [each.cpu / each.calls * 1e3 for each in kept])
