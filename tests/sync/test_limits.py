"""Channels that throttle, refuse, break down or revoke: one account waits, the others go on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

import pytest

from connectors.http import TRIES
from connectors.shopify.budget import Bucket
from connectors.shopify.simulator import ShopifySimulator
from hub.channels import flows
from sync.retry import BREAKS, FIRST
from tests.pump import World

Open = Callable[..., World]
MIXED = {"channels": ("shopify", "memory")}


def test_a_429_sets_the_due_time_and_no_worker_sleeps(world: World) -> None:
    north = world.shops["north"]
    north.faults.retry_after = "120"
    north.faults.next("rate_limited", 1, "SetStock")
    world.adjust("MUG", -1)
    began = monotonic()

    world.pump()

    assert monotonic() - began < 5
    assert 100 < world.due_in("north", flows.PUSH) <= 121
    assert world.flow("north", flows.PUSH).health == "throttled"
    assert world.shown("MUG") == {"north": 10, "south": 9}
    world.later(121)
    assert world.shown("MUG") == {"north": 9, "south": 9}
    assert world.flow("north", flows.PUSH).health == "healthy"


def test_a_429_to_a_pull_sets_its_due_time(open_world: Open) -> None:
    world = open_world(webhooks=False)
    north = world.shops["north"]
    north.faults.retry_after = "200"
    north.faults.next("rate_limited", 1, "Orders")
    key = world.buy("north", ("MUG", 1))

    world.later(60)

    assert 180 < world.due_in("north", flows.PULL) <= 201
    assert world.flow("north", flows.PULL).health == "throttled"
    world.later(201)
    assert list(world.orders("north")) == [key]
    assert world.flow("north", flows.PULL).health == "healthy"


def test_one_failure_of_an_account_at_its_limit_does_not_shut_it_off(world: World) -> None:
    north = world.shops["north"]
    north.faults.retry_after = "30"
    for _ in range(BREAKS + 3):
        north.faults.next("rate_limited", 1, "OrdersById")
        world.buy("north", ("MUG", 1))
        world.pump()
    assert world.flow("north", flows.INBOX).attempts == BREAKS + 3

    north.faults.next("error_before", TRIES, "OrdersById")
    world.buy("north", ("MUG", 1))
    world.pump()
    world.later(2 * FIRST)

    assert north.faults.counts["error_before"] == TRIES
    assert world.flow("north", flows.INBOX).health == "healthy"
    assert len(world.orders("north")) == BREAKS + 4


def test_a_push_at_the_limit_counts_no_attempt(world: World) -> None:
    world.shops["north"].faults.next("rate_limited", 3, "SetStock")

    for _ in range(3):
        world.adjust("MUG", -1)
        world.later(5)

    assert world.flow("north", flows.PUSH).health == "throttled"
    assert world.query("SELECT max(attempts) FROM listing") == [(0,)]


@pytest.mark.parametrize("told", ["0", "-5", "1000000000", "soon", ""])
def test_nonsense_in_retry_after_is_bounded(world: World, told: str) -> None:
    world.shops["north"].faults.retry_after = told
    world.shops["north"].faults.next("rate_limited", 1, "SetStock")
    world.adjust("MUG", -1)

    world.pump()
    world.later(901)

    assert world.shown("MUG") == {"north": 9, "south": 9}


def test_the_channels_own_form_of_too_fast_is_taken_alike(world: World) -> None:
    north = world.shops["north"]
    assert isinstance(north, ShopifySimulator)
    north.bucket = Bucket(1_000, 1, lambda: datetime.now(UTC))
    north.bucket.pay(1_000)
    world.adjust("MUG", -1)

    world.pump()

    assert world.flow("north", flows.PUSH).health == "throttled"
    assert 3 < world.due_in("north", flows.PUSH) <= 11
    north.bucket.pay(-1_000)
    world.later(15)
    assert world.shown("MUG") == {"north": 9, "south": 9}
    assert world.flow("north", flows.PUSH).health == "healthy"


def test_a_revoked_token_stops_one_account_only_and_a_person_is_told(world: World) -> None:
    north = world.shops["north"]
    assert isinstance(north, ShopifySimulator)
    token, north.access_token = north.access_token, "another"
    world.buy("south", ("MUG", 1))

    world.pump()
    world.later(60)

    assert world.flow("north", flows.PULL).health == flows.REAUTHORISE
    assert world.flow("north", flows.PUSH).health == flows.REAUTHORISE
    assert world.conflicts() == {"auth_expired": 1}
    assert world.flow("south", flows.PULL).health == "healthy"
    assert world.flow("south", flows.PUSH).health == "healthy"
    assert world.shown("MUG") == {"north": 10, "south": 9}

    north.access_token = token
    world.later(901)

    assert world.conflicts() == {}
    assert {world.flow("north", one).health for one in flows.FLOWS} == {"healthy"}
    assert world.shown("MUG") == {"north": 9, "south": 9}
    world.agrees()


def test_a_shop_that_is_away_delays_nobody_else_and_is_caught_up(world: World) -> None:
    north = world.shops["north"]
    north.stop()
    world.buy("south", ("MUG", 2))

    world.pump()

    assert world.shown("MUG") == {"north": 10, "south": 8}
    assert world.flow("north", flows.PUSH).health == "failing"
    north.start()
    world.later(600)
    assert world.shown("MUG") == {"north": 8, "south": 8}
    world.agrees()
