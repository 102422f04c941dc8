"""What a channel shows is compared before it is written over, and read back after."""

from __future__ import annotations

from collections.abc import Callable
from threading import Timer

import pytest

from connectors.simulators.shop import EventKind
from sync.push import derive
from tests.pump import World, eventually

Open = Callable[..., World]
MIXED = {"channels": ("shopify", "memory")}


def test_a_number_that_moved_is_explained_by_orders_before_it_is_written(open_world: Open) -> None:
    world = open_world(webhooks=False)
    north = world.shops["north"]
    north.meanwhile(lambda: north.shop.buy([("MUG", 4)]), "SetStock")
    world.adjust("MUG", -1)

    world.pump()

    assert len(world.orders("north")) == 1
    assert world.shown("MUG") == {"north": 5, "south": 5}
    world.agrees()


def test_while_orders_cannot_be_read_a_moved_number_is_left_alone(open_world: Open) -> None:
    world = open_world(webhooks=False)
    north = world.shops["north"]
    north.faults.next("error_before", 100, "Orders")
    north.shop.buy([("MUG", 4)])
    world.adjust("MUG", -1)

    world.pump()

    assert world.shown("MUG")["north"] == 6
    north.faults.clear()
    world.later(600)
    world.later(60)  # a refused write is tried again a moment after the orders are read
    assert world.shown("MUG") == {"north": 5, "south": 5}
    world.agrees()


def test_a_sale_after_a_write_of_unknown_outcome_is_not_overwritten(open_world: Open) -> None:
    world = open_world(webhooks=False, readback=30.0)
    north = world.shops["north"]
    world.later(200)
    north.faults.next("timeout_before", 1, "SetStock")
    world.adjust("MUG", -1)
    world.pump()
    world.buy("north", ("MUG", 4))
    shown = [6]
    north.shop.listen(
        lambda event: (
            shown.append(north.shop.quantity("MUG")) if event.kind is EventKind.STOCK else None
        )
    )

    world.adjust("MUG", -1)
    world.pump()

    assert max(shown) == 6
    world.later(200)
    assert world.shown("MUG") == {"north": 4, "south": 4}


def test_a_write_that_lands_late_is_found_by_read_back_and_corrected(open_world: Open) -> None:
    world = open_world(**MIXED, readback=30.0)
    world.later(200)
    south = world.shops["south"].shop
    world.adjust("MUG", -1)
    world.pump()
    world.later(31)
    assert world.listing("south", "MUG")["confirmed_version"] > 1

    south.set_quantity(south.variant("MUG").inventory_key, 10)  # what was sent before, only now
    world.later(151)

    assert world.shown("MUG") == {"north": 9, "south": 9}
    world.later(31)
    world.agrees()


def test_a_late_write_never_lands_over_a_newer_one_where_the_channel_compares(
    open_world: Open,
) -> None:
    world = open_world(**MIXED)
    for name, where in (("north", "SetStock"), ("south", "push_stock")):
        world.shops[name].faults.next("late", 1, where)

    world.adjust("MUG", -1)
    world.pump()
    world.adjust("MUG", -1)
    world.pump()
    eventually(lambda: all(not one.is_alive() for one in timers(world)), 5, "late writes")

    assert world.shown("MUG") == {"north": 8, "south": 8}
    world.later(4_000)
    world.agrees()


def timers(world: World) -> list[Timer]:
    return [timer for shop in world.shops.values() for timer in shop._timers]


def test_a_number_no_order_explains_is_corrected(world: World) -> None:
    north = world.shops["north"].shop
    north.set_quantity(north.variant("MUG").inventory_key, 55)

    world.later(4_000)

    assert world.shown("MUG") == {"north": 10, "south": 10}
    world.agrees()


def test_it_is_corrected_only_once_the_orders_have_been_read(open_world: Open) -> None:
    world = open_world(readback=20.0)
    world.later(200)
    north = world.shops["north"]
    north.shop.set_quantity(north.shop.variant("MUG").inventory_key, 55)
    north.faults.next("error_before", 1_000, "Orders")
    writes = world.writes("north")

    world.later(4_000)

    assert world.writes("north") == writes
    assert world.shown("MUG")["north"] == 55
    north.faults.clear()
    world.later(400)
    world.later(100)
    assert world.shown("MUG") == {"north": 10, "south": 10}


def test_a_number_that_an_unread_order_explains_is_not_corrected(open_world: Open) -> None:
    world = open_world(webhooks=False, readback=30.0)
    world.adjust("MUG", -1)
    world.pump()
    writes = world.writes("north")
    world.buy("north", ("MUG", 2))

    world.later(40)

    assert world.shown("MUG") == {"north": 7, "south": 7}
    assert world.writes("north") == writes
    world.later(40)
    world.later(200)
    world.agrees()


def test_a_push_during_a_read_back_keeps_its_own_read_back(open_world: Open) -> None:
    world = open_world(webhooks=False)
    north = world.shops["north"]
    north.shop.set_quantity(north.shop.variant("MUG").inventory_key, 55)
    north.meanwhile(lambda: (world.adjust("MUG", -2), push_now(world)), "Orders")

    world.later(4_000)
    world.later(4_000)

    assert world.shown("MUG") == {"north": 8, "south": 8}
    world.agrees()


def test_a_read_back_that_is_late_does_not_hide_the_newer_push(open_world: Open) -> None:
    world = open_world(webhooks=False)
    north = world.shops["north"]
    north.shop.set_quantity(north.shop.variant("APRON").inventory_key, 55)
    north.meanwhile(lambda: (world.adjust("MUG", -2), push_now(world)), "Orders")
    world.query("UPDATE listing SET check_at = now() WHERE sku IN ('MUG', 'APRON') RETURNING 1")
    world.query("UPDATE flow SET next_at = now() WHERE flow = 'check' RETURNING 1")

    world.pump()

    assert world.listing("north", "MUG")["remote_quantity"] == 8
    world.later(4_000)
    world.agrees()


def push_now(world: World) -> None:
    """What another worker does meanwhile."""
    derive(world.carrier, world.seller_id)


@pytest.mark.parametrize("fault", ["timeout_after", "cut_after", "error_after", "wrong_body"])
@pytest.mark.parametrize("name", ["north", "south"])
def test_a_write_of_unknown_outcome_is_read_back_not_guessed(
    open_world: Open, fault: str, name: str
) -> None:
    world = open_world(**MIXED, readback=30.0)
    world.later(200)
    world.shops[name].faults.next(fault, 1, {"north": "SetStock", "south": "push_stock"}[name])
    writes = world.writes(name)

    world.adjust("MUG", -3)
    world.pump()

    row = world.listing(name, "MUG")
    assert row["sent_version"] == row["desired_version"] > row["confirmed_version"]
    assert row["remote_quantity"] is None
    world.later(40)
    assert world.writes(name) == writes + 1
    world.agrees()


@pytest.mark.parametrize("fault", ["timeout_before", "cut_before"])
def test_a_write_that_never_arrived_is_sent_again_after_the_read_back(
    world: World, fault: str
) -> None:
    world.shops["north"].faults.next(fault, 1, "SetStock")

    world.adjust("MUG", -3)
    world.pump()

    assert world.shown("MUG") == {"north": 7, "south": 7}
    world.agrees()
