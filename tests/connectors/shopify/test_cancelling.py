"""Orders cancelled at Shopify, which does it in its own time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from connectors.errors import RejectedError, TransientError
from connectors.postsale import Cancellation
from connectors.shopify.cancelling import LONGEST_NOTE, note, reason
from connectors.simulators.shop import Sale
from tests.connectors.shopify.shopfloor import Floor, floor, order_key, parcel


@pytest.fixture
def shop() -> Iterator[Floor]:
    with floor() as found:
        yield found


def given(sale: Sale, why: str = "out of stock") -> Cancellation:
    return Cancellation(order_key(sale), "c-1", why)


@pytest.mark.parametrize(
    ("text", "theirs"),
    [
        ("Out of stock", "INVENTORY"),
        ("sold out", "INVENTORY"),
        ("customer changed their mind", "CUSTOMER"),
        ("suspected fraud", "FRAUD"),
        ("payment declined", "DECLINED"),
        ("our mistake", "STAFF"),
        ("", "OTHER"),
        ("moon phase", "OTHER"),
    ],
)
def test_reasons_become_shopifys(text: str, theirs: str) -> None:
    assert reason(text) == theirs


def test_the_note_keeps_our_key_however_long_the_reason_is() -> None:
    said = note(Cancellation("o", "c-1", "x" * 400))

    assert len(said) == LONGEST_NOTE
    assert said.endswith("x [c-1]")
    assert note(Cancellation("o", "c-1")) == "[c-1]"


def test_goods_and_money_stay_where_they_are(shop: Floor) -> None:
    sale = shop.buy(3)
    left = shop.shop.quantity("SKU-0")

    shop.connector().cancel_order(given(sale))

    now = shop.sale(sale.key)
    assert now.cancelled_at is not None
    assert (now.refunded, shop.shop.quantity("SKU-0")) == (0, left)


def test_a_job_that_takes_a_moment_is_awaited(shop: Floor) -> None:
    sale = shop.buy(1)
    shop.simulator.despatch.slow_job = 2

    shop.connector().cancel_order(given(sale))

    assert shop.sale(sale.key).cancelled_at is not None
    assert shop.asked("Cancel") == 1


def test_a_job_that_takes_longer_is_looked_at_again(shop: Floor) -> None:
    sale = shop.buy(1)
    shop.simulator.despatch.slow_job = 50

    with pytest.raises(TransientError) as caught:
        shop.connector().cancel_order(given(sale))

    assert caught.value.retry_after
    shop.shop.cancel(sale.key)
    shop.connector().cancel_order(given(sale))
    assert shop.asked("Cancel") == 1


def test_an_order_that_was_sent_is_not_cancelled(shop: Floor) -> None:
    sale = shop.buy(1)
    connector = shop.connector()
    connector.ship(parcel(sale))

    with pytest.raises(RejectedError) as caught:
        connector.cancel_order(given(sale))

    assert caught.value.code == "INVALID"
    assert shop.sale(sale.key).cancelled_at is None


def test_somebody_who_was_quicker_is_no_refusal(shop: Floor) -> None:
    sale = shop.buy(1)
    shop.simulator.meanwhile(lambda: shop.shop.cancel(sale.key), "Cancel")

    shop.connector().cancel_order(given(sale))

    assert shop.sale(sale.key).cancelled_at is not None


def test_units_of_a_line_are_not_cancelled(shop: Floor) -> None:
    sale = shop.buy(2)

    with pytest.raises(RejectedError) as caught:
        shop.connector().cancel_order(replace(given(sale), lines=parcel(sale, 1).lines))

    assert caught.value.code == "whole_orders_only"


def test_a_cancelled_order_has_no_unit_left(shop: Floor) -> None:
    sale = shop.buy(3)
    connector = shop.connector()
    connector.cancel_order(given(sale))

    (order,) = connector.fetch_orders([order_key(sale)]).items

    assert [(one.quantity, one.cancelled, one.shipped) for one in order.lines] == [(3, 3, 0)]
