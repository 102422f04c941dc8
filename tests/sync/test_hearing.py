"""Webhooks that a channel has lost are counted by the walk that finds what they would have told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.channels import hearing
from hub.channels.hearing import Heard
from sync import pull
from tests.pump import World

Open = Callable[..., World]


@pytest.fixture
def world(open_world: Open) -> World:
    return open_world(channels=("shopify",))


def heard(world: World) -> Heard:
    with world.database.transaction(world.seller_id) as tx:
        return hearing.lately(tx, world.accounts["north"])


def a_minute_later(world: World) -> None:
    """What was found has waited for its webhook; then orders are looked for again."""
    assert world.shops["north"].webhooks.drain()
    world.query(
        "UPDATE unheard SET found_at = found_at - interval '90 s',"
        " changed_at = changed_at - interval '90 s' RETURNING 1"
    )
    world.query("UPDATE webhook SET received_at = received_at - interval '90 s' RETURNING 1")
    world.later(90.0)


def test_changes_whose_webhooks_come_are_counted_and_none_is_lost(world: World) -> None:
    before = heard(world)
    world.buy("north", ("MUG", 1))
    world.pump()
    world.buy("north", ("APRON", 1))
    world.pump()

    a_minute_later(world)

    assert heard(world) == before._replace(changes=before.changes + 2)
    assert heard(world).lost == 0


def test_a_lost_webhook_is_counted_once_with_its_order_and_the_order_is_found(
    world: World,
) -> None:
    world.shops["north"].faults.rate = {"webhook_lost": 1.0}
    key = world.buy("north", ("MUG", 1))
    world.pump()
    world.shops["north"].faults.clear()

    world.later(90.0)
    found_by_the_walk = key in world.orders("north")
    too_soon = heard(world).lost
    a_minute_later(world)
    a_minute_later(world)

    assert (found_by_the_walk, too_soon) == (True, 0)
    assert (heard(world).lost, heard(world).lost_order.rpartition("/")[2]) == (1, key)
    world.agrees()


def test_a_webhook_that_comes_after_the_walk_is_not_lost(world: World) -> None:
    before = heard(world)
    world.shops["north"].faults.late = 0.5
    world.shops["north"].faults.next("webhook_late", times=9)
    world.buy("north", ("MUG", 1))
    assert pull.pull(world.carrier, world.seller_id, world.accounts["north"])
    found_by_the_walk = world.query("SELECT count(*) FROM unheard")

    a_minute_later(world)

    assert found_by_the_walk == [(1,)]
    assert (heard(world).changes, heard(world).lost) == (before.changes + 1, 0)


def test_orders_of_before_and_of_shops_without_webhooks_are_nobodys_loss(
    open_world: Open,
) -> None:
    world = open_world(
        channels=("shopify", "shopify"),
        webhooks=False,
        before=lambda shops: shops["north"].shop.buy([("MUG", 1)]),
    )
    world.buy("north", ("MUG", 1))
    world.later(90.0)

    a_minute_later(world)

    assert len(world.orders("north")) == 2
    assert heard(world) == Heard(0, 0, None, "")
