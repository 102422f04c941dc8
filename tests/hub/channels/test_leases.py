"""Leases are extended while they run and are ours; never taken back, never hiding what is due."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from hub.channels import checking, flows, leases, pushing
from hub.channels.flows import PULL, Lease
from hub.channels.leases import FlowHeld, LookHeld, RowHeld
from hub.channels.pushing import Due
from hub.db import Database
from hub.secrets import Keyring
from tests.builders import World, world
from tests.hub.channels.steps import answer, checks, claim, push, retry_in, run
from tests.pump import time_passes

LEASE = 6.0


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    made = world(database, seller, keyring, {"TENT": 10})
    made.derive()
    run(made, lambda tx: flows.set_next(tx, made.account_id, PULL, None))
    return made


def passes(shop: World, seconds: float) -> None:
    time_passes(shop.database, shop.seller_id, seconds)


def leased(shop: World) -> Lease:
    found = run(shop, lambda tx: flows.claim(tx, shop.account_id, PULL, LEASE))
    assert found is not None
    return found


def kept(shop: World, lease: Lease) -> int:
    held = [FlowHeld(lease.account_id, lease.flow, lease.token)]
    return run(shop, lambda tx: leases.extend_flows(tx, held, LEASE))


def pushes_kept(shop: World, due: Due) -> int:
    held = [RowHeld(due.id, due.token)]
    return run(shop, lambda tx: leases.extend_pushes(tx, held, LEASE))


def ends_in(shop: World) -> tuple[float, float]:
    """Seconds to the lease's end, and to when the flow is due."""
    query = (
        "SELECT extract(epoch FROM lease_until - now())::float8,"
        " extract(epoch FROM next_at - now())::float8 FROM flow WHERE flow = 'pull'"
    )
    end, due = shop.ask(query)[0]
    return float(end), float(due)


def test_a_lease_that_is_kept_ends_later_and_is_due_at_that_end(shop: World) -> None:
    lease = leased(shop)
    passes(shop, 4)

    assert kept(shop, lease) == 1

    end, due = ends_in(shop)
    assert 5 < end <= 6
    assert due == end


def test_one_that_another_worker_has_taken_is_not_taken_back(shop: World) -> None:
    late = leased(shop)
    passes(shop, 7)
    leased(shop)
    passes(shop, 2)

    assert kept(shop, late) == 0
    assert 3 < ends_in(shop)[0] <= 4


def test_one_that_ran_out_is_not_taken_back_either(shop: World) -> None:
    late = leased(shop)
    passes(shop, 7)

    assert kept(shop, late) == 0
    assert ends_in(shop)[1] < 0


@pytest.mark.parametrize("hold", [0.0, 60.0])
def test_one_that_was_given_back_is_not_extended(shop: World, hold: float) -> None:
    lease = leased(shop)
    run(shop, lambda tx: flows.fail(tx, lease, "away", next_in=60, hold=hold))

    assert kept(shop, lease) == 0
    assert 59 < ends_in(shop)[1] <= 60


def test_what_was_made_due_meanwhile_stays_due(shop: World) -> None:
    lease = leased(shop)
    run(shop, lambda tx: flows.make_due(tx, PULL, [shop.account_id]))

    assert kept(shop, lease) == 1

    assert ends_in(shop)[1] <= 0


def test_a_row_that_somebody_is_writing_is_passed_over(shop: World) -> None:
    lease = leased(shop)

    with shop.database.transaction(shop.seller_id) as other:
        flows.lock(other, shop.account_id, PULL)
        assert kept(shop, lease) == 0

    assert kept(shop, lease) == 1


def test_a_listing_that_is_being_pushed_stays_claimed(shop: World) -> None:
    (due,) = claim(shop, lease=LEASE)
    passes(shop, 4)

    assert pushes_kept(shop, due) == 1

    assert 5 < retry_in(shop) <= 6


def test_a_listing_that_another_worker_pushes_is_its(shop: World) -> None:
    (late,) = claim(shop, lease=LEASE)
    passes(shop, 7)
    (follower,) = claim(shop, lease=LEASE)
    passes(shop, 2)

    assert pushes_kept(shop, late) == 0
    assert pushes_kept(shop, follower) == 1


GIVEN_BACK: dict[str, Callable[[World, Due], None]] = {
    "sent": lambda shop, due: answer(shop, due, "accepted"),
    "to be tried at once": lambda shop, due: answer(shop, due, "retry", retry_in=0.0),
    "to be tried later": lambda shop, due: answer(shop, due, "retry", retry_in=60.0),
    "not sent at all": lambda shop, due: run(
        shop, lambda tx: pushing.release_leases(tx, [due], 0.0, "")
    ),
}


@pytest.mark.parametrize("how", GIVEN_BACK)
def test_a_listing_whose_answer_is_recorded_is_not_claimed_again(shop: World, how: str) -> None:
    (due,) = claim(shop, lease=LEASE)
    GIVEN_BACK[how](shop, due)
    before = retry_in(shop)

    assert pushes_kept(shop, due) == 0
    assert retry_in(shop) == pytest.approx(before, abs=1)


def test_a_listing_that_is_being_read_back_is_looked_at_by_nobody_else(shop: World) -> None:
    push(shop, check_in=0)
    (check,) = run(shop, lambda tx: checking.claim_checks(tx, shop.account_id, 10, LEASE))
    held = [LookHeld(check.id, check.sent_version)]
    passes(shop, 4)

    assert run(shop, lambda tx: leases.extend_looks(tx, held, LEASE)) == 1
    passes(shop, 4)
    assert checks(shop) == []


def test_a_look_at_what_was_sent_again_since_is_nobodys(shop: World) -> None:
    push(shop, check_in=0)
    (check,) = run(shop, lambda tx: checking.claim_checks(tx, shop.account_id, 10, LEASE))
    shop.adjust("more", "TENT", 1)
    shop.derive()
    run(shop, lambda tx: tx.execute(text("UPDATE listing SET next_at = now()")))
    push(shop, check_in=3)

    held = [LookHeld(check.id, check.sent_version)]

    assert run(shop, lambda tx: leases.extend_looks(tx, held, LEASE)) == 0
