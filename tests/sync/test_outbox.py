"""Channels hear of parcels, cancellations and refunds: in order, once, on good days and bad."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from connectors.catalog import channel
from connectors.postsale import Refund
from connectors.simulators.shop import Sale
from hub.aftersales import refunding
from hub.channels import accounts, connecting, flows, resuming
from hub.channels import outbox as boxes_of
from hub.db import Database
from hub.errors import InvalidInput
from hub.sales import cancelling, shipments
from hub.sales.cancelling import Cancellation, TakenOff
from hub.sales.shipments import Correction, Leaving, Shipment
from sync import outbox, refunds
from tests.pump import World
from tests.sync.test_cursor import Crash, Mortal

Open = Callable[..., World]
ONE_SHOP = {"channels": ("memory",)}
ABLE = connecting.abilities(channel("memory"))
DHL = Leaving("DHL", "JD01")


@pytest.fixture
def world(open_world: Open) -> World:
    return open_world(**ONE_SHOP)


def order_id(world: World, key: str) -> int:
    return int(world.query("SELECT id FROM sales_order WHERE external_id = :k", k=key)[0][0])


def bought(world: World, units: int = 3, name: str = "north") -> str:
    """An order that the hub has taken in; its key at the shop."""
    key = world.buy(name, ("MUG", units))
    world.pump()
    return key


def ship(world: World, key: str, leaving: Leaving = DHL) -> Shipment:
    send = partial(shipments.ship, order_id=order_id(world, key), leaving=leaving, able=ABLE)
    return world.database.command(world.seller_id, send)


def correct(world: World, number: int, version: int = 1, **change: str) -> Shipment:
    given = Correction(**change)
    return world.database.command(
        world.seller_id,
        lambda tx: shipments.correct(tx, number, given, ABLE, expected_version=version),
    )


def cancel(world: World, key: str, units: int | None = None) -> Cancellation:
    lines = None if units is None else {line_id(world, key): units}
    wanted = TakenOff("out of stock", lines)
    take_off = partial(cancelling.cancel, order_id=order_id(world, key), wanted=wanted, able=ABLE)
    return world.database.command(world.seller_id, take_off)


def give_back(world: World, key: str, amount: int) -> refunding.Refund:
    asked = refunding.Asked(amount, "it came late")
    give = partial(refunding.give, order_id=order_id(world, key), asked=asked, able=ABLE)
    return world.database.command(world.seller_id, give)


def line_id(world: World, key: str) -> int:
    found = world.query("SELECT id FROM order_line WHERE order_id = :o", o=order_id(world, key))
    return int(found[0][0])


def tell(world: World) -> int:
    """One run of the job; what is put off stays so. Answers how many things the shop took."""
    return outbox.tell(world.carrier, world.seller_id, world.accounts["north"])


def at_shop(world: World, key: str, name: str = "north") -> Sale:
    sale = world.shops[name].shop.order(key)
    assert sale is not None
    return sale


def boxes(world: World) -> list[tuple[Any, ...]]:
    return world.query("SELECT kind, version, state FROM outbox ORDER BY id")


def state(world: World, table: str) -> list[str]:
    return [row[0] for row in world.query(f"SELECT state FROM {table} ORDER BY id")]


# -- parcels --------------------------------------------------------------------------------------


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


# -- cancellations --------------------------------------------------------------------------------


def test_units_taken_off_are_free_for_others_and_the_shop_is_told(world: World) -> None:
    key = bought(world)

    cancel(world, key, 2)
    world.pump()
    world.later(60)

    assert [one.cancelled for one in at_shop(world, key).lines] == [2]
    assert world.shown("MUG") == {"north": 9}
    assert state(world, "cancellation") == ["told"]
    assert world.conflicts() == {}
    world.agrees()
    world.check()


def test_an_order_taken_off_whole_is_cancelled_at_the_shop(world: World) -> None:
    key = bought(world)

    cancel(world, key)
    world.pump()
    world.later(60)

    assert world.orders("north") == {key: "cancelled"}
    assert world.shown("MUG") == {"north": 10}
    assert world.conflicts() == {}
    world.agrees()
    world.check()


def test_units_taken_off_stay_off_though_the_shop_does_not_know_it_yet(world: World) -> None:
    key = bought(world)
    world.shops["north"].faults.next("error_before", 1, "cancel")
    cancel(world, key, 1)
    assert tell(world) == 0

    world.shops["north"].shop.edit(key, "MUG", 5)
    world.pump()

    assert world.query("SELECT quantity, cancelled, allocated FROM order_line") == [(5, 1, 4)]
    world.later(60)
    assert [one.cancelled for one in at_shop(world, key).lines] == [1]
    world.agrees()
    world.check()


def test_a_cancellation_that_comes_too_late_is_for_a_person(world: World) -> None:
    key = bought(world)
    world.shops["north"].shop.ship(key)

    cancel(world, key)
    world.pump()

    assert world.conflicts() == {"cancellation_rejected": 1}
    assert state(world, "cancellation") == ["refused"]
    world.check()


# -- refunds --------------------------------------------------------------------------------------


def test_money_is_given_back_once_and_no_goods_move(world: World) -> None:
    key = bought(world)

    give_back(world, key, 400)
    world.pump()

    (given,) = at_shop(world, key).refunds
    assert given.amount == 400
    assert world.query("SELECT state, external_id, amount FROM refund") == [
        ("done", given.external_id, 400)
    ]
    assert world.available("MUG") == 7
    world.check()


def test_the_list_of_refunds_brings_ours_back_as_the_one_it_is(world: World) -> None:
    key = bought(world)
    give_back(world, key, 400)
    world.pump()

    ran = world.later(1_000)

    assert "refunds" in ran
    assert len(world.query("SELECT 1 FROM refund")) == 1


def test_a_list_that_is_quicker_than_the_answer_makes_no_second_refund(world: World) -> None:
    key = bought(world)
    world.shops["north"].faults.next("timeout_after", 1, "refund")
    give_back(world, key, 400)
    assert tell(world) == 0
    assert refunds.pull_refunds(world.carrier, world.seller_id, world.accounts["north"])
    assert len(world.query("SELECT 1 FROM refund")) == 2

    world.later(60)

    (given,) = at_shop(world, key).refunds
    assert world.query("SELECT state, external_id, amount FROM refund") == [
        ("done", given.external_id, 400)
    ]
    world.check()


def test_never_more_than_was_paid(world: World) -> None:
    key = bought(world)
    total = at_shop(world, key).total
    give_back(world, key, total - 1)

    with pytest.raises(InvalidInput, match=f"of {total} GBP, {total - 1} has been given back"):
        give_back(world, key, 2)

    give_back(world, key, 1)
    world.pump()
    assert at_shop(world, key).refunded == total


def test_what_the_shop_will_not_give_back_is_for_a_person_and_not_counted(world: World) -> None:
    key = bought(world)
    total = at_shop(world, key).total
    shop = world.shops["north"].shop
    given = give_back(world, key, total)
    listed = shop.refund(key, Refund("", key, 100, "GBP", given.refunded_at))
    world.pump()

    assert world.conflicts() == {"refund_rejected": 1}
    world.later(1_000)
    assert world.query("SELECT external_id, amount, state FROM refund ORDER BY id") == [
        (given.external_id, total, "refused"),
        (listed.external_id, 100, "done"),
    ]
    world.check()
