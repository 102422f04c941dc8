"""Reading back what was pushed, and the history that explains every number."""

from __future__ import annotations

import pytest

from hub.channels import checking, flows, offers
from hub.db import Database
from hub.inventory.availability import Rule
from hub.secrets import Keyring
from tests.builders import World, line, order, world
from tests.hub.channels.steps import (
    checks,
    claim,
    look_now,
    push,
    read_back,
    run,
    sell,
    settle,
    shown,
)


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    made = world(database, seller, keyring, {"TENT": 10})
    made.derive()
    run(made, lambda tx: flows.set_next(tx, made.account_id, flows.CHECK, None))
    return made


def test_a_number_read_back_confirms_the_offer_and_is_looked_at_once_more(shop: World) -> None:
    push(shop, check_in=0)
    (first,) = checks(shop)
    read_back(shop, first, 10)
    assert shown(shop).confirmed_version == shown(shop).desired_version

    look_now(shop)
    (second,) = checks(shop)
    read_back(shop, second, 10)

    look_now(shop)
    assert checks(shop) == []


def test_a_number_nobody_explains_is_pushed_again_and_the_history_says_why(shop: World) -> None:
    push(shop, check_in=0)
    (check,) = checks(shop)

    read_back(shop, check, 99)

    (again,) = claim(shop)
    assert (again.quantity, again.remote_quantity) == (10, 99)
    history = run(shop, lambda tx: offers.history(tx, again.id))
    assert history[0]["derivation"] == {"again": {"read_back": 99}}
    assert history[1]["derivation"]["quantity"] == 10
    shop.check()


def test_a_number_that_a_newer_offer_will_replace_is_only_noted(shop: World) -> None:
    push(shop, check_in=0)
    (check,) = checks(shop)
    sell(shop, 3, "1")
    version = shown(shop).desired_version

    read_back(shop, check, 99)

    assert shown(shop).desired_version == version
    assert [due.quantity for due in claim(shop)] == [7]
    shop.check()


@pytest.mark.parametrize("showed", [10, 99])
def test_a_read_back_overtaken_by_a_newer_push_changes_nothing_of_it(
    shop: World, showed: int
) -> None:
    push(shop, check_in=0)
    (old,) = checks(shop)
    sell(shop, 3, "1")
    push(shop, check_in=0)

    read_back(shop, old, showed)

    now = shown(shop)
    assert (now.channel_now, now.confirmed_version) == (7, 0)
    (check,) = checks(shop)
    read_back(shop, check, 7)
    assert shown(shop).confirmed_version == now.desired_version
    look_now(shop)
    assert len(checks(shop)) == 1
    shop.check()


def test_a_listing_the_channel_no_longer_knows_ends(shop: World) -> None:
    push(shop, check_in=0)
    (check,) = checks(shop)

    read_back(shop, check, None, gone=True)

    assert shown(shop).state == "ended"
    assert shop.conflicts() == {"listing_gone": 1}
    assert settle(shop)["check"] is None
    shop.check()


def test_a_read_back_that_learned_nothing_is_done_again(shop: World) -> None:
    push(shop, check_in=0)
    (check,) = checks(shop)

    run(shop, lambda tx: checking.look_again(tx, [check], 0))

    assert [one.id for one in checks(shop)] == [check.id]


def test_every_number_a_listing_was_to_show_is_explained(shop: World) -> None:
    sell(shop, 3, "1")
    run(
        shop,
        lambda tx: offers.set_rule(tx, shop.account_id, Rule(safety_stock=2, share_percent=50)),
    )
    shop.derive()
    number = shown(shop).id

    history = run(shop, lambda tx: offers.history(tx, number))

    assert [one["quantity"] for one in history] == [2, 7, 10]
    assert history[0]["derivation"]["rule"]["safety_stock"] == 2
    assert history[0]["derivation"]["available"] == {str(shop.location_id): 7}


def test_units_that_are_owed_are_not_offered(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 12)))
    shop.adjust("delivery", "TENT", 1)
    shop.derive()

    assert shown(shop).offer == 0


def test_an_offer_that_comes_out_the_same_is_not_pushed_again(shop: World) -> None:
    push(shop)
    shop.adjust("more", "TENT", 1)
    shop.adjust("fewer", "TENT", -1)

    shop.derive()

    assert claim(shop) == []
    shop.check()
