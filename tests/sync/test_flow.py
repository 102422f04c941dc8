"""Orders in, stock out, between shops that share stock: on good days and on bad ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Timer
from time import monotonic

import pytest

from connectors.records import OrderStatus
from connectors.shopify.budget import Bucket
from connectors.shopify.simulator import ShopifySimulator
from connectors.simulators.server import Simulator
from connectors.simulators.shop import EventKind
from hub.channels import accounts, flows, inbox, listings
from sync.push import derive
from tests.pump import BEFORE, World, eventually, simulator

Open = Callable[..., World]
MIXED = {"channels": ("shopify", "memory")}


def orders_page(world: World, count: int, name: str = "north") -> list[str]:
    """More orders than one page holds; their keys."""
    return [world.buy(name, ("MUG", 1)) for _ in range(count)]


# -- sales ----------------------------------------------------------------------------------------


def test_a_sale_at_one_shop_lowers_what_the_other_shows(world: World) -> None:
    world.buy("north", ("MUG", 3))

    world.pump()

    assert world.shown("MUG") == {"north": 7, "south": 7}
    assert world.shown("APRON") == {"north": 10, "south": 10}
    world.agrees()


def test_it_does_so_across_channels(open_world: Open) -> None:
    world = open_world(**MIXED)
    world.buy("south", ("MUG", 3))
    world.buy("north", ("MUG", 1))

    world.pump()

    assert world.shown("MUG") == {"north": 6, "south": 6}
    world.agrees()


def test_an_order_counts_once_though_webhook_and_pull_both_bring_it(world: World) -> None:
    key = world.buy("north", ("MUG", 2))

    world.pump()
    world.later(120)
    world.later(120)

    assert list(world.orders("north")) == [key]
    assert world.available("MUG") == 8
    world.check()


def test_without_webhooks_the_pull_finds_every_order(open_world: Open) -> None:
    world = open_world(webhooks=False)
    key = world.buy("south", ("BOARD", 4))

    assert world.pump() == []
    world.later(60)

    assert list(world.orders("south")) == [key]
    assert world.shown("BOARD") == {"north": 6, "south": 6}


def test_orders_from_before_the_hub_came_are_read_and_take_their_units(open_world: Open) -> None:
    def bought(shops: Mapping[str, Simulator]) -> None:
        shops["north"].shop.buy([("MUG", 2)])

    world = open_world(before=bought)

    assert list(world.orders("north").values()) == ["confirmed"]
    assert world.shown("MUG") == {"north": 8, "south": 8}


def test_an_edited_order_gives_back_what_it_no_longer_takes(world: World) -> None:
    key = world.buy("north", ("MUG", 5))
    world.pump()

    world.shops["north"].shop.edit(key, "MUG", 2)
    world.pump()

    assert world.shown("MUG") == {"north": 8, "south": 8}
    world.agrees()


def test_an_order_edited_upwards_takes_more(world: World) -> None:
    key = world.buy("north", ("MUG", 2))
    world.pump()

    world.shops["north"].shop.edit(key, "MUG", 6)
    world.pump()

    assert world.shown("MUG") == {"north": 4, "south": 4}
    world.agrees()


def test_a_cancelled_order_gives_everything_back(world: World) -> None:
    key = world.buy("north", ("MUG", 5), ("APRON", 1))
    world.pump()

    world.shops["north"].shop.cancel(key)
    world.pump()

    assert world.orders("north") == {key: "cancelled"}
    assert world.shown("MUG") == {"north": 10, "south": 10}
    assert world.shown("APRON") == {"north": 10, "south": 10}
    world.agrees()


def test_an_order_cancelled_before_anybody_read_it_takes_nothing(world: World) -> None:
    key = world.buy("south", ("MUG", 5))
    world.shops["south"].shop.cancel(key)

    world.pump()

    assert world.orders("south") == {key: "cancelled"}
    assert world.available("MUG") == 10
    world.agrees()


def test_what_two_shops_sell_twice_waits_for_stock_and_a_person_sees_it(world: World) -> None:
    world.buy("north", ("MUG", 7))
    world.buy("south", ("MUG", 7))

    world.pump()

    assert world.shown("MUG") == {"north": 0, "south": 0}
    assert world.conflicts() == {"oversold": 1}
    world.check()


def test_stock_that_comes_goes_to_those_who_wait_before_it_is_offered(world: World) -> None:
    world.buy("north", ("MUG", 7))
    world.buy("south", ("MUG", 7))
    world.pump()

    world.adjust("MUG", 6)
    world.pump()

    assert world.shown("MUG") == {"north": 2, "south": 2}
    assert world.conflicts() == {}
    world.agrees()


def test_an_empty_catalogue_is_read_and_changes_nothing(open_world: Open) -> None:
    world = open_world(goods={})

    assert world.ask("north", "listings").answer["read"] == 0
    assert world.writes("north") == 0


def test_listings_stay_when_the_catalogue_suddenly_looks_empty(world: World) -> None:
    world.shops["north"].faults.next("wrong_json", 1, "Listings")

    world.ask("north", "listings")
    world.later(600)
    world.buy("south", ("MUG", 1))
    world.pump()

    assert world.shown("MUG") == {"north": 9, "south": 9}
    world.agrees()


def test_a_listing_linked_later_gets_the_units_its_orders_waited_for(world: World) -> None:
    world.shops["north"].shop.add_variant("VASE", "Vase", 900, 5)
    world.buy("north", ("VASE", 2), ("MUG", 1))
    world.pump()
    assert world.conflicts() == {"order_line_unmapped": 1}

    world.ask("south", "listings", {"create": True})
    world.ask("north", "listings", {"create": True})
    world.adjust("VASE", 5)
    world.pump()

    assert world.conflicts() == {}
    assert world.shown("VASE") == {"north": 3}
    world.agrees()


def test_a_listing_linked_by_the_catalogues_own_round_gets_them_too(world: World) -> None:
    world.shops["north"].shop.add_variant("VASE", "Vase", 900, 5)
    world.buy("north", ("VASE", 2))
    world.pump()
    world.shops["south"].shop.add_variant("VASE", "Vase", 900, 5)
    world.ask("south", "listings", {"create": True})

    world.later(7 * 3_600)
    world.adjust("VASE", 5)
    world.pump()

    assert world.conflicts() == {}
    assert world.shown("VASE") == {"north": 3, "south": 3}


# -- compare and set, read-back -------------------------------------------------------------------


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


# -- one bad item ---------------------------------------------------------------------------------


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


# -- limits and refusals --------------------------------------------------------------------------


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


# -- what is never written to ---------------------------------------------------------------------


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


# -- walks ----------------------------------------------------------------------------------------


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


# -- webhooks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["webhook_duplicate", "webhook_reorder", "webhook_late"])
def test_webhooks_come_as_they_like_and_count_once(open_world: Open, fault: str) -> None:
    world = open_world(**MIXED)
    for shop in world.shops.values():
        shop.faults.rate[fault] = 0.7
        shop.faults.late = 0.2
    keys = [world.buy("north", ("MUG", 1)) for _ in range(3)]
    world.shops["north"].shop.cancel(keys[0])
    world.buy("south", ("APRON", 2))

    world.pump()
    assert all(shop.webhooks.drain() for shop in world.shops.values())
    world.pump()  # what came while it worked

    assert world.shops["north"].faults.counts[fault] > 0
    assert sorted(world.orders("north")) == keys
    assert world.orders("north")[keys[0]] == "cancelled"
    assert world.shown("MUG") == {"north": 8, "south": 8}
    assert world.inbox().keys() <= {"done", "ignored"}
    world.agrees()


def test_webhooks_that_are_lost_are_made_up_for_by_the_pull(world: World) -> None:
    world.shops["north"].faults.rate["webhook_lost"] = 1.0
    key = world.buy("north", ("MUG", 1))
    world.pump()
    assert world.orders("north") == {}

    world.later(60)

    assert list(world.orders("north")) == [key]
    world.agrees()


def test_webhooks_are_sent_again_while_the_hub_is_away(world: World) -> None:
    world.doorway.shut = True
    key = world.buy("north", ("MUG", 1))
    while 503 not in world.doorway.answers:
        pass
    world.doorway.shut = False

    world.pump()

    assert list(world.orders("north")) == [key]
    world.agrees()


def test_a_forged_webhook_is_refused_and_leaves_no_trace(world: World) -> None:
    before = world.inbox()
    world.shops["north"].faults.rate["webhook_bad_signature"] = 1.0

    world.buy("north", ("MUG", 1))
    world.pump()

    assert 401 in world.doorway.answers
    assert world.inbox() == before


def test_an_order_webhook_that_names_no_order_has_the_orders_pulled(open_world: Open) -> None:
    world = open_world(webhooks=False)
    key = world.buy("north", ("MUG", 1))
    hints = [{"kind": "order", "key": ""}]
    world.database.command(
        world.seller_id,
        lambda tx: inbox.receive(tx, world.accounts["north"], "e1", "order", hints, b"{}"),
    )

    world.pump()

    assert list(world.orders("north")) == [key]
    assert world.inbox() == {"done": 1}


def test_an_event_about_an_order_nobody_knows_is_finished(world: World) -> None:
    hints = [{"kind": "order", "key": "gid://shopify/Order/1"}]
    world.database.command(
        world.seller_id,
        lambda tx: inbox.receive(tx, world.accounts["north"], "e1", "order", hints, b"{}"),
    )

    world.pump()

    assert world.inbox().get("new") is None


def test_a_burst_of_webhooks_is_worked_off_in_batches(world: World) -> None:
    north = world.shops["north"]
    fetched = north.requests["OrdersById"]
    keys = [world.buy("north", ("APRON", 1)) for _ in range(8)]
    for key in keys:
        for _ in range(4):
            north.shop.set_status(key, OrderStatus.HELD)

    world.pump()

    assert set(world.orders("north").values()) == {"held"}
    assert north.requests["OrdersById"] - fetched < 8
    world.agrees()
