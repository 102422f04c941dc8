"""What a channel is told after a sale: parcels, cancellations, money given back. Each once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.base import Capability, Connector
from connectors.errors import ProtocolError, RejectedError, TransientError
from connectors.postsale import Cancellation, Parcel, ParcelLine, Refund
from connectors.records import ChannelOrder, Cursor, OrderStatus
from connectors.simulators.trade import Sale
from connectors.testing.hostile import OFTEN
from connectors.testing.rig import LONG_AGO, Rig, walk


def bought(rig: Rig, *lines: tuple[str, int]) -> tuple[Connector, ChannelOrder]:
    """An order of the shop as the connector sees it."""
    rig.stock_up()
    sale = rig.shop.buy(lines or [("SKU-0", 3)])
    connector = rig.connector()
    return connector, seen(rig, connector, sale)


def seen(rig: Rig, connector: Connector, sale: Sale) -> ChannelOrder:
    if rig.channel.can(Capability.ORDER_LIST):
        found = rig.orders(connector)
    else:
        found = list(connector.fetch_orders([sale.key]).items)
    return next(one for one in found if one.external_id.rpartition("/")[2] == sale.key)


def parcel(order: ChannelOrder, *units: int, key: str = "parcel-1") -> Parcel:
    """With so many units of each line; all of them where none are named."""
    counts = units or tuple(line.quantity for line in order.lines)
    lines = zip(order.lines, counts, strict=True)
    return Parcel(
        order_key=order.external_id,
        parcel_key=key,
        carrier="DHL",
        tracking_number=f"JD01460000{key}",
        shipped_at=datetime.now(UTC),
        lines=tuple(ParcelLine(line.external_id, count) for line, count in lines if count),
    )


def refund(order: ChannelOrder, amount: int, key: str = "refund-1") -> Refund:
    lines = (ParcelLine(order.lines[0].external_id, 1),)
    now = datetime.now(UTC)
    return Refund(key, order.external_id, amount, order.currency, now, lines, "damaged")


def despite(fault: str, rig: Rig, act: Callable[[], object]) -> None:
    """Do it while the shop misbehaves once, and again until it is done."""
    rig.simulator.faults.next(fault)
    for _ in range(OFTEN):
        try:
            act()
        except (TransientError, ProtocolError):
            continue
        return
    pytest.fail(f"after {fault} it is never done")


ANSWERS = ["error_before", "cut_before", "error_after", "cut_after", "truncated", "wrong_json"]


class ShipContract:
    def test_a_parcel_is_told_with_its_number(self, rig: Rig) -> None:
        rig.needs(Capability.SHIP)
        connector, order = bought(rig)

        external_id = connector.ship(parcel(order))

        (sale,) = rig.shop.orders
        (told,) = sale.parcels
        assert [line.open for line in sale.lines] == [0]
        if rig.channel.fulfilment.tracking:
            assert told.tracking_number == parcel(order).tracking_number
            assert external_id

    def test_a_parcel_told_twice_is_one(self, rig: Rig) -> None:
        rig.needs(Capability.SHIP)
        connector, order = bought(rig)

        first, again = connector.ship(parcel(order)), rig.connector().ship(parcel(order))

        assert first == again
        assert len(rig.shop.orders[0].parcels) == 1

    @pytest.mark.parametrize("fault", ANSWERS)
    def test_a_parcel_is_told_once_whatever_became_of_the_answer(
        self, rig: Rig, fault: str
    ) -> None:
        rig.needs(Capability.SHIP)
        connector, order = bought(rig)

        despite(fault, rig, lambda: connector.ship(parcel(order)))

        assert len(rig.shop.orders[0].parcels) == 1
        assert rig.simulator.faults.counts[fault] == 1

    def test_a_sent_order_comes_again_as_sent(self, rig: Rig) -> None:
        rig.needs(Capability.SHIP, Capability.ORDER_LIST)
        connector, order = bought(rig)
        connector.ship(parcel(order))

        (again,) = rig.orders(connector)

        assert again.status in (OrderStatus.SHIPPED, OrderStatus.DELIVERED)
        assert [line.shipped for line in again.lines] == [line.quantity for line in order.lines]

    def test_part_of_an_order_goes_first(self, rig: Rig) -> None:
        rig.needs(Capability.SHIP)
        if not rig.channel.fulfilment.partial:
            pytest.skip("it sends whole orders only")
        connector, order = bought(rig, ("SKU-0", 1), ("SKU-1", 1))

        connector.ship(parcel(order, 1, 0))
        between = [line.open for line in rig.shop.orders[0].lines]
        connector.ship(parcel(order, 0, 1, key="parcel-2"))

        (sale,) = rig.shop.orders
        assert between == [0, 1]
        assert [line.open for line in sale.lines] == [0, 0]
        assert len({one.tracking_number for one in sale.parcels}) == 2

    def test_a_corrected_number_takes_the_place_of_the_old(self, rig: Rig) -> None:
        rig.needs(Capability.SHIP)
        if not rig.channel.fulfilment.corrects:
            pytest.skip("what it was told cannot be corrected")
        connector, order = bought(rig)
        external_id = connector.ship(parcel(order))

        right = replace(parcel(order), tracking_number="JD0999", external_id=external_id)
        connector.ship(right)

        (told,) = rig.shop.orders[0].parcels
        assert told.tracking_number == "JD0999"

    def test_more_than_was_ordered_is_refused(self, rig: Rig) -> None:
        rig.needs(Capability.SHIP)
        if not rig.channel.fulfilment.partial:
            pytest.skip("it sends whole orders only")
        connector, order = bought(rig)

        with pytest.raises(RejectedError):
            connector.ship(parcel(order, *(line.quantity + 1 for line in order.lines)))

        assert not rig.shop.orders[0].parcels

    def test_an_unknown_order_is_refused(self, rig: Rig) -> None:
        rig.needs(Capability.SHIP)
        connector, order = bought(rig)
        unknown = replace(parcel(order), order_key=order.external_id[:-3] + "987")

        with pytest.raises(RejectedError):
            connector.ship(unknown)

    def test_a_cancelled_order_is_not_sent(self, rig: Rig) -> None:
        rig.needs(Capability.SHIP)
        connector, order = bought(rig)
        rig.shop.cancel(rig.shop.orders[0].key)

        with pytest.raises(RejectedError):
            connector.ship(parcel(order))


class CancelContract:
    def test_an_order_is_cancelled(self, rig: Rig) -> None:
        rig.needs(Capability.CANCEL)
        connector, order = bought(rig)

        connector.cancel_order(Cancellation(order.external_id, "cancel-1", "out of stock"))

        assert rig.shop.orders[0].cancelled_at is not None

    def test_cancelled_twice_is_cancelled_once(self, rig: Rig) -> None:
        rig.needs(Capability.CANCEL)
        connector, order = bought(rig)
        given = Cancellation(order.external_id, "cancel-1", "out of stock")
        connector.cancel_order(given)
        first = rig.shop.orders[0].cancelled_at

        rig.connector().cancel_order(given)

        assert rig.shop.orders[0].cancelled_at == first

    @pytest.mark.parametrize("fault", ANSWERS)
    def test_it_is_cancelled_whatever_became_of_the_answer(self, rig: Rig, fault: str) -> None:
        rig.needs(Capability.CANCEL)
        connector, order = bought(rig)
        given = Cancellation(order.external_id, "cancel-1")

        despite(fault, rig, lambda: connector.cancel_order(given))

        assert rig.shop.orders[0].cancelled_at is not None

    def test_units_of_a_line_are_cancelled_once(self, rig: Rig) -> None:
        rig.needs(Capability.CANCEL)
        connector, order = bought(rig)
        line = order.lines[0].external_id
        given = Cancellation(order.external_id, "cancel-1", lines=(ParcelLine(line, 1),))

        if rig.channel.fulfilment.cancels_lines:
            connector.cancel_order(given)
            rig.connector().cancel_order(given)
            assert sum(one.cancelled for one in rig.shop.orders[0].lines) == 1
        else:
            with pytest.raises(RejectedError):
                connector.cancel_order(given)
            assert rig.shop.orders[0].cancelled_at is None

    def test_an_unknown_order_is_not_cancelled(self, rig: Rig) -> None:
        rig.needs(Capability.CANCEL)
        connector, order = bought(rig)

        with pytest.raises(RejectedError):
            connector.cancel_order(Cancellation(order.external_id[:-3] + "987", "cancel-1"))


class RefundContract:
    def test_money_is_given_back(self, rig: Rig) -> None:
        rig.needs(Capability.REFUND)
        connector, order = bought(rig)

        made = connector.refund(refund(order, 501))

        assert made.external_id
        assert (made.amount, made.currency) == (501, order.currency)
        assert rig.shop.orders[0].refunded == 501

    def test_given_back_twice_with_one_key_is_once(self, rig: Rig) -> None:
        rig.needs(Capability.REFUND)
        connector, order = bought(rig)

        first = connector.refund(refund(order, 501))
        again = rig.connector().refund(refund(order, 501))

        assert first.external_id == again.external_id
        assert rig.shop.orders[0].refunded == 501

    def test_two_refunds_of_one_amount_are_two(self, rig: Rig) -> None:
        rig.needs(Capability.REFUND)
        connector, order = bought(rig)

        connector.refund(refund(order, 501))
        connector.refund(refund(order, 501, key="refund-2"))

        assert rig.shop.orders[0].refunded == 1002

    @pytest.mark.parametrize("fault", ANSWERS)
    def test_it_is_given_back_once_whatever_became_of_the_answer(
        self, rig: Rig, fault: str
    ) -> None:
        rig.needs(Capability.REFUND)
        connector, order = bought(rig)

        despite(fault, rig, lambda: connector.refund(refund(order, 501)))

        assert rig.shop.orders[0].refunded == 501

    def test_more_than_was_paid_is_refused(self, rig: Rig) -> None:
        rig.needs(Capability.REFUND)
        connector, order = bought(rig)

        with pytest.raises(RejectedError):
            connector.refund(refund(order, order.total + 1))

        assert rig.shop.orders[0].refunded == 0

    def test_goods_are_not_put_back_on_sale(self, rig: Rig) -> None:
        rig.needs(Capability.REFUND)
        connector, order = bought(rig)
        left = rig.shop.quantity("SKU-0")

        connector.refund(refund(order, 501))

        assert rig.shop.quantity("SKU-0") == left


class RefundListContract:
    def test_no_refunds_is_an_empty_page(self, rig: Rig) -> None:
        rig.needs(Capability.REFUND_LIST)
        bought(rig)

        page = rig.connector().pull_refunds(Cursor(LONG_AGO))

        assert (page.items, page.more) == ((), False)

    def test_refunds_of_whoever_come_in_exactly(self, rig: Rig) -> None:
        rig.needs(Capability.REFUND_LIST)
        connector, order = bought(rig)
        sale, given = rig.shop.orders[0], refund(order, 501)
        line = ParcelLine(sale.lines[0].key, 1)
        rig.shop.refund(sale.key, replace(given, order_key=sale.key, lines=(line,)))

        (found,) = refunds(connector)

        assert (found.amount, found.currency) == (501, order.currency)
        assert found.order_key == order.external_id
        assert found.refunded_at.tzinfo is not None

    def test_each_comes_once_over_many_orders(self, rig: Rig) -> None:
        rig.needs(Capability.REFUND_LIST)
        rig.stock_up()
        rig.sell(rig.channel.orders.page + 3)
        now = datetime.now(UTC)
        for n, sale in enumerate(rig.shop.orders):
            rig.shop.refund(sale.key, Refund("", sale.key, n + 1, "GBP", now))
            rig.shop.refund(sale.key, Refund("", sale.key, 1, "GBP", now))

        found = {one.external_id: one.amount for one in refunds(rig.connector())}

        counted = [one.amount for sale in rig.shop.orders for one in sale.refunds]
        assert sorted(found.values()) == sorted(counted)

    def test_a_later_refund_is_found_from_the_watermark(self, rig: Rig) -> None:
        rig.needs(Capability.REFUND_LIST)
        connector, order = bought(rig)
        *_, last = walk(connector.pull_refunds)
        sale = rig.shop.orders[0]
        rig.shop.refund(sale.key, replace(refund(order, 7), order_key=sale.key, lines=()))

        amounts = [one.amount for one in refunds(connector, last.cursor)]

        assert amounts == [7]


def refunds(connector: Connector, cursor: Cursor | None = None) -> list[Refund]:
    """As the hub keeps them: a refund told again is the same."""
    found = [one for page in walk(connector.pull_refunds, cursor) for one in page.items]
    return list({one.external_id: one for one in found}.values())


class FulfilmentContract(ShipContract, CancelContract, RefundContract, RefundListContract):
    """All of it."""
