"""Work that ends whoever takes it up: tried at growing pauses, shown, and well again by itself."""

from __future__ import annotations

import pytest

from hub.channels import flows, pushing
from hub.channels.flows import ABANDONED, ABANDONED_SAID
from hub.channels.pushing import Answer
from hub.db import Database
from hub.secrets import Keyring
from tests.builders import World, world
from tests.hub.channels.test_flows import claim, claimed, expire, next_in, run, state

LEASE = 6.0


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 10})


def taken_up_in_vain(shop: World, times: int) -> None:
    """By workers that end in the middle of it: nothing is given back, the lease runs out."""
    for _ in range(times):
        claimed(shop, LEASE)
        expire(shop)


def test_a_worker_that_dies_now_and_then_costs_one_lease_and_is_no_trouble(shop: World) -> None:
    taken_up_in_vain(shop, ABANDONED - 1)

    assert (state(shop).health, state(shop).last_error) == ("healthy", "")
    assert next_in(shop) <= LEASE


def test_work_that_ends_every_worker_is_shown_and_taken_up_at_growing_pauses(shop: World) -> None:
    taken_up_in_vain(shop, ABANDONED - 1)
    pauses = []
    for _ in range(7):
        claimed(shop, LEASE)
        pauses.append(round(next_in(shop)))
        expire(shop)

    assert (state(shop).health, state(shop).last_error) == ("failing", ABANDONED_SAID)
    assert pauses == sorted(pauses)
    assert pauses[0] == 10
    assert pauses[-1] == 300


def test_however_much_makes_it_due_it_waits_for_its_time(shop: World) -> None:
    taken_up_in_vain(shop, ABANDONED - 1)
    claimed(shop, LEASE)

    run(shop, lambda tx: flows.make_due(tx, flows.PULL, [shop.account_id]))

    assert claim(shop, LEASE) is None


def test_once_somebody_comes_through_all_is_well(shop: World) -> None:
    taken_up_in_vain(shop, ABANDONED + 2)
    lease = claimed(shop, LEASE)

    run(shop, lambda tx: flows.release(tx, lease, next_in=60.0))

    assert (state(shop).health, state(shop).attempts) == ("healthy", 0)
    taken_up_in_vain(shop, 1)
    assert next_in(shop) <= LEASE


def test_being_too_fast_is_no_such_thing(shop: World) -> None:
    for _ in range(ABANDONED + 2):
        lease = claimed(shop, LEASE)
        run(
            shop,
            lambda tx, lease=lease: flows.fail(
                tx, lease, "too fast", next_in=0.0, health="throttled"
            ),
        )

    claimed(shop, LEASE)

    assert next_in(shop) <= LEASE


# -- listings, which are claimed one by one -------------------------------------------------------


def test_a_listing_that_ends_whoever_pushes_it_is_shown_and_claimed_at_growing_pauses(
    shop: World,
) -> None:
    pauses = []
    shop.derive()
    for _ in range(ABANDONED + 2):
        (due,) = run(shop, lambda tx: pushing.claim_due(tx, shop.account_id, 10, LEASE))
        wait = "extract(epoch FROM next_at - now())::float8"
        pauses.append(round(shop.ask(f"SELECT {wait} FROM listing")[0][0]))
        shop.ask("UPDATE listing SET next_at = now() RETURNING 1")

    assert pauses[: ABANDONED - 1] == [round(LEASE)] * (ABANDONED - 1)
    assert pauses[ABANDONED - 1 :] == [10, 20, 40]
    assert shop.ask("SELECT last_error FROM listing") == [(ABANDONED_SAID,)]

    run(shop, lambda tx: pushing.record(tx, shop.account_id, [Answer(due, "accepted")]))
    assert shop.ask("SELECT last_error, attempts FROM listing") == [("", 0)]
