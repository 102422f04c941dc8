"""What stock is worth, and charges that are learnt after the goods came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.db import Database
from hub.errors import Conflict, InvalidInput
from hub.inventory import valuing
from hub.inventory.ledger import Move, Place, Posting, post
from hub.inventory.models import State
from hub.inventory.valuing import Landed, Worth, spread
from hub.secrets import Keyring
from tests.builders import World, world

SUPPLIER, CUSTOMER = Place(State.SUPPLIER), Place(State.CUSTOMER)


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 0, "LAMP": 0})


def move(shop: World, key: str, sku: str, units: int, unit_cost: int | None = None) -> int:
    """Receive units, or (negative) ship them; the posting's id."""
    shelf = Place(State.AVAILABLE, shop.location_id)
    source, target = (SUPPLIER, shelf) if units > 0 else (shelf, CUSTOMER)
    one = Move(shop.products[sku], abs(units), source, target, unit_cost=unit_cost)
    shop.database.command(shop.seller_id, lambda tx: post(tx, [Posting(key, "test", [one])]))
    return int(shop.ask("SELECT id FROM posting WHERE key = :key", key=key)[0][0])


def land(shop: World, key: str, postings: list[int], amount: int, **options: object) -> Landed:
    return shop.database.command(
        shop.seller_id,
        lambda tx: valuing.land(tx, key, postings, amount, **options),  # type: ignore[arg-type]  # as given
    )


def worth(shop: World, sku: str) -> Worth:
    with shop.database.transaction(shop.seller_id) as tx:
        (found,) = valuing.worth(tx, [shop.products[sku]])
    return found


def test_stock_is_worth_what_its_units_cost(shop: World) -> None:
    move(shop, "r1", "TENT", 3, 100)
    move(shop, "r2", "TENT", 2)
    move(shop, "s1", "TENT", -1)

    found = worth(shop, "TENT")

    assert (found.units, found.value, found.unpriced) == (4, 200, 2)


def test_freight_is_spread_by_value_to_the_last_minor_unit(shop: World) -> None:
    first = move(shop, "r1", "TENT", 2, 100)
    second = move(shop, "r2", "LAMP", 1, 100)

    landed = land(shop, "freight", [first, second], 100)

    assert landed == Landed(100, 0)
    assert (worth(shop, "TENT").value, worth(shop, "LAMP").value) == (267, 133)
    shop.check()


def test_the_part_of_units_that_are_gone_is_variance(shop: World) -> None:
    receipt = move(shop, "r1", "TENT", 4, 100)
    move(shop, "s1", "TENT", -3)

    assert land(shop, "freight", [receipt], 80) == Landed(20, 60)
    assert worth(shop, "TENT").value == 120
    assert shop.ask("SELECT value FROM move WHERE to_state = 12") == [(300,)]


def test_charges_are_landed_once(shop: World) -> None:
    receipt = move(shop, "r1", "TENT", 4, 100)

    first = land(shop, "freight", [receipt], 80)
    second = land(shop, "freight", [receipt], 80)

    assert first == second == Landed(80, 0)
    assert worth(shop, "TENT").value == 480
    with pytest.raises(Conflict, match="other charges"):
        land(shop, "freight", [receipt], 81)


def test_weight_and_quantity_spread_too(shop: World) -> None:
    first = move(shop, "r1", "TENT", 1)
    second = move(shop, "r2", "LAMP", 3, 10)
    grams = {shop.products["TENT"]: 3_000, shop.products["LAMP"]: 1_000}

    land(shop, "by quantity", [first, second], 40, basis="quantity")
    land(shop, "by weight", [first, second], 60, basis="weight", weights=grams)

    assert worth(shop, "LAMP").value == 30 + 30 + 30
    assert worth(shop, "TENT").unpriced == 1


def test_by_value_needs_to_know_what_was_paid(shop: World) -> None:
    receipt = move(shop, "r1", "TENT", 4)

    with pytest.raises(InvalidInput, match="unknown"):
        land(shop, "freight", [receipt], 80)


@pytest.mark.parametrize(
    ("amount", "options", "field"),
    [(0, {}, "amount"), (-5, {}, "amount"), (5, {"basis": "luck"}, "basis")],
)
def test_bad_charges_are_refused_by_name(
    shop: World, amount: int, options: dict[str, object], field: str
) -> None:
    receipt = move(shop, "r1", "TENT", 4, 1)

    with pytest.raises(InvalidInput, match=field):
        land(shop, "freight", [receipt], amount, **options)


def test_charges_need_goods(shop: World) -> None:
    with pytest.raises(InvalidInput, match="postings"):
        land(shop, "freight", [4711], 80)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_a_spread_is_whole_and_within_one_of_its_share(amount: int, weights: list[int]) -> None:
    if not sum(weights):
        with pytest.raises(InvalidInput):
            spread(amount, weights)
        return
    parts = spread(amount, weights)

    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - amount * weight) < sum(weights)
