"""WooCommerce's shapes become records, field by field, and a bad field says its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from connectors.answers import parse_json
from connectors.fields import Unreadable, each
from connectors.postsale import ParcelLine
from connectors.records import ListingState, OrderStatus
from connectors.woocommerce import catalogue, mapping, marks
from connectors.woocommerce.fields import Record
from tests.connectors.woocommerce.recorded import (
    CHANGED,
    PLACED,
    gmt,
    line,
    order,
    product,
    refund,
    refunded,
    variation,
)


def parsed(data: object) -> Any:
    """As it comes off the wire: no binary fractions."""
    return parse_json(json.dumps(data))


# -- orders ----------------------------------------------------------------------------------------


def test_an_order_is_read_whole() -> None:
    found = mapping.order(parsed(order()))

    assert (found.external_id, found.number) == ("727", "727")
    assert (found.status, found.channel_status) == (OrderStatus.CONFIRMED, "processing")
    assert (found.currency, found.total) == ("GBP", 2052)
    assert (found.shipping, found.tax, found.discount) == (495, 342, 135)
    assert not found.tax_included  # the lines never hold it, whatever the shop shows
    assert (found.placed_at, found.updated_at) == (PLACED, CHANGED)
    assert found.cancelled_at is None
    assert not found.test


def test_a_line_is_reckoned_from_its_sums_not_from_its_price() -> None:
    (found,) = mapping.order(parsed(order([line(price=4.049999999)]))).lines

    assert (found.external_id, found.listing_key, found.sku) == ("315", "93", "TEA-1")
    assert found.title == "Green tea – 100 g"
    assert (found.quantity, found.unit_price, found.discount) == (3, 450, 135)
    assert (found.total, found.tax) == (1215, 243)
    assert (found.cancelled, found.shipped) == (0, 0)


def test_sums_that_do_not_divide_are_rounded_and_the_total_is_exact() -> None:
    (found,) = mapping.order(order([line(subtotal="10.00", total="9.9950")])).lines

    assert (found.unit_price, found.total) == (333, 1000)


def test_a_variation_is_the_listing_that_was_sold() -> None:
    (found,) = mapping.order(order([line(variation_id=95)])).lines

    assert found.listing_key == "95"


def test_what_the_shop_no_longer_sells_has_no_listing() -> None:
    (found,) = mapping.order(order([line(product_id=0)])).lines

    assert found.listing_key == ""


def test_the_buyer_is_who_gets_the_goods() -> None:
    buyer = mapping.order(order()).buyer

    assert (buyer.external_id, buyer.name, buyer.email) == ("12", "Bob Onym", "ann@example.com")
    assert buyer.phone == "+44 1904 000000"
    assert buyer.address["line1"] == "2 Low Street"
    assert buyer.address["company"] == "Tea & Co"
    assert buyer.address["region"] == "ENG"


def test_without_a_shipping_address_goods_go_to_the_billing_address() -> None:
    buyer = mapping.order(order(shipping=[], customer_id=0)).buyer

    assert (buyer.external_id, buyer.name) == ("", "Ann Onym")
    assert buyer.address["city"] == "York"


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", OrderStatus.UNPAID),
        ("processing", OrderStatus.CONFIRMED),
        ("wc-processing", OrderStatus.CONFIRMED),
        ("completed", OrderStatus.SHIPPED),
        ("cancelled", OrderStatus.CANCELLED),
        ("failed", OrderStatus.CANCELLED),
        ("refunded", OrderStatus.CANCELLED),
        ("trash", OrderStatus.CANCELLED),
        ("delivered", OrderStatus.DELIVERED),
        ("waiting-for-the-moon", OrderStatus.HELD),
    ],
)
def test_every_status_is_one_of_ours(word: str, status: OrderStatus) -> None:
    found = mapping.order(order(status=word))

    assert found.status is status
    assert (found.cancelled_at is not None) == (status is OrderStatus.CANCELLED)


def test_on_hold_waits_for_money_or_for_a_person() -> None:
    unpaid, paid = order(status="on-hold", date_paid_gmt=None), order(status="on-hold")

    assert mapping.order(unpaid).status is OrderStatus.UNPAID
    assert mapping.order(paid).status is OrderStatus.HELD


@pytest.mark.parametrize("word", ["refunded", "trash"])
def test_what_was_completed_before_it_was_closed_has_been_sent(word: str) -> None:
    found = mapping.order(order(status=word, date_completed_gmt=gmt(CHANGED)))

    assert found.status is OrderStatus.SHIPPED
    assert [one.shipped for one in found.lines] == [3]


def test_parcels_of_ours_make_an_order_part_shipped() -> None:
    value = json.dumps({"number": "JD1", "lines": {"315": 2}})
    meta = [{"id": 1, "key": f"{marks.PARCEL}p1", "value": value}, {"id": 2, "key": 5}, None]

    found = mapping.order(order(meta_data=meta))

    assert found.status is OrderStatus.PART_SHIPPED
    assert [(one.shipped, one.cancelled) for one in found.lines] == [(2, 0)]


def test_a_mark_that_somebody_spoilt_counts_nothing() -> None:
    meta = [{"id": 1, "key": f"{marks.PARCEL}p1", "value": "{"}]

    assert [one.shipped for one in mapping.order(order(meta_data=meta)).lines] == [0]


def test_units_refunded_before_completion_are_taken_off() -> None:
    given = refund([refunded("315", 2)])

    assert [one.cancelled for one in mapping.order(order(), [given]).lines] == [2]


def test_units_refunded_after_completion_have_been_sent() -> None:
    sent = order(status="completed", date_completed_gmt=gmt(CHANGED - timedelta(minutes=5)))

    (found,) = mapping.order(sent, [refund([refunded(315, 2)])]).lines

    assert (found.cancelled, found.shipped) == (0, 3)


def test_a_refund_of_ours_takes_no_units_off() -> None:
    ours = refund([refunded("315", 2)], meta_data=[{"key": marks.REFUND, "value": "r1"}])

    assert [one.cancelled for one in mapping.order(order(), [ours]).lines] == [0]


def test_a_line_edited_down_to_nothing_is_none() -> None:
    found = mapping.order(order([line(), line(id=316, quantity=0)]))

    assert [one.external_id for one in found.lines] == ["315"]


def test_words_of_plug_ins_are_taken_as_they_come() -> None:
    changed = order([line(sku=False, quantity=2.0, id="315")], number=1001, id="727")

    found = mapping.order(parsed({**changed, "billing": [], "customer_id": "12"}))

    assert (found.external_id, found.number, found.buyer.external_id) == ("727", "1001", "12")
    assert [(one.sku, one.quantity) for one in found.lines] == [("", 2)]


def test_what_we_do_not_know_does_not_matter() -> None:
    found = mapping.order({**order(), "new_field": [{"deep": None}], "refunds": None})

    assert found.external_id == "727"


@pytest.mark.parametrize(
    ("bent", "field"),
    [
        ({"id": None}, "id"),
        ({"status": ""}, "status"),
        ({"currency": "XXQ"}, "currency"),
        ({"total": "a lot"}, "total"),
        ({"total": "-1.00"}, "total"),
        ({"date_modified_gmt": None}, "date_modified_gmt"),
        ({"date_created_gmt": "yesterday"}, "date_created_gmt"),
        ({"line_items": None}, "line_items"),
        ({"line_items": []}, "line_items"),
        ({"line_items": [line(quantity=1.5)]}, "line_items.0.quantity"),
        ({"line_items": [line(quantity=-1)]}, "line_items.0.quantity"),
        ({"line_items": [line(total="")]}, "line_items.0.total"),
        ({"line_items": [line(), line(id=None)]}, "line_items.1.id"),
        ({"line_items": [line(name="a\x00b")]}, "line_items.0.name"),
    ],
)
def test_a_bad_field_is_named(bent: dict[str, Any], field: str) -> None:
    _, (bad,) = each([{**order(), **bent}], mapping.order)

    assert bad.field == field
    assert bad.external_id == ("" if field == "id" else "727")


# -- refunds ---------------------------------------------------------------------------------------


def test_a_refund_of_the_shop_tells_its_lines() -> None:
    found = mapping.refund(refund([refunded("315", 1), refunded(316, 2)]), "727", "GBP")

    assert (found.external_id, found.order_key) == ("726", "727")
    assert (found.amount, found.currency, found.reason) == (405, "GBP", "damaged")
    assert found.lines == (ParcelLine("315", 1), ParcelLine("316", 2))
    assert found.refunded_at == CHANGED


def test_a_refund_with_postage_says_how_much() -> None:
    given = refund(amount="-9.00", shipping_lines=[{"total": "-4.95", "total_tax": "0.00"}])

    found = mapping.refund(given, "727", "GBP")

    assert (found.amount, found.shipping) == (900, 495)


def test_a_refund_of_ours_tells_the_lines_it_was_for() -> None:
    value = json.dumps({"lines": {"315": 1}, "shipping": 100})
    meta = [{"key": marks.REFUND_LINES, "value": value}]

    found = mapping.refund(refund(meta_data=meta), "727", "GBP")

    assert (found.lines, found.shipping) == ((ParcelLine("315", 1),), 100)


# -- products --------------------------------------------------------------------------------------


def test_a_simple_product_is_a_listing() -> None:
    (found,) = catalogue.simple(product(global_unique_id="5012345678900"), "GBP")

    assert (found.external_id, found.sku, found.title) == ("93", "TEA-1", "Green tea & mint")
    assert (found.quantity, found.price, found.currency) == (7, 450, "GBP")
    assert (found.state, found.barcode) == (ListingState.ACTIVE, "5012345678900")
    assert found.handles == {"product_id": "93"}
    assert found.updated_at == CHANGED


def test_a_variation_is_reached_through_its_product() -> None:
    parent = product(id=94, type="variable", manage_stock=False, stock_quantity=None)

    (found,) = catalogue.variations(parent, [variation()], "GBP")

    assert (found.external_id, found.parent_key) == ("95", "94")
    assert found.title == "Green tea & mint - Large"
    assert found.quantity == 5
    assert found.handles == {"product_id": "95", "parent_id": "94"}


def test_a_variation_whose_product_counts_is_written_at_the_product() -> None:
    parent = product(id=94, type="variable")

    (found,) = catalogue.variations(parent, [variation(manage_stock="parent")], "GBP")

    assert (found.external_id, found.quantity) == ("95", 5)
    assert found.handles == {"product_id": "94"}


def test_what_nobody_counts_has_no_number() -> None:
    (found,) = catalogue.simple(product(manage_stock=False, stock_quantity=3), "GBP")

    assert found.quantity is None


def test_less_than_nothing_is_told_as_it_is() -> None:
    assert catalogue.quantity(Record(product(stock_quantity=-9971))) == -9971


@pytest.mark.parametrize("kind", ["grouped", "external"])
def test_what_is_not_sold_by_itself_is_no_listing(kind: str) -> None:
    assert catalogue.simple(product(type=kind), "GBP") == ()


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("publish", ListingState.ACTIVE),
        ("draft", ListingState.PAUSED),
        ("private", ListingState.PAUSED),
        ("trash", ListingState.ENDED),
        ("a-plug-ins-own", ListingState.PAUSED),
    ],
)
def test_only_what_is_published_is_on_sale(word: str, state: ListingState) -> None:
    (found,) = catalogue.simple(product(status=word), "GBP")

    assert found.state is state


def test_variations_of_a_draft_are_not_on_sale() -> None:
    (found,) = catalogue.variations(product(status="draft"), [variation()], "GBP")

    assert found.state is ListingState.PAUSED


def test_a_product_without_a_price_has_none() -> None:
    (found,) = catalogue.simple(product(price=""), "GBP")

    assert found.price is None


@pytest.mark.parametrize(
    "read",
    [
        lambda: catalogue.simple(product(id=None), "GBP"),
        lambda: catalogue.simple(product(price="cheap"), "GBP"),
        lambda: catalogue.simple(product(stock_quantity="some"), "GBP"),
        lambda: list(catalogue.variations(product(), [None], "GBP")),
    ],
)
def test_a_product_that_makes_no_sense_is_unreadable(read: Callable[[], object]) -> None:
    with pytest.raises(Unreadable):
        read()
