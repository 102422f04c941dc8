"""What people ask of a channel, when the channel wants a moment's peace."""

from __future__ import annotations

from hub.channels import requests
from hub.channels.requests import Request
from tests.pump import World


def asked(world: World) -> Request:
    """A test of the connection, and what became of it."""
    account = world.accounts["north"]
    number = world.database.command(world.seller_id, lambda tx: requests.ask(tx, account, "test"))
    world.pump()
    with world.database.transaction(world.seller_id) as tx:
        return requests.get(tx, number)


def test_a_channel_that_was_asked_too_fast_is_given_a_moment(world: World) -> None:
    faults = world.shops["north"].faults
    faults.retry_after = "0.05"
    faults.next("rate_limited", 3)

    assert asked(world).state == "done"
    assert faults.counts["rate_limited"] == 3


def test_one_that_wants_to_be_left_alone_for_longer_says_so(world: World) -> None:
    faults = world.shops["north"].faults
    faults.retry_after = "120"
    faults.next("rate_limited")

    assert asked(world).state == "failed"
    assert faults.counts["rate_limited"] == 1
