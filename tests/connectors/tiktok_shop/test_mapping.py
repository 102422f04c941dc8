"""TikTok Shop's records become ours, or a complaint that names the field; nothing is guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.records import Listing, ListingState, OrderStatus
from connectors.tiktok_shop import mapping
from tests.connectors.tiktok_shop.recorded import (
    CHANGED,
    PLACED,
    order,
    payment,
    product,
    sku,
    unit,
)


def complaint(record: Any) -> tuple[str, str]:
    good, bad = mapping.each([record], mapping.order)
    assert good == ()
    return bad[0].field, bad[0].reason


def listing(record: Any, *, switched: bool = False) -> Listing:
    (found,) = mapping.listings(record, switched=switched)
    return found


# -- orders ----------------------------------------------------------------------------------------


def test_an_order_is_read_to_the_penny() -> None:
    found = mapping.order(order())

    assert (found.external_id, found.number) == ("576000000000000001", "576000000000000001")
    assert (found.total, found.shipping, found.tax, found.discount) == (900, 495, 0, 45)
    assert found.placed_at == datetime.fromtimestamp(PLACED, UTC)
    assert found.updated_at == datetime.fromtimestamp(CHANGED, UTC)
    assert (found.status, found.channel_status) == (OrderStatus.CONFIRMED, "AWAITING_SHIPMENT")
    assert not found.test
    (line,) = found.lines
    assert (line.unit_price, line.discount, line.total) == (450, 45, 405)
    assert (line.listing_key, line.sku, line.title) == (
        "1729000000000000021",
        "TEA-1",
        "Green tea - 100 g",
    )
    assert line.location_key == "7068000000000000051"


def test_every_unit_is_a_line_under_its_own_id() -> None:
    units = [unit(id=f"57700000000000001{n}") for n in range(3)]

    lines = mapping.order(order(units)).lines

    assert [(one.external_id[-1], one.quantity) for one in lines] == [("0", 1), ("1", 1), ("2", 1)]


@pytest.mark.parametrize(
    ("words", "cancelled", "shipped"),
    [
        ({"display_status": "AWAITING_COLLECTION", "package_status": "PROCESSING"}, 0, 0),
        ({"display_status": "IN_TRANSIT", "package_status": "FULFILLING"}, 0, 1),
        ({"display_status": "DELIVERED", "package_status": "COMPLETED"}, 0, 1),
        ({"display_status": "CANCELLED", "package_status": "CANCELLED"}, 1, 0),
        ({"display_status": "CANCELLED", "package_status": None}, 1, 0),
        ({"display_status": "IN_TRANSIT", "package_status": "CANCELLED"}, 1, 0),
        ({"display_status": "SOMETHING_NEW", "package_status": None}, 0, 0),
    ],
)
def test_units_taken_off_and_shipped_are_told_apart(
    words: dict[str, Any], cancelled: int, shipped: int
) -> None:
    (line,) = mapping.order(order([unit(**words)])).lines

    assert (line.cancelled, line.shipped) == (cancelled, shipped)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("UNPAID", OrderStatus.UNPAID),
        ("ON_HOLD", OrderStatus.HELD),
        ("AWAITING_SHIPMENT", OrderStatus.CONFIRMED),
        ("AWAITING_COLLECTION", OrderStatus.CONFIRMED),
        ("PARTIALLY_SHIPPING", OrderStatus.PART_SHIPPED),
        ("IN_TRANSIT", OrderStatus.SHIPPED),
        ("DELIVERED", OrderStatus.DELIVERED),
        ("COMPLETED", OrderStatus.SIGNED),
        ("CANCELLED", OrderStatus.CANCELLED),
        ("CANCEL", OrderStatus.CANCELLED),
        ("SOMETHING_NEW", OrderStatus.HELD),
    ],
)
def test_an_order_stands_where_its_word_says(word: str, expected: OrderStatus) -> None:
    found = mapping.order(order(status=word))

    assert (found.status, found.channel_status) == (expected, word)
    assert (found.cancelled_at is not None) == (expected is OrderStatus.CANCELLED)


def test_what_the_seller_sends_is_gone_when_the_seller_says_so() -> None:
    arranged = unit(display_status="AWAITING_COLLECTION", package_status="PROCESSING")

    by_seller = mapping.order(
        order([arranged], status="AWAITING_COLLECTION", shipping_type="SELLER")
    )
    by_tiktok = mapping.order(
        order([arranged], status="AWAITING_COLLECTION", shipping_type="TIKTOK")
    )

    assert (by_seller.status, by_seller.lines[0].shipped) == (OrderStatus.SHIPPED, 1)
    assert (by_tiktok.status, by_tiktok.lines[0].shipped) == (OrderStatus.CONFIRMED, 0)


def test_nothing_is_shipped_while_the_buyer_asks_to_cancel() -> None:
    waiting = order(is_buyer_request_cancel=True)
    on_its_way = order(is_buyer_request_cancel=True, status="IN_TRANSIT")

    assert mapping.order(waiting).status is OrderStatus.HELD
    assert mapping.order(on_its_way).status is OrderStatus.SHIPPED


@pytest.mark.parametrize(
    ("shipper", "by_channel", "expected"),
    [
        ("FULFILLMENT_BY_SELLER", False, OrderStatus.CONFIRMED),
        ("FULFILLMENT_BY_TIKTOK", True, OrderStatus.CONFIRMED),
        ("FULFILLMENT_BY_DILAYANI_TOKOPEDIA", True, OrderStatus.CONFIRMED),
        (None, False, OrderStatus.CONFIRMED),
        ("FULFILLMENT_BY_NOBODY", False, OrderStatus.HELD),
    ],
)
def test_who_ships_is_told(shipper: str | None, by_channel: bool, expected: OrderStatus) -> None:
    found = mapping.order(order(fulfillment_type=shipper))

    assert (found.fulfilled_by_channel, found.status) == (by_channel, expected)


def test_tax_that_is_told_stands_on_top_of_the_prices() -> None:
    taxed = [unit(item_tax=[{"tax_type": "SALES_TAX", "tax_amount": "0.33"}])]

    found = mapping.order(order(taxed, payment=payment(tax="0.33", total_amount="9.33")))

    assert (found.tax, found.tax_included, found.lines[0].tax) == (33, False, 33)
    assert mapping.order(order()).tax_included


@pytest.mark.parametrize(
    ("currency", "amount", "minor"),
    [("JPY", "1200", 1200), ("VND", "250000", 250_000), ("IDR", "5000", 500_000)],
)
def test_minor_units_are_those_of_the_currency(currency: str, amount: str, minor: int) -> None:
    paid = {"currency": currency, "total_amount": amount}

    found = mapping.order(order([unit(sale_price=amount, original_price=None,
                                      seller_discount=None, platform_discount=None)],
                                payment=paid))  # fmt: skip

    assert (found.total, found.lines[0].unit_price) == (minor, minor)


def test_an_address_is_read_as_far_as_it_is_told() -> None:
    buyer = mapping.order(order()).buyer

    assert (buyer.name, buyer.phone) == ("Ann Onym", "(+44)190*****00")
    assert buyer.address["city"] == "York"
    assert buyer.address["region"] == "England"
    assert "line2" not in buyer.address
    assert mapping.order(order(recipient_address=None)).buyer.address == {}


def test_no_personal_data_are_printed() -> None:
    printed = repr(mapping.order(order()))

    assert "Ann" not in printed
    assert "High Street" not in printed


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"id": None}, "id", "missing"),
        ({"status": ""}, "status", "missing"),
        ({"update_time": "soon"}, "update_time", "whole number"),
        ({"update_time": 10**13}, "update_time", "Unix seconds"),
        ({"create_time": 0}, "create_time", "missing"),
        ({"line_items": []}, "line_items", "without lines"),
        ({"line_items": None}, "line_items", "without lines"),
        ({"line_items": {}}, "line_items", "without lines"),
        ({"line_items": "x"}, "line_items", "not a list"),
        ({"payment": None}, "payment", "missing"),
        ({"payment": payment(currency="XXX")}, "payment.currency", "XXX"),
        ({"payment": payment(total_amount="1.005")}, "payment.total_amount", "finer"),
        ({"payment": payment(total_amount="-1")}, "payment.total_amount", "negative"),
        ({"payment": payment(tax=Decimal("NaN"))}, "payment.tax", "range"),
        ({"payment": payment(tax=1.5)}, "payment.tax", "not a decimal"),
        ({"is_buyer_request_cancel": "no"}, "is_buyer_request_cancel", "true or false"),
        ({"buyer_email": "a\x00b"}, "buyer_email", "NUL"),
        ({"user_id": "\ud800"}, "user_id", "half a character"),
        ({"user_id": 5}, "user_id", "not text"),
    ],
)
def test_what_cannot_be_read_is_named(changed: dict[str, Any], field: str, reason: str) -> None:
    found = complaint(order(**changed))

    assert found[0] == field
    assert reason in found[1]


def test_a_complaint_names_the_unit() -> None:
    found = complaint(order([unit(), unit(sale_price="free")]))

    assert found[0] == "line_items.1.sale_price"


def test_one_bad_order_stops_no_other() -> None:
    good, bad = mapping.each([order(), "garbage", order(id="2")], mapping.order)

    assert [one.external_id for one in good] == ["576000000000000001", "2"]
    assert (bad[0].external_id, bad[0].raw) == ("", "garbage")


def test_times_may_come_as_text() -> None:
    assert mapping.order(order(update_time=str(CHANGED))).updated_at.timestamp() == CHANGED


# -- products --------------------------------------------------------------------------------------


def test_a_listing_shows_what_lies_in_all_warehouses() -> None:
    found = listing(product())

    assert (found.external_id, found.parent_key) == ("1729000000000000021", "1729000000000000031")
    assert (found.quantity, found.price, found.currency) == (9, 450, "GBP")
    assert [one.quantity for one in found.by_location] == [7, 2]
    assert found.handles == {
        "product_id": "1729000000000000031",
        "warehouses": "7068000000000000051,7068000000000000052",
        "only_sku": "yes",
    }


def test_the_price_across_borders_is_the_one_displayed() -> None:
    price = {"currency": "GBP", "tax_exclusive_price": "4.50", "sale_price": "5.40"}

    assert listing(product([sku(price=price)])).price == 540
    assert listing(product([sku(price=None)])).price is None


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("ACTIVATE", ListingState.ACTIVE),
        ("DRAFT", ListingState.PAUSED),
        ("PENDING", ListingState.PAUSED),
        ("SELLER_DEACTIVATED", ListingState.PAUSED),
        ("PLATFORM_DEACTIVATED", ListingState.PAUSED),
        ("FREEZE", ListingState.PAUSED),
        ("DELETED", ListingState.ENDED),
        ("SOMETHING_NEW", ListingState.PAUSED),
    ],
)
def test_a_product_is_on_sale_only_where_it_says_so(word: str, state: ListingState) -> None:
    assert listing(product(status=word)).state is state


def test_a_variant_may_be_off_alone() -> None:
    on, off = mapping.listings(
        product([sku(), sku(id="2", status_info={"status": "DEACTIVATED"})]), switched=False
    )

    assert (on.state, off.state) == (ListingState.ACTIVE, ListingState.PAUSED)
    assert on.handles["only_sku"] == ""


def test_what_the_hub_switched_off_shows_nothing_and_is_no_pause() -> None:
    off = product(status="SELLER_DEACTIVATED")

    found = listing(off, switched=True)

    assert (found.quantity, found.state) == (0, ListingState.ACTIVE)
    assert listing(off).state is ListingState.PAUSED


def test_a_product_of_several_variants_is_never_switched() -> None:
    off = product([sku(), sku(id="2")], status="SELLER_DEACTIVATED")

    states = {one.state for one in mapping.listings(off, switched=True)}

    assert states == {ListingState.PAUSED}
