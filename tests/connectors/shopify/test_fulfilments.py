"""Parcels told to Shopify: out of one place or several, once, and in its own words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import RejectedError, TransientError
from connectors.shopify import storefront
from connectors.shopify.carriers import company
from connectors.shopify.fulfilments import OpenLine, by_place, joined, parted, planned
from tests.connectors.shopify.shopfloor import Floor, floor, parcel

ATTIC = "gid://shopify/Location/60000000003"


@pytest.fixture
def shop() -> Iterator[Floor]:
    with floor() as found:
        yield found


def waiting(place: str, line: str, left: int, status: str = "OPEN", order: str = "FO1") -> OpenLine:
    return OpenLine(order, status, place, f"{order}/{line}", line, left)


# -- what is taken from where ----------------------------------------------------------------------


def test_goods_come_from_our_own_place_first() -> None:
    lines = [waiting("attic", "A", 2), waiting("ours", "A", 2, order="FO2")]

    taken = planned(lines, {"A": 3}, "ours")

    assert [(one.line.location, one.quantity) for one in taken] == [("ours", 2), ("attic", 1)]


def test_each_place_is_told_by_itself() -> None:
    lines = [waiting("attic", "A", 1), waiting("ours", "B", 1), waiting("attic", "C", 1)]

    shares = list(by_place(planned(lines, {"A": 1, "B": 1, "C": 1})))

    assert [[one.line.line_key for one in share] for share in shares] == [["A", "C"], ["B"]]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([waiting("ours", "A", 1)], "not_left"),
        ([waiting("ours", "A", 5, "ON_HOLD")], "ON_HOLD"),
        ([waiting("ours", "A", 5, "SCHEDULED")], "SCHEDULED"),
        ([waiting("ours", "A", 0, "CLOSED")], "not_left"),
        ([waiting("ours", "B", 5)], "not_left"),
        ([], "no_fulfillment_orders"),
    ],
)
def test_what_cannot_be_sent_says_why(lines: list[OpenLine], code: str) -> None:
    with pytest.raises(RejectedError) as caught:
        planned(lines, {"A": 2})

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("given", "told"),
    [("dhl", "DHL"), (" Royal mail ", "Royal Mail"), ("FEDEX", "FedEx"), ("Own van", "Own van")],
)
def test_carriers_are_written_as_shopify_knows_them(given: str, told: str) -> None:
    assert company(given) == told


def test_the_ids_of_several_fulfilments_are_one_name() -> None:
    keys = [f"gid://shopify/Fulfillment/{4_822_077_440_000 + n}" for n in range(10)]

    assert parted(joined(keys)) == keys
    assert len(joined(keys)) <= 200  # as long a name as the hub keeps
    assert joined(keys[:1]) == keys[0]


# -- told to a shop --------------------------------------------------------------------------------


def test_a_parcel_from_two_places_is_two_fulfilments_with_one_number(shop: Floor) -> None:
    sale = shop.buy(1, 2)
    shop.simulator.despatch.places = {sale.lines[1].key: ATTIC}

    made = shop.connector().ship(parcel(sale))

    told = shop.sale(sale.key).parcels
    assert len(parted(made)) == 2
    assert [one.tracking_number for one in told] == ["JD1", "JD1"]
    assert [line.open for line in shop.sale(sale.key).lines] == [0, 0]


def test_half_of_a_parcel_told_is_made_whole_by_the_next_try(shop: Floor) -> None:
    sale = shop.buy(1, 2)
    shop.simulator.despatch.places = {sale.lines[1].key: ATTIC}
    connector, given = shop.connector(), parcel(sale)
    shop.simulator.faults.next("error_after", where="Ship")
    with pytest.raises(TransientError):
        connector.ship(given)

    made = shop.connector().ship(given)

    assert len(parted(made)) == len(shop.sale(sale.key).parcels) == 2
    assert shop.connector().ship(given) == made


def test_a_correction_reaches_both(shop: Floor) -> None:
    sale = shop.buy(1, 2)
    shop.simulator.despatch.places = {sale.lines[1].key: ATTIC}
    made = shop.connector().ship(parcel(sale))

    again = shop.connector().ship(parcel(sale, number="JD2", external_id=made))

    assert again == made
    assert {one.tracking_number for one in shop.sale(sale.key).parcels} == {"JD2"}


def test_a_correction_of_what_is_not_there_is_refused(shop: Floor) -> None:
    sale = shop.buy(1)

    with pytest.raises(RejectedError):
        shop.connector().ship(parcel(sale, external_id="gid://shopify/Fulfillment/9"))


def test_two_parcels_of_the_same_lines_are_two(shop: Floor) -> None:
    sale = shop.buy(4)

    first = shop.connector().ship(parcel(sale, 2))
    second = shop.connector().ship(parcel(sale, 2, number="JD2"))

    assert first != second
    assert len(shop.sale(sale.key).parcels) == 2


def test_a_letter_without_a_number_is_told_once(shop: Floor) -> None:
    sale = shop.buy(4)
    letter = parcel(sale, 1, number="", carrier="")

    first, again = shop.connector().ship(letter), shop.connector().ship(letter)
    later = replace(letter, shipped_at=datetime.now(UTC) + timedelta(seconds=5))
    second = shop.connector().ship(later)

    assert first == again != second
    assert [line.open for line in shop.sale(sale.key).lines] == [2]


def test_an_order_on_hold_says_so(shop: Floor) -> None:
    sale = shop.buy(1)
    shop.simulator.despatch.stuck = {sale.key: "ON_HOLD"}

    with pytest.raises(RejectedError) as caught:
        shop.connector().ship(parcel(sale))

    assert caught.value.code == "ON_HOLD"
    assert shop.asked("Ship") == 0


def test_an_order_of_many_lines_and_places_is_read_to_its_end(shop: Floor) -> None:
    sale = shop.buy(*[1] * 60)

    shop.connector().ship(parcel(sale))

    assert not any(line.open for line in shop.sale(sale.key).lines)
    assert shop.asked("OpenLines") >= 1


def test_a_parcel_without_goods_is_refused(shop: Floor) -> None:
    sale = shop.buy(1)

    with pytest.raises(RejectedError):
        shop.connector().ship(replace(parcel(sale), lines=()))


@pytest.mark.parametrize(("setting", "heard"), [("yes", 1), ("no", 0), ("", 0)])
def test_buyers_hear_of_it_if_the_seller_wants(shop: Floor, setting: str, heard: int) -> None:
    sale = shop.buy(1)

    shop.connector(notify_buyers=setting).ship(parcel(sale))

    assert len(shop.simulator.despatch.notified) == heard


def test_without_the_access_scope_it_says_which(shop: Floor) -> None:
    sale = shop.buy(1)
    shop.simulator.denied = {"Ship"}

    with pytest.raises(RejectedError, match="write_merchant_managed_fulfillment_orders"):
        shop.connector().ship(parcel(sale))


def test_the_shop_refuses_what_shopify_would(shop: Floor) -> None:
    """A fulfilment takes of one place only; our connector never asks for more."""
    sale = shop.buy(1, 1)
    shop.simulator.despatch.places = {sale.lines[1].key: ATTIC}
    orders = [f"gid://shopify/FulfillmentOrder/{sale.key}{n}" for n in (0, 1)]
    asked = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": key} for key in orders]}

    answer = shop.simulator.despatch.operations()["Ship"]({"fulfillment": asked})

    assert "same location" in answer["fulfillmentCreate"]["userErrors"][0]["message"]
    assert storefront.LOCATION != ATTIC
