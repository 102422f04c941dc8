"""Orders in, stock out, between shops that share stock; webhooks come as they like."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from connectors.records import OrderStatus
from connectors.simulators.server import Simulator
from hub.channels import inbox
from tests.pump import World

Open = Callable[..., World]
MIXED = {"channels": ("shopify", "memory")}


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
