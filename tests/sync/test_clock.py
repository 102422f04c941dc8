"""The clock: no ring is lost, nothing is asked twice while it waits, one leads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Barrier, Event, Thread
from time import monotonic
from typing import Any

import psycopg
import pytest

from hub.channels import flows
from hub.channels.flows import PULL
from hub.db import Database, Transaction
from hub.secrets import Keyring
from hub.slots import take_slot
from sync.clock import LEADER, PATIENCE, Clock, Topic, listener
from sync.lanes import LANES, LIVE, LONG
from sync.queues import FULL, Queues, member
from tests.builders import connected
from tests.pump import eventually
from tests.rig import Rig

MUGS: Topic = ("stock", 1, 0)
DUE_WHEN_LIVE = {flows.PULL, flows.PUSH, flows.CHECK, flows.INBOX}


class Noted(Queues):
    """Queues that only take note. ``waiting`` is how many jobs each lane says it has."""

    def __init__(self, waiting: int | None = 0) -> None:
        self.asked: list[Topic] = []
        self.waiting = waiting
        self.in_long: Set[str] = frozenset()
        self.lanes: list[str] = []

    def enqueue(
        self, topic: str, seller_id: int, account_id: int = 0, *, cause: str = "", lane: str = ""
    ) -> bool:
        self.asked.append((topic, seller_id, account_id))
        self.lanes.append(lane)
        return True

    def long(self) -> Set[str]:
        return self.in_long

    def depths(self) -> dict[str, int | None]:
        return dict.fromkeys(LANES, self.waiting)


# -- the sweep ------------------------------------------------------------------------------------


@pytest.fixture
def account(database: Database, keyring: Keyring, seller: int) -> int:
    """A live account, all of whose flows are due."""
    with database.transaction(seller) as tx:
        return connected(tx, keyring, "shop", {})


class Daytime(Clock):
    """Whose sweeps find no nightly work, whenever the suite runs."""

    def today(self) -> datetime:
        return datetime(2026, 3, 2, 12, tzinfo=UTC)


def clock(database: Database, queues: Queues, url: str = "", sweep: float = 60.0) -> Clock:
    return Daytime(url, database, queues, sweep, Event())


def test_a_sweep_asks_for_everything_that_is_due(
    database: Database, seller: int, account: int
) -> None:
    queues = Noted()

    sent = clock(database, queues).sweep(monotonic())

    assert sent == 4
    assert set(queues.asked) == {(name, seller, account) for name in DUE_WHEN_LIVE}


def test_what_was_just_asked_is_not_asked_again_while_it_waits(
    database: Database, account: int
) -> None:
    queues = Noted(waiting=0)
    ours, now = clock(database, queues), monotonic()
    ours.sweep(now)
    queues.waiting = 4

    assert ours.sweep(now + PATIENCE / 2) == 0
    assert ours.sweep(now + PATIENCE * 1.1) == 4


def test_what_an_empty_queue_has_lost_is_asked_again_at_once(
    database: Database, account: int
) -> None:
    ours, now = clock(database, Noted(waiting=0)), monotonic()
    ours.sweep(now)

    assert ours.sweep(now + 0.1) == 4


@pytest.mark.parametrize("waiting", [FULL, None])
def test_nothing_is_asked_of_a_full_queue_or_an_absent_redis(
    database: Database, account: int, waiting: int | None
) -> None:
    queues = Noted(waiting)

    assert clock(database, queues).sweep(monotonic()) == 0
    assert queues.asked == []


def test_what_is_in_the_long_lanes_hands_is_asked_for_there(
    database: Database, seller: int, account: int
) -> None:
    queues = Noted()
    queues.in_long = {member(PULL, seller, account)}

    clock(database, queues).sweep(monotonic())

    by_topic = {one[0]: lane for one, lane in zip(queues.asked, queues.lanes, strict=True)}
    assert by_topic == {**dict.fromkeys(DUE_WHEN_LIVE, LIVE), PULL: LONG}


def test_a_sweep_does_not_fill_a_queue_beyond_what_is_full(
    database: Database, account: int
) -> None:
    queues = Noted(waiting=FULL - 3)

    assert clock(database, queues).sweep(monotonic()) == 3


def test_what_a_worker_has_claimed_is_not_asked_for(
    database: Database, seller: int, account: int
) -> None:
    queues = Noted()
    with database.transaction(seller) as tx:
        assert flows.claim(tx, account, PULL, 60.0)

    clock(database, queues).sweep(monotonic())

    assert {topic for topic, _, _ in queues.asked} == DUE_WHEN_LIVE - {PULL}


# -- the running clock ----------------------------------------------------------------------------


@contextmanager
def running(
    database: Database, url: str, queues: Queues, sweep: float = 60.0
) -> Iterator[Callable[[], None]]:
    """A clock that runs in a thread; yields what stops it."""
    ours = clock(database, queues, url, sweep)
    thread = Thread(target=ours.run)

    def stop() -> None:
        ours.stop.set()
        with psycopg.connect(plain(url), autocommit=True) as connection:
            connection.execute("SELECT pg_notify('hub_ring', 'wake up')")
        thread.join(15)
        assert not thread.is_alive()

    thread.start()
    try:
        yield stop
    finally:
        if thread.is_alive():
            stop()


def plain(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql", 1)


@pytest.fixture
def url(servers: Rig, database_name: str) -> str:
    return servers.app_url(database_name)


def leaders(url: str) -> list[int]:
    """Who holds the leader's lock."""
    statement = (
        "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted"
        " AND (l.classid::bigint << 32) + l.objid::bigint = %s"
    )
    with psycopg.connect(plain(url), autocommit=True) as connection:
        return [int(row[0]) for row in connection.execute(statement, (LEADER,))]


def quietly_due(database: Database, seller: int, account: int) -> None:
    """Due, and the ring is lost."""
    with database.transaction(seller) as tx:
        flows.make_due(tx, PULL, [account], ring=False)


@pytest.fixture
def idle(database: Database, seller: int, account: int) -> Any:
    """The account with nothing due."""
    with database.transaction(seller) as tx:
        for name in flows.FLOWS:
            flows.set_next(tx, account, name, None)
    return account


def test_a_ring_after_commit_is_heard_at_once(
    database: Database, url: str, seller: int, idle: int
) -> None:
    queues = Noted()
    with running(database, url, queues):
        eventually(lambda: bool(leaders(url)), 15, "the clock leads")

        with database.transaction(seller) as tx:
            flows.make_due(tx, PULL, [idle])

        waited = eventually(lambda: (PULL, seller, idle) in queues.asked, 10, "a ring", 0.01)
    assert waited < 5


def test_a_ring_of_a_transaction_that_failed_is_not_heard(
    database: Database, url: str, seller: int, idle: int
) -> None:
    with listener(url) as connection:
        connection.execute("LISTEN hub_ring")

        def fails(tx: Transaction) -> None:
            flows.make_due(tx, PULL, [idle])
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            database.command(seller, fails)

        assert list(connection.notifies(timeout=0.2)) == []


def test_a_lost_ring_costs_one_sweep(database: Database, url: str, seller: int, idle: int) -> None:
    queues = Noted()
    with running(database, url, queues, sweep=0.5):
        eventually(lambda: bool(leaders(url)), 15, "the clock leads")

        quietly_due(database, seller, idle)

        eventually(lambda: (PULL, seller, idle) in queues.asked, 10, "a sweep")


def test_work_due_soon_goes_out_at_its_time_and_not_a_sweep_later(
    database: Database, url: str, seller: int, idle: int
) -> None:
    queues = Noted()
    with database.transaction(seller) as tx:
        flows.make_due(tx, PULL, [idle], after=1.0)

    with running(database, url, queues, sweep=30.0):
        waited = eventually(lambda: (PULL, seller, idle) in queues.asked, 15, "it is due", 0.02)

    assert waited > 0.3


def test_of_two_clocks_one_leads_and_the_other_follows_when_it_stops(
    database: Database, url: str, seller: int, idle: int
) -> None:
    first, second = Noted(), Noted()
    with running(database, url, first, sweep=0.3) as stop_first:
        eventually(lambda: bool(leaders(url)), 15, "the first leads")
        with running(database, url, second, sweep=0.3):
            quietly_due(database, seller, idle)
            eventually(lambda: bool(first.asked), 15, "the first asks")
            assert second.asked == []
            assert len(leaders(url)) == 1

            stop_first()

            eventually(lambda: bool(second.asked), 15, "the second asks")
            assert len(leaders(url)) == 1


def test_a_leader_that_loses_its_connection_sweeps_when_it_is_back(
    database: Database, url: str, seller: int, idle: int
) -> None:
    queues = Noted()
    with running(database, url, queues):
        eventually(lambda: bool(leaders(url)), 15, "the clock leads")
        lost = leaders(url)[0]
        quietly_due(database, seller, idle)
        assert queues.asked == []

        with psycopg.connect(plain(url), autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", (lost,))

        eventually(lambda: (PULL, seller, idle) in queues.asked, 15, "it sweeps again")
        assert leaders(url) != [lost]


def test_a_slot_fires_once_however_many_clocks_want_it(wide_database: Database) -> None:
    slot = datetime(2026, 3, 2, 3, tzinfo=UTC)
    barrier = Barrier(8)

    def fire(_: int) -> bool:
        barrier.wait()
        return take_slot(wide_database, "verify", slot)

    with ThreadPoolExecutor(8) as pool:
        fired = list(pool.map(fire, range(8)))

    assert sum(fired) == 1
    assert not take_slot(wide_database, "verify", slot)
    assert take_slot(wide_database, "another", slot)
