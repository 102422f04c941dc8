"""Leases are short, and kept while their job runs: the dead lose them within seconds, the slow do
not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

import pytest
from sqlalchemy import Engine, event

from hub.channels import flows
from hub.db import Database, Transaction
from hub.errors import Unavailable
from sync import catalogue, keeping, outbox, pull, push, reconcile, refunds, webhooks
from sync import requests as asking
from sync.carrier import Carrier
from sync.keeping import FLOW, LEASE, Keeper
from tests.pump import World, eventually, time_passes
from tests.sync.after_sale import bought, ship

Open = Callable[..., World]
Job = Callable[[Carrier, int, int], Any]
#: A lease's third: after two of them it has not ended, after four it has.
THIRD = LEASE / 3


@pytest.fixture
def world(open_world: Open) -> World:
    return open_world(channels=("memory",))


def passes(world: World, thirds: int) -> None:
    time_passes(world.database, world.seller_id, thirds * THIRD)


def rival(world: World) -> Carrier:
    """Another process, as far as leases go."""
    return Carrier(world.carrier.settings, world.database, world.carrier.keyring)


def to_pull(world: World) -> None:
    world.buy("north", ("MUG", 1))
    world.shops["north"].webhooks.drain()


def to_push(world: World) -> None:
    world.adjust("MUG", -2)
    push.derive_offers(world.carrier, world.seller_id)


def to_read_back(world: World) -> None:
    world.query("UPDATE listing SET check_at = now() RETURNING 1")


def to_tell(world: World) -> None:
    ship(world, bought(world))


def to_read_anew(world: World) -> None:
    world.query("UPDATE flow SET next_at = now() RETURNING 1")


#: What each job is to do, what it asks of the shop meanwhile, and what it answers where somebody
#: else is at it.
JOBS: dict[str, tuple[Callable[[World], None], str, Job, Any]] = {
    "orders": (to_pull, "pull_orders", pull.pull, False),
    "stock": (to_push, "push_stock", push.push, 0),
    "read-back": (to_read_back, "read_stock", reconcile.check, 0),
    "after the sale": (to_tell, "ship", outbox.tell, 0),
    "webhooks": (to_pull, "fetch_orders", webhooks.work_off, 0),
    "catalogue": (to_read_anew, "list_listings", catalogue.read_catalogue, None),
    "refunds": (to_read_anew, "pull_refunds", refunds.pull_refunds, False),
}


@pytest.mark.parametrize("what", JOBS)
def test_a_job_whose_channel_is_slow_keeps_what_it_holds(world: World, what: str) -> None:
    prepare, where, job, busy = JOBS[what]
    prepare(world)
    north, shop = world.accounts["north"], world.shops["north"]
    seen: list[Any] = []

    def slowly() -> None:
        for _ in range(3):
            passes(world, 2)
            seen.append(world.carrier.keeper.keep(0.0))
        asked = shop.requests[where]
        seen.append(job(rival(world), world.seller_id, north))
        assert shop.requests[where] == asked

    shop.meanwhile(slowly, where)
    job(world.carrier, world.seller_id, north)

    assert seen[-1] == busy
    assert all(kept >= 1 for kept in seen[:-1])
    assert world.carrier.keeper.keep(0.0) == 0
    world.check()


def test_a_person_who_waits_for_a_slow_channel_is_answered_once(world: World) -> None:
    shop, seen = world.shops["north"], []

    def slowly() -> None:
        passes(world, 2)
        seen.append(world.carrier.keeper.keep(0.0))
        passes(world, 2)
        seen.append(asking.answer_all(rival(world), world.seller_id, world.accounts["north"]))

    shop.meanwhile(slowly, "check")

    assert world.ask("north", "test").state == "done"
    assert seen == [1, 0]


def test_a_worker_that_was_frozen_does_not_take_its_lease_back(world: World) -> None:
    to_pull(world)
    seen: list[Any] = []

    def overtaken() -> None:
        passes(world, 4)
        other = rival(world)
        seen.append(pull.pull(other, world.seller_id, world.accounts["north"]))
        other.close()
        seen.append(world.carrier.keeper.keep(0.0))

    world.shops["north"].meanwhile(overtaken, "pull_orders")
    woken = pull.pull(world.carrier, world.seller_id, world.accounts["north"])

    assert (seen, woken) == ([True, 0], False)
    assert len(world.orders("north")) == 1
    world.check()


def test_what_a_dead_worker_held_is_taken_up_after_one_lease(world: World) -> None:
    to_push(world)
    north = world.accounts["north"]

    def dies(tx: Transaction) -> int:
        return len(push.pushing.claim_due(tx, north, 10, LEASE))

    assert world.database.command(world.seller_id, dies) == 1
    assert push.push(world.carrier, world.seller_id, north) == 0

    passes(world, 4)

    assert push.push(world.carrier, world.seller_id, north) == 1


@contextmanager
def updates(engine: Engine) -> Iterator[list[str]]:
    """The statements that change something."""
    seen: list[str] = []

    def heard(_: object, __: object, statement: str, *___: object) -> None:
        if "UPDATE" in statement:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", heard)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", heard)


def claimed(world: World, name: str) -> flows.Lease:
    lease = world.database.command(
        world.seller_id, lambda tx: flows.claim(tx, world.accounts["north"], name, LEASE)
    )
    assert lease is not None
    return lease


def test_a_job_that_is_soon_over_costs_no_statement(world: World) -> None:
    lease = claimed(world, flows.PULL)

    with (
        world.carrier.keeper.holding(world.seller_id, FLOW, lease),
        updates(world.database.engine) as seen,
    ):
        assert world.carrier.keeper.keep() == 0

    assert seen == []


def test_however_many_are_held_one_statement_of_a_kind_keeps_them(world: World) -> None:
    keeper = world.carrier.keeper
    held = [claimed(world, name) for name in (flows.PULL, flows.INBOX, flows.REFUNDS)]
    world.adjust("MUG", -1)
    world.adjust("APRON", -1)
    push.derive_offers(world.carrier, world.seller_id)
    dues = world.database.command(
        world.seller_id,
        lambda tx: push.pushing.claim_due(tx, world.accounts["north"], 10, LEASE),
    )

    with (
        keeper.holding(world.seller_id, FLOW, *held[:2]),
        keeper.holding(world.seller_id, FLOW, held[2]),
        keeper.holding(world.seller_id, keeping.PUSHES, *dues),
        updates(world.database.engine) as seen,
    ):
        assert keeper.keep(0.0) == 5

    assert len(seen) == 2


def test_what_is_let_go_before_its_job_ends_is_kept_no_more(world: World) -> None:
    first, second = claimed(world, flows.PULL), claimed(world, flows.INBOX)
    keeper = world.carrier.keeper

    with keeper.holding(world.seller_id, FLOW, first, second) as held:
        held.let_go([first])
        assert keeper.keep(0.0) == 1


class Away(Database):
    """A database that can be away."""

    away = False

    @contextmanager
    def transaction(self, seller_id: int) -> Iterator[Transaction]:
        if self.away:
            raise Unavailable("away")
        with super().transaction(seller_id) as tx:
            yield tx


def test_a_thread_keeps_what_is_held_and_outlives_a_database_that_is_away(world: World) -> None:
    database = Away(world.database.engine)
    keeper = Keeper(database, period=0.0, look=0.01)
    keeper.start()
    lease = claimed(world, flows.PULL)

    def kept() -> bool:
        query = (
            "SELECT lease_until > now() + make_interval(secs => :s) FROM flow WHERE flow = 'pull'"
        )
        return bool(world.query(query, s=LEASE - THIRD / 2)[0][0])

    with keeper.holding(world.seller_id, FLOW, lease):
        database.away = True
        passes(world, 1)
        sleep(0.1)
        assert not kept()
        database.away = False
        eventually(kept, 20, "the lease is kept again", 0.02)
    keeper.close()
    passes(world, 1)

    assert not kept()


def test_nothing_is_kept_by_a_thread_where_none_was_asked_for(world: World) -> None:
    keeper = Keeper(world.database, period=0.0, look=0.01)

    with keeper.holding(world.seller_id, FLOW, claimed(world, flows.PULL)):
        assert keeper._thread is None
