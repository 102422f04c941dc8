"""Sending in two steps, cancelling, and giving money back: each once, whatever was done before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connectors.errors import ProtocolError, RejectedError, UnknownOutcome
from connectors.medusa import CHANNEL, parcels, refunds
from connectors.medusa.fields import Record
from connectors.medusa.parcels import Packed, State
from connectors.medusa.simulator import MedusaSimulator
from connectors.postsale import Cancellation, Parcel, ParcelLine, Refund
from connectors.records import OrderStatus
from connectors.testing import Rig
from connectors.testing.fulfilment import bought, parcel, refund
from tests.connectors.medusa.recorded import order, payment, sample

LINE = "ordli_01M813X9YBD6YJSRT1J7ZNVK7X"
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.fixture
def shop() -> MedusaSimulator:
    return MedusaSimulator()


@pytest.fixture
def rig(shop: MedusaSimulator) -> Iterator[Rig]:
    with Rig(CHANNEL, shop, timeout=2) as rig:
        yield rig


def sent(key: str = "p-1", number: str = "1Z999") -> Parcel:
    return Parcel("order_01", key, "UPS", number, NOW, (ParcelLine(LINE, 2),))


def packed(**changed: object) -> Packed:
    return Packed("ful_01", "", False, frozenset(), {LINE: 2})._replace(**changed)  # type: ignore[arg-type]


def state(*boxes: Packed) -> State:
    return State(False, {LINE: 2}, boxes)


# -- parcels ---------------------------------------------------------------------------------------


def test_recorded_orders_say_what_is_packed_and_what_is_open() -> None:
    placed = parcels._state(sample("order-placed")["response"]["order"])
    first = parcels._state(sample("fulfillment-create")["response"]["order"])
    shipped = parcels._state(sample("order-shipped")["response"]["order"])

    assert placed == State(False, {LINE: 2}, ())
    assert (first.open, [one.shipped for one in first.packed]) == ({LINE: 0}, [False])
    (box,) = shipped.packed
    assert (box.shipped, sorted(box.numbers), dict(box.units)) == (True, ["1Z999"], {LINE: 2})


def test_a_recorded_cancelled_order_is_known_as_such() -> None:
    assert parcels._state(sample("cancel")["response"]["order"]).cancelled


@pytest.mark.parametrize(
    ("box", "found"),
    [
        (packed(ours="p-1"), True),
        (packed(ours="p-1", shipped=True), True),
        (packed(shipped=True, numbers=frozenset({"1Z999"})), True),  # at 2.0
        (packed(), True),  # packed by hand, the same units
        (packed(ours="p-2"), False),
        (packed(ours="p-2", numbers=frozenset({"1Z999"})), False),
        (packed(shipped=True), False),
        (packed(units={LINE: 1}), False),
    ],
)
def test_a_parcel_is_known_again(box: Packed, found: bool) -> None:
    assert (parcels.find(state(box), sent(), {LINE: 2}) is box) is found


def test_a_parcel_without_key_and_number_is_nobody_elses() -> None:
    boxes = state(packed(shipped=True), packed(ours="p-2"))

    assert parcels.find(boxes, sent(key="", number=""), {LINE: 2}) is None


def test_the_second_step_is_taken_where_the_first_was(rig: Rig, shop: MedusaSimulator) -> None:
    connector, order = bought(rig)
    shop.faults.next("error_after", where="Fulfil")
    with pytest.raises(UnknownOutcome):
        connector.ship(parcel(order))
    between = [line.open for line in rig.shop.orders[0].lines]

    connector.ship(parcel(order))

    (told,) = rig.shop.orders[0].parcels
    assert (between, told.tracking_number) == ([3], parcel(order).tracking_number)
    assert rig.simulator.requests["Fulfil"] == 1


def test_what_somebody_packed_by_hand_is_sent_as_it_is(rig: Rig, shop: MedusaSimulator) -> None:
    connector, order = bought(rig)
    items = [{"id": order.lines[0].external_id, "quantity": 3}]
    shop.office.fulfil(order.external_id, {"items": items})

    connector.ship(parcel(order))

    assert len(rig.shop.orders[0].parcels) == 1
    assert rig.simulator.requests["Fulfil"] == 0


def test_packed_goods_are_no_longer_on_the_shelf_and_not_sent(
    rig: Rig, shop: MedusaSimulator
) -> None:
    connector, order = bought(rig)
    items = [{"id": order.lines[0].external_id, "quantity": 3}]
    shop.office.fulfil(order.external_id, {"items": items})

    (again,) = connector.fetch_orders([order.external_id]).items

    assert (again.status, again.lines[0].shipped) == (OrderStatus.CONFIRMED, 0)
    level = shop.office.levels()[f"iitem_{rig.shop.variant('SKU-0').inventory_key}"]
    assert (level["stocked_quantity"], level["reserved_quantity"]) == (997, 0)


def test_a_parcel_without_a_number_has_no_label(rig: Rig) -> None:
    connector, order = bought(rig)

    connector.ship(replace(parcel(order), tracking_number="", tracking_url="javascript:alert(1)"))

    assert rig.shop.orders[0].parcels[0].tracking_number == ""


def test_an_address_that_is_none_is_not_told(rig: Rig) -> None:
    connector, order = bought(rig)

    connector.ship(replace(parcel(order), tracking_url="javascript:alert(1)"))

    assert rig.shop.orders[0].parcels[0].tracking_url == ""


def test_a_number_that_was_told_stays(rig: Rig) -> None:
    connector, order = bought(rig)
    key = connector.ship(parcel(order))

    same = connector.ship(replace(parcel(order), external_id=key))
    with pytest.raises(RejectedError) as caught:
        connector.ship(replace(parcel(order), external_id=key, tracking_number="JD0999"))

    assert (same, caught.value.code) == (key, "not_correctable")


def test_without_lines_all_that_is_open_goes(rig: Rig) -> None:
    connector, order = bought(rig, ("SKU-0", 2), ("SKU-1", 1))
    connector.ship(parcel(order, 1, 0))

    connector.ship(replace(parcel(order, key="parcel-2"), lines=()))

    assert [line.open for line in rig.shop.orders[0].lines] == [0, 0]


def test_an_order_that_cannot_be_read_is_not_guessed_at() -> None:
    with pytest.raises(ProtocolError):
        parcels._state(order(fulfillments=[{"id": None}]))


# -- cancellations ---------------------------------------------------------------------------------


def test_cancelling_a_paid_order_gives_its_money_back(rig: Rig) -> None:
    connector, order = bought(rig)

    connector.cancel_order(Cancellation(order.external_id, "cancel-1"))

    assert rig.shop.orders[0].refunded == order.total


def test_what_is_packed_is_not_cancelled(rig: Rig) -> None:
    connector, order = bought(rig)
    connector.ship(parcel(order))

    with pytest.raises(RejectedError) as caught:
        connector.cancel_order(Cancellation(order.external_id, "cancel-1"))

    assert caught.value.code == "not_allowed"


# -- refunds ---------------------------------------------------------------------------------------


def given(amount: int, key: str = "refund-1", reason: str = "damaged") -> Refund:
    return Refund(key, "order_01", amount, "USD", NOW, reason=reason)


def test_our_key_ends_the_note() -> None:
    assert refunds.note(given(1)) == "damaged [refund-1]"
    assert refunds.note(given(1, reason="")) == "[refund-1]"


def test_a_longer_key_is_another() -> None:
    known = replace(given(1), reason=refunds.note(given(1, key="my-refund-1")))

    assert not refunds.is_ours(known, given(1))


@pytest.mark.parametrize(
    ("changed", "left"),
    [
        ({}, 4948),
        ({"captures": []}, 4948),
        ({"captures": [], "captured_at": None}, 0),
        ({"captures": [{"amount": 10}, {"amount": 5}]}, 1500),
        ({"refunds": [{"amount": 4, "raw_amount": {"value": "4.5"}}]}, 4498),
        ({"refunds": [{"amount": 99}]}, 0),
        ({"currency_code": "eur"}, 0),
    ],
)
def test_what_is_left_of_a_payment_can_be_given_back(changed: dict[str, object], left: int) -> None:
    assert refunds._left(Record(payment(**changed)), "USD") == left


@pytest.mark.parametrize(
    ("left", "amount", "code"),
    [
        ({}, 5, "not_captured"),
        ({"pay_1": 0}, 5, "not_captured"),
        ({"pay_1": 4, "pay_2": 3}, 5, "too_much"),
        ({"pay_1": 4}, 0, "nothing"),
    ],
)
def test_what_cannot_be_given_back_says_why(left: dict[str, int], amount: int, code: str) -> None:
    with pytest.raises(RejectedError) as caught:
        refunds._enough(left, amount)

    assert caught.value.code == code


def test_the_first_payment_that_holds_enough_pays() -> None:
    assert refunds._enough({"pay_1": 4, "pay_2": 7, "pay_3": 9}, 6) == "pay_2"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (501, "USD", "5.01"),
        (500, "USD", "5"),
        (1, "USD", "0.01"),
        (1234, "JPY", "1234"),
        (1005, "KWD", "1.005"),
        (999_999_999_999_999, "USD", "9999999999999.99"),
    ],
)
def test_an_amount_is_written_as_it_is(minor: int, currency: str, text: str) -> None:
    assert repr(refunds._number(minor, currency)) == text


def test_a_recorded_refund_with_our_key_is_the_one_made() -> None:
    told = sample("refund")["response"]["payment"]
    told = {**told, "refunds": [{**told["refunds"][0], "note": refunds.note(given(550))}]}

    made = refunds._made(told, given(550))

    assert (made.external_id, made.amount) == ("ref_01M813XP88KR28K50NRK8NYP7A", 550)


def test_an_answer_without_our_refund_is_unknown() -> None:
    with pytest.raises(UnknownOutcome):
        refunds._made(sample("refund")["response"]["payment"], given(550))


def test_a_refund_changes_no_total(rig: Rig) -> None:
    connector, order = bought(rig)
    connector.refund(refund(order, 501))

    (again,) = connector.fetch_orders([order.external_id]).items

    assert again.total == order.total
    assert again.channel_status == "pending/partially_refunded/not_fulfilled"
