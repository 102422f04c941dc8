"""A channel that prepares a long history: the hub comes again when told, and takes each once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from connectors.shopify import bulk
from connectors.shopify.simulator import ShopifySimulator
from connectors.simulators.server import Simulator
from hub.channels import flows
from tests.pump import World

Open = Callable[..., World]

COUNT = bulk.MANY + 70
ONE_SHOP = {"goods": {"MUG": 10, "APRON": 10}, "channels": ("shopify",), "readback": 60.0}


def with_history(slow: bool) -> Callable[[Mapping[str, Simulator]], None]:
    """A shop that has sold for a while before the hub comes."""

    def before(shops: Mapping[str, Simulator]) -> None:
        north = shops["north"]
        assert isinstance(north, ShopifySimulator)
        north.exports.slow = slow
        for variant in north.shop.variants:
            north.shop.set_quantity(variant.inventory_key, 10_000)
        begin = datetime.now(UTC) - timedelta(days=3)
        for n in range(COUNT):
            north.shop.buy([("MUG", 1)], at=begin + timedelta(minutes=n))

    return before


def shop(world: World) -> ShopifySimulator:
    found = world.shops["north"]
    assert isinstance(found, ShopifySimulator)
    return found


def placed(world: World) -> list[str]:
    return sorted(sale.key for sale in shop(world).shop.orders)


@pytest.fixture
def world(open_world: Open) -> World:
    return open_world(**ONE_SHOP, before=with_history(slow=True), webhooks=False)


@pytest.fixture
def told(open_world: Open) -> World:
    """The same with webhooks."""
    return open_world(**ONE_SHOP, before=with_history(slow=True))


def test_while_orders_are_prepared_the_pull_is_due_again_soon(world: World) -> None:
    flow = world.flow("north", flows.PULL)

    assert world.orders("north") == {}
    assert flow.health == "healthy"
    assert 0 < world.due_in("north", flows.PULL) <= bulk.LATER
    assert shop(world).requests["Export"] == 1


def test_what_was_prepared_comes_in_once(world: World) -> None:
    world.later(bulk.LATER)
    assert world.orders("north") == {}

    shop(world).exports.finish()
    world.later(bulk.LATER)
    world.later(bulk.LATER)

    assert sorted(world.orders("north")) == placed(world)
    assert shop(world).requests["Export"] == 1
    assert world.flow("north", flows.PULL).health == "healthy"
    world.check()


def test_an_order_of_meanwhile_is_not_lost(world: World) -> None:
    late = world.buy("north", ("APRON", 2))
    shop(world).exports.finish()

    world.later(bulk.LATER)
    world.later(bulk.LATER)

    assert late in world.orders("north")
    assert sorted(world.orders("north")) == placed(world)
    world.check()


def test_a_preparation_that_fails_is_made_up_for_by_pages(world: World) -> None:
    shop(world).exports.fate = "FAILED"
    shop(world).exports.finish()

    world.later(bulk.LATER)

    assert sorted(world.orders("north")) == placed(world)
    assert shop(world).requests["File"] == 0
    world.check()


def test_the_channel_may_say_that_it_is_ready(told: World) -> None:
    assert told.orders("north") == {}

    shop(told).exports.finish()
    told.pump()

    assert len(told.orders("north")) == COUNT
    assert shop(told).requests["File"] >= 1
