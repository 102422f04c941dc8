"""Stock changes only by posted moves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from hub.db import Database, Transaction, create, set_seller, sql_state
from hub.errors import InsufficientStock, InvalidInput
from hub.inventory.adjusting import Adjustment, adjust
from hub.inventory.ledger import LevelKey, Move, Place, Posting, post
from hub.inventory.levels import Level, stock
from hub.inventory.models import State
from hub.secrets import Keyring
from tests.builders import World, world
from tests.rig import Rig


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 10, "LAMP": 5})


def take(shop: World, sku: str, units: Any) -> Move:
    shelf = Place(State.AVAILABLE, shop.location_id)
    return Move(shop.products[sku], units, shelf, Place(State.DAMAGED, shop.location_id))


def run(shop: World, *postings: Posting, late: bool = False) -> Any:
    return shop.database.command(shop.seller_id, lambda tx: post(tx, postings, late=late))


def test_what_leaves_one_place_arrives_at_another(shop: World) -> None:
    run(shop, Posting("drop", "breakage", [take(shop, "TENT", 3)]))

    assert shop.level("TENT") == 7
    assert shop.level("TENT", State.DAMAGED) == 3
    shop.check()


def test_a_key_that_was_posted_before_changes_nothing(shop: World) -> None:
    once = Posting("drop", "breakage", [take(shop, "TENT", 3)])

    first = run(shop, once)
    second = run(shop, once)

    assert first.keys == {"drop"}
    assert second.keys == frozenset()
    assert shop.level("TENT") == 7


def test_of_a_set_that_is_half_known_only_the_new_half_is_posted(shop: World) -> None:
    run(shop, Posting("one", "breakage", [take(shop, "TENT", 3)]))

    posted = run(
        shop,
        Posting("one", "breakage", [take(shop, "TENT", 3)]),
        Posting("two", "breakage", [take(shop, "LAMP", 2)]),
    )

    assert posted.keys == {"two"}
    assert (shop.level("TENT"), shop.level("LAMP")) == (7, 3)
    shop.check()


def test_one_key_twice_in_a_set_is_refused(shop: World) -> None:
    twice = Posting("same", "breakage", [take(shop, "TENT", 1)])

    with pytest.raises(InvalidInput, match="posting"):
        run(shop, twice, twice)

    assert shop.level("TENT") == 10


def test_one_sku_twice_in_a_set_is_checked_as_one(shop: World) -> None:
    with pytest.raises(InsufficientStock) as caught:
        run(
            shop,
            Posting("one", "breakage", [take(shop, "TENT", 6)]),
            Posting("two", "breakage", [take(shop, "TENT", 6)]),
        )

    assert caught.value.short == {shop.products["TENT"]: 2}
    assert shop.level("TENT") == 10


def test_a_set_that_is_short_of_one_sku_posts_nothing_of_the_others(shop: World) -> None:
    with pytest.raises(InsufficientStock):
        run(shop, Posting("both", "breakage", [take(shop, "TENT", 1), take(shop, "LAMP", 6)]))

    assert (shop.level("TENT"), shop.level("LAMP")) == (10, 5)
    assert shop.ask("SELECT 1 FROM posting WHERE key = 'both'") == []


def test_goods_that_come_and_go_in_one_set_are_checked_by_the_sum(shop: World) -> None:
    arrives = Move(
        shop.products["TENT"], 5, Place(State.SUPPLIER), Place(State.AVAILABLE, shop.location_id)
    )

    run(shop, Posting("in and out", "receipt", [take(shop, "TENT", 15), arrives]))

    assert (shop.level("TENT"), shop.level("TENT", State.DAMAGED)) == (0, 15)
    shop.check()


def test_the_database_refuses_a_negative_level_by_itself(shop: World) -> None:
    with (
        pytest.raises(DBAPIError) as caught,
        shop.database.transaction(shop.seller_id) as tx,
    ):
        tx.execute(text("UPDATE level SET quantity = quantity - 11 WHERE quantity = 10"))

    assert sql_state(caught.value) == "23514"


def test_a_late_fact_finds_the_shortfall_in_adjustment_and_says_so(shop: World) -> None:
    key = LevelKey(shop.products["TENT"], shop.location_id, State.AVAILABLE)

    posted = run(shop, Posting("sold", "shipped", [take(shop, "TENT", 14)]), late=True)

    assert posted.discrepancies == {key: 4}
    assert (shop.level("TENT"), shop.level("TENT", State.DAMAGED)) == (0, 14)
    found = shop.ask("SELECT quantity FROM move WHERE from_state = 13 AND quantity = 4")
    assert found == [(4,)]
    shop.check()


def test_a_late_fact_about_goods_we_never_had_is_found_whole(shop: World) -> None:
    inspected = Place(State.INSPECTION, shop.location_id)
    gone = Move(shop.products["LAMP"], 2, inspected, Place(State.CUSTOMER))

    posted = run(shop, Posting("never had", "shipped", [gone]), late=True)

    assert sum(posted.discrepancies.values()) == 2
    assert shop.level("LAMP", State.INSPECTION) == 0
    shop.check()


BAD_UNITS = [0, -1, 1.5, True, "3", float("nan"), 1e18, 10**13, None]


@pytest.mark.parametrize("units", BAD_UNITS, ids=repr)
def test_a_quantity_that_is_no_number_of_units_is_refused_by_name(units: Any) -> None:
    unused: Any = None
    move = Move(1, units, Place(State.ADJUSTMENT), Place(State.AVAILABLE, 1))

    with pytest.raises(InvalidInput) as caught:
        post(unused, [Posting("bad", "test", [move])])

    assert caught.value.field == "quantity"


@pytest.mark.parametrize("change", [0, 1.5, True, "3", float("nan"), 1e18, 10**13], ids=repr)
def test_an_adjustment_by_no_number_of_units_is_refused_by_name(change: Any) -> None:
    unused: Any = None

    with pytest.raises(InvalidInput) as caught:
        adjust(unused, "bad", [Adjustment(1, 1, change)])

    assert caught.value.field in {"change", "quantity"}


BAD_PLACES = [
    (Place(State.AVAILABLE), Place(State.CUSTOMER)),
    (Place(State.CUSTOMER, 1), Place(State.AVAILABLE, 1)),
    (Place(State.AVAILABLE, 1), Place(State.AVAILABLE, 1)),
    (Place(State.CUSTOMER), Place(State.CUSTOMER)),
]


@pytest.mark.parametrize(("source", "goal"), BAD_PLACES)
def test_a_move_from_or_to_nowhere_is_refused(source: Place, goal: Place) -> None:
    unused: Any = None

    with pytest.raises(InvalidInput) as caught:
        post(unused, [Posting("bad", "test", [Move(1, 1, source, goal)])])

    assert caught.value.field == "place"


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_posting_needs_a_key_of_sensible_length(key: str) -> None:
    unused: Any = None
    move = Move(1, 1, Place(State.ADJUSTMENT), Place(State.AVAILABLE, 1))

    with pytest.raises(InvalidInput, match="posting"):
        post(unused, [Posting(key, "test", [move])])


def test_a_posting_of_an_unknown_product_names_the_product(shop: World) -> None:
    move = Move(1, 1, Place(State.ADJUSTMENT), Place(State.AVAILABLE, shop.location_id))

    with pytest.raises(InvalidInput) as caught:
        run(shop, Posting("unknown", "test", [move]))

    assert caught.value.field == "product"


@pytest.fixture
def owner(servers: Rig, database: Database) -> Iterator[Engine]:
    """The same database as the role that owns its tables."""
    url = servers.owner_url(database.engine.url.database or "")
    engine = create(url, role="", isolation="READ COMMITTED")
    yield engine
    engine.dispose()


CHANGES = ["UPDATE {} SET seller_id = seller_id", "DELETE FROM {}", "TRUNCATE {} CASCADE"]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", ["move", "posting", "offer", "audit"])
def test_what_was_posted_cannot_be_changed_by_the_application_nor_its_owner(
    shop: World, owner: Engine, table: str, change: str
) -> None:
    statement = text(change.format(table))

    with pytest.raises(DBAPIError) as app, shop.database.transaction(shop.seller_id) as tx:
        tx.execute(statement)
    with owner.connect() as connection:
        connection.execute(text(set_seller(shop.seller_id)))
        with pytest.raises(DBAPIError, match="append-only") as owners:
            connection.execute(statement)

    assert sql_state(app.value) == "42501"
    assert sql_state(owners.value) == "23001"


def replay(moves: list[tuple[Any, ...]], until: datetime) -> dict[tuple[str, str], int]:
    levels: dict[tuple[str, str], int] = {}
    for quantity, source, origin, target, goal, at in moves:
        if at <= until:
            for state, place, change in ((source, origin, -quantity), (target, goal, quantity)):
                if place is not None:
                    key = (place, State(state).name.lower())
                    levels[key] = levels.get(key, 0) + change
    return {key: units for key, units in levels.items() if units}


def test_the_stock_of_every_past_moment_is_what_a_replay_of_its_moves_gives(shop: World) -> None:
    for number in range(1, 5):
        run(shop, Posting(f"break {number}", "breakage", [take(shop, "TENT", number)]))
        shop.adjust(f"more {number}", "TENT", 2 * number)
    moves = shop.ask(
        "SELECT m.quantity, m.from_state, f.code, m.to_state, t.code, m.posted_at FROM move m"
        " LEFT JOIN location f ON f.id = m.from_location_id"
        " LEFT JOIN location t ON t.id = m.to_location_id"
        " WHERE m.product_id = :tent ORDER BY m.id",
        tent=shop.products["TENT"],
    )
    moments = sorted({move[-1] for move in moves})

    with shop.database.transaction(shop.seller_id) as tx:
        told = {at: as_dict(stock(tx, "tent", at)) for at in moments}
        before = stock(tx, "tent", datetime(2020, 1, 1, tzinfo=UTC))
        now = as_dict(stock(tx, "tent"))

    assert len(moments) == 9
    assert told == {at: replay(moves, at) for at in moments}
    assert before == []
    assert now == told[moments[-1]]


def as_dict(levels: list[Level]) -> dict[tuple[str, str], int]:
    return {(one.location, one.state): one.quantity for one in levels}


def test_posting_bumps_the_version_offers_are_derived_by(shop: World) -> None:
    def versions(tx: Transaction) -> list[int]:
        found = tx.execute(text("SELECT stock_version FROM product WHERE sku = 'TENT'"))
        return list(found.scalars())

    before = shop.database.command(shop.seller_id, versions)
    run(shop, Posting("drop", "breakage", [take(shop, "TENT", 3)]))
    after = shop.database.command(shop.seller_id, versions)

    assert after[0] == before[0] + 1
