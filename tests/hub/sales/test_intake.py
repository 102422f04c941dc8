"""Taking in orders: each once, allocated at once, edits followed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from connectors.records import OrderStatus
from hub.channels import listings
from hub.db import Database
from hub.inventory.models import State
from hub.sales import backorders, fulfilment
from hub.sales.intake import payload_binding
from hub.secrets import Keyring, Undecryptable
from tests.builders import NOON, SINCE, World, line, listing, order, world


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 10, "LAMP": 5})


def test_an_order_takes_its_units_off_the_shelf(shop: World) -> None:
    taken = shop.take(order("1", line("a", "v-TENT", 3), line("b", "v-LAMP", 5)))

    assert (taken.new, taken.short, taken.pending) == (1, 0, 0)
    assert (shop.level("TENT"), shop.level("LAMP")) == (7, 0)
    assert shop.level("TENT", State.ALLOCATED) == 3
    shop.check()


def test_an_order_told_again_counts_once(shop: World) -> None:
    told = order("1", line("a", "v-TENT", 3))
    shop.take(told)

    again = shop.take(told, told)

    assert (again.new, again.changed, again.unchanged) == (0, 0, 1)
    assert shop.level("TENT") == 7


def test_an_older_version_is_dropped(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 3), at=10))

    taken = shop.take(order("1", line("a", "v-TENT", 1), at=9))

    assert taken.unchanged == 1
    assert shop.line("1", "a") == {"quantity": 3, "allocated": 3}


def test_at_equal_times_the_content_decides(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 3), at=10))

    taken = shop.take(order("1", line("a", "v-TENT", 4), at=10))

    assert taken.changed == 1
    assert shop.line("1", "a") == {"quantity": 4, "allocated": 4}
    shop.check()


def test_of_two_versions_on_one_page_the_newer_goes_in(shop: World) -> None:
    newer = order("1", line("a", "v-TENT", 2), at=5)
    older = order("1", line("a", "v-TENT", 7), at=1)

    shop.take(newer, older)

    assert shop.line("1", "a") == {"quantity": 2, "allocated": 2}


@pytest.mark.parametrize(("then", "left"), [(5, 5), (1, 9), (3, 7)])
def test_an_edited_line_holds_what_it_says_now(shop: World, then: int, left: int) -> None:
    shop.take(order("1", line("a", "v-TENT", 3)))

    shop.take(order("1", line("a", "v-TENT", then), at=1))

    assert shop.line("1", "a") == {"quantity": then, "allocated": then}
    assert shop.level("TENT") == left
    shop.check()


def test_units_taken_off_a_line_go_back_to_the_shelf(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 3)))

    shop.take(order("1", line("a", "v-TENT", 3, cancelled=2), at=1))

    assert shop.line("1", "a") == {"quantity": 3, "allocated": 1, "cancelled": 2}
    assert shop.level("TENT") == 9
    shop.check()


def test_a_line_that_is_dropped_gives_its_units_back_and_may_return(shop: World) -> None:
    both = order("1", line("a", "v-TENT", 3), line("b", "v-LAMP", 2))
    shop.take(both)

    shop.take(order("1", line("b", "v-LAMP", 2), at=1))
    assert shop.line("1", "a") == {"quantity": 3, "cancelled": 3}
    assert shop.level("TENT") == 10

    shop.take(replace(both, updated_at=NOON + timedelta(seconds=2)))
    assert shop.line("1", "a") == {"quantity": 3, "allocated": 3}
    shop.check()


def test_a_line_that_is_added_later_is_allocated(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 3)))

    shop.take(order("1", line("a", "v-TENT", 3), line("b", "v-LAMP", 2), at=1))

    assert shop.line("1", "b") == {"quantity": 2, "allocated": 2}
    shop.check()


def test_a_cancelled_order_gives_its_units_back_once(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 3)))
    cancelled = order("1", line("a", "v-TENT", 3), at=1, status=OrderStatus.CANCELLED)

    shop.take(cancelled)
    shop.take(cancelled)
    shop.take(replace(cancelled, updated_at=NOON + timedelta(seconds=2)))

    assert shop.line("1", "a") == {"quantity": 3, "cancelled": 3}
    assert shop.level("TENT") == 10
    shop.check()


def test_an_order_that_was_cancelled_before_it_was_seen_takes_nothing(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 3), status=OrderStatus.CANCELLED))

    assert shop.line("1", "a") == {"quantity": 3, "cancelled": 3}
    assert shop.level("TENT") == 10


def test_units_that_one_order_lets_go_serve_another_on_the_same_page(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 10)))

    shop.take(
        order("1", line("a", "v-TENT", 10), at=1, status=OrderStatus.CANCELLED),
        order("2", line("a", "v-TENT", 8), at=1),
    )

    assert shop.line("2", "a") == {"quantity": 8, "allocated": 8}
    shop.check()


def test_an_order_for_more_than_there_is_waits_and_a_person_is_told(shop: World) -> None:
    taken = shop.take(order("1", line("a", "v-LAMP", 7)))

    assert taken.short == 2
    assert shop.line("1", "a") == {"quantity": 7, "allocated": 5, "claimed": 2}
    assert shop.conflicts() == {"oversold": 1}
    shop.check()


def test_stock_that_comes_fills_what_waits_and_closes_the_conflict(shop: World) -> None:
    shop.take(order("1", line("a", "v-LAMP", 7)))
    shop.derive()

    shop.adjust("delivery", "LAMP", 3)
    filled = shop.derive()

    assert filled == 2
    assert shop.line("1", "a") == {"quantity": 7, "allocated": 7}
    assert shop.level("LAMP") == 1
    assert shop.conflicts() == {}
    shop.check()


def test_what_waits_in_vain_leaves_no_work_behind(shop: World) -> None:
    shop.take(order("1", line("a", "v-LAMP", 7)))

    for _ in range(3):
        shop.derive()

    assert shop.ask("SELECT count(*) FROM stock_change") == [(0,)]


def test_the_oldest_waiting_line_is_served_first(shop: World) -> None:
    shop.take(order("1", line("a", "v-LAMP", 7)))
    shop.take(order("2", line("a", "v-LAMP", 4)))

    shop.adjust("delivery", "LAMP", 3)
    shop.derive()

    assert shop.line("1", "a") == {"quantity": 7, "allocated": 7}
    assert shop.line("2", "a") == {"quantity": 4, "allocated": 1, "claimed": 3}
    shop.check()


def test_a_cancelled_order_waits_no_longer(shop: World) -> None:
    shop.take(order("1", line("a", "v-LAMP", 7)))

    shop.take(order("1", line("a", "v-LAMP", 7), at=1, status=OrderStatus.CANCELLED))

    assert shop.line("1", "a") == {"quantity": 7, "cancelled": 7}
    assert shop.ask("SELECT count(*) FROM claim WHERE filled < wanted") == [(0,)]
    assert shop.conflicts() == {}
    shop.check()


def test_a_line_of_an_unlinked_listing_waits_for_its_link(shop: World) -> None:
    taken = shop.take(order("1", line("a", "v-STOVE", 2)))

    assert taken.pending == 2
    assert shop.line("1", "a") == {"quantity": 2, "pending": 2}
    assert shop.conflicts() == {"order_line_unmapped": 1}

    link(shop, "v-STOVE", "TENT")
    assert shop.line("1", "a") == {"quantity": 2, "allocated": 2}
    assert shop.conflicts() == {}
    assert shop.level("TENT") == 8
    shop.check()


def link(shop: World, key: str, sku: str) -> None:
    with shop.database.transaction(shop.seller_id) as tx:
        ids = listings.save_listings(tx, shop.account_id, [listing(key, "another")])
        listings.link(tx, shop.account_id, {ids[key]: shop.products[sku]})
        backorders.allocate_pending(tx, shop.account_id)
        assert backorders.allocate_pending(tx, shop.account_id) == 0


def test_linking_one_listing_by_hand_serves_its_waiting_lines_with_the_next_derivation(
    shop: World,
) -> None:
    shop.take(order("1", line("a", "v-STOVE", 2)))
    with shop.database.transaction(shop.seller_id) as tx:
        number = listings.save_listings(tx, shop.account_id, [listing("v-STOVE")])["v-STOVE"]
        product = shop.products["TENT"]
        listings.link_one(tx, number, product, expected_version=1)

        assert backorders.link_waiting(tx, [product]) == 1

    assert shop.line("1", "a") == {"quantity": 2, "allocated": 2}
    shop.check()


def test_a_cancelled_line_waits_for_no_link(shop: World) -> None:
    shop.take(order("1", line("a", "v-STOVE", 2)))

    shop.take(order("1", line("a", "v-STOVE", 2), at=1, status=OrderStatus.CANCELLED))

    assert shop.line("1", "a") == {"quantity": 2, "cancelled": 2}
    assert shop.conflicts() == {}


def test_shipped_units_are_gone_whatever_the_channel_says_later(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 3)))
    ship(shop, "1")

    shop.take(order("1", line("a", "v-TENT", 3), at=1, status=OrderStatus.CANCELLED))

    assert shop.line("1", "a") == {"quantity": 3, "shipped": 3}
    assert shop.level("TENT") == 7
    assert shop.conflicts() == {"edited_after_shipment": 1}
    shop.check()


def test_a_line_cut_below_what_was_shipped_is_shown_to_a_person(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 3)))
    ship(shop, "1")

    shop.take(order("1", line("a", "v-TENT", 1), at=1))

    assert shop.line("1", "a") == {"quantity": 3, "shipped": 3}
    assert shop.conflicts() == {"edited_after_shipment": 1}
    shop.check()


def ship(shop: World, key: str) -> int:
    ids = [shop.order_id(key)]
    return shop.database.command(shop.seller_id, lambda tx: fulfilment.ship_allocated(tx, ids))


def test_an_order_ships_once(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 3), line("b", "v-LAMP", 7)))

    first, second = ship(shop, "1"), ship(shop, "1")

    assert (first, second) == (8, 0)
    assert shop.line("1", "b") == {"quantity": 7, "shipped": 5, "claimed": 2}
    shop.check()


def test_what_was_filled_later_ships_later(shop: World) -> None:
    shop.take(order("1", line("a", "v-LAMP", 7)))
    ship(shop, "1")
    shop.adjust("delivery", "LAMP", 2)
    shop.derive()

    assert ship(shop, "1") == 2
    assert shop.line("1", "a") == {"quantity": 7, "shipped": 7}
    shop.check()


def test_a_line_that_is_added_after_a_shipment_ships_too(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT", 3)))
    ship(shop, "1")
    shop.take(order("1", line("a", "v-TENT", 3), line("b", "v-LAMP", 2), at=1))

    assert ship(shop, "1") == 2
    assert shop.line("1", "b") == {"quantity": 2, "shipped": 2}
    shop.check()


def test_units_shipped_before_the_hub_kept_the_stock_left_no_shelf_of_ours(shop: World) -> None:
    old = SINCE - timedelta(days=30)
    told = order("1", line("a", "v-TENT", 3, shipped=3), placed_at=old)

    shop.take(told)
    shop.take(replace(told, updated_at=NOON + timedelta(seconds=5), number="#1b"))

    assert shop.line("1", "a") == {"quantity": 3, "settled": 3}
    assert shop.level("TENT") == 10
    shop.check()


def test_units_of_an_old_order_that_are_still_to_ship_are_promised(shop: World) -> None:
    old = SINCE - timedelta(days=30)

    shop.take(order("1", line("a", "v-TENT", 3, shipped=1), placed_at=old))

    assert shop.line("1", "a") == {"quantity": 3, "settled": 1, "allocated": 2}
    shop.check()


def test_what_a_channel_sent_is_sealed_and_opens_with_the_key(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT"), raw={"note": "for Berta"}))
    number = shop.order_id("1")
    binding = payload_binding(shop.seller_id, number)

    wrapped, sealed = shop.ask("SELECT wrapped_key, sealed FROM order_payload")[0]

    assert b"Berta" not in sealed
    opened = json.loads(shop.keyring.unseal(wrapped, sealed, binding))
    assert opened["raw"] == {"note": "for Berta"}
    assert opened["buyer"]["email"] == "berta@example.org"


def test_a_payload_whose_key_is_erased_is_gone(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT")), order("2", line("a", "v-TENT")))
    with shop.database.transaction(shop.seller_id) as tx:
        tx.execute(
            text("UPDATE order_payload SET wrapped_key = NULL WHERE order_id = :id"),
            {"id": shop.order_id("1")},
        )
    kept = dict(shop.ask("SELECT order_id, sealed FROM order_payload"))
    other = shop.ask(
        "SELECT wrapped_key FROM order_payload WHERE order_id = :id", id=shop.order_id("2")
    )[0][0]

    with pytest.raises(Undecryptable):
        shop.keyring.unseal(
            other, kept[shop.order_id("1")], payload_binding(shop.seller_id, shop.order_id("1"))
        )


def test_a_newer_version_replaces_what_was_sealed(shop: World) -> None:
    shop.take(order("1", line("a", "v-TENT"), raw={"v": 1}))
    before = shop.ask("SELECT sealed FROM order_payload")

    shop.take(order("1", line("a", "v-TENT"), at=1, channel_status="SENT", raw={"v": 2}))

    after = shop.ask("SELECT sealed FROM order_payload")
    assert len(after) == 1
    assert after != before
