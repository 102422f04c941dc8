"""What hub and shops do not agree about, from its being found to its being gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from connectors.catalog import channels
from connectors.shopify.simulator import ShopifySimulator
from hub.conflicts import life, reading
from hub.conflicts.life import Who
from hub.conflicts.reading import Shown, Wanted
from hub.resolution import applying
from hub.resolution.applying import Desk
from hub.resolution.plans import Asked, Told
from tests.pump import World

Open = Callable[..., World]
ANNA = Who("token:1", "owner")
DESK = Desk(ANNA, {one.name: one for one in channels()})


def conflict(world: World, kind: str) -> Shown:
    wanted = Wanted(kind=kind)
    with world.database.transaction(world.seller_id) as tx:
        (found,) = reading.conflicts(tx, wanted, after=0, limit=10)
    return found


def resolve(world: World, kind: str, verb: str, reason: str = "", **told: Any) -> Shown:
    one = conflict(world, kind)
    asked = Asked(verb, Told(**told), reason)
    return world.database.command(
        world.seller_id,
        lambda tx: applying.resolve(tx, DESK, one.id, asked, expected_version=one.version),
    )


def somebody_sets(world: World, units: int) -> None:
    """Behind the hub's back, in the north shop's own administration; the hub comes by."""
    north = world.shops["north"].shop
    north.set_quantity(north.variant("MUG").inventory_key, units)
    world.later(4_000)


def test_a_number_nobody_explains_is_put_right_and_told_and_closes_by_itself(
    world: World,
) -> None:
    somebody_sets(world, 55)

    assert world.shown("MUG") == {"north": 10, "south": 10}
    one = conflict(world, "stock_drift")
    assert one.evidence["hub"] == {"sent": 10}
    assert one.evidence["channel"] == {"shown": 55}
    assert one.state == "auto_resolved"
    world.agrees()


def test_one_that_keeps_coming_back_is_one_conflict_that_grows_severe(world: World) -> None:
    for _ in range(3):
        somebody_sets(world, 55)

    one = conflict(world, "stock_drift")

    assert (one.seen, one.reopened, one.severity) == (3, 2, "high")
    assert world.shown("MUG") == {"north": 10, "south": 10}


def test_a_late_write_of_our_own_is_put_right_and_nobody_is_bothered(open_world: Open) -> None:
    world = open_world(channels=("shopify", "memory"), readback=30.0)
    world.later(200)
    south = world.shops["south"].shop
    world.adjust("MUG", -1)
    world.pump()
    world.later(31)

    south.set_quantity(south.variant("MUG").inventory_key, 10)
    world.later(151)
    world.later(31)

    assert world.shown("MUG") == {"north": 9, "south": 9}
    assert world.query("SELECT count(*) FROM conflict") == [(0,)]


def test_sales_explain_what_they_take(world: World) -> None:
    world.buy("north", ("MUG", 3))

    world.later(4_000)

    assert world.query("SELECT count(*) FROM conflict") == [(0,)]
    world.agrees()


def test_the_shops_number_can_be_taken_for_the_truth(world: World) -> None:
    somebody_sets(world, 4)
    one = conflict(world, "stock_drift")
    world.database.command(
        world.seller_id,
        lambda tx: life.reopen(tx, one.id, ANNA, "they are right", expected_version=one.version),
    )

    done = resolve(world, "stock_drift", "accept_channel", "six were broken")
    world.pump()

    assert done.state == "resolved"
    assert world.available("MUG") == 4
    assert world.shown("MUG") == {"north": 4, "south": 4}
    world.later(4_000)
    world.agrees()
    world.check()


def test_the_hubs_number_is_told_again_at_once(world: World) -> None:
    somebody_sets(world, 55)
    one = conflict(world, "stock_drift")
    world.database.command(
        world.seller_id,
        lambda tx: life.reopen(tx, one.id, ANNA, "look again", expected_version=one.version),
    )
    north = world.shops["north"].shop
    north.set_quantity(north.variant("MUG").inventory_key, 77)

    resolve(world, "stock_drift", "accept_hub")
    world.pump()

    assert world.shown("MUG") == {"north": 10, "south": 10}
    world.agrees()


def test_a_record_that_has_been_mended_goes_in_when_it_is_fetched_again(open_world: Open) -> None:
    world = open_world(webhooks=False)
    shop = world.shops["north"].shop
    sold = shop.buy([("BOARD", 1)], prices={"BOARD": -5})
    world.later(60)
    assert world.conflicts() == {"poison_record": 1}

    mended = replace(sold.lines[0], unit_price=500)
    shop._orders[sold.key] = replace(sold, lines=(mended,))
    tried = resolve(world, "poison_record", "retry")
    world.pump()

    assert tried.state == "in_progress"
    assert conflict(world, "poison_record").state == "auto_resolved"
    assert list(world.orders("north")) == [sold.key]


def test_a_record_that_is_as_bad_as_before_is_open_again(open_world: Open) -> None:
    world = open_world(webhooks=False)
    world.shops["north"].shop.buy([("BOARD", 1)], prices={"BOARD": -5})
    world.later(60)

    resolve(world, "poison_record", "retry")
    world.pump()

    assert conflict(world, "poison_record").state == "open"


def test_credentials_that_are_good_again_are_tried_and_the_account_works_on(world: World) -> None:
    north = world.shops["north"]
    assert isinstance(north, ShopifySimulator)
    token, north.access_token = north.access_token, "another"
    world.buy("south", ("MUG", 1))
    world.later(60)
    assert world.conflicts() == {"auth_expired": 1}

    north.access_token = token
    resolve(world, "auth_expired", "retry")
    world.pump()

    assert world.conflicts() == {}
    assert world.shown("MUG") == {"north": 9, "south": 9}
    world.agrees()


def test_a_listing_linked_by_a_person_is_pushed_and_its_buyers_served(world: World) -> None:
    world.shops["north"].shop.add_variant("CUP", "Cup", 900, 99)
    sold = world.buy("north", ("CUP", 2))
    world.pump()
    world.ask("north", "listings")
    assert world.conflicts() == {"listing_unmapped": 1, "order_line_unmapped": 1}

    resolve(world, "listing_unmapped", "link", sku="MUG")
    world.pump()

    assert world.conflicts() == {}
    assert world.shops["north"].shop.quantity("CUP") == 8
    assert world.shown("MUG") == {"north": 8, "south": 8}
    assert sold in world.orders("north")
    world.check()
