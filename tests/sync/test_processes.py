"""Clock and workers as they really run, and killed as they really are.

Everything here is a process of its own: PostgreSQL, Valkey, clock, workers. The shops and their
buyers are in this one, so that no kill takes what they remember.
"""

from __future__ import annotations

import base64
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hub import migrating
from hub.config import environment
from hub.db import Database
from hub.errors import HubError
from hub.heartbeat import beats
from hub.secrets import Keyring
from hub.seller import create_seller
from servers import accounts, binaries, process
from servers.postgres import Postgres
from servers.valkey import Valkey
from sync.simulating import Buyers
from tests import pump
from tests.database import opened
from tests.pump import World, eventually, time_passes

KEYS = "test:" + base64.b64encode(b"t" * 32).decode()
GOODS = {f"SKU-{number:02}": 40 for number in range(12)}
#: Longer than any lease: what a dead worker held is free once so much time has passed.
LEASES = 310.0


@dataclass
class Premises:
    """Servers, a world, and the processes that carry for it; those kept are started again."""

    postgres: Postgres
    valkey: Valkey
    world: World
    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.world.database

    def start(self, name: str) -> None:
        """A process by its command; a number at its end tells two of a kind apart."""
        command = name.rstrip("0123456789 ").split()
        with (self.home / f"{command[0]}.log").open("ab") as log:
            self.running[name] = process.spawn(
                [sys.executable, "-m", "hub.cli", *command],
                stop_signal=signal.SIGTERM,
                env={**environment(), **self.settings},
                stdout=log,
            )

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running[name].wait()

    def keep(self) -> None:
        """What a Procfile's runner does: start again what has left."""
        for name, child in list(self.running.items()):
            if child.poll() is not None:
                self.start(name)

    def stop(self) -> None:
        for child in self.running.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self.running.values():
            process.stop(child, signal.SIGTERM, 15)

    def kill_redis(self) -> None:
        os.kill(self.valkey.pid, signal.SIGKILL)
        assert self.valkey._process is not None
        self.valkey._process.wait()

    def restore_redis(self) -> None:
        """Empty, at the same address."""
        self.valkey._launch(binaries.valkey(accounts.for_servers()).executable)

    def crash_database(self) -> None:
        """Immediate stop: no transaction is finished, no session is told."""
        os.kill(self.postgres.pid, signal.SIGQUIT)
        assert self.postgres._process is not None
        self.postgres._process.wait(30)

    def restore_database(self) -> None:
        program = binaries.postgres(accounts.named(accounts.for_servers()))
        self.postgres._forget_dead_postmaster()
        self.postgres._launch(program.executable.with_name("postgres"))

    def alive(self, kind: str, lane: str = "") -> set[int]:
        """Processes of a kind that say they run and do."""
        found = [one for one in beats(self.database) if one.kind == kind]
        return {
            one.pid
            for one in found
            if one.details.get("lane", "") == lane and process.alive(one.pid)
        }

    def logs(self) -> str:
        return "\n".join(one.read_text()[-3_000:] for one in self.home.glob("*.log"))


@contextmanager
def premises(home: Path, **options: object) -> Iterator[Premises]:
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres(home, throwaway=True))
        valkey = stack.enter_context(Valkey(home, throwaway=True))
        postgres.create_database("hub")
        app_url = postgres.url("hub", "hub")
        migrating.upgrade(postgres.url("hub_owner", "hub"), app_url)
        database = stack.enter_context(opened(app_url))
        keyring = Keyring.parse(KEYS)
        seller_id = create_seller(database, "Anna's Outdoor Shop", "GBP")
        world = stack.enter_context(
            pump.world(database, keyring, seller_id, home, **options)  # type: ignore[arg-type]
        )
        made = Premises(postgres, valkey, world, home)
        made.settings = {
            "DATABASE_URL": app_url,
            "REDIS_URL": valkey.url,
            "HUB_HOME": str(home),
            "HUB_LOOPBACK": ",".join(one.address for one in world.shops.values()),
            "HUB_SECRET_KEYS": KEYS,
            "HUB_PUBLIC_URL": world.doorway.url,
            "HUB_READBACK_SECONDS": "0.5",
            "HUB_PULL_SECONDS": "3",
            "HUB_SWEEP_SECONDS": "0.5",
            "HUB_LOG_LEVEL": "WARNING",
        }
        stack.callback(made.stop)
        yield made


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Premises]:
    with premises(tmp_path) as made:
        yield made


def shows(world: World, sku: str, units: int) -> Callable[[], bool]:
    return lambda: set(world.shown(sku).values()) == {units}


# -- Redis ----------------------------------------------------------------------------------------


def lose_redis_for(place: Premises, seconds: float) -> float:
    """Kill Redis while a worker waits for a shop's answer; answers how long after its return a
    sale made meanwhile shows at the other shop."""
    world, north = place.world, place.world.shops["north"]
    place.start("clock")
    place.start("worker")
    world.buy("south", ("MUG", 1))
    eventually(shows(world, "MUG", 9), 40, "the first sale is carried")
    north.faults.hang = 3.0
    north.faults.next("timeout_before", 1, "SetStock")
    asked = north.requests["SetStock"]
    world.buy("south", ("MUG", 1))
    eventually(lambda: north.requests["SetStock"] > asked, 20, "a job is in progress", 0.01)

    place.kill_redis()
    until = monotonic() + seconds
    world.buy("south", ("APRON", 2))
    while monotonic() < until:
        assert place.running["worker"].poll() is None
        assert place.running["clock"].poll() is None
        sleep(0.2)
    place.restore_redis()

    return eventually(shows(world, "APRON", 8), 30, "workers run again")


def test_redis_killed_and_emptied_in_mid_job_costs_seconds_and_no_stock(place: Premises) -> None:
    waited = lose_redis_for(place, 8.0)

    print(f"carried {waited:.1f} s after Redis came back")
    assert waited < 15, place.logs()
    eventually(lambda: place.world.picture().converged, 30, "everything agrees")
    assert set(place.world.shown("MUG").values()) == {8}


@pytest.mark.soak
def test_redis_away_for_half_a_minute_is_no_different(place: Premises) -> None:
    waited = lose_redis_for(place, 30.0)

    print(f"carried {waited:.1f} s after Redis came back")
    assert waited < 5, place.logs()
    eventually(lambda: place.world.picture().converged, 30, "everything agrees")


def test_a_worker_that_leaves_is_started_again_and_all_end_with_their_supervisor(
    place: Premises,
) -> None:
    place.start("clock")
    place.start("worker")
    eventually(lambda: bool(place.alive("worker", "live")), 40, "a live worker")
    eventually(lambda: bool(place.alive("worker", "bulk")), 40, "a bulk worker")
    first = place.alive("worker", "live")

    for pid in first:
        os.kill(pid, signal.SIGKILL)

    eventually(lambda: bool(place.alive("worker", "live") - first), 40, "another live worker")
    place.world.buy("south", ("MUG", 1))
    eventually(shows(place.world, "MUG", 9), 30, "it carries")

    place.kill("worker")
    gone = place.alive("worker", "live") | place.alive("worker", "bulk")
    eventually(lambda: not any(process.alive(pid) for pid in gone), 30, "workers end too")


# -- kills ----------------------------------------------------------------------------------------

KEPT = ("clock", "worker --lane live 1", "worker --lane live 2", "worker --lane bulk")


def buy_and_kill(
    place: Premises, seconds: float, seed: int, *, crashes: int = 0, losses: int = 0
) -> int:
    """Buyers buy at both shops while processes die at random and leases run out; how many kills."""
    world, chance = place.world, random.Random(seed)
    for name in KEPT:
        place.start(name)
    buyers = Buyers({n: one.shop for n, one in world.shops.items()}, pause=0.08, seed=seed)
    buyers.start()
    began, kills = monotonic(), 0
    disasters = [place.crash_database] * crashes + [place.kill_redis] * losses
    at = sorted(chance.uniform(0.2, 0.8) * seconds for _ in disasters)
    while monotonic() - began < seconds:
        sleep(chance.uniform(0.3, 0.9))
        place.kill(chance.choice(KEPT))
        kills += 1
        place.keep()
        pass_time(world, LEASES)
        if at and monotonic() - began > at[0]:
            at.pop(0)
            disaster(place, disasters.pop())
    buyers.stop()
    assert buyers.bought > 10
    return kills


def disaster(place: Premises, strike: Callable[[], None]) -> None:
    strike()
    sleep(1.0)
    if strike == place.kill_redis:
        place.restore_redis()
    else:
        place.restore_database()
        place.database.engine.dispose()


def pass_time(world: World, seconds: float) -> None:
    try:
        time_passes(world.database, world.seller_id, seconds)
    except (HubError, SQLAlchemyError):
        return


def settle(place: Premises, seconds: float = 60.0) -> float:
    """Quiet: nothing is killed any more, and what the dead held runs out once."""
    place.keep()
    pass_time(place.world, LEASES)
    began = monotonic()

    def agreed() -> bool:
        place.keep()
        if int(monotonic() - began) % 10 == 9:  # backoff after the faults is waited for, too
            pass_time(place.world, 30.0)
        return place.world.picture().converged

    try:
        return eventually(agreed, seconds, "shops and hub agree", 0.3)
    except AssertionError as error:
        raise AssertionError(f"{error}: {place.world.picture()}\n{place.logs()}") from None


def check_the_ledger(world: World) -> None:
    """Nothing lost, nothing doubled, nothing oversold: every unit is somewhere, once."""
    for name, shop in world.shops.items():
        assert sorted(world.orders(name)) == sorted(one.key for one in shop.shop.orders)
    held = world.query(
        "SELECT p.sku, sum(l.quantity), min(l.quantity) FROM level l"
        " JOIN product p ON p.id = l.product_id GROUP BY p.sku"
    )
    assert {sku: int(units) for sku, units, _ in held} == GOODS
    assert all(least >= 0 for _, _, least in held)
    world.check()


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Premises]:
    with premises(tmp_path, goods=GOODS) as made:
        yield made


def test_workers_and_clock_killed_at_random_lose_double_and_oversell_nothing(
    busy: Premises,
) -> None:
    kills = buy_and_kill(busy, 8.0, seed=11)

    waited = settle(busy)

    print(
        f"{kills} kills, {len(busy.world.orders('north'))} orders north; agreed in {waited:.1f} s"
    )
    check_the_ledger(busy.world)


def test_a_database_that_crashes_in_between_keeps_all_it_has_said(busy: Premises) -> None:
    kills = buy_and_kill(busy, 8.0, seed=12, crashes=1)

    waited = settle(busy)

    print(f"{kills} kills and a crash; agreed in {waited:.1f} s")
    check_the_ledger(busy.world)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(3))
def test_a_long_bad_day(busy: Premises, seed: int) -> None:
    kills = buy_and_kill(busy, 90.0, seed, crashes=4, losses=4)

    waited = settle(busy, 120.0)

    print(f"{kills} kills, 4 crashes, 4 times no Redis; agreed in {waited:.1f} s")
    check_the_ledger(busy.world)


def test_work_asked_for_while_everything_was_down_is_done(place: Premises) -> None:
    world = place.world
    with world.database.transaction(world.seller_id) as tx:
        tx.execute(text("UPDATE flow SET next_at = 'infinity' WHERE flow = 'inbox'"))
    world.buy("north", ("MUG", 2))
    assert world.shops["north"].webhooks.drain()

    place.start("worker --lane live")
    place.start("clock")

    eventually(shows(world, "MUG", 8), 40, "it is carried")
