"""PrestaShop's rows become our records, or a complaint that names the field."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.fields import each
from connectors.prestashop import mapping
from connectors.prestashop.fields import Row
from connectors.prestashop.mapping import Shelf
from connectors.records import Listing, ListingState, OrderStatus
from tests.connectors.prestashop.recorded import (
    CLOCK,
    address,
    around,
    combination,
    customer,
    detail,
    order,
    order_row,
    product,
    slip,
    states,
    stock,
)

SENT_AT = {"17": datetime(2026, 11, 2, tzinfo=UTC)}


def complaint(record: Any) -> tuple[str, str]:
    good, bad = each([record], lambda one: mapping.order(one, around()))
    assert good == ()
    return bad[0].external_id, bad[0].field


def listing(
    of: dict[str, Any] | None = None,
    combined: dict[str, Any] | None = None,
    shelf: Shelf | None = None,
    *,
    counted: bool = True,
) -> Listing:
    return mapping.listing(
        Row(of or product()),
        Row(combined) if combined else None,
        shelf,
        values={"6": "Loose", "8": "100 g"},
        currency="EUR",
        clock=CLOCK,
        counted=counted,
    )


# -- orders ----------------------------------------------------------------------------------------


def test_an_order_is_read_to_the_penny() -> None:
    found = mapping.order(order(), around())

    assert (found.external_id, found.number) == ("17", "ABCDEFGHI")
    assert (found.total, found.shipping, found.tax, found.discount) == (1710, 495, 285, 135)
    assert (found.currency, found.tax_included) == ("EUR", True)
    assert (found.status, found.channel_status) == (OrderStatus.CONFIRMED, "State 2")
    (line,) = found.lines
    assert (line.external_id, line.listing_key, line.sku) == ("31", "20/44", "TEA-1")
    assert (line.quantity, line.unit_price, line.total, line.tax) == (3, 450, 1350, 225)
    assert (line.cancelled, line.shipped) == (0, 0)
    assert line.title == "Green tea - Weight : 100 g"


def test_times_are_the_shops_own() -> None:
    winter = mapping.order(order(), around())
    summer = mapping.order(order(date_upd="2026-07-01 10:05:00"), around())

    assert winter.placed_at == datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
    assert winter.updated_at == datetime(2026, 11, 1, 9, 5, tzinfo=UTC)
    assert summer.updated_at == datetime(2026, 7, 1, 8, 5, tzinfo=UTC)


def test_the_buyer_is_who_and_where() -> None:
    buyer = mapping.order(order(), around()).buyer

    assert (buyer.external_id, buyer.name, buyer.email) == ("9", "Ada Byron", "ada@buyers.example")
    assert buyer.phone == "+33 6"
    assert buyer.address == {
        "name": "Ada Lovelace",
        "line1": "1 rue du Port",
        "city": "Paris",
        "postcode": "75001",
        "region": "IDF",
        "country": "FR",
        "phone": "+33 6",
    }


def test_an_order_is_whole_without_what_the_key_may_not_read() -> None:
    bare = around(details={}, customers={}, addresses={}, countries={}, provinces={})

    found = mapping.order(order(), bare)

    assert (found.buyer.name, found.buyer.address) == ("", {})
    assert [(one.quantity, one.total) for one in found.lines] == [(3, 1350)]


def test_what_the_shop_computed_is_rounded() -> None:
    rows = [order_row(unit_price_tax_incl="26.999852", product_quantity=1)]
    details = {
        "31": Row(detail(total_price_tax_incl="26.999852", total_price_tax_excl="22.499877"))
    }

    (line,) = mapping.order(order(rows), around(details=details)).lines

    assert (line.unit_price, line.total, line.tax) == (2700, 2700, 450)


def test_a_currency_without_cents_has_none() -> None:
    found = mapping.order(order(id_currency=2, total_paid_tax_incl="1200.000000"), around())

    assert (found.currency, found.total) == ("JPY", 1200)


def test_numbers_may_be_numbers_and_fields_may_be_missing() -> None:
    rows = [order_row(id=31, product_id=20, product_attribute_id=0, product_quantity=3)]
    bent = order(rows, current_state=2, reference=None, total_discounts_tax_incl=None)
    del bent["total_paid_tax_incl"], bent["total_paid_tax_excl"]

    found = mapping.order({**bent, "new_in_version_10": {"a": []}}, around())

    assert (found.number, found.total, found.discount, found.tax) == ("17", 1710, 0, 0)
    assert found.lines[0].listing_key == "20"


@pytest.mark.parametrize(
    ("state", "cancelled", "shipped"),
    [("10", 1, 0), ("2", 1, 0), ("4", 0, 3), ("5", 0, 3), ("6", 3, 0)],
)
def test_units_refunded_are_taken_off_unless_they_had_left(
    state: str, cancelled: int, shipped: int
) -> None:
    details = {"31": Row(detail(product_quantity_refunded="1"))}

    (line,) = mapping.order(order(current_state=state), around(details=details)).lines

    assert (line.cancelled, line.shipped) == (cancelled, shipped)


def test_units_refunded_before_the_order_left_never_left() -> None:
    details = {"31": Row(detail(product_quantity_refunded="1"))}

    (line,) = mapping.order(order(current_state="4"), around(details=details, off={"31": 1})).lines

    assert (line.cancelled, line.shipped) == (1, 2)


def test_an_order_is_cancelled_when_its_history_says() -> None:
    moment = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)

    told = mapping.order(order(current_state="6"), around(ended_at={"17": moment}))
    untold = mapping.order(order(current_state="6"), around())

    assert (told.status, told.cancelled_at) == (OrderStatus.CANCELLED, moment)
    assert untold.cancelled_at == untold.updated_at


def test_an_order_paid_back_had_left_or_never_will() -> None:
    kept = mapping.order(order(current_state="7"), around())
    left = mapping.order(order(current_state="7"), around(sent_at=SENT_AT))

    assert (kept.status, kept.lines[0].cancelled) == (OrderStatus.CANCELLED, 3)
    assert (left.status, left.lines[0].shipped) == (OrderStatus.SHIPPED, 3)
    assert left.cancelled_at is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"id": None}, "id"),
        ({"id_currency": "3"}, "id_currency"),
        ({"current_state": ["2"]}, "current_state"),
        ({"date_upd": "0000-00-00 00:00:00"}, "date_upd"),
        ({"date_upd": "yesterday"}, "date_upd"),
        ({"date_upd": None}, "date_upd"),
        ({"total_paid_tax_incl": "-1.000000"}, "total_paid_tax_incl"),
        ({"total_paid_tax_incl": "NaN"}, "total_paid_tax_incl"),
        ({"total_paid_tax_incl": "", "total_paid": ""}, "total_paid"),
        ({"associations": {}}, "associations.order_rows"),
        ({"associations": {"order_rows": "?"}}, "associations.order_rows"),
        ({"reference": "A\x00"}, "reference"),
    ],
)
def test_a_bad_field_of_an_order_is_named(changed: dict[str, Any], field: str) -> None:
    key, named = complaint(order(**changed))

    assert named == field
    assert key == str(changed.get("id", "17") or "")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"product_quantity": "-1"}, "product_quantity"),
        ({"product_quantity": "many"}, "product_quantity"),
        ({"product_quantity": None}, "product_quantity"),
        ({"unit_price_tax_incl": "x"}, "unit_price_tax_incl"),
        ({"id": ""}, "id"),
    ],
)
def test_a_bad_field_of_a_line_is_named(changed: dict[str, Any], field: str) -> None:
    _, named = complaint(order([order_row(**changed)]))

    assert named == f"associations.order_rows.0.{field}"


def test_a_bad_order_takes_no_other_along() -> None:
    found = [order(id=1), order(id=2, date_upd=5), "no order", order(id=3)]

    good, bad = each(found, lambda one: mapping.order(one, around()))

    assert [one.external_id for one in good] == ["1", "3"]
    assert [(one.external_id, one.field) for one in bad] == [("2", "date_upd"), ("", "record")]


@pytest.mark.parametrize("broken", [customer(email=["x"]), customer(firstname={"a": 1})])
def test_a_customer_that_cannot_be_read_is_told_with_the_order(broken: dict[str, Any]) -> None:
    _, bad = each([order()], lambda one: mapping.order(one, around(customers={"9": Row(broken)})))

    assert bad[0].external_id == "17"


def test_an_address_without_words_is_no_address() -> None:
    empty = dict.fromkeys(address(), "")

    buyer = mapping.order(order(), around(addresses={"12": Row(empty)})).buyer

    assert (buyer.name, buyer.address, buyer.phone) == ("Ada Byron", {}, "")


def test_a_state_of_the_sellers_own_counts_as_they_say() -> None:
    held = states(own={"2": OrderStatus.HELD})

    assert mapping.order(order(), around(states=held)).status is OrderStatus.HELD


def test_an_order_in_a_state_nobody_lists_is_held() -> None:
    found = mapping.order(order(current_state="99"), around())

    assert (found.status, found.channel_status) == (OrderStatus.HELD, "99")


# -- refunds ---------------------------------------------------------------------------------------


def test_a_credit_slip_is_a_refund_with_tax_and_postage() -> None:
    found = mapping.refund(slip(), {"17": "EUR"}, CLOCK)

    assert (found.external_id, found.order_key, found.currency) == ("5", "17", "EUR")
    assert (found.amount, found.shipping) == (570, 120)
    assert [(one.line_key, one.quantity) for one in found.lines] == [("31", 1)]
    assert found.refunded_at == datetime(2026, 11, 3, 8, 0, tzinfo=UTC)


def test_a_slip_of_an_old_version_has_one_amount() -> None:
    old = slip(total_products_tax_incl="0.000000", total_shipping_tax_incl=None)
    del old["associations"]

    found = mapping.refund(old, {"17": "EUR"}, CLOCK)

    assert (found.amount, found.shipping, found.lines) == (475, 100, ())


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"id_order": "18"}, "id_order"),
        ({"date_add": "?"}, "date_add"),
        ({"total_products_tax_incl": "-2"}, "total_products_tax_incl"),
    ],
)
def test_a_bad_field_of_a_slip_is_named(changed: dict[str, Any], field: str) -> None:
    _, bad = each([slip(**changed)], lambda one: mapping.refund(one, {"17": "EUR"}, CLOCK))

    assert bad[0].field == field


# -- listings --------------------------------------------------------------------------------------


def test_a_product_without_combinations_is_a_listing() -> None:
    found = listing(shelf=Shelf("71", 12))

    assert (found.external_id, found.parent_key, found.sku) == ("20", "20", "TEA")
    assert (found.title, found.barcode) == ("Green tea", "4006381333931")
    assert (found.price, found.currency, found.quantity) == (375, "EUR", 12)
    assert found.state is ListingState.ACTIVE
    assert found.handles["stock_id"] == "71"
    assert found.updated_at == datetime(2026, 11, 1, 9, 5, tzinfo=UTC)


def test_a_combination_is_a_listing_of_its_product() -> None:
    found = listing(combined=combination(), shelf=Shelf("71", 12))

    assert (found.external_id, found.parent_key, found.sku) == ("20/44", "20", "TEA-1")
    assert (found.title, found.price, found.barcode) == ("Green tea - Loose, 100 g", 350, "")


def test_a_combination_without_a_reference_has_its_products() -> None:
    assert listing(combined=combination(reference="")).sku == "TEA"


@pytest.mark.parametrize("changed", [{"active": "0"}, {"available_for_order": "0"}])
def test_what_cannot_be_ordered_is_paused(changed: dict[str, Any]) -> None:
    assert listing(product(**changed)).state is ListingState.PAUSED


def test_who_keeps_the_stock_is_told() -> None:
    warehouses = listing(shelf=Shelf("71", 12, by_warehouses=True))
    nobody = listing(shelf=Shelf("71", 12), counted=False)

    assert (warehouses.handles["kept"], warehouses.quantity) == ("warehouses", 12)
    assert (nobody.handles["kept"], nobody.quantity) == ("nobody", None)


def test_a_listing_without_a_row_of_stock_has_no_number() -> None:
    found = listing()

    assert found.quantity is None
    assert "stock_id" not in found.handles


def test_stock_may_be_below_nothing() -> None:
    assert mapping.shelf(Row(stock(quantity=-3))) == Shelf("71", -3)
    assert mapping.shelf(Row(stock(depends_on_stock=True))).by_warehouses
