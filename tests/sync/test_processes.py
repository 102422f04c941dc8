"""Clock and workers as they really run, and what one that goes away costs.

Many that go away at random: test_bad_days.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest
from sqlalchemy import text

from servers import process
from sync.lanes import LANES
from tests.pump import World, eventually
from tests.sync.premises import Premises, premises


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
    eventually(lambda: all(place.alive("worker", one) for one in LANES), 40, "one in each lane")
    first = place.alive("worker", "live")

    for pid in first:
        os.kill(pid, signal.SIGKILL)

    eventually(lambda: bool(place.alive("worker", "live") - first), 40, "another live worker")
    place.world.buy("south", ("MUG", 1))
    eventually(shows(place.world, "MUG", 9), 30, "it carries")

    place.kill("worker")
    gone = set().union(*(place.alive("worker", lane) for lane in LANES))
    eventually(lambda: not any(process.alive(pid) for pid in gone), 30, "workers end too")


def test_work_asked_for_while_everything_was_down_is_done(place: Premises) -> None:
    world = place.world
    with world.database.transaction(world.seller_id) as tx:
        tx.execute(text("UPDATE flow SET next_at = 'infinity' WHERE flow = 'inbox'"))
    world.buy("north", ("MUG", 2))
    assert world.shops["north"].webhooks.drain()

    place.start("worker --lane live")
    place.start("clock")

    eventually(shows(world, "MUG", 8), 40, "it is carried")
