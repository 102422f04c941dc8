"""Bad days: every kind of process is killed at random while buyers buy and a clerk works.

Nothing may be lost, done twice or oversold, and once it is quiet every listing must be right. The
everyday round, with failpoints and freezes and no time moved, is tests/chaos.
"""

from __future__ import annotations

import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

import pytest
import requests
from sqlalchemy.exc import SQLAlchemyError

from hub import auth
from hub.api.repeats import HEADER, REPLAYED
from hub.errors import HubError
from sync.simulating import Buyers
from tests.pump import World, eventually, time_passes
from tests.sync.premises import Premises, premises

GOODS = {f"SKU-{number:02}": 40 for number in range(12)}
#: Longer than any lease: what a dead worker held is free once so much time has passed.
LEASES = 310.0

WEB, CLOCK = "web", "clock"
WORKERS = (
    *("worker --lane live 1", "worker --lane live 2"),
    *("worker --lane long", "worker --lane bulk"),
)
LONG = {"worker": 60, CLOCK: 25, WEB: 15, "redis": 6, "database": 6}


class Clerk:
    """Asks for connection tests over the API, each with a key, again and again until it is told
    that it was done: how a client calls that must neither give up nor do it twice."""

    def __init__(self, place: Premises, name: str) -> None:
        world = place.world
        with world.database.transaction(world.seller_id) as tx:
            token = auth.issue_token(tx, "clerk", "support").reveal()
        self.url = f"{world.doorway.url}/api/v1/accounts/{world.accounts[name]}/requests"
        self.headers = {"Authorization": f"Bearer {token}"}
        self.done: dict[str, int] = {}
        self.again = 0
        self.replayed = 0
        self._stop = Event()
        self._thread = Thread(target=self._work, daemon=True, name="clerk")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After the call that is under way."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _work(self) -> None:
        while not self._stop.is_set():
            key = f"call {len(self.done)}"
            while (number := self._ask(key)) is None:
                self.again += 1
                sleep(0.1)
            self.done[key] = number
            self._stop.wait(0.02)

    def _ask(self, key: str) -> int | None:
        """The request's id, None where the answer is lost or tells to come again."""
        headers = {**self.headers, HEADER: key}
        try:
            told = requests.post(self.url, json={"kind": "test"}, headers=headers, timeout=2.0)
        except requests.RequestException:
            return None
        if told.status_code != 202:
            return None
        self.replayed += REPLAYED in told.headers
        return int(told.json()["id"])


def struck(place: Premises, seed: int, blows: Mapping[str, int]) -> Counter[str]:
    """Buyers buy and the clerk asks while so many of each kind are struck, in the seed's order;
    leases run out in between. Answers what was struck how often, and what happened meanwhile."""
    world, chance = place.world, random.Random(seed)
    for name in (WEB, CLOCK, *WORKERS):
        place.start(name)
    buyers = Buyers({n: one.shop for n, one in world.shops.items()}, pause=0.08, seed=seed)
    clerk = Clerk(place, "north")
    buyers.start()
    clerk.start()
    eventually(lambda: bool(clerk.done), 40, "the web answers")
    told: Counter[str] = Counter()
    for kind in in_disorder(blows, chance):
        sleep(chance.uniform(0.3, 0.9))
        strike(place, kind, chance)
        told[kind] += 1
        place.keep()
        pass_time(world, LEASES)
    buyers.stop()
    clerk.stop()
    assert buyers.bought > 10
    assert requested(world) == sorted(clerk.done.values())
    calls = {"calls": len(clerk.done), "repeats": clerk.again, "replays": clerk.replayed}
    return told + Counter(purchases=buyers.bought, **calls)


def in_disorder(blows: Mapping[str, int], chance: random.Random) -> list[str]:
    kinds = [kind for kind, count in blows.items() for _ in range(count)]
    chance.shuffle(kinds)
    return kinds


def strike(place: Premises, kind: str, chance: random.Random) -> None:
    if kind == "redis":
        place.kill_redis()
        sleep(1.0)
        place.restore_redis()
    elif kind == "database":
        place.crash_database()
        sleep(1.0)
        place.restore_database()
        place.database.engine.dispose()
    else:
        place.kill(chance.choice(WORKERS) if kind == "worker" else kind)


def pass_time(world: World, seconds: float) -> None:
    try:
        time_passes(world.database, world.seller_id, seconds)
    except (HubError, SQLAlchemyError):
        return


def requested(world: World) -> list[int]:
    query = "SELECT id FROM request WHERE kind = 'test' ORDER BY id"
    return [int(row[0]) for row in world.query(query)]


def settle(place: Premises, seconds: float) -> float:
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
    # In this order: once the web is gone, a webhook must not wait at a door that nobody opens.
    with premises(tmp_path, goods=GOODS) as made, socket.socket() as listening:
        made.open_the_web(listening)
        yield made


def survive(
    place: Premises, seed: int, blows: Mapping[str, int], tell: Callable[[str, str], None]
) -> None:
    told = struck(place, seed, blows)

    waited = settle(place, 120.0)

    counts = ", ".join(f"{kind} {count}" for kind, count in told.items())
    tell("told", f"a bad day (seed {seed}): {counts}; all agreed {waited:.1f} s after the last")
    assert {kind: told[kind] for kind in blows} == blows
    check_the_ledger(place.world)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", range(3))
def test_a_long_bad_day_is_no_different(
    busy: Premises, record_property: Callable[[str, str], None], seed: int
) -> None:
    survive(busy, seed, LONG, record_property)
