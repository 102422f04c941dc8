"""What each field of Saleor's becomes, and what a bad one is called."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.fields import Unreadable, each
from connectors.records import ListingState, OrderStatus
from connectors.saleor import mapping
from connectors.saleor.ids import gid, is_order, is_variant, key_of
from connectors.saleor.nodes import Node
from tests.connectors.saleor.recorded import (
    LINE,
    ORDER,
    VARIANT,
    WAREHOUSE,
    fulfillment,
    line,
    money,
    order,
    stock,
    taxed,
    variant,
)

OTHER = gid("Warehouse", "2c1d6e6e-6f0c-4f7e-9a57-3f5d8b1d1a02")


def test_an_order_is_read_field_by_field() -> None:
    found = mapping.order(order())

    assert (found.external_id, found.number) == (ORDER, "1001")
    assert (found.status, found.channel_status) == (OrderStatus.CONFIRMED, "UNFULFILLED/FULL")
    assert (found.currency, found.total, found.shipping) == ("GBP", 1710, 495)
    assert (found.tax, found.discount, found.tax_included) == (285, 135, True)
    assert found.placed_at == datetime(2026, 11, 1, 10, 0, 0, 123456, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 1, 10, 5, 0, 654321, tzinfo=UTC)
    assert found.cancelled_at is None


def test_a_line_keeps_the_price_before_its_discount() -> None:
    (found,) = mapping.order(order()).lines

    assert (found.external_id, found.listing_key) == (LINE, VARIANT)
    assert (found.sku, found.title) == ("TEA-1", "Green tea - 100 g")
    assert (found.quantity, found.unit_price) == (3, 450)
    assert (found.total, found.discount, found.tax) == (1215, 135, 203)
    assert (found.shipped, found.cancelled) == (0, 0)


def test_the_buyer_is_read_as_far_as_told() -> None:
    found = mapping.order(order()).buyer

    assert (found.name, found.email, found.phone) == (
        "Ann Onym",
        "ann@example.com",
        "+441904000000",
    )
    assert found.address["line1"] == "1 High Street"
    assert found.address["country"] == "GB"
    assert "line2" not in found.address


def test_without_a_delivery_address_the_bills_is_taken() -> None:
    bill = {"firstName": "", "lastName": "", "companyName": "Tea Ltd", "country": {"code": "GB"}}
    collected = mapping.order(order(shippingAddress=None, billingAddress=bill))
    nobody = mapping.order(order(shippingAddress=None, userEmail=None))

    assert collected.buyer.name == "Tea Ltd"
    assert nobody.buyer.address == {}


def test_a_variant_that_was_deleted_keeps_its_key() -> None:
    (found,) = mapping.order(order([line(variant=None)])).lines

    assert found.listing_key == VARIANT


UNPAID = {"isPaid": False, "chargeStatus": "NONE", "authorizeStatus": "NONE"}
NOTHING = {**UNPAID, "totalCharged": money(0)}

STATUSES: list[tuple[dict[str, Any], OrderStatus]] = [
    (NOTHING, OrderStatus.UNPAID),
    ({**NOTHING, "chargeStatus": "PARTIAL", "totalCharged": money("5")}, OrderStatus.UNPAID),
    ({**NOTHING, "authorizeStatus": "FULL"}, OrderStatus.CONFIRMED),
    ({**NOTHING, "totalAuthorized": money("17.1")}, OrderStatus.CONFIRMED),
    ({**NOTHING, "chargeStatus": "OVERCHARGED"}, OrderStatus.CONFIRMED),
    ({**UNPAID, "totalCharged": money("12.1"), "totalRefunded": money("5")}, OrderStatus.CONFIRMED),
    ({**NOTHING, "totalRefunded": money("17.1")}, OrderStatus.HELD),
    ({"status": "UNCONFIRMED"}, OrderStatus.HELD),
    ({"status": "UNCONFIRMED", **NOTHING}, OrderStatus.UNPAID),
    ({"status": "DRAFT"}, OrderStatus.UNPAID),
    ({"status": "CANCELED"}, OrderStatus.CANCELLED),
    ({"status": "EXPIRED", **NOTHING}, OrderStatus.CANCELLED),
    ({"status": "SOMETHING_NEW"}, OrderStatus.HELD),
]


@pytest.mark.parametrize(("changed", "status"), STATUSES)
def test_every_word_of_an_order_has_its_status(
    changed: dict[str, Any], status: OrderStatus
) -> None:
    assert mapping.order(order(**changed)).status is status


@pytest.mark.parametrize(
    ("word", "fulfilled", "status"),
    [
        ("PARTIALLY_FULFILLED", 1, OrderStatus.PART_SHIPPED),
        ("FULFILLED", 3, OrderStatus.SHIPPED),
        ("PARTIALLY_RETURNED", 3, OrderStatus.SHIPPED),
        ("PARTIALLY_RETURNED", 2, OrderStatus.PART_SHIPPED),
        ("RETURNED", 3, OrderStatus.SHIPPED),
    ],
)
def test_how_far_an_order_is_its_lines_say(word: str, fulfilled: int, status: OrderStatus) -> None:
    found = mapping.order(
        order([line(quantityFulfilled=fulfilled)], status=word, fulfillments=[fulfillment()])
    )

    assert found.status is status
    assert found.lines[0].shipped == fulfilled


def test_a_parcel_that_waits_for_approval_has_not_left() -> None:
    waiting = fulfillment("WAITING_FOR_APPROVAL", 3)
    found = mapping.order(order([line(quantityFulfilled=3)], fulfillments=[waiting]))

    assert found.lines[0].shipped == 0
    assert found.status is OrderStatus.CONFIRMED


def test_units_refunded_before_they_were_sent_are_taken_off() -> None:
    refunded = fulfillment("REFUNDED", 1, warehouse=None)
    some = mapping.order(
        order([line(quantityFulfilled=1)], status="PARTIALLY_FULFILLED", fulfillments=[refunded])
    )
    everything = {**refunded, "lines": [{"quantity": 3, "orderLine": {"id": LINE}}]}
    none_left = mapping.order(
        order([line(quantityFulfilled=3)], status="FULFILLED", fulfillments=[everything])
    )

    assert (some.lines[0].cancelled, some.lines[0].shipped) == (1, 0)
    assert some.status is OrderStatus.CONFIRMED
    assert none_left.status is OrderStatus.CANCELLED
    assert none_left.cancelled_at == datetime(2026, 11, 2, 8, tzinfo=UTC)


def test_units_refunded_after_they_were_sent_stay_sent() -> None:
    refunded = fulfillment("REFUNDED", 3)
    found = mapping.order(
        order([line(quantityFulfilled=3)], status="FULFILLED", fulfillments=[refunded])
    )

    assert (found.lines[0].cancelled, found.lines[0].shipped) == (0, 3)


def test_a_refund_of_money_alone_takes_no_units() -> None:
    nothing = fulfillment("REFUNDED", warehouse=None, lines=[])

    assert mapping.order(order(fulfillments=[nothing])).lines[0].cancelled == 0


def test_a_cancelled_order_says_when() -> None:
    cancelled = {"type": "CANCELED", "date": "2026-11-02T09:00:00+00:00"}
    told = mapping.order(order(status="CANCELED", events=[cancelled]))
    untold = mapping.order(order(status="EXPIRED", events=[]))

    assert told.cancelled_at == datetime(2026, 11, 2, 9, tzinfo=UTC)
    assert told.lines[0].cancelled == 3
    assert untold.cancelled_at == untold.updated_at


def test_currencies_have_their_own_minor_units() -> None:
    yen = order(
        [line(totalPrice=taxed(1500), undiscountedUnitPrice={"gross": money(500)})],
        total={"currency": "JPY", **taxed(1500)},
        undiscountedTotal={"gross": money(1500)},
        shippingPrice={"gross": money(0)},
    )

    assert mapping.order(yen).total == 1500
    assert mapping.order(yen).lines[0].unit_price == 500


def test_what_is_finer_than_the_currency_is_rounded() -> None:
    found = mapping.order(order([line(totalPrice=taxed("12.155"))]))

    assert found.lines[0].total == 1216


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"id": None}, "id"),
        ({"number": None}, "number"),
        ({"status": None}, "status"),
        ({"created": "yesterday"}, "created"),
        ({"updatedAt": "2026-11-01T10:05:00"}, "updatedAt"),
        ({"total": None}, "total"),
        ({"total": {"currency": "QQQ"}}, "total.currency"),
        ({"total": {"currency": "GBP", **taxed(1.5)}}, "total.gross.amount"),
        ({"total": {"currency": "GBP", **taxed("-1")}}, "total.gross.amount"),
        ({"total": {"currency": "GBP", **taxed(None)}}, "total.gross.amount"),
        ({"lines": []}, "lines"),
        ({"lines": [None]}, "lines.0"),
        ({"lines": [line(quantity=0)]}, "lines.0.quantity"),
        ({"lines": [line(quantity=True)]}, "lines.0.quantity"),
        ({"lines": [line(quantityFulfilled=4)]}, "lines.0.quantityFulfilled"),
        ({"lines": [line(totalPrice={})]}, "lines.0.totalPrice.gross"),
        ({"fulfillments": {"a": 1}}, "fulfillments"),
        ({"fulfillments": [{**fulfillment(), "status": None}]}, "fulfillments.0.status"),
        ({"userEmail": "a\x00b"}, "userEmail"),
    ],
)
def test_a_bad_field_is_named(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Unreadable) as caught:
        mapping.order(order(**changed))

    assert caught.value.field == field


def test_fields_we_do_not_know_and_absent_ones_do_no_harm() -> None:
    lean = order(newField={"a": 1})
    optional = ("undiscountedTotal", "totalRefunded", "totalAuthorized", "events", "userEmail")
    for name in (*optional, "fulfillments", "shippingPrice", "chargeStatus"):
        del lean[name]

    assert mapping.order({**lean, "number": 1001}).number == "1001"
    assert mapping.order(lean).total == 1710


def test_a_bad_order_stops_no_other() -> None:
    good, bad = each([order(), order(number=None), None], mapping.order)

    assert [one.number for one in good] == ["1001"]
    assert [(one.external_id, one.field) for one in bad] == [(ORDER, "number"), ("", "record")]


def listing(**changed: Any) -> Any:
    return mapping.listing(variant(**changed), "default-channel", "GBP", WAREHOUSE)


def test_a_listing_shows_what_is_free_to_sell_here() -> None:
    found = mapping.listing(
        variant(stock(50, 0, OTHER), stock(10, 3)), "default-channel", "GBP", WAREHOUSE
    )

    assert (found.external_id, found.sku, found.title) == (VARIANT, "TEA-1", "Green tea - 100 g")
    assert (found.quantity, found.price, found.currency) == (7, 450, "GBP")
    assert [one.quantity for one in found.by_location] == [50, 7]
    assert found.handles == {"warehouse_id": WAREHOUSE}
    assert found.state is ListingState.ACTIVE


@pytest.mark.parametrize(
    ("changed", "quantity"),
    [
        ({"trackInventory": False}, None),
        ({"stocks": []}, None),
        ({"stocks": None}, None),
        ({"stocks": [stock(4, 0, OTHER)]}, None),
        ({"stocks": [stock(2, 5)]}, -3),
    ],
)
def test_stock_that_saleor_does_not_count_is_no_number(
    changed: dict[str, Any], quantity: int | None
) -> None:
    assert listing(**changed).quantity == quantity


def product(**changed: Any) -> dict[str, Any]:
    listed = {"isPublished": True, "isAvailableForPurchase": True, **changed}
    channels = [{**listed, "channel": {"slug": "default-channel"}}]
    return {"id": gid("Product", "31"), "name": "Green tea", "channelListings": channels}


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"product": product(isPublished=False)}, ListingState.PAUSED),
        ({"product": product(isAvailableForPurchase=False)}, ListingState.PAUSED),
        ({"product": product(isAvailableForPurchase=None)}, ListingState.ACTIVE),
        ({"product": {**product(), "channelListings": []}}, ListingState.ENDED),
        ({"channelListings": []}, ListingState.ENDED),
        ({"channelListings": None}, ListingState.ENDED),
    ],
)
def test_what_is_on_sale(changed: dict[str, Any], state: ListingState) -> None:
    assert listing(**changed).state is state


def test_a_variant_without_sku_or_name_is_listed() -> None:
    found = listing(sku=None, name="", channelListings=[])

    assert (found.sku, found.title, found.price) == ("", "Green tea", None)


def test_ids_are_told_from_what_is_none() -> None:
    assert key_of(VARIANT, "ProductVariant") == "384"
    assert key_of(VARIANT, "Order") == ""
    assert is_order(ORDER)
    assert not is_order(gid("Order", "1001"))
    assert not is_order(ORDER[:-3] + "987")
    assert is_variant(VARIANT)
    assert not is_variant(gid("ProductVariant", "x"))
    assert not is_variant("?")


def test_money_is_never_a_binary_float() -> None:
    assert Node({"m": {"amount": Decimal("19.99")}}).money("m", "GBP") == 1999
    with pytest.raises(Unreadable):
        Node({"m": {"amount": 19.99}}).money("m", "GBP")
