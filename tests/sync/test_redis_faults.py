"""A Redis that is full, only reads, stands still, forgets, or takes what it does not say it took:
the rows remember, and nothing waits for it.

One that is killed and comes back empty: test_processes and test_bad_days.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from time import monotonic

import pytest
from redis import Redis
from rq import Queue

from connectors.base import Limit
from hub.channels import flows
from hub.config import Settings
from hub.db import Database
from hub.secrets import Keyring
from servers.valkey import Valkey
from sync import queues
from sync.budgets import Budget, Own, Shared
from sync.clock import Clock
from sync.jobs import HANDLERS
from sync.lanes import LIVE
from sync.queues import Queues
from tests.builders import connected
from tests.cutting import Line
from tests.pump import World, eventually

#: A client gives up on a Redis that says nothing after a second.
PATIENT = 3.0
LIMIT = Limit("requests", rate=10, burst=20)


@pytest.fixture(scope="module")
def frail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A server of our own: what is done to it is done to nobody else."""
    with Valkey(tmp_path_factory.mktemp("frail"), throwaway=True) as server:
        yield server


@pytest.fixture
def redis(frail: Valkey) -> Iterator[Redis]:
    with Redis.from_url(frail.url) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def ours(frail: Valkey, redis: Redis) -> Queues:
    """Queues as the clock has them."""
    settings = Settings(home=Path("/nowhere"), redis_url=frail.url)
    return Queues(settings, queues.connect(settings))


def clock(database: Database, queues: Queues) -> Clock:
    return Clock("", database, queues, 60.0, Event())


def full(redis: Redis) -> Callable[[], object]:
    redis.config_set("maxmemory", "1")
    return lambda: redis.config_set("maxmemory", "0")


def follower(redis: Redis) -> Callable[[], object]:
    """What is left of a server whose place another has taken: it answers, and writes nothing."""
    redis.execute_command("REPLICAOF", "127.0.0.1", "1")
    return lambda: redis.execute_command("REPLICAOF", "NO", "ONE")


@pytest.fixture(params=[full, follower])
def unwilling(request: pytest.FixtureRequest, redis: Redis) -> Iterator[Callable[[], object]]:
    """A Redis that takes no writes, and what makes it take them again."""
    heal = request.param(redis)
    yield heal
    heal()


def test_what_a_full_or_demoted_redis_refuses_is_asked_again(
    database: Database, keyring: Keyring, seller: int, ours: Queues, unwilling: Callable[[], object]
) -> None:
    with database.transaction(seller) as tx:
        connected(tx, keyring, "shop", {})
    sweeper = clock(database, ours)

    assert not ours.enqueue(flows.PULL, seller, 1)
    sweeper.sweep(monotonic())
    assert ours.depths()[LIVE] == 0
    unwilling()

    def swept() -> bool:
        sweeper.sweep(monotonic())
        return ours.depths()[LIVE] == 4

    # What it may have taken note of while it refused the job counts for a moment.
    eventually(swept, 10, "the sweeps have asked for all that is due", 0.2)


def test_channels_are_still_called_within_their_budget(
    redis: Redis, unwilling: Callable[[], object]
) -> None:
    budget = Budget(Shared(redis, "budget", LIMIT), Own(LIMIT), None)

    for _ in range(10):
        budget.before(1.0)

    assert redis.exists("budget") == 0
    assert budget.own.take(20.0, 0.0, "").wait != 0.0


@pytest.fixture
def frozen(frail: Valkey, redis: Redis) -> Iterator[None]:
    """Stopped in mid-air, as in a pause of its machine: it takes connections and says nothing."""
    os.kill(frail.pid, signal.SIGSTOP)
    yield
    os.kill(frail.pid, signal.SIGCONT)
    assert redis.ping()


def test_nobody_waits_for_a_frozen_redis(ours: Queues, frozen: None, frail: Valkey) -> None:
    settings = Settings(home=Path("/nowhere"), redis_url=frail.url)
    budget = Budget(Shared(queues.connect(settings), "budget", LIMIT), Own(LIMIT), None)

    began = monotonic()
    assert not ours.enqueue(flows.PULL, 1, 1)
    asked = monotonic() - began
    budget.before(1.0)
    budgeted = monotonic() - began - asked
    for _ in range(5):
        budget.before(1.0)
    again = monotonic() - began - asked - budgeted
    assert ours.depths()[LIVE] is None

    assert max(asked, budgeted) < PATIENT
    assert again < 0.5


def test_queues_that_are_emptied_while_busy_are_filled_again_by_the_next_sweep(
    database: Database, keyring: Keyring, seller: int, ours: Queues, redis: Redis
) -> None:
    with database.transaction(seller) as tx:
        connected(tx, keyring, "shop", {})
    sweeper, now = clock(database, ours), monotonic()
    sweeper.sweep(now)
    assert ours.depths()[LIVE] == 4

    redis.flushall()
    sweeper.sweep(now + 0.1)

    assert ours.depths()[LIVE] == 4


# -- a job that is queued twice -------------------------------------------------------------------


def test_a_job_whose_answer_was_lost_is_in_the_queue_and_not_put_there_twice(
    frail: Valkey, redis: Redis, tmp_path: Path
) -> None:
    with Line(tmp_path / "line", frail.socket, b"RPUSH") as line:
        settings = Settings(home=tmp_path, redis_url=f"unix://{tmp_path / 'line'}")
        ours = Queues(settings, queues.connect(settings))
        line.cut_after()

        told = ours.enqueue(flows.PULL, 1, 2)
        again = ours.enqueue(flows.PULL, 1, 2)

    assert (told, again, line.cuts) == (False, True, 1)
    waiting = Queue(queues.lane_name(settings, LIVE), connection=redis, serializer="json")
    assert waiting.count == 1


TOPICS = (flows.INBOX, flows.PULL, queues.STOCK, flows.PUSH, flows.CHECK)


def test_a_job_that_runs_twice_finds_nothing_to_do_the_second_time(world: World) -> None:
    north = world.shops["north"]
    world.buy("north", ("MUG", 2))
    world.adjust("APRON", -1)
    assert north.webhooks.drain()

    for topic in TOPICS:
        account = 0 if topic == queues.STOCK else world.accounts["north"]
        HANDLERS[topic](world.carrier, world.seller_id, account)
        before = (world.orders("north"), world.available("MUG"), world.writes("north"))
        HANDLERS[topic](world.carrier, world.seller_id, account)
        after = (world.orders("north"), world.available("MUG"), world.writes("north"))
        assert after == before, topic

    world.pump()
    world.agrees()
    world.check()
