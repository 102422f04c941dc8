"""A channel with a log of events in the place of an order list, and a switch for its stock."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from connectors.records import OrderStatus
from hub.channels import accounts, flows
from hub.db import Database
from hub.inventory import keys, products
from hub.sales import delivering
from sync import pull
from tests.pump import World
from tests.sync.switching import EVENTS, KEYS, Behaviour, SwitchCarrier, behaving, uncounted
from tests.sync.test_cursor import Crash, Mortal

Open = Callable[..., World]
NORTH_SHOP_SOUTH_SWITCH = {"channels": ("memory", "shopify"), "make_carrier": SwitchCarrier}


@pytest.fixture(autouse=True)
def behaviour() -> Behaviour:
    return behaving()


@pytest.fixture
def world(open_world: Open) -> World:
    """North is the switch; south a shop with numbers, for the same goods."""
    return open_world(**NORTH_SHOP_SOUTH_SWITCH, before=uncounted)


@pytest.fixture
def silent(open_world: Open) -> World:
    """The same without webhooks."""
    return open_world(**NORTH_SHOP_SOUTH_SWITCH, before=uncounted, webhooks=False)


# -- the switch --------------------------------------------------------------------------------


def test_sales_that_leave_some_push_to_the_shop_with_numbers_only(world: World) -> None:
    assert world.shown("MUG") == {"north": 1, "south": 10}
    before = world.writes("north")
    world.buy("north", ("MUG", 4))

    world.pump()

    assert world.shown("MUG") == {"north": 1, "south": 6}
    assert world.writes("north") == before
    world.agrees()


def test_the_last_unit_sold_elsewhere_switches_it_off_and_a_delivery_on(world: World) -> None:
    world.buy("south", ("MUG", 10))
    world.pump()
    assert world.shown("MUG") == {"north": 0, "south": 0}
    world.agrees()

    world.adjust("MUG", 3)
    world.pump()

    assert world.shown("MUG") == {"north": 1, "south": 3}
    world.agrees()


@pytest.mark.parametrize("abilities", [EVENTS, ()], ids=["events", "neither"])
def test_a_write_that_was_lost_is_found_and_made_again(open_world: Open, abilities: Any) -> None:
    carrier = partial(SwitchCarrier, abilities=abilities)
    world = open_world(channels=("memory", "shopify"), make_carrier=carrier, before=uncounted)
    shop = world.shops["north"].shop
    world.buy("south", ("MUG", 10))
    world.pump()

    shop.set_quantity(shop.variant("MUG").inventory_key, 1)  # a late write lands
    world.later(7_300)

    assert world.shown("MUG") == {"north": 0, "south": 0}
    world.agrees()


def test_while_the_log_does_not_answer_no_difference_is_corrected(open_world: Open) -> None:
    world = open_world(**NORTH_SHOP_SOUTH_SWITCH, before=uncounted, readback=60.0)
    world.later(400)
    shop = world.shops["north"].shop
    shop.set_quantity(shop.variant("MUG").inventory_key, 0)
    behaving(away=True)

    world.later(7_300)
    assert world.shown("MUG")["north"] == 0

    behaving()
    world.later(7_300)
    world.later(400)
    assert world.shown("MUG")["north"] == 1
    world.agrees()


# -- the log -----------------------------------------------------------------------------------


def test_orders_and_cancellations_that_no_webhook_told_are_found_by_the_log(silent: World) -> None:
    key = silent.buy("north", ("MUG", 4))

    silent.later(60)

    assert list(silent.orders("north")) == [key]
    assert silent.shown("MUG") == {"north": 1, "south": 6}

    silent.shops["north"].shop.cancel(key)
    silent.later(60)

    assert silent.orders("north") == {key: "cancelled"}
    assert silent.shown("MUG") == {"north": 1, "south": 10}
    silent.agrees()


def test_named_orders_are_fetched_in_batches_and_count_once(silent: World) -> None:
    told = behaving(fetch=4)
    bought = [silent.buy("north", ("MUG", 1)) for _ in range(10)]

    silent.later(60)

    assert sorted(silent.orders("north")) == bought
    assert sorted(len(batch) for batch in told.fetched if batch) == [2, 4, 4]

    silent.later(60)  # the walks overlap: the log names them again
    assert len(told.fetched) > 3
    assert sorted(silent.orders("north")) == bought
    silent.check()


def test_a_log_that_turns_in_a_circle_ends_as_an_error(silent: World) -> None:
    silent.buy("north", ("MUG", 1))
    behaving(repeats=True)

    silent.later(60)

    assert "repeats a page" in silent.flow("north", flows.PULL).last_error
    behaving()
    silent.later(600)
    assert len(silent.orders("north")) == 1
    assert silent.flow("north", flows.PULL).health == "healthy"


def test_without_either_list_nothing_is_walked(open_world: Open) -> None:
    carrier = partial(SwitchCarrier, abilities=())
    world = open_world(channels=("memory",), make_carrier=carrier, before=uncounted)

    key = world.buy("north", ("MUG", 1))
    world.later(60)

    assert list(world.orders("north")) == [key]  # its webhook told
    assert world.flow("north", flows.PULL).next_at is None
    assert not pull.pull(world.carrier, world.seller_id, world.accounts["north"])


@pytest.mark.parametrize("after", [False, True], ids=["before commit", "after commit"])
def test_a_worker_that_dies_in_the_log_loses_and_doubles_nothing(
    open_world: Open, database: Database, after: bool
) -> None:
    behaving(fetch=2)
    mortal = Mortal(database.engine)
    world = open_world(
        database=mortal,
        goods={"MUG": 100},
        channels=("memory",),
        make_carrier=SwitchCarrier,
        before=uncounted,
        webhooks=False,
    )
    bought = []
    for transactions in (3, 4, 5, 6):  # the first batch; the second; the third with the cursor …
        bought += [world.buy("north", ("MUG", 1)) for _ in range(5)]
        mortal.die_in(transactions, after=after)
        with pytest.raises(Crash):
            pull.pull(world.carrier, world.seller_id, world.accounts["north"])
        mortal.left = 0

        world.later(150)
        assert sorted(world.orders("north")) == bought
    assert world.available("MUG") == 100 - len(bought)
    world.check()


# -- keys that are sold ------------------------------------------------------------------------


def pool(world: World, sku: str, *given: str) -> int:
    """Sell a product by keys, and receive some; its id."""

    def work(tx: Any) -> int:
        number = products.add_products(tx, [products.NewProduct(sku)])[sku]
        keys.make_keyed(tx, world.carrier.keyring, number)
        keys.add_keys(tx, world.carrier.keyring, number, world.location_id, given)
        return number

    return world.database.command(world.seller_id, work)


def has(world: World, key: str) -> list[str]:
    def work(tx: Any) -> list[str]:
        order_id = world.query("SELECT id FROM sales_order WHERE external_id = :k", k=key)[0][0]
        found = delivering.keys_of_order(tx, world.carrier.keyring, order_id)
        return [one.key.reveal() for one in found]

    return world.database.command(world.seller_id, work)


@pytest.fixture
def game(open_world: Open) -> World:
    """A game sold by two keys at the switch, and nowhere else."""
    world = open_world(
        goods={"GAME": 0}, channels=("memory",), make_carrier=SwitchCarrier, before=uncounted
    )
    pool(world, "GAME", "K-1", "K-2")
    world.pump()
    assert world.shown("GAME") == {"north": 1}
    return world


def test_a_buyer_gets_a_key_and_the_last_one_switches_the_product_off(game: World) -> None:
    first = game.buy("north", ("GAME", 1))
    game.pump()
    assert (has(game, first), game.shown("GAME")) == (["K-1"], {"north": 1})

    second = game.buy("north", ("GAME", 1))
    game.pump()

    assert (has(game, second), game.shown("GAME")) == (["K-2"], {"north": 0})
    game.agrees()


def test_keys_that_come_go_to_who_waits_and_the_rest_switch_it_on_again(game: World) -> None:
    keys_of = game.buy("north", ("GAME", 3))
    game.pump()
    assert (has(game, keys_of), game.shown("GAME")) == (["K-1", "K-2"], {"north": 0})

    pool(game, "GAME", "K-3", "K-4")
    game.pump()

    assert has(game, keys_of) == ["K-1", "K-2", "K-3"]
    assert (game.available("GAME"), game.shown("GAME")) == (1, {"north": 1})
    game.agrees()


def test_an_order_paid_for_later_gets_its_key_then(game: World) -> None:
    shop = game.shops["north"].shop
    with shop.lock:
        key = game.buy("north", ("GAME", 1))
        shop.set_status(key, OrderStatus.UNPAID)
    game.pump()
    assert has(game, key) == []

    shop.set_status(key, OrderStatus.CONFIRMED)
    game.pump()

    assert has(game, key) == ["K-1"]


def test_keys_a_dead_worker_left_undelivered_come_with_the_next_round(
    open_world: Open, database: Database
) -> None:
    mortal = Mortal(database.engine)
    world = open_world(
        database=mortal,
        goods={"GAME": 0},
        channels=("memory",),
        make_carrier=SwitchCarrier,
        before=uncounted,
        webhooks=False,
    )
    pool(world, "GAME", "K-1")
    world.pump()
    key = world.buy("north", ("GAME", 1))
    mortal.die_in(3, after=True)  # the page is in, its keys are not drawn
    with pytest.raises(Crash):
        pull.pull(world.carrier, world.seller_id, world.accounts["north"])
    mortal.left = 0
    assert has(world, key) == []

    world.later(60)

    assert has(world, key) == ["K-1"]
    world.agrees()


def test_a_line_linked_to_a_keyed_product_afterwards_gets_its_key(game: World) -> None:
    game.shops["north"].shop.add_variant("GAME-2", "Another game", 500, 1)
    key = game.buy("north", ("GAME-2", 1))
    game.pump()
    assert game.conflicts() == {"order_line_unmapped": 1}

    pool(game, "GAME-2", "L-1")
    assert game.ask("north", "listings").state == "done"

    assert has(game, key) == ["L-1"]
    game.check()


# -- keys that verify webhooks -----------------------------------------------------------------


@pytest.fixture
def rotating(open_world: Open) -> World:
    behaving(published={"webhook_secret": "published-1", "token": "never-from-there"})
    carrier = partial(SwitchCarrier, abilities=EVENTS | KEYS)
    return open_world(channels=("memory",), make_carrier=carrier, before=uncounted, webhooks=False)


def secrets(world: World) -> dict[str, str]:
    with world.database.transaction(world.seller_id) as tx:
        found = accounts.credentials(tx, world.carrier.keyring, world.accounts["north"])
    return {name: value.reveal() for name, value in found.items()}


def asked(world: World, kind: str) -> list[str]:
    found = world.query("SELECT state FROM request WHERE kind = :k ORDER BY requested_at", k=kind)
    return [state for (state,) in found]


def test_published_keys_are_fetched_with_the_first_question_and_nothing_else_of_them(
    rotating: World,
) -> None:
    assert asked(rotating, "webhook_keys") == ["done"]
    assert secrets(rotating)["webhook_secret"] == "published-1"  # noqa: S105  # a test's
    assert secrets(rotating)["token"] == rotating.shops["north"].credentials()["token"]
    answer = rotating.query("SELECT answer FROM request WHERE kind = 'webhook_keys'")
    assert answer == [({"fields": ["webhook_secret"]},)]


def test_they_are_fetched_once_a_day(rotating: World) -> None:
    behaving(published={"webhook_secret": "published-2"})
    rotating.ask("north", "test")
    assert secrets(rotating)["webhook_secret"] == "published-1"  # noqa: S105  # a test's

    rotating.later(86_500)

    assert secrets(rotating)["webhook_secret"] == "published-2"  # noqa: S105  # a test's
    assert asked(rotating, "webhook_keys") == ["done", "done"]


def test_a_channel_without_them_says_so(world: World) -> None:
    answered = world.ask("south", "webhook_keys")

    assert (answered.state, answered.answer["code"]) == ("failed", "unsupported")
    assert world.flow("south", flows.REQUEST).next_at is None
