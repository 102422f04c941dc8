"""Lots: the first to expire goes first, and what has expired is not sold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.db import Database, Transaction
from hub.errors import Conflict, InvalidInput
from hub.inventory import lots
from hub.inventory.adjusting import Adjustment, adjust
from hub.inventory.allocating import Demand, Share, allocate
from hub.inventory.ledger import LevelKey, Levels
from hub.inventory.lots import NewLot
from hub.inventory.models import State
from hub.sales import fulfilment
from hub.secrets import Keyring
from tests.builders import World, line, order, world

TODAY = date(2026, 6, 1)


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


def standing(stock: dict[tuple[int, int], int], expires: dict[int, date | None]) -> Levels:
    """(location, lot) → units of product 1."""
    quantities = {
        LevelKey(1, place, State.AVAILABLE, lot): units for (place, lot), units in stock.items()
    }
    return Levels(quantities, expires, TODAY)


def test_the_first_to_expire_goes_first() -> None:
    levels = standing({(1, 10): 5, (1, 11): 5}, {10: day(30), 11: day(3)})

    assert allocate([Demand(7, 1, 7)], levels, [1]).shares == (
        Share(7, 1, 1, 5, 11),
        Share(7, 1, 1, 2, 10),
    )


def test_what_has_expired_is_given_to_nobody() -> None:
    levels = standing({(1, 10): 5, (1, 11): 5}, {10: day(-1), 11: day(0)})

    decision = allocate([Demand(7, 1, 7)], levels, [1])

    assert decision.shares == (Share(7, 1, 1, 5, 11),)
    assert decision.short == (Demand(7, 1, 2),)


def test_a_location_that_has_enough_in_several_lots_serves_alone() -> None:
    levels = standing({(1, 10): 2, (2, 11): 2, (2, 12): 2}, {10: None, 11: None, 12: day(5)})

    shares = allocate([Demand(7, 1, 4)], levels, [1, 2]).shares

    assert shares == (Share(7, 1, 2, 2, 12), Share(7, 1, 2, 2, 11))


@given(
    st.dictionaries(st.tuples(st.integers(1, 2), st.integers(10, 13)), st.integers(1, 9)),
    st.dictionaries(st.integers(10, 13), st.integers(-2, 9)),
    st.lists(st.integers(1, 9), max_size=5),
)
def test_no_lot_is_promised_twice_and_none_that_expired(
    stock: dict[tuple[int, int], int], last: dict[int, int], wanted: list[int]
) -> None:
    expires = {lot: day(last[lot]) if lot in last else None for _, lot in stock}

    shares = allocate(
        [Demand(n, 1, units) for n, units in enumerate(wanted)], standing(stock, expires), [1, 2]
    ).shares

    taken: dict[tuple[int, int], int] = {}
    for share in shares:
        key = (share.location_id, share.lot_id)
        taken[key] = taken.get(key, 0) + share.quantity
        assert (expires[share.lot_id] or TODAY) >= TODAY
    assert all(units <= stock[key] for key, units in taken.items())


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    made = world(database, seller, keyring, {"MILK": 0, "TENT": 5})
    database.command(seller, lambda tx: lots.keep_in_lots(tx, made.products["MILK"]))
    return made


def stocked(shop: World, code: str, units: int, last: date | None) -> int:
    """Receive a lot; its id."""

    def come(tx: Transaction) -> int:
        product = shop.products["MILK"]
        number = lots.add_lots(tx, [NewLot(product, code, last)])[product, code]
        adjust(tx, f"in:{code}", [Adjustment(product, shop.location_id, units, number)])
        return number

    return shop.database.command(shop.seller_id, come)


def real_day(number: int) -> date:
    return datetime.now(UTC).date() + timedelta(days=number)


def in_state(shop: World, state: State) -> dict[str, int]:
    found = shop.ask(
        "SELECT lot.code, l.quantity FROM level l JOIN lot ON lot.id = l.lot_id"
        " WHERE l.state = :state AND l.quantity > 0",
        state=int(state),
    )
    return {str(code): int(units) for code, units in found}


def test_an_order_holds_the_lot_that_expires_first_and_ships_it(shop: World) -> None:
    stocked(shop, "later", 5, real_day(30))
    stocked(shop, "soon", 2, real_day(2))

    shop.take(order("1", line("a", "v-MILK", 3)))

    assert in_state(shop, State.ALLOCATED) == {"soon": 2, "later": 1}
    shop.database.command(
        shop.seller_id, lambda tx: fulfilment.ship_allocated(tx, [shop.order_id("1")])
    )
    assert in_state(shop, State.AVAILABLE) == {"later": 4}
    assert in_state(shop, State.ALLOCATED) == {}
    shop.check()


def test_what_an_order_lets_go_is_back_in_its_lot(shop: World) -> None:
    stocked(shop, "soon", 2, real_day(2))
    shop.take(order("1", line("a", "v-MILK", 2), at=0))

    shop.take(order("1", line("a", "v-MILK", 1), at=1))

    assert in_state(shop, State.AVAILABLE) == {"soon": 1}
    shop.check()


def test_what_has_expired_is_not_offered(shop: World) -> None:
    stocked(shop, "good", 4, real_day(0))
    stocked(shop, "bad", 9, real_day(-1))

    shop.derive()

    found = shop.ask(
        "SELECT desired_quantity FROM listing WHERE product_id = :p", p=shop.products["MILK"]
    )
    assert found == [(4,)]


def test_the_offers_of_a_lot_that_expires_are_derived_again(shop: World) -> None:
    stocked(shop, "good", 4, real_day(0))
    shop.derive()

    noted = shop.database.command(shop.seller_id, lambda tx: lots.note_expired(tx, real_day(0)))

    assert noted == 1
    assert shop.ask("SELECT product_ids FROM stock_change") == [([shop.products["MILK"]],)]


def test_the_lot_must_be_said_and_be_the_products_own(shop: World) -> None:
    number = stocked(shop, "good", 4, None)
    milk, tent = shop.products["MILK"], shop.products["TENT"]

    for wrong in (
        Adjustment(milk, shop.location_id, 1),
        Adjustment(tent, shop.location_id, 1, number),
    ):
        with pytest.raises(InvalidInput, match="lot"):
            shop.database.command(shop.seller_id, lambda tx, w=wrong: adjust(tx, "wrong", [w]))
    shop.check()


def test_one_lot_with_two_last_days_is_refused(shop: World) -> None:
    stocked(shop, "good", 4, real_day(5))

    with pytest.raises(InvalidInput, match="known to expire"):
        stocked(shop, "good", 4, real_day(6))


def test_a_product_with_stock_cannot_be_put_into_lots(shop: World) -> None:
    with pytest.raises(Conflict, match="in no lot"):
        shop.database.command(
            shop.seller_id, lambda tx: lots.keep_in_lots(tx, shop.products["TENT"])
        )


def test_what_expires_is_listed_soonest_first(shop: World) -> None:
    stocked(shop, "later", 5, real_day(30))
    stocked(shop, "soon", 2, real_day(2))
    stocked(shop, "never", 2, None)

    with shop.database.transaction(shop.seller_id) as tx:
        found = lots.expiring(tx, real_day(40))

    assert [(one.lot, one.quantity) for one in found] == [("soon", 2), ("later", 5)]
