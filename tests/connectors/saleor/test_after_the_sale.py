"""Parcels, cancellations and refunds at Saleor: once, whichever request's answer got lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import ConnectorError, RejectedError, TransientError
from connectors.postsale import Cancellation, ParcelLine, Refund
from connectors.records import Cursor, OrderStatus
from connectors.saleor import CHANNEL, moneyback, refunds
from connectors.saleor.ids import key_of
from connectors.saleor.nodes import Node
from connectors.saleor.simulator import SaleorSimulator
from connectors.testing import Rig
from connectors.testing.fulfilment import bought, parcel, refund
from connectors.testing.rig import LONG_AGO
from tests.connectors.saleor.recorded import LINE, event, grant, money, paid

LOST = ["error_before", "error_after", "cut_after", "wrong_json"]


@pytest.fixture
def shop() -> SaleorSimulator:
    return SaleorSimulator()


@pytest.fixture
def rig(shop: SaleorSimulator) -> Iterator[Rig]:
    with Rig(CHANNEL, shop, timeout=5) as rig:
        yield rig


@pytest.fixture
def old() -> Iterator[Rig]:
    """A shop that is paid through a plugin of before the Transactions API."""
    with Rig(CHANNEL, SaleorSimulator(legacy=True), timeout=5) as rig:
        yield rig


def lose(rig: Rig, fault: str, where: str, act: Any) -> Any:
    rig.simulator.faults.next(fault, where=where)
    with pytest.raises(ConnectorError) as caught:
        act()
    assert isinstance(caught.value, TransientError)
    assert rig.simulator.faults.counts[fault] == 1
    return act()


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("where", ["Note", "Fulfill"])
def test_a_parcel_is_told_once(rig: Rig, fault: str, where: str) -> None:
    connector, order = bought(rig)

    external_id = lose(rig, fault, where, lambda: connector.ship(parcel(order)))

    (told,) = rig.shop.orders[0].parcels
    assert key_of(external_id, "Fulfillment") == told.external_id
    assert told.tracking_number == parcel(order).tracking_number


def test_parcels_that_are_alike_are_told_apart_by_their_number(rig: Rig) -> None:
    connector, order = bought(rig)
    first = connector.ship(parcel(order, 1))

    second = lose(
        rig, "error_after", "Fulfill", lambda: connector.ship(parcel(order, 1, key="parcel-2"))
    )

    assert first != second
    assert connector.ship(parcel(order, 1)) == first
    assert len(rig.shop.orders[0].parcels) == 2


def test_a_parcel_of_the_dashboard_is_not_taken_for_ours(rig: Rig) -> None:
    connector, order = bought(rig)
    unnumbered = replace(parcel(order, 1), tracking_number="")
    sale = rig.shop.orders[0]
    line = ParcelLine(sale.lines[0].key, 1)
    rig.shop.ship(sale.key, replace(unnumbered, order_key=sale.key, parcel_key="", lines=(line,)))

    connector.ship(unnumbered)
    connector.ship(unnumbered)

    assert len(rig.shop.orders[0].parcels) == 2


def test_a_correction_of_a_parcel_that_is_none_is_refused(rig: Rig) -> None:
    connector, order = bought(rig)

    for unknown in ("7", "RnVsZmlsbG1lbnQ6Nw=="):
        with pytest.raises(RejectedError):
            connector.ship(replace(parcel(order), external_id=unknown))


@pytest.mark.parametrize("fault", LOST)
def test_an_order_is_cancelled_once(rig: Rig, fault: str) -> None:
    connector, order = bought(rig)
    given = Cancellation(order.external_id, "cancel-1")

    lose(rig, fault, "Cancel", lambda: connector.cancel_order(given))

    assert rig.shop.orders[0].cancelled_at is not None


def test_an_order_of_which_something_was_sent_is_not_cancelled(rig: Rig) -> None:
    connector, order = bought(rig)
    connector.ship(parcel(order, 1))

    with pytest.raises(RejectedError) as caught:
        connector.cancel_order(Cancellation(order.external_id, "cancel-1"))

    assert caught.value.code == "CANNOT_CANCEL_ORDER"


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("where", ["Grant", "Request"])
def test_money_is_given_back_once(rig: Rig, fault: str, where: str) -> None:
    connector, order = bought(rig)

    made = lose(rig, fault, where, lambda: connector.refund(refund(order, 501)))

    assert rig.shop.orders[0].refunded == 501
    (listed,) = connector.pull_refunds(Cursor(LONG_AGO)).items
    assert (listed.external_id, listed.amount) == (made.external_id, 501)
    assert listed.lines == refund(order, 501).lines


def test_a_key_that_begins_like_another_is_another(rig: Rig) -> None:
    connector, order = bought(rig)

    connector.refund(refund(order, 100, key="refund-11"))
    connector.refund(refund(order, 100, key="refund-1"))

    assert rig.shop.orders[0].refunded == 200


def test_what_the_payment_app_refuses_is_told(rig: Rig, shop: SaleorSimulator) -> None:
    connector, order = bought(rig)
    shop.till.refusing = True

    with pytest.raises(RejectedError) as caught:
        connector.refund(refund(order, 501))

    assert (caught.value.code, caught.value.message) == ("REFUND_FAILURE", "Declined by the bank")
    shop.till.refusing = False
    assert connector.refund(refund(order, 501)).amount == 501
    assert rig.shop.orders[0].refunded == 501


def test_an_order_that_nobody_paid_has_nothing_to_give_back(rig: Rig) -> None:
    connector, order = bought(rig)
    rig.shop.set_status(rig.shop.orders[0].key, OrderStatus.UNPAID)

    with pytest.raises(RejectedError):
        connector.refund(refund(order, 501))


def test_money_of_another_currency_is_refused(rig: Rig) -> None:
    connector, order = bought(rig)

    with pytest.raises(RejectedError) as caught:
        connector.refund(replace(refund(order, 501), currency="EUR"))

    assert caught.value.field == "currency"


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("where", ["Note", "PayBack"])
def test_the_old_plugins_give_back_once_too(old: Rig, fault: str, where: str) -> None:
    connector, order = bought(old)

    made = lose(old, fault, where, lambda: connector.refund(refund(order, 501)))
    again = connector.refund(refund(order, 501))
    other = connector.refund(refund(order, 501, key="refund-2"))

    assert made.external_id == again.external_id != other.external_id
    assert old.shop.orders[0].refunded == 1002
    listed = connector.pull_refunds(Cursor(LONG_AGO)).items
    assert {one.external_id for one in listed} == {made.external_id, other.external_id}


def test_the_old_plugins_refuse_more_than_was_paid(old: Rig) -> None:
    connector, order = bought(old)

    with pytest.raises(RejectedError) as caught:
        connector.refund(refund(order, order.total + 1))

    assert caught.value.code == "PAYMENT_ERROR"


# -- what Saleor shows of money given back ----------------------------------------------------


def seen(**given: Any) -> list[Refund]:
    return moneyback.refunds(Node(paid(**given)))


def test_a_granted_refund_is_one_and_its_payment_no_second() -> None:
    (found,) = seen(
        events=[event("REFUND_REQUEST", key="8"), event("REFUND_SUCCESS")],
        grants=[grant(events=[event("REFUND_REQUEST", key="8"), event("REFUND_SUCCESS")])],
    )

    assert (found.amount, found.currency, found.reason) == (501, "GBP", "damaged")
    assert found.lines == (ParcelLine(LINE, 1),)
    assert found.refunded_at == datetime(2026, 11, 3, 9, tzinfo=UTC)


@pytest.mark.parametrize("status", ["NONE", "PENDING", "FAILURE", "SOMETHING_NEW"])
def test_a_promise_is_no_money(status: str) -> None:
    assert seen(grants=[grant(status)]) == []


def test_a_refund_that_nobody_granted_is_seen() -> None:
    (found,) = seen(
        events=[event("CHARGE_SUCCESS", "17.1", "1"), event("REFUND_SUCCESS", "2.5", "2")]
    )

    assert (found.amount, found.lines) == (250, ())


def test_postage_given_back_is_told_as_such() -> None:
    (found,) = seen(grants=[grant(shippingCostsIncluded=True)])

    assert (found.amount, found.shipping) == (501, 495)


def test_refunds_of_the_old_plugins_are_seen_once_they_are_done() -> None:
    def one(kind: str, *, done: bool = True) -> dict[str, Any]:
        told = {"id": kind, "kind": kind, "isSuccess": done, "created": "2026-11-03T09:00:00Z"}
        return {**told, "amount": money("5.01")}

    transactions = [one("CAPTURE"), one("REFUND_ONGOING"), one("REFUND"), one("REFUND", done=False)]
    payment = {"id": "p", "isActive": True, "transactions": transactions}

    assert [found.external_id for found in seen(payments=[payment])] == ["REFUND"]


def test_amounts_are_sent_as_they_are_written() -> None:
    assert [
        refunds.decimal(*one) for one in ((501, "GBP"), (5, "GBP"), (5, "JPY"), (5, "KWD"))
    ] == [
        "5.01",
        "0.05",
        "5",
        "0.005",
    ]
