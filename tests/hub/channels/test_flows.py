"""Leases and due times of an account's flows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from sqlalchemy import text

from hub.channels import flows, resuming, vitals
from hub.channels.flows import Lease
from hub.db import Database, Transaction
from hub.secrets import Keyring
from tests.builders import World, world

T = TypeVar("T")
PULL = flows.PULL


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    made = world(database, seller, keyring, {"TENT": 10})
    run(made, lambda tx: flows.set_next(tx, made.account_id, PULL, None))
    return made


def run(shop: World, work: Callable[[Transaction], T]) -> T:
    return shop.database.command(shop.seller_id, work)


def claim(shop: World, lease: float = 60) -> Lease | None:
    return run(shop, lambda tx: flows.claim(tx, shop.account_id, PULL, lease))


def claimed(shop: World, lease: float = 60) -> Lease:
    found = claim(shop, lease)
    assert found is not None
    return found


def make_due(shop: World, after: float = 0) -> None:
    run(shop, lambda tx: flows.make_due(tx, PULL, [shop.account_id], after=after))


def next_in(shop: World) -> float:
    """Seconds until the flow is due."""
    query = "SELECT extract(epoch FROM next_at - now())::float8 FROM flow WHERE flow = 'pull'"
    return float(shop.ask(query)[0][0])


def expire(shop: World) -> None:
    run(
        shop,
        lambda tx: tx.execute(
            text("UPDATE flow SET lease_until = now() - interval '1 s' WHERE flow = 'pull'")
        ),
    )


def state(shop: World) -> vitals.FlowState:
    found = run(shop, lambda tx: vitals.states(tx, shop.account_id))
    return next(one for one in found if one.flow == PULL)


def test_a_flow_that_is_leased_is_not_leased_again(shop: World) -> None:
    first, second = claim(shop), claim(shop)

    assert first is not None
    assert second is None


def test_until_its_lease_ends_a_flow_is_due_at_that_end(shop: World) -> None:
    claimed(shop, 60)

    assert 55 < next_in(shop) <= 60


def test_a_lease_that_has_run_out_goes_to_the_next_who_asks(shop: World) -> None:
    first = claimed(shop)
    expire(shop)

    second = claimed(shop)

    assert second.token == first.token + 1
    assert second.attempts == 2


def test_the_cursor_is_saved_with_a_lease_and_read_with_the_next(shop: World) -> None:
    lease = claimed(shop)

    saved = run(shop, lambda tx: flows.save_cursor(tx, lease, {"since": "noon"}, extend=30))
    run(shop, lambda tx: flows.release(tx, lease, next_in=None))

    assert saved is True
    assert claimed(shop).cursor == {"since": "noon"}


def test_a_worker_that_lost_its_lease_saves_no_cursor_and_gives_nothing_back(shop: World) -> None:
    late = claimed(shop)
    expire(shop)
    claimed(shop)

    saved = run(shop, lambda tx: flows.save_cursor(tx, late, {"since": "midnight"}, extend=30))
    given = run(shop, lambda tx: flows.release(tx, late, next_in=0))
    run(shop, lambda tx: flows.fail(tx, late, "too late", next_in=0))

    assert (saved, given) == (False, False)
    assert state(shop).cursor is None
    assert state(shop).health == "healthy"
    assert claim(shop) is None


def test_a_flow_given_back_is_due_again_when_asked(shop: World) -> None:
    lease = claimed(shop)

    run(shop, lambda tx: flows.release(tx, lease, next_in=100))

    assert 95 < next_in(shop) <= 100
    assert state(shop).attempts == 0
    assert state(shop).last_ok_at is not None


def test_a_flow_given_back_with_nothing_to_do_sleeps(shop: World) -> None:
    lease = claimed(shop)

    run(shop, lambda tx: flows.release(tx, lease, next_in=None))

    assert state(shop).next_at is None


@pytest.mark.parametrize("next_time", [None, 300])
def test_what_is_made_due_during_a_lease_is_due_after_it(
    shop: World, next_time: float | None
) -> None:
    lease = claimed(shop)
    make_due(shop)

    run(shop, lambda tx: flows.release(tx, lease, next_in=next_time))

    assert next_in(shop) <= 0


@pytest.mark.parametrize("saving", [False, True])
def test_a_worker_that_wakes_after_its_lease_forgets_nothing_made_due_since(
    shop: World, saving: bool
) -> None:
    lease = claimed(shop)
    run_out = (
        "UPDATE flow SET lease_until = now() - interval '1 s', next_at = now() - interval '1 s'"
    )
    run(shop, lambda tx: tx.execute(text(f"{run_out} WHERE flow = 'pull'")))
    make_due(shop)

    if saving:
        run(shop, lambda tx: flows.save_cursor(tx, lease, {"since": "noon"}, extend=30))
    run(shop, lambda tx: flows.release(tx, lease, next_in=None))

    assert next_in(shop) <= 0


def test_saving_a_cursor_does_not_forget_what_was_made_due(shop: World) -> None:
    lease = claimed(shop)
    make_due(shop)

    run(shop, lambda tx: flows.save_cursor(tx, lease, {}, extend=60))
    run(shop, lambda tx: flows.release(tx, lease, next_in=None))

    assert next_in(shop) <= 0


def test_what_is_made_due_later_does_not_put_off_what_is_due_sooner(shop: World) -> None:
    make_due(shop, 5)

    make_due(shop, 500)

    assert next_in(shop) <= 5


def test_a_flow_that_failed_says_so_and_when_it_is_tried_again(shop: World) -> None:
    lease = claimed(shop)

    run(shop, lambda tx: flows.fail(tx, lease, "the shop is away", next_in=30))

    now = state(shop)
    assert (now.health, now.last_error, now.attempts) == ("failing", "the shop is away", 1)
    assert 25 < next_in(shop) <= 30


def test_who_was_too_fast_has_not_failed(shop: World) -> None:
    for _ in range(9):
        lease = claimed(shop)
        throttled = {"next_in": 0.0, "health": flows.THROTTLED}
        run(shop, lambda tx, lease=lease, how=throttled: flows.fail(tx, lease, "later", **how))
    assert state(shop).attempts == 9

    lease = claimed(shop)
    run(shop, lambda tx: flows.fail(tx, lease, "the shop is away", next_in=0.0))

    assert lease.in_a_row(throttled=True) == 10
    assert lease.in_a_row(throttled=False) == state(shop).attempts == 1
    assert claimed(shop).in_a_row(throttled=False) == 2


@pytest.mark.parametrize("health", [flows.THROTTLED, "failing"])
def test_a_flow_without_a_lease_counts_alike(shop: World, health: str) -> None:
    other = "failing" if health == flows.THROTTLED else flows.THROTTLED

    told = [
        run(shop, lambda tx, now=now: flows.note(tx, shop.account_id, flows.PUSH, now))
        for now in (health, health, health, other, other, "healthy", health)
    ]

    assert told == [1, 2, 3, 1, 2, 0, 1]


def test_a_flow_that_needs_a_person_waits_for_one(shop: World) -> None:
    lease = claimed(shop)
    run(
        shop,
        lambda tx: flows.fail(tx, lease, "revoked", next_in=None, health=flows.REAUTHORISE),
    )

    worst = run(shop, vitals.healths)

    assert state(shop).next_at is None
    assert worst == {shop.account_id: flows.REAUTHORISE}


def test_after_a_new_authorisation_every_flow_is_due_and_well(shop: World) -> None:
    lease = claimed(shop)
    run(shop, lambda tx: flows.fail(tx, lease, "revoked", next_in=None, health=flows.REAUTHORISE))

    run(shop, lambda tx: resuming.reset(tx, shop.account_id))

    assert next_in(shop) <= 0
    assert run(shop, vitals.healths) == {shop.account_id: "healthy"}


def test_work_made_due_is_rung_after_the_commit_and_only_then(shop: World) -> None:
    rung: list[Any] = []
    with shop.database.engine.connect() as ear:
        driver = ear.connection.driver_connection
        assert driver is not None
        driver.autocommit = True
        driver.execute("LISTEN hub_ring")
        with shop.database.transaction(shop.seller_id) as tx:
            flows.make_due(tx, PULL, [shop.account_id])
            rung.extend(driver.notifies(timeout=0))
            assert rung == []
        rung.extend(one.payload for one in driver.notifies(timeout=5, stop_after=1))
        driver.execute("UNLISTEN *")
        driver.autocommit = False

    assert rung == [f"{shop.seller_id}:pull:{shop.account_id}"]


def test_what_is_rolled_back_rings_nothing(shop: World) -> None:
    def due_and_broken(tx: Transaction) -> None:
        flows.make_due(tx, PULL, [shop.account_id])
        raise ZeroDivisionError

    with shop.database.engine.connect() as ear:
        driver = ear.connection.driver_connection
        assert driver is not None
        driver.autocommit = True
        driver.execute("LISTEN hub_ring")
        with pytest.raises(ZeroDivisionError):
            run(shop, due_and_broken)
        driver.execute("SELECT 1")
        assert list(driver.notifies(timeout=0)) == []
        driver.execute("UNLISTEN *")
        driver.autocommit = False
