"""An order leaves, or never will: told once, whatever became of the answer, and only if it can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.base import Connection, Connector, connect
from connectors.errors import AuthError, RejectedError, TransientError
from connectors.postsale import Cancellation, Parcel, ParcelLine
from connectors.prestashop import CHANNEL
from connectors.prestashop.simulator import PrestaShopSimulator
from connectors.records import ChannelOrder, OrderStatus
from connectors.testing import Rig
from connectors.testing.fulfilment import parcel, refund
from connectors.testing.rig import walk


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, PrestaShopSimulator(together=2), timeout=2.0) as rig:
        rig.stock_up(4)
        yield rig


def shop(rig: Rig) -> PrestaShopSimulator:
    assert isinstance(rig.simulator, PrestaShopSimulator)
    return rig.simulator


def bought(rig: Rig) -> tuple[Connector, ChannelOrder]:
    rig.shop.buy([("SKU-0", 3), ("SKU-1", 1)])
    connector = rig.connector()
    (order,) = rig.orders(connector)
    return connector, order


def with_settings(rig: Rig, **settings: str) -> Connector:
    given = rig.connector().connection
    changed = {**given.settings, **settings}
    connection = Connection(
        given.credentials, given.http, given.now, settings=changed, base_url=given.base_url
    )
    return connect(CHANNEL, connection)


def test_a_parcel_is_a_number_and_a_state(rig: Rig) -> None:
    connector, order = bought(rig)

    key = connector.ship(parcel(order))

    assert key == f"8{order.external_id}"
    assert rig.shop.orders[0].status is OrderStatus.SHIPPED
    assert [state for _, state, _ in shop(rig).histories] == ["2", "4"]


@pytest.mark.parametrize("where", ["PATCH order_carriers", "POST order_histories"])
@pytest.mark.parametrize("fault", ["error_before", "error_after", "cut_after", "wrong_json"])
def test_a_parcel_is_told_once_whichever_answer_got_lost(rig: Rig, where: str, fault: str) -> None:
    connector, order = bought(rig)
    rig.simulator.faults.next(fault, where=where)
    with pytest.raises(TransientError):
        connector.ship(parcel(order))

    connector.ship(parcel(order))

    assert rig.simulator.faults.counts[fault] == 1
    assert [state for _, state, _ in shop(rig).histories] == ["2", "4"]
    assert len(rig.shop.orders[0].parcels) == 1


def test_a_part_of_an_order_is_not_sent(rig: Rig) -> None:
    connector, order = bought(rig)

    for units in ((3, 0), (2, 1), (4, 1)):
        with pytest.raises(RejectedError) as caught:
            connector.ship(parcel(order, *units))
        assert caught.value.field == "lines"

    assert rig.shop.orders[0].status is OrderStatus.CONFIRMED


def test_what_is_left_after_a_refund_is_all_that_is_sent(rig: Rig) -> None:
    connector, order = bought(rig)
    sale = rig.shop.orders[0]
    line = ParcelLine(sale.lines[0].key, 1)
    rig.shop.refund(sale.key, replace(refund(order, 5), order_key=sale.key, lines=(line,)))

    connector.ship(parcel(order, 2, 1))

    assert rig.shop.orders[0].status is OrderStatus.SHIPPED


def test_an_order_sent_by_hand_gets_its_number(rig: Rig) -> None:
    connector, order = bought(rig)
    rig.shop.ship(order.external_id)

    connector.ship(parcel(order))

    (told,) = rig.shop.orders[0].parcels
    assert told.tracking_number == parcel(order).tracking_number


def test_an_order_sent_under_another_number_is_left_alone(rig: Rig) -> None:
    connector, order = bought(rig)
    connector.ship(parcel(order))

    with pytest.raises(RejectedError) as caught:
        connector.ship(parcel(order, key="parcel-2"))

    assert caught.value.code == "already_shipped"


def test_a_parcel_without_a_number_takes_none_away(rig: Rig) -> None:
    connector, order = bought(rig)
    shop(rig).tracking[order.external_id] = "FROM-A-LABEL"

    connector.ship(replace(parcel(order), tracking_number=""))

    assert rig.shop.orders[0].parcels[0].tracking_number == "FROM-A-LABEL"


def test_a_number_the_shop_would_not_take_is_not_sent(rig: Rig) -> None:
    connector, order = bought(rig)

    for number in ("A<b>", "x" * 65, "ÄÖ"):
        with pytest.raises(RejectedError) as caught:
            connector.ship(replace(parcel(order), tracking_number=number))
        assert caught.value.field == "tracking_number"


def test_a_parcel_that_was_never_told_is_not_corrected(rig: Rig) -> None:
    connector, order = bought(rig)

    with pytest.raises(RejectedError):
        connector.ship(replace(parcel(order), external_id="5"))


def test_the_state_set_is_the_one_the_seller_chose(rig: Rig) -> None:
    _, order = bought(rig)
    connector = with_settings(rig, shipped_state="5", send_email="yes")

    connector.ship(parcel(order))

    assert rig.shop.orders[0].status is OrderStatus.DELIVERED


def test_a_key_without_the_right_to_set_states_is_told(rig: Rig) -> None:
    connector, order = bought(rig)
    shop(rig).denied.add("POST order_histories")

    with pytest.raises(AuthError):
        connector.cancel_order(Cancellation(order.external_id, "c1"))


@pytest.mark.parametrize("fault", ["error_before", "error_after", "cut_after", "wrong_json"])
def test_an_order_is_cancelled_once_whichever_answer_got_lost(rig: Rig, fault: str) -> None:
    connector, order = bought(rig)
    given = Cancellation(order.external_id, "c1")
    rig.simulator.faults.next(fault, where="POST order_histories")
    with pytest.raises(TransientError):
        connector.cancel_order(given)

    connector.cancel_order(given)

    assert [state for _, state, _ in shop(rig).histories] == ["2", "6"]
    assert rig.shop.quantity("SKU-0") == 1000


def test_an_order_that_has_left_is_not_cancelled(rig: Rig) -> None:
    connector, order = bought(rig)
    connector.ship(parcel(order))

    with pytest.raises(RejectedError) as caught:
        connector.cancel_order(Cancellation(order.external_id, "c1"))

    assert caught.value.code == "already_shipped"


@pytest.mark.parametrize("key", ["", "abc", "1|2", "[1,9]"])
def test_a_key_that_is_no_number_names_no_order(rig: Rig, key: str) -> None:
    connector, order = bought(rig)

    with pytest.raises(RejectedError):
        connector.cancel_order(Cancellation(key, "c1"))
    with pytest.raises(RejectedError):
        connector.ship(replace(parcel(order), order_key=key))
    assert connector.fetch_orders([key]).items == ()


def test_a_unit_refunded_after_it_left_has_left(rig: Rig) -> None:
    connector, order = bought(rig)
    sale = rig.shop.orders[0]
    before, after = ParcelLine(sale.lines[0].key, 1), ParcelLine(sale.lines[1].key, 1)
    given = replace(refund(order, 5), order_key=sale.key)
    rig.shop.refund(sale.key, replace(given, lines=(before,)))
    _later(rig, 2)
    rig.shop.ship(sale.key, Parcel(sale.key, "", "", "", datetime.now(UTC), ()))
    _later(rig, 4)
    rig.shop.refund(sale.key, replace(given, lines=(after,)))

    again = next(iter(walk(connector.pull_orders))).items[-1]

    assert [(one.cancelled, one.shipped) for one in again.lines] == [(1, 2), (0, 1)]


def _later(rig: Rig, seconds: float) -> None:
    rig.simulator.faults.clock_skew = seconds
