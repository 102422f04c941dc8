"""Channels hear of cancellations and refunds, and what they count stays apart from what we do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.postsale import Refund
from hub.errors import InvalidInput
from sync import refunds
from tests.pump import World
from tests.sync.after_sale import at_shop, bought, cancel, give_back, state, tell

Open = Callable[..., World]
ONE_SHOP = {"channels": ("memory",)}


@pytest.fixture
def world(open_world: Open) -> World:
    return open_world(**ONE_SHOP)


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
