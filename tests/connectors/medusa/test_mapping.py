"""Medusa's records, recorded and bent, and what we make of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.fields import Unreadable, each
from connectors.medusa import mapping
from connectors.records import ListingState, LocationQuantity, OrderStatus
from tests.connectors.medusa.recorded import level, line, order, part, payment, sample, variant

PLACED = datetime(2026, 11, 22, 7, 53, 10, 349_000, UTC)

#: Each recorded answer that holds order 1, and where the order stood then.
STANDS = {
    "order-placed": (OrderStatus.CONFIRMED, "pending/authorized/not_fulfilled", 0),
    "fulfillment-create": (OrderStatus.CONFIRMED, "pending/captured/fulfilled", 0),
    "order-shipped": (OrderStatus.SHIPPED, "pending/captured/shipped", 2),
    "order-delivered": (OrderStatus.DELIVERED, "pending/captured/delivered", 2),
    "order-refunded": (OrderStatus.DELIVERED, "pending/partially_refunded/delivered", 2),
}


@pytest.mark.parametrize("name", STANDS)
def test_a_real_order_is_read_at_every_stage(name: str) -> None:
    status, words, shipped = STANDS[name]
    data = sample(name)["response"]["order"]
    # Writes are answered without the two words that a list adds.
    data = {"payment_status": words.split("/")[1], "fulfillment_status": words.split("/")[2]} | data

    found = mapping.order(data)

    assert (found.status, found.channel_status) == (status, words)
    assert (found.number, found.currency, found.placed_at) == ("#1", "USD", PLACED)
    # 49.478 and 43.978 - 3.998 dollars, as Medusa computes them.
    assert (found.total, found.shipping, found.tax, found.tax_included) == (4948, 500, 450, False)
    (only,) = found.lines
    assert (only.quantity, only.shipped, only.cancelled) == (2, shipped, 0)
    assert (only.unit_price, only.total, only.tax, only.sku) == (1999, 3998, 400, "MUG-1")
    assert only.listing_key == "variant_01M813X7AHY1ZSE3NBJJZAJDQP"
    assert found.updated_at >= datetime.fromisoformat(data["updated_at"])


def test_a_real_list_of_orders_is_read_whole() -> None:
    found, bad = each(sample("orders-pull")["response"]["orders"], mapping.order)

    assert bad == ()
    assert [(one.number, one.total, one.status) for one in found] == [
        ("#1", 4948, OrderStatus.CONFIRMED),
        ("#2", 2749, OrderStatus.CONFIRMED),
        ("#3", 7147, OrderStatus.CONFIRMED),
    ]
    buyer = found[0].buyer
    assert (buyer.name, buyer.email, buyer.phone) == ("Ada Byron", "ada@example.com", "+15551234")
    assert (buyer.address["city"], buyer.address["country"]) == ("Canton", "US")


def test_an_order_without_a_currency_is_nobodys_guess() -> None:
    found, bad = each(sample("orders-pull-default-fields")["response"]["orders"], mapping.order)

    assert found == ()
    assert {one.field for one in bad} == {"currency_code"}


def test_a_real_cancelled_order_keeps_its_quantities_and_sends_none() -> None:
    data = sample("order-canceled")["response"]["order"]

    found = mapping.order(data)

    assert found.status is OrderStatus.CANCELLED
    assert found.cancelled_at == datetime(2026, 11, 22, 7, 53, 24, 331_000, UTC)
    assert [(one.quantity, one.cancelled, one.shipped) for one in found.lines] == [(1, 1, 0)]


def test_a_real_refund_is_read_exactly() -> None:
    (found,) = mapping.refunds(sample("order-refunded")["response"]["order"])

    assert (found.external_id, found.amount) == ("ref_01M813XP88KR28K50NRK8NYP7A", 550)
    assert (found.currency, found.reason) == ("USD", "damaged")
    assert found.refunded_at == datetime(2026, 11, 22, 7, 53, 22, 953_000, UTC)


@pytest.mark.parametrize(
    ("word", "payment_word", "fulfillment", "status"),
    [
        ("pending", "not_paid", "not_fulfilled", OrderStatus.UNPAID),
        ("pending", "awaiting", "not_fulfilled", OrderStatus.UNPAID),
        ("pending", "requires_action", "not_fulfilled", OrderStatus.UNPAID),
        ("pending", "partially_authorized", "not_fulfilled", OrderStatus.UNPAID),
        ("pending", "authorized", "not_fulfilled", OrderStatus.CONFIRMED),
        ("pending", "captured", "partially_fulfilled", OrderStatus.CONFIRMED),
        ("pending", "captured", "fulfilled", OrderStatus.CONFIRMED),
        ("pending", "captured", "canceled", OrderStatus.CONFIRMED),
        ("pending", "captured", "partially_shipped", OrderStatus.PART_SHIPPED),
        ("pending", "not_paid", "shipped", OrderStatus.SHIPPED),
        ("pending", "captured", "partially_delivered", OrderStatus.PART_SHIPPED),
        ("completed", "captured", "delivered", OrderStatus.DELIVERED),
        ("archived", "captured", "delivered", OrderStatus.DELIVERED),
        ("pending", "refunded", "not_fulfilled", OrderStatus.HELD),
        ("pending", "refunded", "shipped", OrderStatus.SHIPPED),
        ("requires_action", "captured", "not_fulfilled", OrderStatus.HELD),
        ("canceled", "refunded", "not_fulfilled", OrderStatus.CANCELLED),
        ("pending", "bartered", "not_fulfilled", OrderStatus.HELD),
        ("pending", "captured", "teleported", OrderStatus.HELD),
    ],
)
def test_where_an_order_stands_is_told_by_its_payments_and_fulfilments(
    word: str, payment_word: str, fulfillment: str, status: OrderStatus
) -> None:
    data = order(status=word, payment_status=payment_word, fulfillment_status=fulfillment)

    assert mapping.order(data).status is status


def test_part_delivered_with_all_units_gone_is_sent() -> None:
    gone = line(detail={"shipped_quantity": 2, "delivered_quantity": 1})

    assert mapping.order(order(gone, fulfillment_status="partially_delivered")).status is (
        OrderStatus.SHIPPED
    )


def test_nothing_to_pay_is_not_waited_for() -> None:
    free = line(total=0, raw_total=None, unit_price=0, raw_unit_price=None, tax_total=0)
    data = order(free, item_total=0, shipping_total=0, shipping_tax_total=0, tax_total=0)

    assert mapping.order({**data, "payment_status": "not_paid"}).status is OrderStatus.CONFIRMED


def test_the_exact_number_counts_where_it_is_told() -> None:
    data = line(unit_price=Decimal("19.989999999999998"), total=None, raw_total=None)

    (found,) = mapping.order(order(data)).lines

    assert (found.unit_price, found.total) == (1999, 3998)


def test_prices_with_the_tax_in_them_stay_as_they_are() -> None:
    data = line(is_tax_inclusive=True, total=Decimal("39.98"), raw_total=None)

    found = mapping.order(order(data))

    assert found.tax_included
    assert (found.lines[0].total, found.shipping) == (3998, 550)


def test_a_payment_or_parcel_that_moved_moves_the_order() -> None:
    later = (PLACED + timedelta(hours=3)).isoformat()
    captured = {"id": "pay_col_01", "payments": [payment(updated_at=later)]}
    packed = {"id": "ful_01", "created_at": later, "items": [], "labels": []}

    assert mapping.order(order(payment_collections=[captured])).updated_at.isoformat() == later
    assert mapping.order(order(fulfillments=[packed])).updated_at.isoformat() == later


def test_a_line_that_an_edit_took_off_is_no_line() -> None:
    found = mapping.order(order(line(), line(id="ordli_02", quantity=0)))

    assert [one.external_id for one in found.lines] == ["ordli_01"]


def test_units_written_off_are_not_sent_any_more() -> None:
    data = line(detail={"shipped_quantity": 1, "written_off_quantity": 1})

    (found,) = mapping.order(order(data)).lines

    assert (found.shipped, found.cancelled) == (1, 1)


@pytest.mark.parametrize(
    ("changed", "number"),
    [({}, "#7"), ({"custom_display_id": "W-9"}, "W-9"), ({"display_id": None}, "order_01")],
)
def test_an_order_has_the_number_that_people_see(changed: dict[str, Any], number: str) -> None:
    assert mapping.order(order(**changed)).number == number


def test_what_may_be_missing_is_not_missed() -> None:
    bare = order(
        line(detail=None, variant_id=None, variant_sku=None, discount_total=None),
        shipping_address=None,
        customer=None,
        fulfillments=None,
        payment_collections=None,
        email=None,
        colour="red",
    )

    found = mapping.order(bare)

    assert (found.lines[0].listing_key, found.buyer.name, found.buyer.email) == ("", "", "")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"currency_code": "zzz"}, "currency_code"),
        ({"id": None}, "id"),
        ({"items": []}, "items"),
        ({"items": [line(quantity=Decimal("1.5"), raw_quantity=None)]}, "items.0.quantity"),
        ({"items": [line(quantity="two")]}, "items.0.quantity"),
        ({"items": [line(raw_unit_price={"value": "much"})]}, "items.0.unit_price"),
        ({"items": [line(detail={"shipped_quantity": -1})]}, "items.0.detail.shipped_quantity"),
        ({"item_total": "NaN"}, "item_total"),
        ({"item_total": 10**17}, "total"),
        ({"updated_at": "yesterday"}, "updated_at"),
        ({"created_at": "2026-11-22T07:53:10"}, "created_at"),
        ({"shipping_address": {"city": "a\x00b"}}, "shipping_address.city"),
    ],
)
def test_a_bad_field_is_named(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Unreadable) as caught:
        mapping.order(order(**changed))

    assert caught.value.field == field


def test_a_listing_shows_what_is_free_at_the_location() -> None:
    data = variant(part(level(20, 6), level(9, 1, "sloc_02")))

    found = mapping.listing(data, "USD", "sloc_01")

    assert (found.external_id, found.sku, found.title) == ("variant_01", "MUG-1", "Mug - M")
    assert (found.quantity, found.price, found.currency) == (14, 1999, "USD")
    assert (found.barcode, found.parent_key, found.state) == (
        "4006381333931",
        "prod_01",
        ListingState.ACTIVE,
    )
    assert found.by_location == (LocationQuantity("sloc_01", 14), LocationQuantity("sloc_02", 8))


@pytest.mark.parametrize(
    ("changed", "quantity"),
    [
        ({"manage_inventory": False}, None),
        ({"inventory_items": []}, None),
        ({"inventory_items": [part(level(20, 6), required=6)]}, 2),
        ({"inventory_items": [part(level(20, 6)), part(level(3, 1), key="iitem_02")]}, 2),
        ({"inventory_items": [part(level(1, 3))]}, -2),
        ({"inventory_items": [part()]}, 0),
        ({"inventory_items": [{"inventory_item_id": "iitem_09", "inventory": None}]}, None),
    ],
)
def test_what_a_variant_can_show(changed: dict[str, Any], quantity: int | None) -> None:
    assert mapping.listing(variant(**changed), "USD", "sloc_01").quantity == quantity


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("published", ListingState.ACTIVE),
        ("draft", ListingState.PAUSED),
        ("proposed", ListingState.PAUSED),
        ("rejected", ListingState.ENDED),
        ("unheard of", ListingState.PAUSED),
    ],
)
def test_a_listing_is_on_sale_as_its_product_is(status: str, state: ListingState) -> None:
    data = variant(product={"id": "prod_01", "title": "Mug", "status": status})

    assert mapping.listing(data, "USD", "sloc_01").state is state


def test_the_price_is_what_anybody_pays_for_one() -> None:
    prices = [
        {"amount": 1, "currency_code": "usd", "rules": {"region_id": "reg_01"}},
        {"amount": 2, "currency_code": "usd", "rules": {}, "min_quantity": 10},
        {"amount": 3, "currency_code": "eur", "rules": {}},
        {"amount": 4, "currency_code": "usd", "rules": {}, "min_quantity": None},
    ]

    found = mapping.listing(variant(prices=prices), "USD", "sloc_01")
    elsewhere = mapping.listing(variant(prices=prices[2:3]), "USD", "sloc_01")
    nowhere = mapping.listing(variant(prices=None), "USD", "sloc_01")

    assert (found.price, found.currency) == (400, "USD")
    assert (elsewhere.price, elsewhere.currency) == (300, "EUR")
    assert (nowhere.price, nowhere.currency) == (None, "USD")


def test_a_product_of_one_variant_has_its_own_name() -> None:
    assert mapping.listing(variant(title="Default variant"), "USD", "sloc_01").title == "Mug"


def test_a_store_says_its_default_currency() -> None:
    currencies = [
        {"currency_code": "eur", "is_default": False},
        {"currency_code": "usd", "is_default": True},
    ]
    found = mapping.shop({"id": "store_01", "supported_currencies": currencies}, (), None)

    assert (found.external_id, found.name, found.currency) == ("store_01", "store_01", "USD")
