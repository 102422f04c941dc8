"""Channels hear of parcels: in order, once, on good days and bad."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hub.channels import accounts, flows, resuming
from hub.channels import outbox as boxes_of
from hub.db import Database
from hub.sales import shipments
from hub.sales.shipments import Leaving
from tests.pump import World
from tests.sync.after_sale import (
    at_shop,
    bought,
    boxes,
    correct,
    give_back,
    line_id,
    ship,
    state,
    tell,
)
from tests.sync.test_cursor import Crash, Mortal

Open = Callable[..., World]
ONE_SHOP = {"channels": ("memory",)}


@pytest.fixture
def world(open_world: Open) -> World:
    return open_world(**ONE_SHOP)


def test_a_parcel_is_told_to_the_shop_the_order_came_from(world: World) -> None:
    key = bought(world)

    made = ship(world, key)
    assert "outbox" in world.pump()

    (parcel,) = at_shop(world, key).parcels
    assert (parcel.carrier, parcel.tracking_number) == ("DHL", "JD01")
    assert [one.shipped for one in at_shop(world, key).lines] == [3]
    assert world.query("SELECT state, external_id FROM shipment WHERE id = :i", i=made.id) == [
        ("told", parcel.external_id)
    ]
    assert world.orders("north") == {key: "shipped"}
    assert world.conflicts() == {}
    world.agrees()
    world.check()


def test_of_an_order_that_leaves_in_two_parcels_each_is_told_by_itself(world: World) -> None:
    key = bought(world)
    number = line_id(world, key)

    ship(world, key, Leaving("DHL", "JD01", lines={number: 1}))
    ship(world, key, Leaving("UPS", "1Z02", lines={number: 2}))
    world.pump()

    assert [(one.carrier, one.lines[0].quantity) for one in at_shop(world, key).parcels] == [
        ("DHL", 1),
        ("UPS", 2),
    ]
    world.check()


def test_a_corrected_number_reaches_the_parcel_that_was_told(world: World) -> None:
    key = bought(world)
    made = ship(world, key)
    world.pump()

    correct(world, made.id, tracking_number="JD99")
    world.pump()

    (parcel,) = at_shop(world, key).parcels
    assert parcel.tracking_number == "JD99"
    assert boxes(world) == [("ship", 1, "done"), ("ship", 2, "done")]


def test_corrected_before_it_was_told_it_is_told_and_then_corrected(world: World) -> None:
    key = bought(world)
    made = ship(world, key)
    correct(world, made.id, tracking_number="JD99")

    world.pump()

    (parcel,) = at_shop(world, key).parcels
    assert parcel.tracking_number == "JD99"


def test_what_the_shop_refuses_stays_shipped_and_a_person_sees_it(world: World) -> None:
    key = bought(world)
    world.shops["north"].shop.ship(key)  # somebody has told the shop already

    made = ship(world, key)
    world.pump()

    assert world.conflicts() == {"shipment_rejected": 1}
    assert state(world, "shipment") == ["refused"]
    assert world.query("SELECT shipped FROM order_line") == [(3,)]
    assert world.flow("north", flows.OUTBOX).health == "healthy"
    assert made.state == "waiting"
    world.check()


def test_a_parcel_that_was_refused_is_told_anew_with_its_correction(world: World) -> None:
    key = bought(world)
    number = line_id(world, key)
    made = ship(world, key, Leaving("DHL", lines={number: 2}))
    with world.database.transaction(world.seller_id) as tx:
        (due,) = boxes_of.claim(tx, world.accounts["north"], 1, 60.0)
        refused = boxes_of.Answer(due, boxes_of.REJECTED, code="carrier_unknown")
        boxes_of.record(tx, world.accounts["north"], [refused])
        shipments.answered(tx, made.id, 1, shipments.REFUSED, "")

    correct(world, made.id, carrier="UPS")
    world.pump()

    assert [one.carrier for one in at_shop(world, key).parcels] == ["UPS"]
    assert world.conflicts() == {}


def test_a_refusal_holds_back_nothing_that_comes_after_it(world: World) -> None:
    key, other = bought(world, 2), bought(world, 1)
    world.shops["north"].shop.ship(key)
    ship(world, key)
    give_back(world, key, 100)
    ship(world, other)

    world.pump()

    assert boxes(world) == [
        ("ship", 1, "refused"),
        ("refund", 1, "done"),
        ("ship", 1, "done"),
    ]


def test_nothing_of_an_order_is_told_before_what_came_earlier(world: World) -> None:
    key, other = bought(world), bought(world, 1)
    ship(world, key)
    give_back(world, key, 100)
    ship(world, other)
    world.shops["north"].faults.next("error_before", 1, "ship")

    tell(world)
    assert at_shop(world, key).refunds == ()

    world.later(60)
    assert [len(at_shop(world, one).parcels) for one in (key, other)] == [1, 1]
    assert len(at_shop(world, key).refunds) == 1
    world.check()


@pytest.mark.parametrize("fault", ["timeout_after", "error_before", "rate_limited", "wrong_json"])
def test_a_shop_that_does_not_answer_is_told_again_and_counts_it_once(
    world: World, fault: str
) -> None:
    key = bought(world)
    world.shops["north"].faults.next(fault, 1, "ship")
    ship(world, key)

    assert tell(world) == 0
    assert state(world, "shipment") == ["waiting"]
    assert world.flow("north", flows.OUTBOX).health in {"failing", "throttled"}

    world.later(60)
    assert len(at_shop(world, key).parcels) == 1
    assert state(world, "shipment") == ["told"]
    assert world.flow("north", flows.OUTBOX).health == "healthy"
    world.check()


def test_with_credentials_that_are_refused_it_waits_for_a_person(world: World) -> None:
    key = bought(world)
    world.shops["north"].faults.next("unauthorized", 1, "ship")
    ship(world, key)

    world.pump()

    assert world.flow("north", flows.OUTBOX).health == flows.REAUTHORISE
    assert "auth_expired" in world.conflicts()
    with world.database.transaction(world.seller_id) as tx:
        resuming.reset(tx, world.accounts["north"])
    world.pump()
    assert len(at_shop(world, key).parcels) == 1


def test_a_shop_that_is_not_live_hears_nothing_until_it_is(world: World) -> None:
    key = bought(world)
    world.set_mode("north", accounts.PAUSED)

    ship(world, key)
    world.later(600)
    assert at_shop(world, key).parcels == ()
    world.check()

    world.set_mode("north", accounts.LIVE)
    world.pump()
    assert len(at_shop(world, key).parcels) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before commit", "after commit"])
@pytest.mark.parametrize("transactions", [1, 3, 4], ids=["claim", "answer", "the next claim"])
def test_a_worker_that_dies_is_followed_and_the_shop_counts_once(
    open_world: Open, database: Database, transactions: int, after: bool
) -> None:
    mortal = Mortal(database.engine)
    world = open_world(database=mortal, channels=("memory",), webhooks=False)
    key = world.buy("north", ("MUG", 3))
    world.later(100)
    ship(world, key)
    mortal.die_in(transactions, after=after)

    with pytest.raises(Crash):
        tell(world)

    world.later(100)
    assert len(at_shop(world, key).parcels) == 1
    assert [one.shipped for one in at_shop(world, key).lines] == [3]
    assert state(world, "shipment") == ["told"]
    world.check()


def test_a_worker_that_wakes_late_records_nothing(world: World) -> None:
    key = bought(world)
    ship(world, key)

    def overtake() -> None:
        world.query("UPDATE outbox SET next_at = now() RETURNING 1")
        assert tell(world) == 1

    world.shops["north"].meanwhile(overtake, "ship")
    tell(world)

    assert len(at_shop(world, key).parcels) == 1
    assert boxes(world) == [("ship", 1, "done")]
    assert world.query("SELECT lease_token FROM outbox") == [(2,)]
