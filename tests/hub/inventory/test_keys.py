"""The pool: a key is a unit, comes in once, and never lies in clear."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.db import Database
from hub.errors import Conflict, InvalidInput, NotFound
from hub.inventory import keys
from hub.inventory.allocating import Share
from hub.inventory.keys import Counts, assign
from hub.inventory.models import State
from hub.secrets import Keyring, Undecryptable, bound_to
from tests.builders import World, line, order, world
from tests.keyed import broken, counts, key_shop, receive, run, withdraw


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return key_shop(database, seller, keyring, {"GAME": ["A-1", "A-2"], "APP": []})


def test_each_key_is_a_unit(shop: World) -> None:
    added = receive(shop, "GAME", "A-3", "A-4", "A-5")

    assert added == 3
    assert counts(shop, "GAME") == Counts(free=5, drawn=0, withdrawn=0)
    assert shop.level("GAME") == 5
    moves = "SELECT sum(quantity)::int FROM move WHERE from_state = 11 AND to_state = 1"
    assert shop.ask(moves) == [(5,)]
    shop.check()


def test_the_same_list_sent_again_adds_nothing(shop: World) -> None:
    again = receive(shop, "GAME", "A-2", "A-1")

    assert again == 0
    assert shop.level("GAME") == 2


@pytest.mark.parametrize(
    ("given", "entry", "reason"),
    [
        (["B-1", ""], 1, "blank"),
        (["  ", "B-1"], 0, "blank"),
        (["B-1", "B-2 "], 1, "space"),
        (["B-1", "B-2", "B-1"], 2, "twice"),
        (["B-1", "A-2"], 1, "already"),
        (["B-1", "B\t2"], 1, "control"),
        (["B-1", "B\u20282"], 1, "control"),
        (["B" * 501], 0, "longer than 500"),
    ],
)
def test_a_bad_entry_is_named_and_nothing_is_half_written(
    shop: World, given: list[str], entry: int, reason: str
) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        receive(shop, "GAME", *given)

    assert caught.value.field == f"keys[{entry}]"
    assert not any(one in str(caught.value) for one in given if one.strip())
    assert counts(shop, "GAME").free == shop.level("GAME") == 2
    shop.check()


@pytest.mark.parametrize("count", [0, 1_001])
def test_a_list_has_one_to_a_thousand_keys(shop: World, count: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 1000"):
        receive(shop, "GAME", *(f"B-{n}" for n in range(count)))


def test_a_thousand_keys_come_in_at_once(shop: World) -> None:
    assert receive(shop, "GAME", *(f"B-{n}" for n in range(1_000))) == 1_000
    assert shop.level("GAME") == 1_002
    shop.check()


def test_two_products_may_have_a_key_each_that_reads_the_same(shop: World) -> None:
    assert receive(shop, "APP", "A-1", "A-2") == 2

    prints = shop.ask("SELECT count(DISTINCT fingerprint), count(*) FROM activation_key")
    assert prints == [(4, 4)]


def test_keys_go_to_products_that_are_sold_by_keys_only(
    database: Database, seller: int, keyring: Keyring
) -> None:
    shop = world(database, seller, keyring, {"TENT": 0})

    with pytest.raises(Conflict, match="not sold by keys"):
        receive(shop, "TENT", "A-1")
    with pytest.raises(NotFound):
        run(shop, lambda tx: keys.add_keys(tx, keyring, 1, shop.location_id, ["A-1"]))


def test_stock_of_a_keyed_product_changes_with_its_keys_alone(shop: World) -> None:
    for change in (1, -1):
        with pytest.raises(Conflict, match="sold by activation keys"):
            shop.adjust(f"by hand {change}", "GAME", change)

    assert shop.level("GAME") == 2
    shop.check()


def test_a_product_with_stock_does_not_become_keyed(
    database: Database, seller: int, keyring: Keyring
) -> None:
    shop = world(database, seller, keyring, {"TENT": 1, "LAMP": 2})
    shop.take(order("1", line("a", "v-LAMP", 2)))

    for sku in ("TENT", "LAMP"):  # one on the shelf; two promised
        with pytest.raises(Conflict, match="has stock"):
            run(shop, lambda tx, sku=sku: keys.make_keyed(tx, keyring, shop.products[sku]))

    shop.adjust("sold out", "TENT", -1)
    assert run(shop, lambda tx: keys.make_keyed(tx, keyring, shop.products["TENT"]))
    assert not run(shop, lambda tx: keys.make_keyed(tx, keyring, shop.products["TENT"]))


def test_a_key_that_leaked_leaves_with_its_unit(shop: World) -> None:
    assert withdraw(shop, "GAME", "A-1") == 1
    assert withdraw(shop, "GAME", "A-1") == 0

    assert counts(shop, "GAME") == Counts(free=1, drawn=0, withdrawn=1)
    assert shop.level("GAME") == 1
    assert shop.ask("SELECT quantity FROM move WHERE to_state = :s", s=State.SCRAP) == [(1,)]
    shop.check()


def test_a_withdrawn_key_does_not_come_in_again(shop: World) -> None:
    withdraw(shop, "GAME", "A-1")

    with pytest.raises(InvalidInput, match="already"):
        receive(shop, "GAME", "A-9", "A-1")


def test_withdrawing_a_key_that_is_not_there_withdraws_none(shop: World) -> None:
    with pytest.raises(InvalidInput, match="not in the pool") as caught:
        withdraw(shop, "GAME", "A-1", "A-7")

    assert caught.value.field == "keys[1]"
    assert counts(shop, "GAME").free == shop.level("GAME") == 2


def test_keys_that_are_promised_are_not_withdrawn(shop: World) -> None:
    shop.take(order("1", line("a", "v-GAME", 2)))

    with pytest.raises(Conflict, match="promised"):
        withdraw(shop, "GAME", "A-1")

    assert counts(shop, "GAME").free == 2
    shop.check()


def test_a_key_lies_sealed_and_bound_to_its_row(shop: World) -> None:
    found = shop.ask("SELECT id, sealed, fingerprint FROM activation_key ORDER BY id")

    assert not any(b"A-1" in bytes(value) for row in found for value in row[1:])
    binding = bound_to(shop.seller_id, "activation_key", found[1][0], "sealed")
    with pytest.raises(Undecryptable):
        shop.keyring.decrypt(bytes(found[0][1]), binding)


def test_the_database_itself_lets_no_key_in_twice(shop: World) -> None:
    twice = text(
        "INSERT INTO activation_key (seller_id, product_id, location_id, sealed, fingerprint)"
        " SELECT seller_id, product_id, location_id, sealed, fingerprint FROM activation_key"
    )

    with pytest.raises(DBAPIError, match="uq_activation_key"):
        run(shop, lambda tx: tx.execute(twice))


def test_a_pool_that_does_not_fit_its_units_is_found(shop: World) -> None:
    run(shop, lambda tx: tx.execute(text("DELETE FROM activation_key WHERE state = 'free'")))

    assert broken(shop) == ["free_keys_are_units"]


# -- which key goes to whom --------------------------------------------------------------------


def test_shares_take_keys_in_their_order_and_none_twice() -> None:
    shares = [Share(1, 7, 5, 2), Share(2, 7, 5, 1), Share(3, 7, 6, 1)]

    served, drawn = assign(shares, {(7, 5): [11, 12, 13, 14], (7, 6): [21]})

    assert served == shares
    assert drawn == [(11, 1), (12, 1), (13, 2), (21, 3)]


def test_a_share_is_served_whole_or_not_at_all() -> None:
    served, drawn = assign([Share(1, 7, 5, 3), Share(2, 7, 5, 1)], {(7, 5): [11, 12]})

    assert served == [Share(2, 7, 5, 1)]
    assert drawn == [(11, 2)]
