"""Single deliveries that random schedules ended differently for, and single steps of the push that
the model had right."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.records import ChannelOrder
from hub.channels import listings, pushing
from hub.channels.pushing import Answer
from hub.db import Database, Transaction
from hub.secrets import Keyring
from hub.seller import create_seller
from tests.builders import World, line, listing, order, world


@pytest.fixture
def shop(shared_database: Database, keyring: Keyring) -> World:
    seller = create_seller(shared_database, "Carla's Cases")
    return world(shared_database, seller, keyring, {"MUG": 5, "LATE": 5}, links={"v-MUG": "MUG"})


def unreadable(one: ChannelOrder) -> ChannelOrder:
    return replace(one, lines=(replace(one.lines[0], quantity=0),))


def link_late(shop: World) -> None:
    def work(tx: Transaction) -> None:
        ids = listings.save_listings(tx, shop.account_id, [listing("v-LATE", "LATE")])
        listings.link(tx, shop.account_id, {ids["v-LATE"]: shop.products["LATE"]})

    shop.database.command(shop.seller_id, work)


def test_a_lines_name_and_amounts_follow_the_channels_edits(shop: World) -> None:
    shop.take(order("1", line("1", "v-MUG", 1, total=500), at=1))

    shop.take(order("1", line("1", "v-MUG", 3, total=1_200, title="A mug", unit_price=400), at=2))

    found = shop.ask("SELECT title, unit_price, total, quantity FROM order_line")
    assert found == [("A mug", 400, 1_200, 3)]


def test_an_unreadable_version_that_comes_after_a_newer_one_opens_nothing(shop: World) -> None:
    shop.take(order("1", line("1", "v-MUG"), at=2))

    shop.take(unreadable(order("1", line("1", "v-MUG"), at=1)))

    assert shop.conflicts() == {}


def test_an_unreadable_version_that_is_the_newest_is_kept_for_a_person(shop: World) -> None:
    shop.take(order("1", line("1", "v-MUG"), at=1))

    shop.take(unreadable(order("1", line("1", "v-MUG"), at=2)))

    assert shop.conflicts() == {"poison_record": 1}


def test_a_line_wanted_again_after_its_listing_was_linked_is_allocated(shop: World) -> None:
    shop.take(order("1", line("1", "v-LATE", 2, cancelled=2), at=1))
    link_late(shop)
    shop.derive()

    shop.take(order("1", line("1", "v-LATE", 2), at=2))

    assert shop.line("1", "1") == {"quantity": 2, "allocated": 2}
    assert shop.conflicts() == {}


def push(shop: World, outcome: str) -> list[int]:
    """Push what is due with this outcome; answers the quantities sent."""

    def work(tx: Transaction) -> list[int]:
        dues = pushing.claim_due(tx, shop.account_id, 10, 60.0)
        pushing.record(tx, shop.account_id, [Answer(due, outcome) for due in dues])
        return [due.quantity for due in dues]

    return shop.database.command(shop.seller_id, work)


def sold_from_now_on(key: str, units: int) -> ChannelOrder:
    """An order placed after everything the hub has seen."""
    return order(key, line("1", "v-MUG", units), placed_at=datetime.now(UTC) + timedelta(minutes=1))


def test_a_sale_that_a_return_makes_up_for_is_pushed_all_the_same(shop: World) -> None:
    """The offer stays what it was; the channel shows a unit less."""
    shop.derive()
    assert push(shop, "accepted") == [5]
    shop.take(sold_from_now_on("1", 1))
    shop.adjust("found one", "MUG", 1)

    shop.derive()

    assert push(shop, "accepted") == [5]


def test_a_stock_change_that_leaves_offer_and_channel_alone_pushes_nothing(shop: World) -> None:
    shop.derive()
    push(shop, "accepted")
    shop.adjust("found one", "MUG", 1)
    shop.adjust("lost one", "MUG", -1)

    shop.derive()

    assert push(shop, "accepted") == []


def test_a_sale_makes_no_number_of_one_that_is_not_known(shop: World) -> None:
    shop.derive()
    push(shop, "unknown")

    shop.take(sold_from_now_on("1", 1))

    assert shop.ask("SELECT remote_quantity FROM listing") == [(None,)]
