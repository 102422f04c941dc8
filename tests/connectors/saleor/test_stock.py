"""Stock at Saleor: allocated units are put back in, and each row has its own answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Connector, connect
from connectors.errors import ProtocolError, RejectedError, UnknownOutcome
from connectors.fields import Unreadable
from connectors.records import Listing, ListingRef, PushOutcome, StockOffer
from connectors.saleor import CHANNEL
from connectors.saleor.nodes import Node
from connectors.saleor.simulator import SaleorSimulator
from connectors.saleor.stock import verdicts
from connectors.saleor.storefront import OTHER_WAREHOUSE, WAREHOUSE
from connectors.testing import Rig
from connectors.testing.rig import offer, ref
from tests.connectors.saleor.recorded import VARIANT


@pytest.fixture
def shop() -> SaleorSimulator:
    return SaleorSimulator()


@pytest.fixture
def rig(shop: SaleorSimulator) -> Iterator[Rig]:
    with Rig(CHANNEL, shop, timeout=5) as rig:
        yield rig


def at_work(rig: Rig, count: int = 1, quantity: int = 10) -> tuple[Connector, list[Listing]]:
    rig.stock_up(count, quantity)
    connector = rig.connector()
    return connector, rig.listings(connector)


def placed(rig: Rig, warehouse: str) -> Connector:
    """With the warehouse that the seller typed in."""
    connection = replace(rig.connector().connection, settings={"warehouse": warehouse})
    return connect(CHANNEL, connection)


def on_hand(shop: SaleorSimulator, sku: str) -> int:
    (level,) = shop.stockroom.levels(shop.shop.variant(sku))
    return int(level["quantity"])


def test_what_is_sold_and_not_yet_sent_is_written_with_the_offer(
    rig: Rig, shop: SaleorSimulator
) -> None:
    connector, (listing,) = at_work(rig)
    rig.shop.buy([("SKU-0", 4)])

    (result,) = connector.push_stock([offer(listing, 20, "k1", 6)]).results

    assert result.outcome is PushOutcome.ACCEPTED
    assert on_hand(shop, "SKU-0") == 24
    assert rig.shop.quantity("SKU-0") == 20


def test_a_parcel_takes_its_units_off_both(rig: Rig, shop: SaleorSimulator) -> None:
    connector, (listing,) = at_work(rig)
    rig.shop.ship(rig.shop.buy([("SKU-0", 4)]).key)

    (read,) = connector.read_stock([ref(listing)])

    assert on_hand(shop, "SKU-0") == 6
    assert read.quantity == 6


def test_a_sale_between_reading_and_writing_is_not_lost(rig: Rig) -> None:
    connector, (listing,) = at_work(rig)
    rig.simulator.meanwhile(lambda: rig.shop.buy([("SKU-0", 3)]), where="SetStock")

    connector.push_stock([offer(listing, 20, "k1", 10)])

    assert rig.shop.quantity("SKU-0") == 17


def test_a_parcel_that_leaves_between_reading_and_writing_is_noticed_and_put_right(
    rig: Rig,
) -> None:
    connector, (listing,) = at_work(rig)
    sale = rig.shop.buy([("SKU-0", 4)])
    rig.simulator.meanwhile(lambda: rig.shop.ship(sale.key), where="SetStock")

    (first,) = connector.push_stock([offer(listing, 6, "k1", 6)]).results
    (again,) = connector.push_stock([offer(listing, 6, "k2", first.current)]).results

    assert (first.outcome, first.current) == (PushOutcome.STALE, 10)
    assert again.outcome is PushOutcome.ACCEPTED
    assert rig.shop.quantity("SKU-0") == 6


def test_what_saleor_does_not_count_is_refused_alone(rig: Rig, shop: SaleorSimulator) -> None:
    connector, (untracked, elsewhere, good) = at_work(rig, 3)
    shop.stockroom.untracked.add(rig.shop.variant(untracked.sku).key)
    shop.stockroom.unstocked.add(rig.shop.variant(elsewhere.sku).key)

    pushed = connector.push_stock([offer(one, 5, one.sku) for one in (untracked, elsewhere, good)])
    read = connector.read_stock([ref(untracked), ref(elsewhere)])

    assert [(one.outcome, one.code) for one in pushed.results] == [
        (PushOutcome.REJECTED, "stock_not_managed"),
        (PushOutcome.REJECTED, "not_stocked"),
        (PushOutcome.ACCEPTED, ""),
    ]
    assert [(one.quantity, one.gone) for one in read] == [(None, False), (None, False)]


def test_an_id_that_is_none_takes_no_other_along(rig: Rig) -> None:
    connector, (good,) = at_work(rig)
    bad = StockOffer("SKU-0", 5, "k0", None, good.handles)

    pushed = connector.push_stock([bad, offer(good, 5, "k1")])
    read = connector.read_stock([ListingRef("SKU-0", good.handles), ref(good)])

    assert [one.outcome for one in pushed.results] == [PushOutcome.GONE, PushOutcome.ACCEPTED]
    assert [one.gone for one in read] == [True, False]


def test_what_is_known_of_some_survives_a_lost_answer(rig: Rig) -> None:
    connector, (stale, fresh) = at_work(rig, 2)
    rig.shop.buy([(stale.sku, 1)])
    rig.simulator.faults.next("error_after", where="SetStock")

    pushed = connector.push_stock([offer(stale, 5, "k1", 10), offer(fresh, 5, "k2", 10)])

    assert [one.outcome for one in pushed.results] == [PushOutcome.STALE, PushOutcome.UNKNOWN]


def test_a_lost_answer_about_all_is_raised(rig: Rig) -> None:
    connector, (listing,) = at_work(rig)
    rig.simulator.faults.next("error_after", where="SetStock")

    with pytest.raises(UnknownOutcome):
        connector.push_stock([offer(listing, 5, "k1", 10)])


def test_more_than_saleor_counts_is_refused(rig: Rig) -> None:
    connector, (listing,) = at_work(rig)

    (result,) = connector.push_stock([offer(listing, 2_147_483_648, "k1")]).results

    assert (result.outcome, result.code) == (PushOutcome.REJECTED, "quantity")


@pytest.mark.parametrize("chosen", ["", "main", "Main", WAREHOUSE, WAREHOUSE.replace("=", "%3D")])
def test_a_warehouse_is_chosen_by_any_of_its_names(rig: Rig, chosen: str) -> None:
    rig.stock_up(1, 10)
    connector = placed(rig, chosen)

    (listing,) = rig.listings(connector)

    assert listing.handles == {"warehouse_id": WAREHOUSE}
    assert listing.quantity == 10


def test_a_warehouse_where_nothing_lies_shows_nothing(rig: Rig) -> None:
    rig.stock_up(1, 10)
    connector = placed(rig, "old")

    (listing,) = rig.listings(connector)

    assert listing.handles == {"warehouse_id": OTHER_WAREHOUSE}
    assert listing.quantity is None


def test_a_warehouse_that_is_none_is_refused(rig: Rig) -> None:
    connector = placed(rig, "attic")

    with pytest.raises(RejectedError) as caught:
        rig.listings(connector)

    assert caught.value.field == "warehouse"


OFFERS = [StockOffer(VARIANT, 5, "k1"), StockOffer("b", 6, "k2")]
GOOD = {"stock": {"id": "s", "quantity": 8, "quantityAllocated": 3}, "errors": None}
ALLOCATED = {VARIANT: 3, "b": 2}


def bad(code: str) -> dict[str, Any]:
    return {"stock": None, "errors": [{"field": None, "message": "No.", "code": code}]}


@pytest.mark.parametrize(
    ("answer", "outcomes"),
    [
        ({"results": [GOOD, {**GOOD, "errors": []}]}, ["accepted", "accepted"]),
        ({"results": [{"stock": {"id": "s"}}, GOOD]}, ["accepted", "accepted"]),
        ({"results": [bad("INVALID"), GOOD]}, ["rejected", "accepted"]),
        ({"results": [GOOD, bad("NOT_FOUND")]}, ["accepted", "retry"]),
        ({"results": [GOOD, {"stock": None, "errors": []}]}, ["accepted", "rejected"]),
        (
            {"results": [], "errors": [{"message": "No.", "code": "GRAPHQL_ERROR"}]},
            ["rejected", "rejected"],
        ),
    ],
)
def test_rows_are_answered_in_the_order_sent(answer: dict[str, Any], outcomes: list[str]) -> None:
    found = verdicts(Node(answer), OFFERS, ALLOCATED)

    assert [found[one.key].outcome for one in OFFERS] == outcomes


def test_an_answer_with_rows_missing_is_none() -> None:
    with pytest.raises(Unreadable):
        verdicts(Node({"results": [GOOD], "errors": []}), OFFERS, ALLOCATED)


def test_stock_that_cannot_be_read_is_told_as_such(rig: Rig) -> None:
    connector, (listing,) = at_work(rig)
    rig.simulator.faults.next("wrong_json", where="Stock")

    with pytest.raises(ProtocolError):
        connector.read_stock([ref(listing)])
