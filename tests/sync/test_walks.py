"""Walks over lists that are longer than a page, move meanwhile, or lag."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.records import OrderStatus
from hub.channels import flows
from tests.pump import World

Open = Callable[..., World]
MIXED = {"channels": ("shopify", "memory")}


def orders_page(world: World, count: int, name: str = "north") -> list[str]:
    """More orders than one page holds; their keys."""
    return [world.buy(name, ("MUG", 1)) for _ in range(count)]


def test_an_order_edited_while_it_is_fetched_comes_in_as_it_is_now(world: World) -> None:
    north = world.shops["north"]
    key = world.buy("north", ("MUG", 5))
    north.meanwhile(lambda: north.shop.edit(key, "MUG", 2), "OrdersById")

    world.pump()

    assert world.available("MUG") == 8
    world.agrees()


def test_a_long_order_edited_between_its_pages_is_never_half_old(open_world: Open) -> None:
    goods = {f"SKU-{n:02}": 10 for n in range(25)}
    world = open_world(goods=goods, webhooks=False)
    north = world.shops["north"]
    key = world.buy("north", *((sku, 5) for sku in goods))
    north.meanwhile(lambda: north.shop.edit(key, "SKU-24", 1), "OrderLines")

    world.later(60)

    assert world.available("SKU-24") == 9
    assert world.available("SKU-00") == 5
    world.later(60)
    world.agrees()


@pytest.mark.parametrize(("channel", "where"), [("shopify", "Orders"), ("memory", "pull_orders")])
def test_a_page_repeated_for_ever_ends_as_a_protocol_error(
    open_world: Open, channel: str, where: str
) -> None:
    world = open_world(goods={"MUG": 200}, channels=(channel,), webhooks=False, readback=30.0)
    north = world.shops["north"]
    keys = orders_page(world, 70)
    north.faults.next("page_repeated", 10_000, where)

    world.later(60)

    state = world.flow("north", flows.PULL)
    assert state.health == "failing"
    assert "ProtocolError" in state.last_error
    assert north.requests[where] < 10
    north.faults.clear()
    world.later(600)
    assert sorted(world.orders("north")) == keys
    world.check()


def test_an_expired_cursor_starts_the_walk_again_from_its_watermark(open_world: Open) -> None:
    world = open_world(goods={"MUG": 200}, webhooks=False)
    north = world.shops["north"]
    keys = orders_page(world, 70)
    north.faults.next("cursor_expired", 1, "Orders")
    asked = north.requests["Orders"]

    world.later(60)

    assert north.faults.counts["cursor_expired"] == 1
    assert north.requests["Orders"] - asked >= 4
    assert sorted(world.orders("north")) == keys
    assert world.flow("north", flows.PULL).health == "healthy"
    world.check()


def test_orders_that_move_while_the_pages_are_read_are_not_missed(open_world: Open) -> None:
    world = open_world(goods={"MUG": 200}, webhooks=False)
    north = world.shops["north"]
    keys = orders_page(world, 90)
    moved: list[str] = []

    def edit() -> None:
        if not moved:
            moved.append(keys[3])
            north.meanwhile(lambda: north.shop.set_status(keys[3], OrderStatus.SHIPPED), "Orders")

    north.meanwhile(edit, "Orders")

    world.later(60)
    world.later(60)

    assert sorted(world.orders("north")) == keys
    assert world.orders("north")[keys[3]] == "shipped"


@pytest.mark.parametrize("skew", [-600, 600])
def test_a_shop_whose_clock_is_wrong_loses_no_order(open_world: Open, skew: float) -> None:
    world = open_world(readback=0.0)
    north = world.shops["north"]
    north.faults.clock_skew = skew
    key = world.buy("north", ("MUG", 2))
    world.pump()
    world.later(60)
    north.faults.clock_skew = 0
    other = world.buy("north", ("MUG", 1))

    world.pump()
    world.later(60)
    north.shop.edit(key, "MUG", 1)
    world.later(60)

    assert sorted(world.orders("north")) == [key, other]
    assert world.shown("MUG") == {"north": 8, "south": 8}
    world.agrees()


def test_an_index_that_lags_hides_an_order_for_a_while_only(open_world: Open) -> None:
    world = open_world(webhooks=False)
    north = world.shops["north"]
    north.faults.index_lag = 30
    key = world.buy("north", ("MUG", 2))
    world.later(60)
    assert world.orders("north") == {}

    north.faults.index_lag = 0
    world.later(60)

    assert list(world.orders("north")) == [key]
    world.later(4_000)
    world.agrees()
