"""Oscar's records become ours: as a real shop sent them, and a bad field is named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.fields import Unreadable
from connectors.oscar import mapping
from connectors.records import ChannelOrder, ListingState, OrderStatus
from tests.connectors.oscar.recorded import line, order, product, stockrecord


def read(data: object, *lines: object, words: str = "") -> ChannelOrder:
    sold = mapping.sold_as(product())
    return mapping.order(data, lines or [line()], sold, mapping.statuses(words))


def test_an_order_is_read_field_by_field() -> None:
    found = read(order(total_incl_tax="31.50", total_excl_tax="26.25", shipping_incl_tax="6.50"))

    assert (found.external_id, found.number) == ("1", "100003")
    assert (found.status, found.channel_status) == (OrderStatus.CONFIRMED, "new")
    assert (found.total, found.currency, found.shipping, found.tax) == (3150, "GBP", 650, 525)
    assert found.placed_at == datetime(2026, 11, 24, 23, 14, 34, 501_677, tzinfo=UTC)
    assert found.updated_at == found.placed_at
    assert (found.buyer.name, found.buyer.email) == ("Ann Buyer", "ann@example.com")
    assert found.buyer.phone == "+441904000000"
    assert (found.buyer.address["city"], found.buyer.address["country"]) == ("York", "GB")
    assert found.raw["lines"] == [line()]


def test_a_line_names_its_stock_record_and_costs_what_it_costs() -> None:
    (found,) = read(order(), line(price_incl_tax="22.00", price_excl_tax="18.33")).lines

    assert (found.external_id, found.listing_key) == ("1", "1")
    assert (found.sku, found.title, found.quantity) == ("MUG", "Mug", 2)
    assert (found.unit_price, found.total, found.discount, found.tax) == (1250, 2200, 300, 367)


def test_what_was_deleted_since_is_sold_all_the_same() -> None:
    (found,) = read(order(), line(product=None, stockrecord=None)).lines

    assert (found.listing_key, found.sku, found.quantity) == ("", "", 2)


@pytest.mark.parametrize(
    ("word", "status", "left"),
    [
        ("Pending", OrderStatus.CONFIRMED, 2),
        ("Being processed", OrderStatus.CONFIRMED, 2),
        ("Complete", OrderStatus.SHIPPED, 0),
        ("Cancelled", OrderStatus.CANCELLED, 0),
        ("With the lawyers", OrderStatus.HELD, 2),
        ("Dispatched", OrderStatus.SHIPPED, 0),
        ("Annulled", OrderStatus.CANCELLED, 0),
    ],
)
def test_a_shops_own_words_are_what_the_seller_says(
    word: str, status: OrderStatus, left: int
) -> None:
    found = read(order(status=word), words="dispatched = Shipped, Annulled=cancelled")

    assert (found.status, found.channel_status) == (status, word)
    assert [one.quantity - one.cancelled - one.shipped for one in found.lines] == [left]


@pytest.mark.parametrize("typed", ["Dispatched", "Dispatched=gone", "=shipped"])
def test_words_that_say_nothing_are_refused(typed: str) -> None:
    with pytest.raises(Unreadable):
        mapping.statuses(typed)


@pytest.mark.parametrize(
    ("data", "lines", "field"),
    [
        (order(url="http://shop/api/admin/orders/one/"), [line()], "url"),
        (order(), [line(product="x", stockrecord="http://shop/api/..")], "lines.0.stockrecord"),
        (order(date_placed="2026-11-24T23:14:34"), [line()], "date_placed"),
        (order(currency="XXL"), [line()], "currency"),
        (order(total_incl_tax="25.001"), [line()], "total_incl_tax"),
        (order(), [], "lines"),
        (order(), [line(), line(quantity=0)], "lines.1.quantity"),
        (order(), [line(price_incl_tax=None)], "lines.0.price_incl_tax"),
    ],
)
def test_a_bad_field_is_named(data: object, lines: list[object], field: str) -> None:
    with pytest.raises(Unreadable) as caught:
        mapping.order(data, lines, {}, mapping.STATUS)

    assert caught.value.field == field


def test_each_stock_record_is_a_listing() -> None:
    other = stockrecord(url="http://shop/api/admin/stockrecords/2/", price=None, num_allocated=None)
    (first, second), bad = mapping.catalogue([product(stockrecords=[stockrecord(), other])], [])

    assert not bad
    assert (first.external_id, first.sku, first.title) == ("1", "MUG", "Mug")
    assert (first.quantity, first.price, first.currency) == (5, 1250, "GBP")
    assert (second.external_id, second.quantity, second.price) == ("2", 7, None)
    assert first.parent_key == second.parent_key == "1"


def test_a_child_has_its_parents_title_and_is_as_public() -> None:
    parent = product(id=9, structure="parent", stockrecords=[], title="Shirt", is_public=False)
    child = product(structure="child", parent=9, product_class=None, title="")

    (listing,), bad = mapping.catalogue([child, parent], [])

    assert not bad
    assert (listing.title, listing.parent_key) == ("Shirt", "9")
    assert listing.state is ListingState.PAUSED


def test_stock_that_is_not_tracked_has_no_number() -> None:
    classes = [{"slug": "goods", "track_stock": False}]

    (listing,), _ = mapping.catalogue([product()], classes)

    assert listing.quantity is None
    assert listing.handles == {"counted": "no"}


def test_one_product_that_cannot_be_read_keeps_no_other_out() -> None:
    broken = product(id=4, stockrecords=[stockrecord(price="cheap")])

    good, bad = mapping.catalogue([broken, product()], [])

    assert [one.sku for one in good] == ["MUG"]
    assert [(one.external_id, one.field) for one in bad] == [("4", "stockrecords.0.price")]
