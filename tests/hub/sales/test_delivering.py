"""Keys for orders: as many as are allocated, once, the oldest first, for those who paid."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from connectors.records import OrderStatus
from hub.aftersales.returns import CameBack, Refunded, record_refund
from hub.db import Database, Transaction
from hub.errors import Conflict, InvalidInput
from hub.inventory import keys
from hub.inventory.keys import Counts
from hub.inventory.models import State
from hub.inventory.products import add_location
from hub.sales import delivering, fulfilment
from hub.secrets import Keyring
from hub.seller import create_seller
from tests.builders import NOON, World, line, order, world
from tests.keyed import broken, counts, deliver, has, key_shop, note, receive, run, withdraw

POOL = {"GAME": ["A-1", "A-2", "A-3"]}


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return key_shop(database, seller, keyring, POOL)


def sell(shop: World, name: str, units: int = 1, **changes: Any) -> None:
    shop.take(order(name, line("a", "v-GAME", units), **changes))
    note(shop, name)


def test_an_order_gets_a_key_for_each_unit_the_oldest_first(shop: World) -> None:
    sell(shop, "1", 2)

    assert deliver(shop) == 2

    assert has(shop, "1") == ["A-1", "A-2"]
    assert shop.line("1", "a") == {"quantity": 2, "shipped": 2}
    assert shop.level("GAME", State.ALLOCATED) == 0
    assert counts(shop, "GAME") == Counts(free=1, drawn=2, withdrawn=0)
    shop.check()


def test_delivering_twice_draws_nothing_more(shop: World) -> None:
    sell(shop, "1", 2)
    deliver(shop)

    note(shop, "1")
    again = run(shop, lambda tx: delivering.deliver_keys(tx, [shop.order_id("1")]))

    assert (again, deliver(shop)) == (0, 0)
    assert has(shop, "1") == ["A-1", "A-2"]


@pytest.mark.parametrize("status", [OrderStatus.UNPAID, OrderStatus.HELD])
def test_who_has_not_paid_gets_no_key_until_paid(shop: World, status: OrderStatus) -> None:
    sell(shop, "1", status=status)
    unpaid = run(shop, lambda tx: delivering.deliver_keys(tx, [shop.order_id("1")]))

    sell(shop, "1", at=1)
    paid = deliver(shop)

    assert (unpaid, paid) == (0, 1)
    assert has(shop, "1") == ["A-1"]
    shop.check()


def test_an_order_cancelled_before_it_was_paid_gives_its_units_back(shop: World) -> None:
    sell(shop, "1", status=OrderStatus.UNPAID)

    sell(shop, "1", at=1, status=OrderStatus.CANCELLED)

    assert deliver(shop) == 0
    assert shop.ask("SELECT count(*) FROM key_delivery") == [(0,)]
    assert counts(shop, "GAME").free == shop.level("GAME") == 3
    shop.check()


def test_a_drawn_key_stays_drawn_when_the_order_is_cancelled(shop: World) -> None:
    sell(shop, "1")
    deliver(shop)

    sell(shop, "1", at=1, status=OrderStatus.CANCELLED)
    deliver(shop)

    assert has(shop, "1") == ["A-1"]
    assert counts(shop, "GAME") == Counts(free=2, drawn=1, withdrawn=0)
    assert shop.conflicts() == {"edited_after_shipment": 1}
    shop.check()


def test_a_refunded_key_does_not_come_back_to_the_shelf(shop: World) -> None:
    sell(shop, "1")
    deliver(shop)
    line_id = shop.ask("SELECT id FROM order_line")[0][0]
    fact = Refunded(shop.account_id, "r1", "EUR", 500, NOON, shop.order_id("1"))

    with pytest.raises(Conflict, match="sold by activation keys"):
        run(
            shop,
            lambda tx: record_refund(tx, fact, [CameBack(line_id, shop.location_id, 1, 1)]),
        )
    run(shop, lambda tx: record_refund(tx, fact))

    assert shop.level("GAME") == 2
    shop.check()


def test_a_sold_key_is_not_withdrawn(shop: World) -> None:
    sell(shop, "1")
    deliver(shop)

    with pytest.raises(InvalidInput, match="has been sold"):
        withdraw(shop, "GAME", "A-1")

    assert has(shop, "1") == ["A-1"]


def test_who_waits_gets_a_key_as_soon_as_keys_come(shop: World) -> None:
    sell(shop, "1", 5)
    assert deliver(shop) == 3

    receive(shop, "GAME", "A-4", "A-5", "A-6")
    shop.derive()

    assert deliver(shop) == 2
    assert has(shop, "1") == ["A-1", "A-2", "A-3", "A-4", "A-5"]
    assert shop.level("GAME") == 1
    shop.check()


def test_an_order_raised_afterwards_gets_the_rest(shop: World) -> None:
    sell(shop, "1", 1)
    deliver(shop)

    sell(shop, "1", 2, at=1)

    assert deliver(shop) == 1
    assert has(shop, "1") == ["A-1", "A-2"]
    shop.check()


def test_keys_come_from_the_location_that_promised_the_units(
    database: Database, seller: int, keyring: Keyring
) -> None:
    shop = key_shop(database, seller, keyring, {"GAME": ["MAIN-1"]})
    product = shop.products["GAME"]

    def elsewhere(tx: Transaction) -> int:
        place = add_location(tx, "SECOND", priority=200)
        keys.add_keys(tx, keyring, product, place, ["SECOND-1"])
        return place

    places = (shop.location_id, run(shop, elsewhere))
    both = replace(shop, target=replace(shop.target, locations=places))

    sell(both, "1", 2)

    assert deliver(both) == 2
    assert sorted(has(both, "1")) == ["MAIN-1", "SECOND-1"]
    both.check()


def test_goods_on_the_same_order_wait_for_their_parcel(
    database: Database, seller: int, keyring: Keyring
) -> None:
    shop = world(database, seller, keyring, {"TENT": 4, "GAME": 0})
    run(shop, lambda tx: keys.make_keyed(tx, keyring, shop.products["GAME"]))
    receive(shop, "GAME", "A-1")
    shop.take(order("1", line("a", "v-TENT", 2), line("b", "v-GAME")))
    note(shop, "1")
    order_id = shop.order_id("1")

    keyed = deliver(shop)
    before = shop.line("1", "a")
    parcel = run(shop, lambda tx: fulfilment.ship_allocated(tx, [order_id]))

    assert (keyed, parcel) == (1, 2)
    assert before == {"quantity": 2, "allocated": 2}
    assert shop.line("1", "a") == {"quantity": 2, "shipped": 2}
    assert has(shop, "1") == ["A-1"]
    shop.check()


def test_units_of_keyed_products_leave_with_their_keys_alone(shop: World) -> None:
    sell(shop, "1")

    shipped = run(shop, lambda tx: fulfilment.ship_allocated(tx, [shop.order_id("1")]))

    assert shipped == 0
    assert shop.line("1", "a") == {"quantity": 1, "allocated": 1}
    assert deliver(shop) == 1


def test_a_pool_short_of_keys_gives_none_and_stops_nobody_else(shop: World) -> None:
    sell(shop, "1", 2)
    run(shop, lambda tx: tx.execute(text("DELETE FROM activation_key")))

    assert deliver(shop) == 0

    assert shop.line("1", "a") == {"quantity": 2, "allocated": 2}
    assert shop.ask("SELECT count(*) FROM key_delivery") == [(1,)]


def test_more_keys_than_units_shipped_are_found(shop: World) -> None:
    sell(shop, "1")
    deliver(shop)
    line_id = shop.ask("SELECT id FROM order_line")[0][0]
    drawn = "UPDATE activation_key SET state = 'drawn', order_line_id = :line, drawn_at = now()"
    run(shop, lambda tx: tx.execute(text(drawn), {"line": line_id}))

    assert "drawn_keys_are_shipped" in broken(shop)


# -- at once -----------------------------------------------------------------------------------


def together(*works: Callable[[], Any]) -> list[Any]:
    start = Barrier(len(works))

    def begin(work: Callable[[], Any]) -> Any:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))


def test_two_workers_at_once_never_draw_one_key_twice(
    wide_database: Database, keyring: Keyring
) -> None:
    pool = [f"K-{n:03}" for n in range(40)]
    shop = key_shop(wide_database, create_seller(wide_database, "Race"), keyring, {"GAME": pool})
    names = [f"{n}" for n in range(20)]
    shop.take(*(order(name, line("a", "v-GAME", 2)) for name in names))
    note(shop, *names)
    ids = [shop.order_id(name) for name in names]

    def worker(mine: list[int]) -> Callable[[], int]:
        return lambda: run(shop, lambda tx: delivering.deliver_keys(tx, mine))

    drawn = together(
        worker(ids), worker(ids[::-1]), worker(ids[:10]), worker(ids[10:]), lambda: deliver(shop)
    )

    assert sum(drawn) == 40
    assert sorted(key for name in names for key in has(shop, name)) == pool
    assert counts(shop, "GAME") == Counts(free=0, drawn=40, withdrawn=0)
    shop.check()


def test_buyers_keys_and_withdrawals_at_once_leave_the_pool_whole(
    wide_database: Database, keyring: Keyring
) -> None:
    pool = [f"K-{n:03}" for n in range(12)]
    shop = key_shop(wide_database, create_seller(wide_database, "Race"), keyring, {"GAME": pool})

    def buyer(name: str) -> Callable[[], None]:
        def buy() -> None:
            sell(shop, name, 2)
            deliver(shop)

        return buy

    def leaked() -> None:
        try:
            withdraw(shop, "GAME", "K-011")
        except InvalidInput as error:
            assert error.reason == "has been sold"  # noqa: PT017
        except Conflict as error:
            assert error.code == "keys_promised"  # noqa: PT017

    together(
        *(buyer(f"{n}") for n in range(6)),
        leaked,
        lambda: receive(shop, "GAME", "L-1", "L-2", "L-3"),
        lambda: receive(shop, "GAME", "L-1", "L-2", "L-3"),
    )
    shop.derive()
    deliver(shop)

    left = counts(shop, "GAME")
    assert (left.drawn, left.free + left.withdrawn) == (12, 3)
    shop.check()


def test_a_product_gets_stock_or_becomes_keyed_but_not_both(
    wide_database: Database, keyring: Keyring
) -> None:
    for turn in range(6):
        shop = world(wide_database, create_seller(wide_database, "Race"), keyring, {"GAME": 0})
        number = shop.products["GAME"]

        def becomes(shop: World = shop, number: int = number) -> str:
            try:
                run(shop, lambda tx: keys.make_keyed(tx, keyring, number))
            except Conflict as error:
                return error.code
            return "keyed"

        def stock(shop: World = shop) -> str:
            try:
                shop.adjust("delivery", "GAME", 1)
            except Conflict as error:
                return error.code
            return "stocked"

        said = together(becomes, stock)

        assert said in (["keyed", "product_keyed"], ["has_stock", "stocked"]), turn
        shop.check()
