"""Sellers, accounts and channels take turns: a backlog, a ring that does not stop and a channel
that hangs cost the others next to nothing, and none of them is forgotten."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Lock, Thread
from uuid import uuid4

import pytest
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker_registration import WORKERS_BY_QUEUE_KEY
from sqlalchemy import text

from hub.channels.flows import PULL, PUSH, REQUEST, SUBSCRIPTIONS
from hub.config import Settings
from hub.db import Database, Transaction
from hub.secrets import Keyring
from sync import carrier, pull, push
from sync.aside import COUNTER
from sync.carrier import Carrier
from sync.clock import due_work
from sync.jobs import HANDLERS
from sync.lanes import BULK, LANES, LIVE, LONG, SLICES, sliced
from sync.queues import STOCK, Queues, connect, lane_name, member
from tests.builders import connected
from tests.pump import World, eventually
from tests.rig import Rig
from tests.sync.premises import KEYS

Open = Callable[..., World]
#: More than a shop in memory takes in two calls.
MANY = {f"SKU-{number:03}": 10 for number in range(120)}
TWO = {"channels": ("memory", "memory"), "webhooks": False}

# -- what is due ----------------------------------------------------------------------------------


def test_a_seller_with_much_that_is_due_leaves_others_their_turn(
    database: Database, keyring: Keyring, seller: int, other_seller: int
) -> None:
    with database.transaction(seller) as tx:
        for number in range(5):
            connected(tx, keyring, f"shop {number}", {})
    with database.transaction(other_seller) as tx:
        connected(tx, keyring, "shop", {})

    with database.across_sellers() as connection:
        found = connection.execute(text("SELECT seller_id FROM hub_due(4, 0)")).scalars().all()

    assert sorted(found) == sorted([seller, seller, other_seller, other_seller])


# -- slices ---------------------------------------------------------------------------------------


def many_to_push(world: World) -> None:
    """Every listing of both shops is due."""
    with world.database.transaction(world.seller_id) as tx:
        tx.execute(
            text(
                "UPDATE listing SET desired_version = desired_version + 1,"
                " desired_quantity = desired_quantity - 1, next_at = now()"
            )
        )
        tx.execute(text("UPDATE flow SET next_at = now() WHERE flow = 'push'"))


def test_a_push_whose_slice_is_over_leaves_the_rest_due(open_world: Open) -> None:
    world = open_world(goods=MANY, **TWO)
    many_to_push(world)
    before, north = world.writes("north"), world.accounts["north"]

    with sliced(LIVE, 0.0) as own:
        accepted = push.push(world.carrier, world.seller_id, north)

    assert 0 < accepted < len(MANY)
    assert world.writes("north") == before + 1
    assert own.cut == {(PUSH, north)}
    assert (PUSH, world.seller_id, north) in due_work(world.database)
    assert push.push(world.carrier, world.seller_id, north) == len(MANY) - accepted


def test_a_pull_whose_slice_is_over_goes_on_where_it_stopped(open_world: Open) -> None:
    world = open_world(**TWO, goods={"MUG": 500})
    keys = {world.buy("north", ("MUG", 1)) for _ in range(60)}
    north = world.accounts["north"]

    with sliced(LIVE, 0.0) as own:
        done = pull.pull(world.carrier, world.seller_id, north)

    assert not done
    assert own.cut == {(PULL, north)}
    assert 0 < len(world.orders("north")) < len(keys)
    assert (PULL, world.seller_id, north) in due_work(world.database)
    world.pump()
    assert set(world.orders("north")) == keys
    world.agrees()


def test_accounts_that_are_in_the_long_lanes_hands_are_left_to_it(world: World) -> None:
    north = world.accounts["north"]
    asked = world.writes("north")
    world.adjust("MUG", 5)

    left = push.derive(world.carrier, world.seller_id, busy={north})

    assert left == [north]
    assert world.writes("north") == asked
    assert world.shown("MUG")["south"] == 15


# -- the queues -----------------------------------------------------------------------------------


class Lanes:
    """The queues of an installation, and the one who works them off, job after job."""

    def __init__(self, settings: Settings) -> None:
        self.connection = connect(settings)
        self.asked = Queues(settings, self.connection)
        self.queues = {
            lane: Queue(lane_name(settings, lane), connection=self.connection, serializer="json")
            for lane in LANES
        }

    def staff(self, lane: str) -> None:
        """From now on a worker is known to read it."""
        self.connection.sadd(WORKERS_BY_QUEUE_KEY % self.queues[lane].name, "somebody")

    def waiting(self, lane: str) -> list[tuple[str, int]]:
        """Topics and accounts, in their order."""
        return [(job.args[0], job.args[2]) for job in self.queues[lane].jobs]

    def work(self, lane: str) -> tuple[str, int]:
        """The lane's next job is done; answers what it was."""
        job_id = self.queues[lane].pop_job_id()
        assert job_id is not None
        job = Job.fetch(job_id, connection=self.connection, serializer=JSONSerializer)
        job.perform()
        assert COUNTER.rest(30)
        return job.args[0], job.args[2]

    def clear(self) -> None:
        for lane, queue in self.queues.items():
            queue.empty()
            self.connection.delete(WORKERS_BY_QUEUE_KEY % queue.name, queue.key)
            self.connection.delete(f"{self.asked._prefix}:lane:{lane}:waiting")
        self.connection.delete(f"{self.asked._prefix}:lane:{LONG}")
        self.connection.close()


@pytest.fixture
def lanes(servers: Rig, tmp_path: Path) -> Iterator[Lanes]:
    made = Lanes(Settings(home=tmp_path, database_url=uuid4().hex, redis_url=servers.redis_url))
    yield made
    made.clear()


def test_what_waits_is_not_asked_for_again_however_often_it_rings(lanes: Lanes) -> None:
    for account in (1, 1, 1, 2, 1):
        assert lanes.asked.enqueue(PUSH, 7, account)

    assert lanes.waiting(LIVE) == [(PUSH, 1), (PUSH, 2)]


def test_what_has_begun_is_asked_for_again(lanes: Lanes) -> None:
    lanes.asked.enqueue(PUSH, 7, 1)
    lanes.asked.take(LIVE, PUSH, 7, 1)

    lanes.asked.enqueue(PUSH, 7, 1)

    assert lanes.waiting(LIVE) == [(PUSH, 1), (PUSH, 1)]


def test_a_lost_redis_forgets_who_waited(lanes: Lanes) -> None:
    lanes.asked.enqueue(PUSH, 7, 1)
    lanes.clear()

    lanes.asked.enqueue(PUSH, 7, 1)

    assert lanes.waiting(LIVE) == [(PUSH, 1)]


def test_what_was_cut_goes_on_in_the_long_lane_and_counts_as_long(lanes: Lanes) -> None:
    lanes.staff(LONG)

    lanes.asked.go_on(PUSH, 7, 1)

    assert lanes.waiting(LONG) == [(PUSH, 1)]
    assert lanes.asked.long() == {member(PUSH, 7, 1)}
    assert lanes.asked.take(LIVE, STOCK, 7, 0) == {member(PUSH, 7, 1)}
    assert lanes.asked.take(LIVE, STOCK, 71, 0) == set()


def test_without_a_worker_for_the_long_lane_turns_are_taken_in_the_live_one(lanes: Lanes) -> None:
    lanes.asked.enqueue(PUSH, 7, 2)

    lanes.asked.go_on(PUSH, 7, 1)

    assert lanes.waiting(LIVE) == [(PUSH, 2), (PUSH, 1)]
    assert lanes.asked.long() == set()


def test_what_ends_in_the_long_lane_is_long_no_more(lanes: Lanes) -> None:
    lanes.staff(LONG)
    lanes.asked.go_on(PUSH, 7, 1)
    lanes.asked.take(LONG, PUSH, 7, 1)

    lanes.asked.ended(PUSH, 7, 1)

    assert lanes.asked.long() == set()


def test_a_person_does_not_wait_behind_sweeps(lanes: Lanes) -> None:
    for account in range(5):
        lanes.asked.enqueue(SUBSCRIPTIONS, 7, account)

    lanes.asked.enqueue(REQUEST, 7, 9)

    assert lanes.waiting(BULK)[0] == (REQUEST, 9)


@pytest.fixture
def installed(
    servers: Rig, database_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lanes]:
    """This process is a worker, whose jobs do one piece of their work in a turn."""
    names = {
        "DATABASE_URL": servers.app_url(database_name),
        "REDIS_URL": servers.redis_url,
        "HUB_HOME": str(tmp_path),
        "HUB_SECRET_KEYS": KEYS,
        "HUB_READBACK_SECONDS": "0",
    }
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(carrier, "_carrier", None)
    for lane in LANES:
        monkeypatch.setitem(SLICES, lane, 0.0)
    made = Lanes(carrier.process_carrier().settings)
    made.staff(LONG)
    yield made
    made.clear()
    carrier.process_carrier().close()


def test_accounts_with_much_to_push_take_turns_outside_the_live_lane(
    installed: Lanes, open_world: Open
) -> None:
    world = open_world(goods=MANY, **TWO)
    many_to_push(world)
    for account in world.accounts.values():
        installed.asked.enqueue(PUSH, world.seller_id, account)
    for _ in world.accounts:
        installed.work(LIVE)
    assert installed.waiting(LIVE) == []

    turns = [installed.work(LONG) for _ in range(4)]

    north, south = world.accounts["north"], world.accounts["south"]
    assert [account for _, account in turns] == [north, south, north, south]
    assert installed.waiting(LONG) == []
    assert installed.asked.long() == set()
    assert set(world.shown("SKU-007").values()) == {9}


def test_what_rings_for_a_backlog_waits_for_its_turn_in_the_long_lane(
    installed: Lanes, open_world: Open
) -> None:
    world = open_world(goods=MANY, **TWO)
    many_to_push(world)
    north = world.accounts["north"]
    installed.asked.enqueue(PUSH, world.seller_id, north)
    installed.work(LIVE)
    asked = world.writes("north")

    installed.asked.enqueue(PUSH, world.seller_id, north)
    installed.work(LIVE)

    assert world.writes("north") == asked
    assert installed.waiting(LONG) == [(PUSH, north)]


# -- a channel that hangs -------------------------------------------------------------------------


class Silence:
    """A shop that accepts whoever comes and never answers, until it lets them go."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "127.0.0.1:{1}".format(*self._listening.getsockname())
        self._lock = Lock()
        self._held: list[socket.socket] = []
        self.came = 0
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with self._lock:
                self._held.append(connection)
                self.came += 1

    def let_go(self) -> None:
        """All who wait are hung up on, and nobody is accepted any more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        with self._lock:
            for one in self._held:
                one.close()


@pytest.fixture
def silence() -> Iterator[Silence]:
    made = Silence()
    yield made
    if made._listening.fileno() >= 0:
        made.let_go()
    assert COUNTER.rest(30)


def moved(world: World, name: str, url: str) -> None:
    def move(tx: Transaction) -> None:
        statement = text("UPDATE account SET base_url = :u WHERE id = :a")
        tx.execute(statement, {"u": url, "a": world.accounts[name]})

    world.database.command(world.seller_id, move)


def reaching(silence: Silence) -> Callable[[Settings, Database, Keyring], Carrier]:
    def make(settings: Settings, database: Database, keyring: Keyring) -> Carrier:
        open_to = settings.loopback | {silence.address}
        return Carrier(replace(settings, loopback=open_to), database, keyring)

    return make


def served(world: World, topic: str, name: str = "") -> bool:
    """As a worker does it; False where the job goes on beside."""
    account = world.accounts[name] if name else 0
    return COUNTER.serve(lambda: HANDLERS[topic](world.carrier, world.seller_id, account))


def test_a_channel_that_hangs_holds_up_neither_worker_nor_other_shops(
    open_world: Open, silence: Silence
) -> None:
    world = open_world(make_carrier=reaching(silence), webhooks=False)
    moved(world, "north", f"http://{silence.address}")
    world.adjust("MUG", 5)
    assert not served(world, STOCK)

    world.adjust("APRON", 5)
    served(world, STOCK)

    eventually(lambda: world.shown("APRON")["south"] == 15, 20, "the other shop is told")
    assert world.shown("MUG")["south"] == 15
    assert silence.came
    assert COUNTER.beside


def test_an_account_whose_channel_answers_again_is_served_as_before(
    open_world: Open, silence: Silence
) -> None:
    world = open_world(make_carrier=reaching(silence), webhooks=False)
    url = world.shops["north"].url
    moved(world, "north", f"http://{silence.address}")
    world.adjust("MUG", 5)
    assert not served(world, STOCK)

    moved(world, "north", url)
    silence.let_go()
    assert COUNTER.rest(30)
    world.later(30)
    world.adjust("MUG", 5)

    served(world, STOCK)
    assert COUNTER.rest(30)
    assert set(world.shown("MUG").values()) == {20}
    world.pump()
    world.later(120)
    world.agrees()
