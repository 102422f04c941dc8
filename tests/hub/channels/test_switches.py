"""A channel that takes only on and off: the hub offers 1 or 0, and a sale pushes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from connectors import catalog
from connectors.base import StockMode, StockWrite
from hub.channels import accounts, connecting, offers
from hub.channels.reconciliation.explaining import explain
from hub.db import Database
from hub.inventory.availability import Rule, offer, switched
from hub.secrets import Keyring, Secret
from tests.builders import World, line, order, world
from tests.hub.channels.steps import checks, claim, push, read_back, run, shown


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    """Ten tents, at a shop that knows only on and off."""
    made = world(database, seller, keyring, {"TENT": 10})
    run(made, lambda tx: tx.execute(text("UPDATE account SET stock_mode = 'switch'")))
    made.derive()
    return replace(made, target=replace(made.target, switch=True))


def sell(shop: World, units: int, key: str) -> None:
    shop.take(order(key, line("a", "v-TENT", units)))
    shop.derive()


@pytest.mark.parametrize(("units", "shown"), [(0, 0), (1, 1), (7, 1)])
def test_any_number_above_none_is_on(units: int, shown: int) -> None:
    made = switched(offer({5: units}, 0, Rule()))

    assert made.quantity == shown
    assert made.derivation["units"] == units
    assert made.derivation["switch"] is True
    assert made.derivation["available"] == {"5": units}


def test_what_is_left_is_offered_as_on(shop: World) -> None:
    due = push(shop)

    assert due.quantity == 1
    found = run(shop, lambda tx: offers.history(tx, due.id))
    assert (found[0]["quantity"], found[0]["derivation"]["units"]) == (1, 10)


def test_a_sale_that_leaves_some_pushes_nothing(shop: World) -> None:
    push(shop)

    sell(shop, 3, "1")

    assert claim(shop) == []
    assert (shown(shop).offer, shown(shop).channel_now) == (1, 1)
    shop.check()


def test_the_last_one_sold_switches_it_off_and_a_delivery_on(shop: World) -> None:
    push(shop)

    sell(shop, 10, "1")
    off = push(shop)
    shop.adjust("delivery", "TENT", 2)
    shop.derive()
    on = push(shop)

    assert (off.quantity, on.quantity) == (0, 1)
    shop.check()


def test_a_switch_is_confirmed_by_read_back_like_a_number(shop: World) -> None:
    push(shop, check_in=0)
    sell(shop, 3, "1")

    read_back(shop, checks(shop)[0], 1)

    one = shown(shop)
    assert one.confirmed_version == one.desired_version
    assert explain(one, "live") == "agrees"


def test_a_rule_is_heeded_before_the_number_becomes_a_switch(shop: World) -> None:
    push(shop)

    run(shop, lambda tx: offers.set_rule(tx, shop.account_id, Rule(safety_stock=10)))
    shop.derive()

    assert push(shop).quantity == 0


def test_connecting_notes_how_the_channel_takes_stock(
    database: Database, seller: int, keyring: Keyring
) -> None:
    memory = catalog.channel("memory")
    switch = replace(memory, stock=StockWrite(mode=StockMode.AVAILABILITY))
    given = {"shop": "s", "token": "t", "webhook_secret": "w"}

    for declared, mode in ((memory, "number"), (switch, "switch")):
        new = connecting.new_account(declared, f"A {mode} shop", given, {}, "", ())
        with database.transaction(seller) as tx:
            number = accounts.connect(tx, keyring, new)
            assert accounts.get(tx, number).stock_mode == mode


def test_a_channel_that_takes_no_stock_has_no_switch() -> None:
    assert connecting.stock_mode(replace(catalog.channel("memory"), stock=None)) == "number"


def test_renewed_fields_leave_the_other_credentials_alone(shop: World) -> None:
    fresh = {"published": Secret("keys")}
    run(
        shop,
        lambda tx: accounts.renew_credentials(tx, shop.keyring, shop.account_id, fresh),
    )

    kept = run(shop, lambda tx: accounts.credentials(tx, shop.keyring, shop.account_id))
    assert {name: value.reveal() for name, value in kept.items()} == {
        "token": "a-token-of-the-shop",
        "published": "keys",
    }
