"""Oscar's stock counts units sold, and its settings are the seller's words: what follows of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.errors import RejectedError
from connectors.oscar import CHANNEL, stock
from connectors.oscar.client import Client, address
from connectors.oscar.mapping import Level
from connectors.oscar.simulator import SET_STOCK, OscarSimulator
from connectors.records import Cursor, ListingRef, PushOutcome, StockOffer
from connectors.simulators.shop import Sale
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO, offer, ref

OFFER = StockOffer("1", 5, "k1", expected=7)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, OscarSimulator()) as rig:
        yield rig


@pytest.mark.parametrize(
    ("there", "outcome"),
    [
        (Level(9, 2), None),
        (Level(9, 3), PushOutcome.STALE),
        (None, PushOutcome.GONE),
    ],
)
def test_an_offer_is_judged_by_what_is_free(
    there: Level | None, outcome: PushOutcome | None
) -> None:
    told = stock.judge(OFFER, there)

    assert (told.outcome if told else None) == outcome


def test_goods_sent_in_the_middle_of_a_write_make_the_offer_stale() -> None:
    sold, sent = Level(8, 3), Level(8, 1)

    assert stock.settled(OFFER, Level(9, 2), sold).outcome is PushOutcome.ACCEPTED
    assert stock.settled(OFFER, Level(9, 2), sent).outcome is PushOutcome.STALE


def test_a_sale_in_the_middle_of_a_write_is_kept(rig: Rig) -> None:
    rig.stock_up(1, quantity=10)
    connector = rig.connector()
    (listing,) = rig.listings(connector)
    rig.shop.buy([("SKU-0", 2)])
    rig.simulator.meanwhile(lambda: rig.shop.buy([("SKU-0", 3)]), SET_STOCK)

    (result,) = connector.push_stock([offer(listing, 20, "k1", expected=8)]).results

    assert (result.outcome, result.current) == (PushOutcome.ACCEPTED, 17)
    assert rig.shop.quantity("SKU-0") == 17
    assert connector.read_stock([ref(listing)])[0].quantity == 17


def test_what_oscar_does_not_count_is_refused_and_has_no_number(rig: Rig) -> None:
    rig.stock_up(1)
    connector = rig.connector()
    (listing,) = rig.listings(connector)
    uncounted = {"counted": "no"}

    (result,) = connector.push_stock(
        [StockOffer(listing.external_id, 5, "k1", handles=uncounted)]
    ).results
    (read,) = connector.read_stock([ListingRef(listing.external_id, uncounted)])

    assert (result.outcome, result.code) == (PushOutcome.REJECTED, "stock_not_managed")
    assert (read.quantity, read.gone) == (None, False)
    assert rig.simulator.requests[SET_STOCK] == 0


def test_a_refused_field_is_told_in_the_shops_words(rig: Rig) -> None:
    rig.stock_up(1)
    connector = rig.connector()
    (listing,) = rig.listings(connector)
    client = Client(connector.connection)

    with pytest.raises(RejectedError, match="greater than or equal to 0") as caught:
        client.change(f"/admin/stockrecords/{listing.external_id}/", {"num_in_stock": -1})

    assert caught.value.field == "num_in_stock"


class Undated(OscarSimulator):
    """Its first order has no date."""

    def _order(self, sale: Sale) -> dict[str, Any]:
        told = super()._order(sale)
        return {**told, "date_placed": None} if sale.number == "100001" else told


def test_an_order_without_a_date_is_told_with_the_last_page() -> None:
    with Rig(CHANNEL, Undated()) as rig:
        rig.stock_up()
        numbers = rig.sell(2)

        page = rig.connector().pull_orders(Cursor(LONG_AGO))

    assert [one.number for one in page.items] == numbers[1:]
    assert [(one.external_id, one.field) for one in page.bad] == [(numbers[0], "date_placed")]


@pytest.mark.parametrize("settings", [{"currency": "XXL"}, {"statuses": "Sent"}])
def test_a_setting_that_makes_no_sense_is_named(rig: Rig, settings: dict[str, str]) -> None:
    connector = rig.connector()
    connector.connection.settings = settings

    with pytest.raises(RejectedError) as caught:
        connector.check()

    assert [caught.value.field] == list(settings)


@pytest.mark.parametrize(
    "typed",
    ["https://shop.example.com", "shop.example.com/", " https://shop.example.com/api/ "],
)
def test_an_address_is_taken_as_people_type_it(typed: str) -> None:
    assert address(typed) == "https://shop.example.com"
