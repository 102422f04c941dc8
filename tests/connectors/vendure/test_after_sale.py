"""Parcels, cancellations and refunds at Vendure: each once, in the steps the shop wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Connector
from connectors.errors import ProtocolError, RejectedError, TransientError
from connectors.postsale import Cancellation, Parcel, ParcelLine, Refund
from connectors.records import ChannelOrder, Cursor, OrderStatus
from connectors.simulators.shop import Sale
from connectors.testing import Rig
from connectors.testing.rig import walk
from connectors.vendure import CHANNEL
from connectors.vendure.queries import CANCEL, FULFIL, REFUND, SEND, SETTLE
from connectors.vendure.simulator import VendureSimulator
from connectors.vendure.standing import carries, marked

NOW = datetime.now(UTC)
LOST = ["error_before", "error_after", "cut_after", "truncated", "wrong_json", "wrong_body"]


@pytest.fixture
def simulator() -> VendureSimulator:
    return VendureSimulator()


@pytest.fixture
def rig(simulator: VendureSimulator) -> Iterator[Rig]:
    with Rig(CHANNEL, simulator, timeout=5.0) as rig:
        rig.stock_up(quantity=50)
        yield rig


def sold(rig: Rig, units: int = 3) -> Sale:
    return rig.shop.buy([("SKU-0", units)])


def parcel(sale: Sale, units: int, number: str = "JD1", carrier: str = "DHL") -> Parcel:
    lines = (ParcelLine(sale.lines[0].key, units),)
    return Parcel(sale.key, f"p-{number}", carrier, number, NOW, lines)


def refund(sale: Sale, amount: int = 501, key: str = "r1") -> Refund:
    return Refund(key, sale.key, amount, "GBP", NOW, (), "damaged")


def off(sale: Sale, units: int, key: str = "c1") -> Cancellation:
    return Cancellation(sale.key, key, "sold out", (ParcelLine(sale.lines[0].key, units),))


def order(rig: Rig, sale: Sale) -> ChannelOrder:
    (found,) = rig.connector().fetch_orders([sale.key]).items
    return found


def until_done(act: Callable[[], object]) -> None:
    for _ in range(5):
        try:
            act()
        except (TransientError, ProtocolError):
            continue
        return
    pytest.fail("it is never done")


# -- parcels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [FULFIL.name, SEND.name])
@pytest.mark.parametrize("fault", LOST)
def test_a_parcel_is_told_once_whichever_step_got_lost(rig: Rig, step: str, fault: str) -> None:
    sale, shop = sold(rig), rig.connector()
    rig.simulator.faults.next(fault, where=step)

    until_done(lambda: shop.ship(parcel(sale, 2)))

    assert rig.simulator.faults.counts[fault] == 1
    assert [one.shipped for one in order(rig, sale).lines] == [2]
    assert len(order(rig, sale).raw["fulfillments"]) == 1


def test_a_fulfilment_that_somebody_made_and_did_not_send_is_sent(
    rig: Rig, simulator: VendureSimulator
) -> None:
    sale, shop = sold(rig), rig.connector()
    told = parcel(sale, 2)
    simulator.faults.next("error_before", times=5, where=SEND.name)
    with pytest.raises(TransientError):
        shop.ship(told)
    waiting = order(rig, sale).lines[0].shipped
    simulator.faults.clear()

    shop.ship(told)

    assert (waiting, order(rig, sale).lines[0].shipped) == (0, 2)


def test_two_parcels_of_the_same_units_and_other_numbers_are_two(rig: Rig) -> None:
    sale, shop = sold(rig, 2), rig.connector()

    first, second = shop.ship(parcel(sale, 1)), shop.ship(parcel(sale, 1, "JD2"))

    assert first != second
    assert order(rig, sale).status is OrderStatus.SHIPPED


def test_a_parcel_without_a_number_is_known_by_carrier_and_units(rig: Rig) -> None:
    sale, shop = sold(rig), rig.connector()

    first, again = shop.ship(parcel(sale, 1, "")), shop.ship(parcel(sale, 1, ""))
    other = shop.ship(parcel(sale, 1, "", carrier="UPS"))

    assert first == again != other


def test_the_same_parcel_told_as_a_correction_is_no_correction(rig: Rig) -> None:
    sale, shop = sold(rig), rig.connector()
    told = parcel(sale, 1)
    key = shop.ship(told)

    assert shop.ship(replace(told, external_id=key)) == key
    with pytest.raises(RejectedError) as caught:
        shop.ship(replace(told, external_id=key, tracking_number="JD2"))
    assert caught.value.code == "not_corrected"


# -- cancellations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", LOST)
def test_units_are_cancelled_once_whatever_became_of_the_answer(rig: Rig, fault: str) -> None:
    sale, shop = sold(rig), rig.connector()
    rig.simulator.faults.next(fault, where=CANCEL.name)

    until_done(lambda: shop.cancel_order(off(sale, 1)))

    assert [(one.quantity, one.cancelled) for one in order(rig, sale).lines] == [(3, 1)]


def test_another_cancellation_of_as_many_units_is_another(rig: Rig) -> None:
    sale, shop = sold(rig), rig.connector()

    shop.cancel_order(off(sale, 1))
    shop.cancel_order(off(sale, 1, "c2"))

    assert order(rig, sale).lines[0].cancelled == 2


def test_the_last_units_cancel_the_order(rig: Rig) -> None:
    sale, shop = sold(rig), rig.connector()

    shop.cancel_order(off(sale, 3))

    assert order(rig, sale).status is OrderStatus.CANCELLED


def test_what_was_sent_is_not_cancelled(rig: Rig) -> None:
    sale, shop = sold(rig), rig.connector()
    shop.ship(parcel(sale, 2))

    for given in (off(sale, 2), Cancellation(sale.key, "c2")):
        with pytest.raises(RejectedError):
            shop.cancel_order(given)
    shop.cancel_order(off(sale, 1, "c3"))

    assert [(one.cancelled, one.shipped) for one in order(rig, sale).lines] == [(1, 2)]


def test_our_mark_is_known_only_whole_and_at_the_end() -> None:
    assert carries(marked("sold out", "c1"), "c1")
    assert carries(marked("", "c1"), "c1")
    assert not carries(marked("sold out", "c11"), "c1")
    assert not carries("[c1] says the clerk", "c1")


# -- refunds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", LOST)
def test_money_is_given_back_once_whatever_became_of_the_answer(rig: Rig, fault: str) -> None:
    sale, shop = sold(rig), rig.connector()
    rig.simulator.faults.next(fault, where=REFUND.name)

    until_done(lambda: shop.refund(refund(sale)))

    assert rig.shop.orders[0].refunded == 501
    assert rig.simulator.faults.counts[fault] == 1


def test_what_vendure_cannot_pay_back_is_settled_under_our_key(
    rig: Rig, simulator: VendureSimulator
) -> None:
    simulator.office.pays_back = False
    sale, shop = sold(rig), rig.connector()
    simulator.faults.next("error_before", times=5, where=SETTLE.name)
    with pytest.raises(TransientError):
        shop.refund(refund(sale))
    given = [one for page in walk(shop.pull_refunds) for one in page.items]
    simulator.faults.clear()

    made = shop.refund(refund(sale))

    assert given == []
    assert (made.raw["state"], made.raw["transactionId"]) == ("Settled", "r1")
    assert rig.shop.orders[0].refunded == 501


def test_the_answer_keeps_our_words(rig: Rig) -> None:
    made = rig.connector().refund(replace(refund(sold(rig)), shipping=100))

    assert (made.reason, made.shipping) == ("damaged", 100)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"currency": "EUR"}, "other_currency"),
        ({"amount": 0}, "NOTHING_TO_REFUND_ERROR"),
        ({"amount": 10**9}, "REFUND_AMOUNT_ERROR"),
        ({"order_key": "12"}, "unknown_order"),
    ],
)
def test_a_refund_that_cannot_be_is_refused(rig: Rig, given: dict[str, object], code: str) -> None:
    wrong = replace(refund(sold(rig)), **given)  # type: ignore[arg-type]

    with pytest.raises(RejectedError) as caught:
        rig.connector().refund(wrong)

    assert caught.value.code == code


def test_an_unpaid_order_has_nothing_to_give_back(rig: Rig) -> None:
    sale = sold(rig)
    rig.shop.set_status(sale.key, OrderStatus.UNPAID)

    with pytest.raises(RejectedError):
        rig.connector().refund(refund(sale))


def test_money_in_another_precision_is_exact(rig: Rig, simulator: VendureSimulator) -> None:
    simulator.office.precision = 4
    sale, shop = sold(rig), rig.connector()

    made = shop.refund(refund(sale))

    assert made.raw["total"] == 50_100
    assert (made.amount, order(rig, sale).total) == (501, 3 * 1001)


def test_refunds_of_old_orders_are_found_while_those_are_open(rig: Rig) -> None:
    start = datetime.now(UTC) - timedelta(days=90)
    old, ended = (rig.shop.buy([("SKU-0", 1)], at=start) for _ in range(2))
    rig.shop.set_status(ended.key, OrderStatus.DELIVERED)
    for sale in (old, ended):
        rig.shop.refund(sale.key, refund(sale, 7))

    found = refunds(rig.connector(), datetime.now(UTC) - timedelta(days=1))

    assert [one.order_key for one in found] == [old.key]


def test_refunds_from_before_the_watermark_are_not_told_again(rig: Rig) -> None:
    sale, shop = sold(rig), rig.connector()
    shop.refund(refund(sale))

    assert refunds(shop, datetime.now(UTC) + timedelta(hours=1)) == []


def refunds(shop: Connector, since: datetime) -> list[Refund]:
    return [one for page in walk(shop.pull_refunds, Cursor(since)) for one in page.items]
