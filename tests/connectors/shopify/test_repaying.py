"""Money given back through Shopify: by the ways it was paid, once, goods left where they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import RejectedError
from connectors.postsale import ParcelLine, Refund
from connectors.records import OrderStatus
from connectors.shopify.nodes import money_text
from connectors.shopify.repaying import Paid, Payment, came_back, question, shares
from connectors.shopify.stockroom import Refused
from connectors.simulators.shop import Sale
from tests.connectors.shopify.shopfloor import Floor, floor, lines, order_key, parcel

NOW = datetime.now(UTC)


@pytest.fixture
def shop() -> Iterator[Floor]:
    with floor() as found:
        yield found


def wanted(sale: Sale, amount: int, *units: int, key: str = "r-1", **given: Any) -> Refund:
    goods = lines(sale, units) if units else ()
    return Refund(key, order_key(sale), amount, "GBP", NOW, goods, "late", **given)


def paid(**changed: Any) -> Paid:
    found = Paid("GBP", "GBP", 5000, 5000, (Payment("T1", "card", 5000),), {}, ())
    return replace(found, **changed)


def refund(amount: int = 501, shipping: int = 0, *goods: ParcelLine) -> Refund:
    return Refund("r-1", "O1", amount, "GBP", NOW, goods, "late", shipping=shipping)


# -- worked out ------------------------------------------------------------------------------------


def test_several_payments_give_back_the_first_first() -> None:
    card, voucher = Payment("T1", "card", 300), Payment("T2", "gift_card", 500)

    assert shares(700, [card, voucher]) == [(card, 300), (voucher, 400)]


@pytest.mark.parametrize(("amount", "code"), [(0, "no_amount"), (801, "not_refundable")])
def test_nothing_and_too_much_are_refused(amount: int, code: str) -> None:
    with pytest.raises(RejectedError) as caught:
        shares(amount, [Payment("T1", "card", 300), Payment("T2", "gift_card", 500)])

    assert caught.value.code == code


def test_the_question_names_payment_note_and_postage() -> None:
    asked = question(refund(501, 120), paid(), notify=False)

    assert asked == {
        "orderId": "O1",
        "currency": "GBP",
        "note": "late [r-1]",
        "notify": False,
        "transactions": [
            {
                "orderId": "O1",
                "parentId": "T1",
                "gateway": "card",
                "kind": "REFUND",
                "amount": "5.01",
            }
        ],
        "refundLineItems": [],
        "shipping": {"amount": "1.20"},
    }


def test_another_currency_is_converted_at_the_orders_own_rate() -> None:
    foreign = paid(buyers="JPY", shown=9500, payments=(Payment("T1", "card", 9500),))

    asked = question(refund(501), foreign, notify=False)

    assert asked["currency"] == "JPY"
    assert asked["transactions"][0]["amount"] == "952"  # 5.01 of 50.00, of 9,500


def test_all_of_it_is_all_of_it_in_another_currency_too() -> None:
    foreign = paid(buyers="JPY", shown=9501, payments=(Payment("T1", "card", 9501),))

    assert question(refund(5000), foreign, notify=False)["transactions"][0]["amount"] == "9501"


def test_lines_are_named_as_far_as_they_were_sent_and_not_paid_back() -> None:
    before = refund(100, 0, ParcelLine("A", 1))
    state = paid(sent={"A": 3, "B": 1}, given=(("", before),))

    found = came_back([ParcelLine("A", 5), ParcelLine("B", 1), ParcelLine("C", 1)], state)

    assert found == [ParcelLine("A", 2), ParcelLine("B", 1)]


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(501, "GBP", "5.01"), (5, "GBP", "0.05"), (501, "JPY", "501"), (1, "KWD", "0.001"),
     (120_000, "GBP", "1200.00")],
)  # fmt: skip
def test_money_is_written_in_major_units(minor: int, currency: str, text: str) -> None:
    assert money_text(minor, currency) == text


# -- given back ------------------------------------------------------------------------------------


def test_a_refund_says_what_it_was_for(shop: Floor) -> None:
    sale = shop.buy(3)
    connector = shop.connector()
    connector.ship(parcel(sale))

    made = connector.refund(wanted(sale, 1001, 1, shipping=100))

    assert (made.amount, made.shipping, made.reason) == (1001, 100, "late")
    assert made.lines == lines(sale, [1])
    (kept,) = shop.sale(sale.key).refunds
    assert (kept.amount, kept.reason) == (1001, "late [r-1]")


def test_units_that_wait_stay_on_the_order(shop: Floor) -> None:
    sale = shop.buy(3)

    made = shop.connector().refund(wanted(sale, 500, 1))

    assert made.lines == ()
    assert [line.open for line in shop.sale(sale.key).lines] == [3]


def test_two_payments_are_each_given_back_what_they_paid(shop: Floor) -> None:
    sale = shop.buy(3)
    shop.simulator.till.payments = {sale.key: [("gift_card", 1000), ("card", sale.total - 1000)]}
    connector = shop.connector()

    connector.refund(wanted(sale, 1500))
    connector.refund(wanted(sale, sale.total - 1500, key="r-2"))

    assert shop.sale(sale.key).refunded == sale.total
    with pytest.raises(RejectedError) as caught:
        connector.refund(wanted(sale, 1, key="r-3"))
    assert caught.value.code == "not_refundable"


def test_an_order_that_is_not_paid_gives_nothing_back(shop: Floor) -> None:
    sale = shop.buy(1)
    shop.shop.set_status(sale.key, OrderStatus.UNPAID)

    with pytest.raises(RejectedError):
        shop.connector().refund(wanted(sale, 100))


def test_another_currency_than_the_orders_is_refused(shop: Floor) -> None:
    sale = shop.buy(1)

    with pytest.raises(RejectedError) as caught:
        shop.connector().refund(replace(wanted(sale, 100), currency="EUR"))

    assert caught.value.code == "currency"


def test_an_unknown_order_is_refused(shop: Floor) -> None:
    sale = replace(shop.buy(1), key="9")

    with pytest.raises(RejectedError):
        shop.connector().refund(wanted(sale, 100))


def test_a_key_with_another_amount_is_not_given_back_again(shop: Floor) -> None:
    sale = shop.buy(3)
    connector = shop.connector()

    first = connector.refund(wanted(sale, 500))
    again = connector.refund(wanted(sale, 700))

    assert first == again
    assert shop.sale(sale.key).refunded == 500


def test_without_an_idempotency_key_the_shop_does_nothing(shop: Floor) -> None:
    with pytest.raises(Refused):
        shop.simulator.till.operations()["GiveBack"]({"input": {}, "key": " "})
