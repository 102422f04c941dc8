"""One bad item fails neither its batch nor its page; what is no business of ours is not written."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.shopify.simulator import ShopifySimulator
from hub.channels import accounts, flows, listings
from tests.pump import BEFORE, World, simulator

Open = Callable[..., World]
MIXED = {"channels": ("shopify", "memory")}


def test_a_listing_that_is_gone_blocks_no_other_and_a_person_sees_it(world: World) -> None:
    world.shops["north"].shop.remove_variant("MUG")

    world.adjust("MUG", -1)
    world.adjust("APRON", -1)
    world.pump()

    assert world.shown("APRON") == {"north": 9, "south": 9}
    assert world.shown("MUG") == {"south": 9}
    assert world.listing("north", "MUG")["state"] == "ended"
    assert world.conflicts() == {"listing_gone": 1}


def test_a_listing_found_gone_with_a_read_back_still_due_is_left_in_peace(
    open_world: Open,
) -> None:
    world = open_world(readback=30.0)
    world.shops["north"].shop.remove_variant("MUG")
    world.adjust("MUG", -1)
    world.pump()

    world.later(4_000)

    assert world.conflicts() == {"listing_gone": 1}
    assert world.pump() == []


def test_a_listing_the_channel_refuses_blocks_no_other_and_a_person_sees_it(world: World) -> None:
    north = world.shops["north"]
    assert isinstance(north, ShopifySimulator)
    north.stockroom.unstocked.add(north.shop.variant("MUG").inventory_key)

    world.adjust("MUG", -1)
    world.adjust("APRON", -1)
    world.pump()

    assert world.shown("APRON") == {"north": 9, "south": 9}
    assert world.conflicts() == {}
    for _ in range(3):
        world.later(300)
    assert world.conflicts() == {"stock_rejected": 1}
    north.stockroom.unstocked.clear()
    world.later(900)
    assert world.conflicts() == {}
    assert world.shown("MUG") == {"north": 9, "south": 9}


def test_a_poison_record_is_set_aside_while_the_rest_of_its_page_goes_in(
    open_world: Open,
) -> None:
    world = open_world(webhooks=False)
    shop = world.shops["north"].shop
    first = world.buy("north", ("MUG", 1))
    shop.buy([("BOARD", 1)], prices={"BOARD": -5})
    last = world.buy("north", ("APRON", 1))

    world.later(60)

    assert sorted(world.orders("north")) == [first, last]
    assert world.conflicts() == {"poison_record": 1}
    assert world.flow("north", flows.PULL).health == "healthy"
    assert world.shown("APRON") == {"north": 9, "south": 9}


def test_an_order_no_ledger_can_hold_is_set_aside_whatever_channel_sent_it(
    open_world: Open,
) -> None:
    world = open_world(**MIXED)
    shop = world.shops["south"].shop
    shop.add_variant("LONG", "A long title " * 60, 100, 5)
    world.buy("south", ("LONG", 1))
    good = world.buy("south", ("MUG", 1))

    world.pump()

    assert list(world.orders("south")) == [good]
    assert world.conflicts() == {"poison_record": 1}


def test_a_listing_that_cannot_be_read_keeps_no_other_out_and_a_person_sees_it(
    world: World,
) -> None:
    shop = world.shops["north"].shop
    shop.add_variant("BAD", "Its price makes no sense", -100, 5)
    shop.add_variant("VASE", "Vase", 900, 5)

    answered = world.ask("north", "listings", {"create": True})

    assert answered.state == "done"
    assert world.listing("north", "VASE")["product_id"] is not None
    assert world.conflicts() == {"poison_record": 1}


def test_an_account_in_shadow_is_read_and_never_written_to(open_world: Open) -> None:
    world = open_world()
    shadow = world.shops["north"]
    world.set_mode("north", accounts.SHADOW)
    world.pump()
    writes = world.writes("north")

    world.adjust("MUG", -3)
    key = world.buy("north", ("APRON", 1))
    world.later(4_000)
    world.later(4_000)

    assert world.writes("north") == writes
    assert list(world.orders("north")) == [key]
    assert shadow.shop.quantity("MUG") == 10
    assert world.listing("north", "MUG")["desired_quantity"] == 7
    world.go_live()
    world.pump()
    assert world.shown("MUG") == {"north": 7, "south": 7}


def test_a_new_account_writes_nothing_before_it_is_turned_live(world: World) -> None:
    with simulator("memory", "east", ["MUG"], BEFORE) as east:
        world.connect("east", east, "memory")
        world.ask("east", "listings")
        world.buy("north", ("MUG", 1))
        world.later(4_000)

        assert east.requests["push_stock"] == 0
        assert world.shown("MUG") == {"north": 9, "south": 9, "east": BEFORE}
        assert world.listing("east", "MUG")["desired_quantity"] == 9


def test_a_paused_account_is_left_alone_and_catches_up_when_it_resumes(world: World) -> None:
    north = world.shops["north"]
    world.adjust("MUG", -1)
    world.set_mode("north", accounts.PAUSED)
    writes, key = world.writes("north"), world.buy("north", ("APRON", 1))

    world.later(4_000)
    world.adjust("MUG", -1)
    world.later(4_000)

    assert world.writes("north") == writes
    assert north.shop.quantity("MUG") == 10
    assert world.shown("MUG")["south"] == 8
    world.set_mode("north", accounts.LIVE)
    world.pump()
    assert list(world.orders("north")) == [key]
    assert world.shown("MUG") == {"north": 8, "south": 8}
    world.agrees()


@pytest.mark.parametrize("mode", [accounts.PAUSED, accounts.SHADOW])
def test_an_account_taken_off_line_while_pushes_wait_keeps_no_worker_busy(
    world: World, mode: str
) -> None:
    world.shops["north"].faults.retry_after = "120"
    world.shops["north"].faults.next("rate_limited", 1, "SetStock")
    world.adjust("MUG", -1)
    world.pump()

    world.set_mode("north", mode)
    world.later(121)

    assert world.pump() == []
    assert world.shown("MUG") == {"north": 10, "south": 9}
    world.set_mode("north", accounts.LIVE)
    world.pump()
    assert world.shown("MUG") == {"north": 9, "south": 9}


def test_a_paused_listing_is_not_pushed_until_it_resumes(world: World) -> None:
    number = world.listing("north", "MUG")["id"]
    pause(world, number, True)

    world.adjust("MUG", -4)
    world.later(4_000)

    assert world.shown("MUG") == {"north": 10, "south": 6}
    pause(world, number, False)
    world.pump()
    assert world.shown("MUG") == {"north": 6, "south": 6}


def pause(world: World, number: int, paused: bool) -> None:
    with world.database.transaction(world.seller_id) as tx:
        version = listings.get(tx, number).version
        listings.set_paused(tx, number, paused, expected_version=version)


def test_listings_that_ended_or_are_not_linked_are_not_pushed(world: World) -> None:
    north = world.shops["north"]
    north.shop.end_variant("MUG")
    north.shop.add_variant("LOOSE", "Not linked", 100, 4)
    world.ask("north", "listings")

    world.adjust("MUG", -1)
    world.later(600)

    assert world.shown("MUG") == {"north": 10, "south": 9}
    assert world.shown("LOOSE") == {"north": 4}
    assert world.conflicts() == {"listing_unmapped": 1}


def test_our_own_pushs_echo_causes_no_further_push(open_world: Open) -> None:
    world = open_world(**MIXED)
    world.adjust("MUG", -3)
    world.pump()
    writes = {name: world.writes(name) for name in world.shops}

    for _ in range(3):
        world.later(4_000)

    assert world.inbox().keys() <= {"done", "ignored"}
    assert world.inbox()["ignored"] >= 2
    assert {name: world.writes(name) for name in world.shops} == writes
    world.agrees()


def test_a_number_that_is_shown_already_is_not_written(world: World) -> None:
    writes = world.writes("north")
    world.buy("north", ("MUG", 1))

    world.pump()

    assert world.shown("MUG") == {"north": 9, "south": 9}
    assert world.writes("north") <= writes + 1
    world.agrees()
