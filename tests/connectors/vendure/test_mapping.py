"""Vendure's nodes become records: every field, and a bad one is named."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.fields import Unreadable, each
from connectors.postsale import ParcelLine
from connectors.records import ListingState, OrderStatus
from connectors.vendure import mapping
from connectors.vendure.money import Node, Scale, precision
from tests.connectors.vendure.recorded import fulfilment, line, order, payment, refund, variant


def test_an_order_is_read_field_by_field() -> None:
    found = mapping.order(order(), 2)

    assert (found.external_id, found.number) == ("1", "LF9V9RZ7HY6NDNV5")
    assert (found.status, found.channel_status) == (OrderStatus.CONFIRMED, "PaymentSettled")
    assert (found.total, found.currency, found.shipping) == (1953, "GBP", 495)
    assert (found.tax, found.discount, found.tax_included) == (326, 162, True)
    assert found.placed_at == datetime(2026, 11, 1, 10, 0, 1, 824_000, tzinfo=UTC)
    assert found.cancelled_at is None
    assert found.group_key == ""


def test_its_lines_cost_what_they_cost_after_discounts() -> None:
    (found,) = mapping.order(order(), 2).lines

    assert (found.external_id, found.listing_key, found.sku) == ("11", "21", "TEA-1")
    assert found.title == "Green tea"
    assert (found.quantity, found.cancelled, found.shipped) == (3, 0, 0)
    assert (found.unit_price, found.total, found.discount, found.tax) == (540, 1458, 162, 243)


def test_its_buyer_is_told() -> None:
    buyer = mapping.order(order(), 2).buyer

    assert (buyer.external_id, buyer.name, buyer.email) == ("7", "Ann Onym", "ann@example.com")
    assert buyer.phone == "+44 1904 000000"
    assert buyer.address["postcode"] == "YO1 7HH"
    assert buyer.address["country"] == "GB"
    assert "line2" not in buyer.address


def test_an_order_of_nobody_is_an_order() -> None:
    found = mapping.order(order(customer=None, shippingAddress=None), 2)

    assert (found.buyer.external_id, found.buyer.name, found.buyer.address) == ("", "", {})


@pytest.mark.parametrize(
    ("changed", "second"),
    [
        ({"latest": None, "payments": None}, 1),
        ({"latest": None}, 5),
        ({}, 6),
        ({"fulfillments": [fulfilment(updatedAt="2026-11-01T10:00:09Z", createdAt=None)]}, 9),
        (
            {
                "payments": [
                    payment([refund(createdAt="2026-11-01T10:00:10Z", updatedAt=None)]),
                ]
            },
            10,
        ),
        ({"updatedAt": "2026-11-01T10:00:11.000Z"}, 11),
    ],
)
def test_it_changed_when_anything_of_it_changed(changed: dict[str, Any], second: int) -> None:
    found = mapping.order(order(**changed), 2)

    assert found.updated_at.replace(microsecond=0) == datetime(
        2026, 11, 1, 10, 0, second, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("ArrangingPayment", OrderStatus.UNPAID),
        ("PaymentAuthorized", OrderStatus.CONFIRMED),
        ("PartiallyShipped", OrderStatus.PART_SHIPPED),
        ("Shipped", OrderStatus.SHIPPED),
        ("PartiallyDelivered", OrderStatus.PART_SHIPPED),
        ("Delivered", OrderStatus.DELIVERED),
        ("Modifying", OrderStatus.HELD),
        ("ArrangingAdditionalPayment", OrderStatus.HELD),
        ("Cancelled", OrderStatus.CANCELLED),
        ("AwaitingCustoms", OrderStatus.HELD),
    ],
)
def test_its_state_says_where_it_stands(state: str, status: OrderStatus) -> None:
    found = mapping.order(order(state=state), 2)

    assert (found.status, found.channel_status) == (status, state)


def test_an_order_in_two_parcels_of_which_one_arrived_is_sent() -> None:
    sent = [fulfilment(2, state="Delivered"), fulfilment(1, id="52")]

    found = mapping.order(order(state="PartiallyDelivered", fulfillments=sent), 2)

    assert found.status is OrderStatus.SHIPPED


def test_what_waits_or_was_called_off_is_not_sent() -> None:
    some = [fulfilment(1, state="Pending"), fulfilment(1, state="Cancelled"), fulfilment(1)]

    (found,) = mapping.order(order(fulfillments=some), 2).lines

    assert found.shipped == 1


def test_a_cancelled_order_still_says_what_was_bought() -> None:
    gone = line(quantity=0, proratedLinePrice=0, proratedLinePriceWithTax=0)
    shipping = {"type": "OTHER", "amountWithTax": -495}
    given = order([gone], state="Cancelled", totalWithTax=0, discounts=[shipping])

    found = mapping.order(given, 2)

    (one,) = found.lines
    assert (one.quantity, one.cancelled, one.total, one.tax) == (3, 3, 1458, 243)
    assert (found.total, found.discount) == (0, 0)
    assert found.cancelled_at == datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_units_added_after_the_sale_were_ordered_too() -> None:
    (one,) = mapping.order(order([line(orderPlacedQuantity=0)]), 2).lines

    assert (one.quantity, one.cancelled) == (3, 0)


def test_the_orders_of_a_marketplaces_sellers_belong_together() -> None:
    found = mapping.order(order(type="Seller", aggregateOrderId=99), 2)

    assert found.group_key == "99"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"id": None}, "id"),
        ({"code": ""}, "code"),
        ({"state": None}, "state"),
        ({"currencyCode": "QQQ"}, "currencyCode"),
        ({"totalWithTax": "19.53"}, "totalWithTax"),
        ({"totalWithTax": 10**16}, "totalWithTax"),
        ({"orderPlacedAt": "yesterday"}, "orderPlacedAt"),
        ({"lines": []}, "lines"),
        ({"lines": [line(quantity=-1)]}, "lines.0.quantity"),
        ({"lines": [line(unitPriceWithTax=None)]}, "lines.0.unitPriceWithTax"),
        ({"lines": [line(productVariant="21")]}, "lines.0.productVariant"),
        ({"code": "a\x00b"}, "code"),
        ({"fulfillments": [fulfilment(state=None)]}, "fulfillments.0.state"),
        ({"payments": [payment([refund(updatedAt="soon")])]}, "payments.0.refunds.0.updatedAt"),
    ],
)
def test_a_bad_field_is_named(changed: dict[str, Any], field: str) -> None:
    orders, bad = each([order(**changed), order()], lambda one: mapping.order(one, 2))

    assert [one.field for one in bad] == [field]
    assert len(orders) == 1


@pytest.mark.parametrize(
    ("currency", "places", "kept", "minor"),
    [
        ("GBP", 2, 1999, 1999),
        ("JPY", 2, 100_000, 1000),
        ("JPY", 0, 1000, 1000),
        ("KWD", 2, 1234, 12_340),
        ("KWD", 3, 1234, 1234),
        ("USD", 3, 12_340, 1234),
    ],
)
def test_money_is_read_and_written_in_the_shops_precision(
    currency: str, places: int, kept: int, minor: int
) -> None:
    scale = Scale(currency, places)

    assert (scale.minor(kept), scale.kept(minor)) == (minor, kept)


def test_money_finer_than_the_currency_is_rounded_and_finer_than_the_shop_refused() -> None:
    assert [Scale("JPY", 2).minor(one) for one in (149, 150, 250, 251)] == [1, 2, 2, 3]
    with pytest.raises(ValueError, match="finer"):
        Scale("KWD", 2).kept(1234)


@pytest.mark.parametrize("told", [None, {}, {"serverConfig": None}])
def test_a_shop_that_tells_no_precision_has_two_places(told: object) -> None:
    assert precision({"globalSettings": told}) == 2


def test_a_precision_that_cannot_be_is_refused() -> None:
    with pytest.raises(Unreadable):
        precision({"globalSettings": {"serverConfig": {"moneyStrategyPrecision": 90}}})


def test_refunds_are_those_that_were_given() -> None:
    some = [
        refund(lines=[{"orderLineId": 11, "quantity": 1}]),
        refund(id="42", state="Pending"),
        refund(id="43", state="Failed"),
    ]

    (found,) = mapping.refunds(order(payments=[payment(some)]), 2)

    assert (found.external_id, found.order_key) == ("41", "1")
    assert (found.amount, found.currency, found.shipping) == (500, "GBP", 0)
    assert found.refunded_at == datetime(2026, 11, 3, 10, 0, 2, tzinfo=UTC)
    assert (found.reason, found.lines) == ("damaged", (ParcelLine("11", 1),))


def test_a_refund_that_tells_no_time_was_given_when_we_gave_it() -> None:
    bare = Node({"id": "41", "total": 500, "state": "Settled", "reason": None})
    now = datetime.now(UTC)

    found = mapping.refund(bare, "1", Scale("GBP"), now)

    assert (found.external_id, found.amount, found.refunded_at) == ("41", 500, now)
    with pytest.raises(Unreadable):
        mapping.refund(bare, "1", Scale("GBP"))


def test_a_listing_shows_what_is_free_at_its_location() -> None:
    found = mapping.listing(variant(), 2, "1", tracked=True)

    assert (found.external_id, found.sku, found.title) == ("21", "TEA-1", "Green tea")
    assert (found.quantity, found.price, found.currency) == (7, 540, "GBP")
    assert (found.parent_key, found.handles) == ("20", {"location_id": "1"})
    assert found.state is ListingState.ACTIVE


@pytest.mark.parametrize(
    "changed", [{"enabled": False}, {"product": {"id": "20", "enabled": False}}]
)
def test_what_is_not_enabled_is_not_on_sale(changed: dict[str, Any]) -> None:
    found = mapping.listing(variant(**changed), 2, "1", tracked=True)

    assert found.state is ListingState.PAUSED


@pytest.mark.parametrize(
    ("word", "tracked", "free"),
    [
        ("TRUE", False, 7),
        ("FALSE", True, None),
        ("INHERIT", True, 7),
        ("INHERIT", False, None),
        (None, True, 7),
    ],
)
def test_stock_is_counted_where_the_variant_or_the_shop_says_so(
    word: str | None, tracked: bool, free: int | None
) -> None:
    node = Node(variant(trackInventory=word))

    assert mapping.free(node, "1", tracked=tracked) == free


def test_a_location_that_never_held_a_variant_holds_none() -> None:
    assert mapping.level(Node(variant()), "3") == (0, 0)
