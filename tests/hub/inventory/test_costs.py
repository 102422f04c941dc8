"""What units cost: first in, first out, and never a minor unit lost."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.db import Database, Transaction
from hub.errors import InvalidInput
from hub.inventory import products
from hub.inventory.costing import Layer, Layers, Shelf, cost
from hub.inventory.ledger import Move, Place, Posting, post
from hub.inventory.models import State
from hub.secrets import Keyring
from tests.builders import World, world

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HERE, THERE = Place(State.AVAILABLE, 1), Place(State.AVAILABLE, 2)
SUPPLIER, CUSTOMER = Place(State.SUPPLIER), Place(State.CUSTOMER)


def standing(*layers: tuple[int, int | None]) -> Layers:
    """(units, value) of each layer at the first location, oldest first."""
    shelf = Shelf(7, 1)
    made = [
        Layer(number, shelf, NOW + timedelta(days=number), units, units, value)
        for number, (units, value) in enumerate(layers, start=1)
    ]
    return Layers({shelf: deque(made)})


def out(units: int) -> tuple[int, Move]:
    return 1, Move(7, units, HERE, CUSTOMER)


def values(moves: list[tuple[int, Move]]) -> list[tuple[int, int | None]]:
    return [(m.quantity, m.value) for _, m in moves]


def test_the_oldest_units_go_first_and_each_layer_is_a_move_of_its_own() -> None:
    layers = standing((3, 300), (5, 1000))

    moves = cost([out(4)], layers, NOW)

    assert values(moves) == [(3, 300), (1, 200)]
    assert [one.remaining for one in layers.touched.values()] == [0, 4]


def test_what_does_not_divide_is_not_lost() -> None:
    layers = standing((3, 100))

    moves = cost([out(1), out(1), out(1)], layers, NOW)

    assert values(moves) == [(1, 33), (1, 33), (1, 34)]


def test_an_unknown_cost_stays_unknown_and_is_not_free() -> None:
    assert values(cost([out(3)], standing((2, None), (2, 0)), NOW)) == [(2, None), (1, 0)]


def test_units_that_change_their_location_take_cost_and_age_along() -> None:
    layers = standing((2, 50), (2, 90))

    cost([(1, Move(7, 3, HERE, THERE))], layers, NOW)

    assert [(one.remaining, one.value, one.received_at, one.origin_id) for one in layers.new] == [
        (2, 50, NOW + timedelta(days=1), 1),
        (1, 45, NOW + timedelta(days=2), 2),
    ]


def test_a_move_within_a_location_changes_no_layer() -> None:
    layers = standing((2, 50))

    moves = cost([(1, Move(7, 2, HERE, Place(State.DAMAGED, 1)))], layers, NOW)

    assert values(moves) == [(2, None)]
    assert not layers.touched


def test_what_comes_in_with_a_set_can_go_out_with_it() -> None:
    moves = cost([out(2), (2, Move(7, 2, SUPPLIER, HERE, unit_cost=40))], Layers(), NOW)

    assert values(moves) == [(2, 80), (2, 80)]


def test_the_same_units_around_in_a_circle_are_refused() -> None:
    with pytest.raises(InvalidInput, match="before they are there"):
        cost([(1, Move(7, 1, HERE, THERE)), (1, Move(7, 1, THERE, HERE))], Layers(), NOW)


@given(
    st.lists(st.tuples(st.integers(1, 50), st.none() | st.integers(0, 10_000)), min_size=1),
    st.data(),
)
def test_value_is_kept_to_the_last_minor_unit(
    given_layers: list[tuple[int, int | None]], data: st.DataObject
) -> None:
    layers = standing(*given_layers)
    left = sum(units for units, _ in given_layers)
    taken: list[tuple[int, int | None]] = []
    while left:
        units = data.draw(st.integers(1, left))
        taken += values(cost([out(units)], layers, NOW))
        left -= units

    known = sum(value for _, value in given_layers if value is not None)
    assert sum(value for _, value in taken if value is not None) == known
    unknown = sum(units for units, value in given_layers if value is None)
    assert sum(units for units, value in taken if value is None) == unknown


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 0})


def run(shop: World, *postings: Posting) -> None:
    shop.database.command(shop.seller_id, lambda tx: post(tx, postings))


def receive(shop: World, key: str, units: int, unit_cost: int | None) -> None:
    shelf = Place(State.AVAILABLE, shop.location_id)
    come = Move(shop.products["TENT"], units, SUPPLIER, shelf, unit_cost=unit_cost)
    run(shop, Posting(key, "receipt", [come]))


def ship(shop: World, key: str, units: int) -> list[tuple[int, int | None]]:
    shelf = Place(State.AVAILABLE, shop.location_id)
    run(shop, Posting(key, "shipment", [Move(shop.products["TENT"], units, shelf, CUSTOMER)]))
    found = shop.ask(
        "SELECT m.quantity, m.value FROM move m JOIN posting p ON p.id = m.posting_id"
        " WHERE p.key = :key ORDER BY m.id",
        key=key,
    )
    return [(int(units), value) for units, value in found]


def layers(shop: World) -> list[tuple[int, int | None]]:
    found = shop.ask(
        "SELECT remaining, value FROM cost_layer WHERE remaining > 0 ORDER BY received_at, id"
    )
    return [(int(units), value) for units, value in found]


def test_what_is_shipped_says_what_it_cost(shop: World) -> None:
    receive(shop, "r1", 3, 100)
    receive(shop, "r2", 5, 200)

    assert ship(shop, "s1", 4) == [(3, 300), (1, 200)]
    assert layers(shop) == [(4, 800)]
    shop.check()


def test_a_posting_that_is_known_changes_no_layer(shop: World) -> None:
    receive(shop, "r1", 3, 100)
    ship(shop, "s1", 1)

    receive(shop, "r1", 3, 100)
    ship(shop, "s1", 1)

    assert layers(shop) == [(2, 200)]
    shop.check()


def test_a_transfer_moves_layers_between_locations(shop: World) -> None:
    receive(shop, "r1", 2, 100)
    receive(shop, "r2", 2, 150)

    def transfer(tx: Transaction) -> None:
        there = products.add_location(tx, "second")
        source, target = (
            Place(State.AVAILABLE, shop.location_id),
            Place(State.AVAILABLE, there),
        )
        post(tx, [Posting("t1", "transfer", [Move(shop.products["TENT"], 3, source, target)])])

    shop.database.command(shop.seller_id, transfer)

    found = shop.ask(
        "SELECT l.code = 'second', sum(c.remaining), sum(c.value) FROM cost_layer c"
        " JOIN location l ON l.id = c.location_id WHERE c.remaining > 0 GROUP BY 1 ORDER BY 1"
    )
    assert [(second, int(units), int(value)) for second, units, value in found] == [
        (False, 1, 150),
        (True, 3, 350),
    ]
    shop.check()


def test_units_found_for_a_late_fact_cost_nobody_knows_what(shop: World) -> None:
    shelf = Place(State.AVAILABLE, shop.location_id)
    gone = Posting("late", "shipment", [Move(shop.products["TENT"], 2, shelf, CUSTOMER)])

    shop.database.command(shop.seller_id, lambda tx: post(tx, [gone], late=True))

    assert layers(shop) == []
    assert shop.ask("SELECT value FROM move WHERE to_state = 12") == [(None,)]
    shop.check()


@pytest.mark.parametrize("cost_given", [-1, 10**18, True])
def test_a_cost_that_is_none_is_refused_by_name(shop: World, cost_given: int) -> None:
    with pytest.raises(InvalidInput, match="unit_cost"):
        receive(shop, "r1", 1, cost_given)
