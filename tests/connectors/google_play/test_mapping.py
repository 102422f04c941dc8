"""Google Play's words into ours: states, money, quantities, listings, and what is not readable."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.fields import Unreadable, each
from connectors.google_play import mapping
from connectors.records import Buyer, ListingState, OrderLine, OrderStatus, Subscription
from tests.connectors.google_play.recorded import (
    ORDER_ID,
    line,
    money,
    option,
    order,
    product,
    purchase,
    region,
)

LINE = OrderLine(
    external_id="game.full/buy",
    listing_key="game.full/buy",
    sku="game.full",
    title="The full game",
    quantity=3,
    unit_price=499,
    total=1497,
    tax=249,
)


def test_an_order_is_read_whole() -> None:
    found = mapping.order(order(), purchase())

    assert (found.external_id, found.number) == (ORDER_ID, ORDER_ID)
    assert (found.status, found.channel_status) == (OrderStatus.CONFIRMED, "PROCESSED")
    assert (found.currency, found.total, found.tax, found.tax_included) == ("GBP", 1497, 249, True)
    assert found.placed_at == datetime(2026, 11, 1, 10, 0, 0, 123_000, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 1, 10, 0, 5, 456_789, tzinfo=UTC)
    assert found.lines == (LINE,)
    assert found.buyer == Buyer(external_id="player-77", address={"country": "GB"})
    assert (found.cancelled_at, found.test) == (None, False)
    assert found.raw == {"order": order(), "purchase": purchase()}


@pytest.mark.parametrize(
    ("word", "expected", "taken_off"),
    [
        ("PENDING", OrderStatus.UNPAID, 0),
        ("PROCESSED", OrderStatus.CONFIRMED, 0),
        ("CANCELED", OrderStatus.CANCELLED, 3),
        ("PENDING_REFUND", OrderStatus.HELD, 0),
        ("PARTIALLY_REFUNDED", OrderStatus.CONFIRMED, 0),
        ("REFUNDED", OrderStatus.CANCELLED, 3),
        ("STATE_UNSPECIFIED", OrderStatus.HELD, 0),
        ("SOMETHING_NEW", OrderStatus.HELD, 0),
    ],
)
def test_where_an_order_stands(word: str, expected: OrderStatus, taken_off: int) -> None:
    found = mapping.order(order(state=word))

    assert (found.status, found.channel_status) == (expected, word)
    assert found.lines[0].cancelled == taken_off
    assert (found.cancelled_at is not None) == (expected is OrderStatus.CANCELLED)


def test_a_refund_of_all_says_when_the_order_was_called_off() -> None:
    history = {"refundEvent": {"eventTime": "2026-11-03T09:00:00Z", "refundReason": "CHARGEBACK"}}

    found = mapping.order(order(state="REFUNDED", orderHistory=history))

    assert found.cancelled_at == datetime(2026, 11, 3, 9, tzinfo=UTC)
    assert found.total == 1497


def test_a_refund_of_money_takes_no_unit_off() -> None:
    found = mapping.order(order(state="PARTIALLY_REFUNDED"), purchase(refundable=3))

    assert found.lines[0].cancelled == 0


def test_a_refund_of_units_takes_them_off() -> None:
    found = mapping.order(order(state="PARTIALLY_REFUNDED"), purchase(refundable=1))

    assert found.lines[0].cancelled == 2


def test_a_purchase_that_says_nothing_of_units_takes_none_off() -> None:
    item = {"productId": "game.full", "productOfferDetails": {"purchaseOptionId": "buy"}}
    bought = purchase(productLineItem=[item])

    assert mapping.order(order(state="PARTIALLY_REFUNDED"), bought).lines[0].cancelled == 0


@pytest.mark.parametrize("told", ["testPurchaseContext", "testPurchase"])
def test_a_test_purchase_is_told_from_a_sale(told: str) -> None:
    assert mapping.order(order(), purchase(**{told: {}})).test


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        (money(1, 750_000_000), 175),
        (money(0, 10_000_000), 1),
        (money(0), 0),
        (money(0, 5_000_000), 0),  # half a penny, to even
        (money(123_456_789_012), 12_345_678_901_200),
    ],
)
def test_units_and_nanos_are_minor_units(amount: dict[str, Any], minor: int) -> None:
    assert mapping.order(order(total=amount)).total == minor


def test_a_currency_without_pennies_has_none() -> None:
    price = money(480, 0, "JPY")
    bought = line(listingPrice=price, total=price, tax=price, oneTimePurchaseDetails={})

    found = mapping.order(order([bought], total=price, tax=money(0, 0, "JPY")))

    assert (found.currency, found.total, found.lines[0].unit_price) == ("JPY", 480, 480)


def test_a_lower_price_than_listed_is_a_discount() -> None:
    found = mapping.order(order([line(total=money(12))]))

    assert (found.lines[0].discount, found.discount) == (297, 297)


def test_tax_on_top_of_the_listed_price_is_no_discount() -> None:
    sold = line(total=money(17, 460_000_000))

    found = mapping.order(order([sold], orderDetails={}))

    assert (found.tax_included, found.lines[0].total, found.discount) == (False, 1746, 0)


def test_a_line_without_details_is_of_one_unit() -> None:
    sold = line(oneTimePurchaseDetails={"purchaseOptionId": "buy"}, total=money(4, 990_000_000))

    assert mapping.order(order([sold])).lines[0].quantity == 1


def test_what_was_sold_twice_makes_two_lines() -> None:
    found = mapping.order(order([line(), line(), line(productId="gems")]))

    assert [one.external_id for one in found.lines] == [
        "game.full/buy",
        "game.full/buy#2",
        "gems/buy",
    ]
    assert [one.listing_key for one in found.lines] == [
        "game.full/buy",
        "game.full/buy",
        "gems/buy",
    ]


def test_a_line_that_names_no_option_is_linked_to_no_listing() -> None:
    found = mapping.order(order([line(oneTimePurchaseDetails={"quantity": 3})]))

    assert found.lines == (replace(LINE, external_id="game.full", listing_key=""),)


def test_a_subscription_is_a_line_without_a_listing() -> None:
    sold = line(subscriptionDetails={"basePlanId": "p1m"}, total=money(4, 990_000_000))
    del sold["oneTimePurchaseDetails"]

    (found,) = mapping.order(order([sold])).lines

    assert (found.external_id, found.listing_key, found.quantity) == ("game.full/p1m", "", 1)


def test_an_order_without_a_purchase_is_read_all_the_same() -> None:
    assert replace(mapping.order(order()), raw={}, buyer=Buyer()) == replace(
        mapping.order(order(), purchase()), raw={}, buyer=Buyer()
    )


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"orderId": None}, "orderId"),
        ({"orderId": "GPA.\x00"}, "orderId"),
        ({"total": None}, "total.currencyCode"),
        ({"total": money(1, 0, "QQQ")}, "total.currencyCode"),
        ({"total": money(-1)}, "total"),
        ({"total": {"currencyCode": "GBP", "units": 1.5}}, "total"),
        ({"total": {"currencyCode": "GBP", "units": "many"}}, "total"),
        ({"createTime": None}, "createTime"),
        ({"lastEventTime": "yesterday"}, "lastEventTime"),
        ({"lastEventTime": "2026-11-01T10:00:00"}, "lastEventTime"),
        ({"lineItems": []}, "lineItems"),
        ({"lineItems": {}}, "lineItems"),
        ({"lineItems": "many"}, "lineItems"),
        ({"lineItems": [line(productId="")]}, "lineItems.0.productId"),
        ({"lineItems": [line(total=money(1, 0, "EUR"))]}, "lineItems.0.total.currencyCode"),
        (
            {"lineItems": [line(oneTimePurchaseDetails={"quantity": "3"})]},
            "lineItems.0.oneTimePurchaseDetails.quantity",
        ),
        (
            {"lineItems": [line(oneTimePurchaseDetails={"quantity": -3})]},
            "lineItems.0.oneTimePurchaseDetails.quantity",
        ),
        ({"orderDetails": {"taxInclusive": "yes"}}, "orderDetails.taxInclusive"),
        ({"orderHistory": 5}, "orderHistory"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_field(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Unreadable) as caught:
        mapping.order(order(**changed))

    assert caught.value.field == field


def test_a_bad_order_stops_no_other() -> None:
    good, bad = each([order(), order(total=None), 5], mapping.order, "orderId")

    assert [one.external_id for one in good] == [ORDER_ID]
    assert [(one.external_id, one.field) for one in bad] == [
        (ORDER_ID, "total.currencyCode"),
        ("", "record"),
    ]


# -- listings --------------------------------------------------------------------------------------


def test_each_purchase_option_is_a_listing() -> None:
    rented = option("rent", "INACTIVE", rentOption={"rentalPeriod": "P2D"})

    first, second = mapping.listings(product(option(), rented), "GBP")

    assert (first.external_id, first.sku, first.title) == (
        "game.full/buy",
        "game.full",
        "The full game",
    )
    assert (first.price, first.currency, first.parent_key) == (499, "GBP", "game.full")
    assert first.handles == {"product_id": "game.full", "purchase_option_id": "buy"}
    assert (second.external_id, second.quantity) == ("game.full/rent", 0)


@pytest.mark.parametrize(
    ("word", "state", "shown"),
    [
        ("ACTIVE", ListingState.ACTIVE, 1),
        ("INACTIVE", ListingState.ACTIVE, 0),
        ("INACTIVE_PUBLISHED", ListingState.ACTIVE, 0),
        ("DRAFT", ListingState.PAUSED, 0),
        ("SOMETHING_NEW", ListingState.PAUSED, 0),
    ],
)
def test_off_is_a_number_and_a_draft_is_not_ours_to_publish(
    word: str, state: ListingState, shown: int
) -> None:
    (found,) = mapping.listings(product(option(state=word)), "GBP")

    assert (found.state, found.quantity) == (state, shown)


def test_a_listing_withdrawn_everywhere_is_ended() -> None:
    gone = [region(code, money(4), "NO_LONGER_AVAILABLE") for code in ("GB", "AT")]
    partly = [*gone, region("DE", money(4))]
    ended = option("a", regionalPricingAndAvailabilityConfigs=gone)
    still = option("b", regionalPricingAndAvailabilityConfigs=partly)

    states = [one.state for one in mapping.listings(product(ended, still), "GBP")]

    assert states == [ListingState.ENDED, ListingState.ACTIVE]


@pytest.mark.parametrize(("currency", "price"), [("GBP", 499), ("EUR", 599), ("USD", None)])
def test_the_price_is_the_one_at_home(currency: str, price: int | None) -> None:
    (found,) = mapping.listings(product(), currency)

    assert found.price == price


def test_of_countries_that_share_a_currency_its_own_counts() -> None:
    regions = [region("EC", money(3, 0, "USD")), region("US", money(5, 0, "USD"))]
    sold = option(regionalPricingAndAvailabilityConfigs=regions)

    assert mapping.listings(product(sold), "USD")[0].price == 500


def test_a_product_without_words_is_called_by_its_id() -> None:
    assert mapping.listings(product(listings=[]), "GBP")[0].title == "game.full"


def test_where_a_push_subscription_leads() -> None:
    told = {
        "name": "projects/p/subscriptions/s",
        "topic": "projects/p/topics/t",
        "pushConfig": {"pushEndpoint": "https://hub.example/1"},
    }

    assert mapping.subscription(told) == Subscription(
        "projects/p/subscriptions/s", "projects/p/topics/t", "https://hub.example/1"
    )
