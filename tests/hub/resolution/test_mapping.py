"""Listings and lines that belong to no product: linked, given a new one, or left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.channels import listings
from hub.db import Database
from hub.errors import Conflict, InvalidInput
from hub.inventory.products import NewProduct, add_products
from hub.secrets import Keyring
from tests.builders import World, line, listing, order, world
from tests.hub.resolution.steps import as_told, conflict, preview, resolve, rows, run, show


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    """Five tents, and a listing of them that nobody has linked."""
    return world(database, seller, keyring, {"TENT": 5}, links={})


def test_linking_a_lines_listing_gives_every_waiting_line_its_stock(shop: World) -> None:
    show(shop, "v-1", sku="ANOTHER")
    shop.take(order("1", line("a", "v-1", 2)))
    shop.take(order("2", line("a", "v-1", 4)))
    assert conflict(shop, "order_line_unmapped").evidence["hub"] == {"product": None, "waiting": 2}

    done = as_told(shop, "order_line_unmapped", "link", sku="tent")

    assert done.state == "resolved"
    assert conflict(shop, "order_line_unmapped", 1).state == "auto_resolved"
    assert shop.line("1", "a") == {"quantity": 2, "allocated": 2}
    assert shop.line("2", "a") == {"quantity": 4, "allocated": 3, "claimed": 1}
    assert shop.conflicts() == {"oversold": 1}
    shop.check()


def test_a_link_says_what_it_would_take_and_takes_nothing(shop: World) -> None:
    show(shop, "v-1", sku="ANOTHER", title="A tent")
    shop.take(order("1", line("a", "v-1", 2)))

    told = preview(shop, "order_line_unmapped", "link", sku="TENT")

    assert rows(told) == {
        "A tent: product": (None, "TENT"),
        "TENT at MAIN, available": (5, 3),
        "TENT at MAIN, allocated": (0, 2),
        "line a of order #1: waiting for a link": (2, 0),
        "line a of order #1: allocated": (0, 2),
    }
    assert shop.level("TENT") == 5
    assert shop.line("1", "a") == {"quantity": 2, "pending": 2}
    assert shop.ask("SELECT product_id FROM listing") == [(None,)]


def test_linking_closes_the_listings_conflict_too(shop: World) -> None:
    show(shop, "v-1", sku="ANOTHER")
    shop.take(order("1", line("a", "v-1", 2)))

    as_told(shop, "listing_unmapped", "link", sku="TENT")

    assert shop.conflicts() == {}
    assert conflict(shop, "listing_unmapped").state == "resolved"
    assert conflict(shop, "order_line_unmapped").state == "auto_resolved"
    assert shop.line("1", "a") == {"quantity": 2, "allocated": 2}
    shop.check()


def test_a_line_whose_listing_no_catalogue_has_is_told_by_itself(shop: World) -> None:
    shop.take(order("1", line("a", "nowhere", 2)))

    as_told(shop, "order_line_unmapped", "link", sku="TENT")

    assert shop.line("1", "a") == {"quantity": 2, "allocated": 2}
    assert shop.conflicts() == {}
    shop.check()


def test_a_line_without_any_listing_is_told_by_itself_and_may_fall_short(shop: World) -> None:
    shop.take(order("1", line("a", "", 7)))

    as_told(shop, "order_line_unmapped", "link", sku="TENT")

    assert shop.line("1", "a") == {"quantity": 7, "allocated": 5, "claimed": 2}
    assert shop.conflicts() == {"oversold": 1}
    shop.check()


def test_a_new_product_is_made_of_the_listing_and_its_lines_wait_for_stock(shop: World) -> None:
    show(shop, "v-1", sku="STOVE", title="A stove")
    shop.take(order("1", line("a", "v-1", 2)))

    as_told(shop, "order_line_unmapped", "create")

    assert shop.ask("SELECT name FROM product WHERE sku = 'STOVE'") == [("A stove",)]
    assert shop.line("1", "a") == {"quantity": 2, "claimed": 2}
    assert shop.conflicts() == {"oversold": 1}
    shop.check()


def test_a_listing_without_a_sku_gets_the_one_it_is_given(shop: World) -> None:
    show(shop, "v-1", sku=" ")
    with pytest.raises(InvalidInput, match=r"arguments\.sku"):
        preview(shop, "listing_unmapped", "create")

    as_told(shop, "listing_unmapped", "create", sku="STOVE")

    assert shop.ask("SELECT p.sku FROM listing l JOIN product p ON p.id = l.product_id") == [
        ("STOVE",)
    ]


def test_a_sku_that_is_taken_is_not_created_again(shop: World) -> None:
    show(shop, "v-1", sku="ANOTHER")

    with pytest.raises(Conflict, match="link it"):
        preview(shop, "listing_unmapped", "create", sku="tent")


def test_a_product_that_is_not_there_is_named(shop: World) -> None:
    show(shop, "v-1", sku="ANOTHER")

    with pytest.raises(InvalidInput, match=r"arguments\.sku"):
        resolve(shop, "listing_unmapped", "link", sku="NONE")


def test_the_conflict_says_why_nothing_matches(shop: World) -> None:
    run(
        shop,
        lambda tx: add_products(tx, [NewProduct(f"P{n}", barcode="4006381333931") for n in (1, 2)]),
    )

    show(shop, "v-1", sku="ANOTHER", barcode="4006381333931")

    one = conflict(shop, "listing_unmapped")
    assert "barcode is that of 2 products" in one.summary
    assert one.evidence["hub"] == {"same_sku": 0, "same_barcode": 2}
    assert one.evidence["channel"] == {"sku": "ANOTHER", "barcode": "4006381333931"}


def test_an_ignored_listing_stays_ignored_though_it_is_read_again(shop: World) -> None:
    show(shop, "v-1", sku="ANOTHER")
    done = resolve(shop, "listing_unmapped", "ignore", reason="sold by somebody else")

    show(shop, "v-1", sku="ANOTHER")

    assert (done.state, conflict(shop, "listing_unmapped").state) == ("dismissed", "dismissed")


def test_a_listing_that_has_another_sku_now_is_shown_again(shop: World) -> None:
    show(shop, "v-1", sku="ANOTHER")
    resolve(shop, "listing_unmapped", "ignore", reason="sold by somebody else")

    show(shop, "v-1", sku="YET-ANOTHER")

    assert conflict(shop, "listing_unmapped").state == "open"


def test_a_listing_that_has_ended_needs_no_product(shop: World) -> None:
    show(shop, "v-1", sku="ANOTHER")

    run(
        shop,
        lambda tx: listings.save_listings(tx, shop.account_id, [listing("v-1", state="ended")]),
    )

    assert conflict(shop, "listing_unmapped").state == "auto_resolved"


def test_a_listing_linked_elsewhere_meanwhile_is_not_linked_again(shop: World) -> None:
    number = show(shop, "v-1", sku="ANOTHER")
    run(shop, lambda tx: listings.link(tx, shop.account_id, {number: shop.products["TENT"]}))

    with pytest.raises(Conflict, match="is auto_resolved"):
        resolve(shop, "listing_unmapped", "link", sku="TENT")


def test_putting_off_for_a_while_is_no_ignoring_for_good(shop: World) -> None:
    show(shop, "v-1", sku="ANOTHER")
    until = datetime.now(UTC) + timedelta(days=1)

    done = resolve(shop, "listing_unmapped", "ignore", reason="later", until=until)

    assert done.dismissed_until == until
