"""What the seller cancels is cancelled once, for a reason of TikTok's; buyers' wishes are left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.errors import RejectedError
from connectors.postsale import Cancellation, ParcelLine
from connectors.records import ChannelOrder, OrderStatus
from connectors.testing import Rig
from connectors.tiktok_shop import CHANNEL, cancelling
from connectors.tiktok_shop.casebook import REASONS, Casebook
from connectors.tiktok_shop.simulator import TikTokShopSimulator
from tests.connectors.tiktok_shop.counter import bought_at, one_of


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, TikTokShopSimulator(rate=10_000)) as rig:
        rig.stock_up()
        yield rig


def casebook(rig: Rig) -> Casebook:
    assert isinstance(rig.simulator, TikTokShopSimulator)
    return rig.simulator.casebook


def cancellation(order: ChannelOrder, *units: int, reason: str = "") -> Cancellation:
    lines = tuple(ParcelLine(order.lines[place].external_id, 1) for place in units)
    return Cancellation(order.external_id, "cancel-1", reason, lines)


def refusal(rig: Rig, given: Cancellation) -> str:
    with pytest.raises(RejectedError) as refused:
        rig.connector().cancel_order(given)
    return refused.value.code


def test_just_these_units_are_taken_off_and_the_rest_can_go(rig: Rig) -> None:
    connector = rig.connector()
    order = bought_at(rig, connector, ("SKU-0", 3))

    connector.cancel_order(cancellation(order, 1))
    connector.ship(one_of(order, 0, 2))
    (now,) = connector.fetch_orders([order.external_id]).items

    assert [(one.cancelled, one.shipped) for one in now.lines] == [(0, 1), (1, 0), (0, 1)]
    assert now.status is OrderStatus.SHIPPED


def test_the_last_units_named_cancel_the_order(rig: Rig) -> None:
    connector = rig.connector()
    order = bought_at(rig, connector, ("SKU-0", 2))
    casebook(rig).partial = False

    connector.cancel_order(cancellation(order, 0, 1))

    assert rig.shop.orders[0].cancelled_at is not None


def test_where_single_units_are_not_cancelled_tiktok_says_so(rig: Rig) -> None:
    casebook(rig).partial = False
    order = bought_at(rig, rig.connector(), ("SKU-0", 2))

    assert refusal(rig, cancellation(order, 0)) == "25005010"


def test_what_was_sent_is_not_cancelled(rig: Rig) -> None:
    connector = rig.connector()
    order = bought_at(rig, connector, ("SKU-0", 2))
    connector.ship(one_of(order, 0))

    assert refusal(rig, cancellation(order)) == "25001003"
    assert rig.shop.orders[0].cancelled_at is None


def test_what_waits_for_tiktok_is_not_asked_for_again(rig: Rig) -> None:
    casebook(rig).decides = False
    order = bought_at(rig, rig.connector(), ("SKU-0", 2))

    rig.connector().cancel_order(cancellation(order))
    rig.connector().cancel_order(cancellation(order))

    assert rig.simulator.requests["Cancel"] == 1
    assert rig.shop.orders[0].cancelled_at is None


def test_a_waiting_case_that_names_no_units_is_of_the_whole_order(rig: Rig) -> None:
    casebook(rig).decides = False
    order = bought_at(rig, rig.connector(), ("SKU-0", 2))
    rig.connector().cancel_order(cancellation(order))
    casebook(rig).names_units = False

    rig.connector().cancel_order(cancellation(order, 0))

    assert rig.simulator.requests["Cancel"] == 1


def test_a_buyers_wish_is_not_answered_by_ours(rig: Rig) -> None:
    order = bought_at(rig, rig.connector(), ("SKU-0", 1))
    casebook(rig).ask(order.external_id)

    assert refusal(rig, cancellation(order)) == "25001011"
    assert rig.shop.orders[0].cancelled_at is None


def test_whoever_cancelled_a_moment_before_did_it(rig: Rig) -> None:
    order = bought_at(rig, rig.connector(), ("SKU-0", 1))
    rig.simulator.meanwhile(lambda: rig.shop.cancel(order.external_id), "Cancel")

    rig.connector().cancel_order(cancellation(order))

    assert rig.simulator.requests["Cancel"] == 1


def test_more_than_one_unit_of_a_line_item_is_refused(rig: Rig) -> None:
    order = bought_at(rig, rig.connector(), ("SKU-0", 2))
    lines = (ParcelLine(order.lines[0].external_id, 2),)

    assert refusal(rig, Cancellation(order.external_id, "c", "", lines)) == "too_many_units"


def test_an_unknown_order_is_told_as_such(rig: Rig) -> None:
    assert refusal(rig, Cancellation("5000000000009", "c")) == "unknown_order"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("sold twice at once", "seller_cancel_reason_out_of_stock"),
        ("Out of STOCK", "seller_cancel_reason_out_of_stock"),
        ("wrong price on the page", "seller_cancel_reason_wrong_price"),
        ("the buyer rang us", "seller_cancel_paid_reason_buyer_requested_cancellation"),
        ("", "seller_cancel_reason_out_of_stock"),
        ("no idea", "seller_cancel_reason_out_of_stock"),
    ],
)
def test_a_reason_is_one_that_tiktok_takes(reason: str, expected: str) -> None:
    assert cancelling.choose(reason, REASONS) == expected


def test_a_market_that_knows_other_reasons_gets_one_of_its_own() -> None:
    assert cancelling.choose("out of stock", ["a_out_of_stock_uk"]) == "a_out_of_stock_uk"
    assert cancelling.choose("out of stock", ["another"]) == "another"
    assert cancelling.choose("out of stock", []) == "seller_cancel_reason_out_of_stock"
