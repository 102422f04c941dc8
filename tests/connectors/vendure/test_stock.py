"""Vendure counts its own open orders in; what is written leaves exactly the offer free."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from connectors.postsale import Parcel, ParcelLine
from connectors.records import ListingRef, PushOutcome, StockOffer
from connectors.testing import Rig
from connectors.testing.rig import offer, ref
from connectors.vendure import CHANNEL
from connectors.vendure.connector import VendureConnector
from connectors.vendure.queries import SET_STOCK
from connectors.vendure.simulator import VendureSimulator
from connectors.vendure.stock import Level, Write, judge, settled
from tests.connectors.vendure.recorded import URL, connector, failed, variant, variants


@pytest.fixture
def simulator() -> VendureSimulator:
    return VendureSimulator()


@pytest.fixture
def rig(simulator: VendureSimulator) -> Iterator[Rig]:
    with Rig(CHANNEL, simulator, timeout=5.0) as rig:
        yield rig


@pytest.fixture
def shop() -> Iterator[VendureConnector]:
    with connector() as shop:
        yield shop


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as web:
        yield web


def given(key: str, quantity: int, expected: int | None = None) -> StockOffer:
    return StockOffer(key, quantity, f"k-{key}", expected, {"location_id": "1"})


def written(*found: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"updateProductVariants": list(found)}}


def sent(web: responses.RequestsMock) -> list[list[tuple[str, int]]]:
    """(variant, units on hand) of each write."""
    bodies = [json.loads(one.request.body or "") for one in web.calls]
    return [
        [(one["id"], one["stockLevels"][0]["stockOnHand"]) for one in body["variables"]["input"]]
        for body in bodies
        if body["operationName"] == "SetStock"
    ]


def test_what_is_allocated_is_added_to_the_offer(
    shop: VendureConnector, web: responses.RequestsMock
) -> None:
    web.post(URL, json=variants(variant(9, 2)))
    web.post(URL, json=written(variant(12, 2)))

    (result,) = shop.push_stock([given("21", 10, 7)]).results

    assert (result.outcome, result.current) == (PushOutcome.ACCEPTED, 10)
    assert sent(web) == [[("21", 12)]]


def test_open_orders_stay_sold_when_stock_is_pushed(rig: Rig) -> None:
    rig.stock_up(1, quantity=10)
    rig.shop.buy([("SKU-0", 4)])
    shop = rig.connector()
    (listing,) = rig.listings(shop)

    (result,) = shop.push_stock([offer(listing, 20, "k1", 6)]).results

    assert (listing.quantity, result.outcome) == (6, PushOutcome.ACCEPTED)
    assert rig.shop.quantity("SKU-0") == 20


def test_a_sale_between_question_and_write_is_not_written_over(
    rig: Rig, simulator: VendureSimulator
) -> None:
    rig.stock_up(1, quantity=10)
    shop = rig.connector()
    (listing,) = rig.listings(shop)
    simulator.meanwhile(lambda: rig.shop.buy([("SKU-0", 3)]), SET_STOCK.name)

    (result,) = shop.push_stock([offer(listing, 20, "k1", 10)]).results

    assert (result.outcome, result.current) == (PushOutcome.ACCEPTED, 17)
    assert rig.shop.quantity("SKU-0") == 17


def test_a_parcel_between_question_and_write_is_told_as_stale(
    rig: Rig, simulator: VendureSimulator
) -> None:
    rig.stock_up(1, quantity=10)
    sale = rig.shop.buy([("SKU-0", 3)])
    shop = rig.connector()
    (listing,) = rig.listings(shop)
    simulator.meanwhile(lambda: rig.shop.ship(sale.key), SET_STOCK.name)

    (result,) = shop.push_stock([offer(listing, 7, "k1", 7)]).results
    (again,) = shop.push_stock([offer(listing, 7, "k2", result.current)]).results

    assert (result.outcome, result.current) == (PushOutcome.STALE, 10)
    assert again.outcome is PushOutcome.ACCEPTED
    assert rig.shop.quantity("SKU-0") == 7


def test_goods_in_a_parcel_that_is_not_sent_yet_are_not_counted_twice(
    rig: Rig, simulator: VendureSimulator
) -> None:
    rig.stock_up(1, quantity=10)
    sale = rig.shop.buy([("SKU-0", 3)])
    shop = rig.connector()
    (listing,) = rig.listings(shop)
    lines = [{"orderLineId": sale.lines[0].key, "quantity": 3}]
    handler = {"code": "manual-fulfillment", "arguments": []}
    simulator.office.fulfil({"lines": lines, "handler": handler})

    (read,) = shop.read_stock([ref(listing)])
    shop.push_stock([offer(listing, 5, "k1", 7)])

    assert read.quantity == 7
    assert rig.shop.quantity("SKU-0") == 5


def test_what_the_shop_does_not_count_is_refused(rig: Rig, simulator: VendureSimulator) -> None:
    rig.stock_up(2, quantity=10)
    simulator.office.untracked = {rig.shop.variant("SKU-0").key}
    shop = rig.connector()
    listings = rig.listings(shop)

    pushed = shop.push_stock([offer(one, 5, one.sku) for one in listings])
    read = shop.read_stock([ref(one) for one in listings])

    assert [(one.outcome, one.code) for one in pushed.results] == [
        (PushOutcome.REJECTED, "stock_not_managed"),
        (PushOutcome.ACCEPTED, ""),
    ]
    assert [(one.quantity, one.gone) for one in read] == [(None, False), (5, False)]
    assert [one.quantity for one in listings] == [None, 10]


def test_a_shop_that_counts_nothing_refuses_everything(
    rig: Rig, simulator: VendureSimulator
) -> None:
    rig.stock_up(1, quantity=10)
    simulator.office.tracks = False
    shop = rig.connector()
    (listing,) = rig.listings(shop)

    (result,) = shop.push_stock([offer(listing, 5, "k1")]).results

    assert (result.outcome, result.code) == (PushOutcome.REJECTED, "stock_not_managed")


def test_one_that_is_refused_is_found_by_halving(
    shop: VendureConnector, web: responses.RequestsMock
) -> None:
    some = [variant(0, 0, id=str(n)) for n in range(4)]
    refusal = failed("not that one", "USER_INPUT_ERROR")
    web.post(URL, json=variants(*some))
    web.post(URL, json=refusal)
    web.post(URL, json=written(variant(5, 0, id="0"), variant(5, 0, id="1")))
    web.post(URL, json=refusal)
    web.post(URL, json=refusal)
    web.post(URL, json=written(variant(5, 0, id="3")))

    results = shop.push_stock([given(str(n), 5) for n in range(4)]).results

    assert [one.outcome for one in results] == [
        PushOutcome.ACCEPTED,
        PushOutcome.ACCEPTED,
        PushOutcome.REJECTED,
        PushOutcome.ACCEPTED,
    ]
    assert results[2].code == "USER_INPUT_ERROR"
    assert [len(one) for one in sent(web)] == [4, 2, 2, 1, 1]


def test_after_the_first_write_the_fate_of_each_is_told(
    shop: VendureConnector, web: responses.RequestsMock
) -> None:
    some = [variant(0, 0, id=str(n)) for n in range(4)]
    web.post(URL, json=variants(*some))
    web.post(URL, json=failed("not that one", "USER_INPUT_ERROR"))
    web.post(URL, json=written(variant(5, 0, id="0"), variant(5, 0, id="1")))
    web.post(URL, json=failed("boom", "INTERNAL_SERVER_ERROR"))

    results = shop.push_stock([given(str(n), 5) for n in range(4)]).results

    accepted, unknown = PushOutcome.ACCEPTED, PushOutcome.UNKNOWN
    assert [one.outcome for one in results] == [accepted, accepted, unknown, unknown]


def test_a_write_that_is_not_told_of_is_unknown(
    shop: VendureConnector, web: responses.RequestsMock
) -> None:
    web.post(URL, json=variants(variant(9, 2)))
    web.post(URL, json=written())

    (result,) = shop.push_stock([given("21", 10)]).results

    assert result.outcome is PushOutcome.UNKNOWN


def test_the_location_is_the_sellers_choice(web: responses.RequestsMock) -> None:
    web.post(URL, json=variants(variant(9, 2)))

    with connector(settings={"location_id": "2"}) as shop:
        (read,) = shop.read_stock([ListingRef("21", {"location_id": "1"})])

    assert read.quantity == 63


@pytest.mark.parametrize(
    ("offered", "level", "outcome", "current"),
    [
        (given("1", 5), None, PushOutcome.GONE, None),
        (given("1", 5), Level(9, 2, tracked=False), PushOutcome.REJECTED, None),
        (given("1", -1), Level(9, 2, tracked=True), PushOutcome.REJECTED, 7),
        (given("1", 5, 9), Level(9, 2, tracked=True), PushOutcome.STALE, 7),
    ],
)
def test_an_offer_that_is_not_written_says_why(
    offered: StockOffer, level: Level | None, outcome: PushOutcome, current: int | None
) -> None:
    told = judge(offered, level)

    assert not isinstance(told, Write)
    assert (told.outcome, told.current) == (outcome, current)


def test_a_shelf_that_owes_units_gets_them(shop: VendureConnector) -> None:
    told = judge(given("1", 5, -3), Level(2, 5, tracked=True))

    assert isinstance(told, Write)
    assert told.entry("1")["stockLevels"][0]["stockOnHand"] == 10
    assert settled(told, Level(10, 5, tracked=True)).outcome is PushOutcome.ACCEPTED


def test_a_parcel_of_ours_takes_its_units_off_both_numbers(rig: Rig) -> None:
    rig.stock_up(1, quantity=10)
    sale = rig.shop.buy([("SKU-0", 4)])
    shop = rig.connector()
    (listing,) = rig.listings(shop)
    line = ParcelLine(sale.lines[0].key, 4)
    shop.ship(Parcel(sale.key, "p1", "DHL", "JD1", sale.placed_at, (line,)))

    (result,) = shop.push_stock([offer(listing, 6, "k1", 6)]).results

    assert result.outcome is PushOutcome.ACCEPTED
    assert rig.shop.quantity("SKU-0") == 6
