"""Shopify's nodes become records, or a complaint that names the field; nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.fields import each
from connectors.records import Listing, ListingState, OrderStatus, RemoteStock
from connectors.shopify import mapping
from tests.connectors.shopify.recorded import item, line, money, order, variant


def complaint(node: Any) -> tuple[str, str]:
    good, bad = each([node], mapping.order)
    assert good == ()
    return bad[0].field, bad[0].reason


def test_an_order_is_read_to_the_penny() -> None:
    found = mapping.order(order())

    assert (found.external_id, found.number) == ("gid://shopify/Order/450789469", "#1001")
    assert (found.total, found.shipping, found.tax, found.discount) == (1710, 495, 203, 135)
    assert found.updated_at == datetime(2026, 11, 1, 10, 5, tzinfo=UTC)
    assert (found.status, found.channel_status) == (OrderStatus.CONFIRMED, "PAID/UNFULFILLED")
    assert (found.buyer.name, found.buyer.phone) == ("Ann Onym", "+44 1904 000000")
    assert found.buyer.address["country"] == "GB"
    (sold,) = found.lines
    assert (sold.unit_price, sold.discount, sold.total, sold.tax) == (450, 135, 1215, 203)
    assert sold.listing_key == "gid://shopify/ProductVariant/21"


def test_units_taken_off_and_shipped_are_counted() -> None:
    found = mapping.order(order([line(quantity=5, currentQuantity=4, unfulfilledQuantity=1)]))

    assert (found.lines[0].cancelled, found.lines[0].shipped) == (1, 3)


LEFT = {"displayFulfillmentStatus": "PARTIALLY_FULFILLED"}
CANCELLED = {"cancelledAt": "2026-11-01T11:00:00Z"}


@pytest.mark.parametrize(
    ("quantity", "current", "still", "sent", "more", "cancelled", "shipped"),
    [
        (5, 5, 5, None, {}, 0, 0),
        (5, 3, 3, None, {}, 2, 0),  # edited before it was sent
        (5, 5, 2, None, LEFT, 0, 3),
        (5, 3, 0, 5, LEFT, 0, 5),  # all sent, two came back
        (5, 3, 0, 3, LEFT, 2, 3),  # two taken off, the rest sent
        (5, 3, 1, 3, LEFT, 1, 3),  # three sent, one of them came back, one taken off, one waits
        (5, 3, 3, 0, LEFT, 2, 0),
        (5, 5, 0, None, CANCELLED, 5, 0),  # what waits of a cancelled order is no more
        (5, 5, 5, None, CANCELLED, 5, 0),
        (5, 0, 0, 2, {**CANCELLED, **LEFT}, 3, 2),
    ],
)
def test_units_that_came_back_are_not_those_that_never_left(
    quantity: int,
    current: int,
    still: int,
    sent: int | None,
    more: dict[str, Any],
    cancelled: int,
    shipped: int,
) -> None:
    one = line(quantity=quantity, currentQuantity=current, unfulfilledQuantity=still)
    parcels = None if sent is None else {one["id"]: sent}

    found = mapping.order(order([one], **more), parcels)

    assert (found.lines[0].cancelled, found.lines[0].shipped) == (cancelled, shipped)


@pytest.mark.parametrize(
    ("current", "more", "unclear"),
    [(3, {}, False), (3, LEFT, False), (2, {}, False), (2, LEFT, True), ("x", LEFT, False)],
)
def test_parcels_are_asked_for_only_where_an_order_is_unclear(
    current: object, more: dict[str, Any], unclear: bool
) -> None:
    assert mapping.unclear(order([line(currentQuantity=current)], **more)) is unclear


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [("JPY", "1200", 1200), ("JPY", "1200.0", 1200), ("KWD", "1.234", 1234), ("USD", "0", 0)],
)
def test_minor_units_are_those_of_the_currency(currency: str, amount: str, minor: int) -> None:
    lines = [line(originalUnitPriceSet=money("0"), discountAllocations=[], taxLines=[])]
    given = order(
        lines,
        currencyCode=currency,
        totalPriceSet=money(amount),
        totalShippingPriceSet=money("0"),
        totalTaxSet=None,
        totalDiscountsSet=None,
    )

    assert mapping.order(given).total == minor


@pytest.mark.parametrize(
    ("financial", "fulfillment", "changed", "status"),
    [
        ("PAID", "UNFULFILLED", {}, OrderStatus.CONFIRMED),
        ("AUTHORIZED", "IN_PROGRESS", {}, OrderStatus.CONFIRMED),
        ("PARTIALLY_REFUNDED", "OPEN", {}, OrderStatus.CONFIRMED),
        ("PENDING", "UNFULFILLED", {}, OrderStatus.UNPAID),
        ("PARTIALLY_PAID", "UNFULFILLED", {}, OrderStatus.UNPAID),
        ("PAID", "ON_HOLD", {}, OrderStatus.HELD),
        ("REFUNDED", "UNFULFILLED", {}, OrderStatus.HELD),
        ("PAID", "PARTIALLY_FULFILLED", {}, OrderStatus.PART_SHIPPED),
        ("PAID", "FULFILLED", {}, OrderStatus.SHIPPED),
        ("REFUNDED", "FULFILLED", {}, OrderStatus.SHIPPED),
        ("PAID", "FULFILLED", {"fulfillments": [{"displayStatus": "DELIVERED"}]}, "delivered"),
        ("PAID", "UNFULFILLED", {"cancelledAt": "2026-11-01T11:00:00Z"}, OrderStatus.CANCELLED),
        ("LAYAWAY", "UNFULFILLED", {}, OrderStatus.HELD),
        ("PAID", "TELEPORTED", {}, OrderStatus.HELD),
        (None, "UNFULFILLED", {}, OrderStatus.HELD),
    ],
)
def test_statuses_are_derived_and_unknown_words_hold(
    financial: str | None, fulfillment: str, changed: dict[str, Any], status: str
) -> None:
    words = {"displayFinancialStatus": financial, "displayFulfillmentStatus": fulfillment}

    found = mapping.order(order(**{**words, **changed}))

    assert found.status == status
    assert found.channel_status == f"{financial or ''}/{fulfillment}"


BAD_ORDERS = [
    ({"currencyCode": "QQQ"}, "currencyCode", "unknown currency 'QQQ'"),
    ({"currencyCode": None}, "currencyCode", "missing"),
    ({"id": None}, "id", "missing"),
    ({"id": 450789469}, "id", "is int, not text"),
    ({"name": "#10\x0001"}, "name", "holds a NUL byte"),
    ({"email": "a\ud800@b.c"}, "email", "holds half a character"),
    ({"updatedAt": "yesterday"}, "updatedAt", "'yesterday' is not a time"),
    ({"updatedAt": "2026-11-01T10:05:00"}, "updatedAt", "has no time zone"),
    ({"processedAt": None}, "processedAt", "missing"),
    ({"totalPriceSet": money("NaN")}, "totalPriceSet.shopMoney.amount", "out of range"),
    ({"totalPriceSet": money("1e40")}, "totalPriceSet.shopMoney.amount", "out of range"),
    ({"totalPriceSet": money("-1.00")}, "totalPriceSet.shopMoney.amount", "negative"),
    ({"totalPriceSet": money("1.005")}, "totalPriceSet.shopMoney.amount", "finer than GBP"),
    ({"totalPriceSet": money(True)}, "totalPriceSet.shopMoney.amount", "not a decimal number"),
    ({"totalPriceSet": money([])}, "totalPriceSet.shopMoney.amount", "not a decimal number"),
    ({"totalPriceSet": "17.10"}, "totalPriceSet", "is not an object"),
    ({"lineItems": None}, "lineItems", "missing"),
    ({"lineItems": {"nodes": []}}, "lineItems", "an order without lines"),
    ({"lineItems": {"nodes": None}}, "lineItems.nodes", "missing"),
    ({"taxesIncluded": "yes"}, "taxesIncluded", "is not true or false"),
]


@pytest.mark.parametrize(("changed", "field", "reason"), BAD_ORDERS)
def test_a_bad_order_is_named_by_field(changed: dict[str, Any], field: str, reason: str) -> None:
    found = complaint(order(**changed))

    assert found[0] == field
    assert reason in found[1]


BAD_LINES = [
    ({"quantity": 0}, "quantity", "0 is not between 1 and"),
    ({"quantity": -3}, "quantity", "-3 is not between 1 and"),
    ({"quantity": Decimal("1.5")}, "quantity", "not a whole number"),
    ({"quantity": float("nan")}, "quantity", "not a whole number"),
    ({"quantity": "3"}, "quantity", "not a whole number"),
    ({"quantity": True}, "quantity", "not a whole number"),
    ({"quantity": 10**12}, "quantity", "is not between"),
    ({"quantity": None}, "quantity", "missing"),
    ({"currentQuantity": 4}, "currentQuantity", "4 of 3 ordered"),
    ({"id": ""}, "id", "missing"),
    ({"name": "tea\x00"}, "name", "NUL"),
    ({"originalUnitPriceSet": None}, "originalUnitPriceSet", "missing"),
    ({"originalUnitPriceSet": money("x")}, "originalUnitPriceSet.shopMoney.amount", "decimal"),
    ({"discountAllocations": [{"allocatedAmountSet": money("99")}]}, "total", "out of range"),
    ({"taxLines": {}}, "taxLines", "is not a list"),
]


@pytest.mark.parametrize(("changed", "field", "reason"), BAD_LINES)
def test_a_bad_line_is_named_by_field(changed: dict[str, Any], field: str, reason: str) -> None:
    found = complaint(order([line(), line(**changed)]))

    assert found[0] == f"lineItems.nodes.1.{field}"
    assert reason in found[1]


@pytest.mark.parametrize("node", [None, 5, "order", [], [order()]])
def test_what_is_no_record_is_bad_too(node: Any) -> None:
    assert complaint(node)[0] == "record"


def test_a_bad_order_stops_no_other() -> None:
    good, bad = each([order(), order(id="gid://shopify/Order/2", name=None)], mapping.order)

    assert [one.number for one in good] == ["#1001"]
    assert [(one.external_id, one.field) for one in bad] == [("gid://shopify/Order/2", "name")]
    assert bad[0].raw["updatedAt"] == "2026-11-01T10:05:00Z"


def test_fields_we_do_not_know_do_no_harm() -> None:
    assert mapping.order({**order(), "warpFactor": {"a": [1]}}).number == "#1001"


def listing(**changed: Any) -> Listing:
    return mapping.listing(variant(**changed), "GBP", "gid://shopify/Location/1")


def test_a_listing_carries_what_a_push_needs() -> None:
    found = listing()

    assert (found.external_id, found.quantity, found.price) == (
        "gid://shopify/ProductVariant/21",
        7,
        450,
    )
    assert found.handles == {
        "inventory_item_id": "gid://shopify/InventoryItem/41",
        "location_id": "gid://shopify/Location/1",
    }


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("ACTIVE", ListingState.ACTIVE),
        ("DRAFT", ListingState.PAUSED),
        ("ARCHIVED", ListingState.ENDED),
        ("MOTHBALLED", ListingState.PAUSED),
    ],
)
def test_a_listing_is_as_its_product(word: str, state: ListingState) -> None:
    assert listing(product={"id": "gid://shopify/Product/31", "status": word}).state is state


@pytest.mark.parametrize(
    ("node", "quantity", "gone"),
    [
        (item(0), 0, False),
        (item(-2), -2, False),
        (item(tracked=False), None, False),
        (item(inventoryLevel=None), None, False),
        (None, None, True),
    ],
)
def test_stock_read_back(node: Any, quantity: int | None, gone: bool) -> None:
    assert mapping.remote_stock("k", node) == RemoteStock("k", quantity, gone)
