"""Parcels, cancellations and refunds: what the shop and its buyer are told, and that it is once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import RejectedError
from connectors.postsale import Cancellation, Parcel, ParcelLine, Refund
from connectors.records import OrderStatus
from connectors.testing import Rig
from connectors.testing.fulfilment import bought, despite, parcel, refunds
from connectors.testing.fulfilment import refund as asked
from connectors.woocommerce import CHANNEL, counter
from connectors.woocommerce.refunds import major
from connectors.woocommerce.simulator import WooCommerceSimulator


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, WooCommerceSimulator(pings=False), timeout=2.0) as rig:
        yield rig


def simulator(rig: Rig) -> WooCommerceSimulator:
    assert isinstance(rig.simulator, WooCommerceSimulator)
    return rig.simulator


def notes(rig: Rig) -> list[dict[str, Any]]:
    return simulator(rig).office.notes.get(rig.shop.orders[0].key, [])


# -- parcels ---------------------------------------------------------------------------------------


def test_the_buyer_is_told_the_number_in_a_note(rig: Rig) -> None:
    shop, order = bought(rig)

    shop.ship(replace(parcel(order), tracking_url="https://track.example/?a=1&b=2"))

    (told,) = notes(rig)
    assert told["customer_note"]
    assert told["note"].startswith("Sent by DHL, tracking number JD01460000parcel-1, https://")


def test_the_note_may_be_for_the_shop_alone(rig: Rig) -> None:
    shop, order = bought(rig)
    shop.connection.settings = {"tracking_note": "shop"}

    shop.ship(parcel(order))

    assert [one["customer_note"] for one in notes(rig)] == [False]


@pytest.mark.parametrize("fault", ["error_after", "cut_after", "wrong_json"])
def test_a_note_whose_answer_got_lost_is_not_written_twice(rig: Rig, fault: str) -> None:
    shop, order = bought(rig)
    rig.simulator.faults.next(fault, where="note")

    despite(fault, rig, lambda: shop.ship(parcel(order)))
    shop.ship(parcel(order))

    assert len(notes(rig)) == 1


def test_a_parcel_without_a_number_makes_no_note(rig: Rig) -> None:
    shop, order = bought(rig)

    shop.ship(replace(parcel(order), tracking_number=""))

    assert notes(rig) == []
    assert rig.shop.orders[0].status is OrderStatus.SHIPPED


def test_a_corrected_number_is_told_once(rig: Rig) -> None:
    shop, order = bought(rig)
    key = shop.ship(parcel(order))
    right = replace(parcel(order), tracking_number="JD0999", external_id=key)

    assert shop.ship(right) == shop.ship(right) == key

    assert [one["note"].split()[-1] for one in notes(rig)] == ["JD01460000parcel-1", "JD0999"]


def test_a_part_leaves_the_order_open_and_shows_as_such(rig: Rig) -> None:
    shop, order = bought(rig, ("SKU-0", 2), ("SKU-1", 1))

    shop.ship(parcel(order, 1, 0))
    (between,) = rig.orders(shop)
    shop.ship(parcel(order, 1, 1, key="parcel-2"))
    (after,) = rig.orders(shop)

    assert (between.status, between.channel_status) == (OrderStatus.PART_SHIPPED, "processing")
    assert [one.shipped for one in between.lines] == [1, 0]
    assert (after.status, after.channel_status) == (OrderStatus.SHIPPED, "completed")


def test_units_already_in_a_parcel_are_not_sent_again(rig: Rig) -> None:
    shop, order = bought(rig)
    shop.ship(parcel(order, 2))

    with pytest.raises(RejectedError) as caught:
        shop.ship(parcel(order, 2, key="parcel-2"))

    assert caught.value.code == "too_many_units"


@pytest.mark.parametrize(
    ("bent", "code"),
    [
        ({"external_id": "_storefront_hub_parcel_other"}, "unknown_parcel"),
        ({"lines": (ParcelLine("1", 1),)}, "unknown_line"),
        ({"order_key": "abc"}, "unknown_order"),
    ],
)
def test_what_the_shop_does_not_know_is_refused(rig: Rig, bent: dict[str, Any], code: str) -> None:
    shop, order = bought(rig)

    with pytest.raises(RejectedError) as caught:
        shop.ship(replace(parcel(order), **bent))

    assert caught.value.code == code


def test_an_order_in_the_trash_is_not_sent(rig: Rig) -> None:
    shop, order = bought(rig)
    simulator(rig).trash(order.external_id)

    with pytest.raises(RejectedError, match="trash"):
        shop.ship(parcel(order))


def test_a_note_says_what_is_known() -> None:
    bare = Parcel("1", "p", "", "", datetime.now(UTC), (), "https://track.example")

    assert counter.note(bare) == "Sent, https://track.example"
    assert counter.note(replace(bare, carrier="GLS", tracking_url="")) == "Sent by GLS"


# -- cancellations ---------------------------------------------------------------------------------


def test_what_has_left_in_part_is_not_cancelled(rig: Rig) -> None:
    shop, order = bought(rig)
    shop.ship(parcel(order, 1))

    with pytest.raises(RejectedError) as caught:
        shop.cancel_order(Cancellation(order.external_id, "cancel-1"))

    assert caught.value.code == "sent"


def test_what_is_in_the_trash_is_cancelled_enough(rig: Rig) -> None:
    shop, order = bought(rig)
    simulator(rig).trash(order.external_id)

    shop.cancel_order(Cancellation(order.external_id, "cancel-1"))

    assert simulator(rig).requests["update"] == 0


# -- refunds ---------------------------------------------------------------------------------------


def test_a_refund_of_ours_comes_back_with_its_lines(rig: Rig) -> None:
    shop, order = bought(rig)
    made = shop.refund(replace(asked(order, 501), shipping=200))

    (found,) = refunds(shop)

    assert (found.external_id, found.amount, found.shipping) == (made.external_id, 501, 200)
    assert found.lines == (ParcelLine(order.lines[0].external_id, 1),)
    assert found.reason == "damaged"


def test_a_refund_of_ours_takes_no_goods_off(rig: Rig) -> None:
    shop, order = bought(rig)

    shop.refund(asked(order, 501))

    assert [one.cancelled for one in rig.orders(shop)[0].lines] == [0]


@pytest.mark.parametrize(("setting", "by_gateway"), [("gateway", True), ("record", False)])
def test_the_seller_says_who_pays_back(rig: Rig, setting: str, by_gateway: bool) -> None:
    shop, order = bought(rig)
    shop.connection.settings = {"refunds": setting}

    made = shop.refund(asked(order, 501))

    assert made.raw["refunded_payment"] is by_gateway


def test_a_whole_refund_closes_an_order_that_was_not_sent(rig: Rig) -> None:
    shop, order = bought(rig)

    shop.refund(asked(order, order.total))

    (found,) = rig.orders(shop)
    assert (found.status, found.channel_status) == (OrderStatus.CANCELLED, "refunded")


def test_money_is_written_as_the_shop_reads_it() -> None:
    assert major(5, "GBP") == "0.05"
    assert major(1250, "JPY") == "1250"
    assert major(1250, "KWD") == "1.250"
    with pytest.raises(RejectedError):
        major(-1, "GBP")


def test_a_refund_of_an_unknown_order_is_refused(rig: Rig) -> None:
    shop, order = bought(rig)
    now = datetime.now(UTC)

    with pytest.raises(RejectedError):
        shop.refund(Refund("r", order.external_id + "9", 1, "GBP", now))
