"""Stock of combinations, of rows made anew, of warehouses, and in shops that keep none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from connectors.errors import TransientError
from connectors.prestashop import CHANNEL
from connectors.prestashop.simulator import PrestaShopSimulator
from connectors.records import ListingRef, PushOutcome
from connectors.testing import Rig
from connectors.testing.rig import offer, ref


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, PrestaShopSimulator(together=3), timeout=2.0) as rig:
        yield rig


def shop(rig: Rig) -> PrestaShopSimulator:
    assert isinstance(rig.simulator, PrestaShopSimulator)
    return rig.simulator


def test_combinations_are_listed_and_their_product_is_not(rig: Rig) -> None:
    skus = rig.stock_up(7, quantity=4)

    listings = rig.listings(rig.connector())

    assert [one.sku for one in listings] == skus
    assert [one.price for one in listings] == [1001 + 7 * n for n in range(7)]
    assert {one.parent_key for one in listings} == {f"700000000000{n}" for n in (1, 2, 3)}
    assert [one.quantity for one in listings] == [4] * 7
    assert listings[1].title == "Thing 0 - SKU-1"


def test_a_combination_is_written_and_read_alone(rig: Rig) -> None:
    rig.stock_up(3, quantity=4)
    connector = rig.connector()
    listing = rig.listing(connector, "SKU-1")

    (result,) = connector.push_stock([offer(listing, 9, "k1")]).results
    read = connector.read_stock([ref(one) for one in rig.listings(connector)])

    assert (result.outcome, result.current) == (PushOutcome.ACCEPTED, 9)
    assert [one.quantity for one in read] == [4, 9, 4]


def test_an_older_shop_is_written_row_by_row(rig: Rig) -> None:
    shop(rig).patches = False
    rig.stock_up(3)
    connector = rig.connector()
    listings = rig.listings(connector)

    pushed = connector.push_stock([offer(one, n, f"k{n}") for n, one in enumerate(listings)])

    assert [one.outcome for one in pushed.results] == [PushOutcome.ACCEPTED] * 3
    assert [rig.shop.quantity(one.sku) for one in listings] == [0, 1, 2]
    assert rig.simulator.requests["PATCH stock_availables"] == 1


def test_a_row_made_anew_is_found_again(rig: Rig) -> None:
    rig.stock_up(3)
    connector = rig.connector()
    listing = rig.listing(connector, "SKU-1")
    moved = replace(offer(listing, 9, "k1"), handles={**listing.handles, "stock_id": "5"})
    unknown = replace(offer(listing, 8, "k2"), handles={})

    (first,) = connector.push_stock([moved]).results
    (second,) = connector.push_stock([unknown]).results

    assert [first.outcome, second.outcome] == [PushOutcome.ACCEPTED] * 2
    assert rig.shop.quantity("SKU-1") == 8


def test_stock_that_warehouses_keep_is_not_written(rig: Rig) -> None:
    rig.stock_up(3, quantity=4)
    shop(rig).shelves.warehoused.add("SKU-1")
    connector = rig.connector()
    listing = rig.listing(connector, "SKU-1")
    before = replace(offer(listing, 9, "k2"), handles={**listing.handles, "kept": "shop"})

    (known,) = connector.push_stock([offer(listing, 9, "k1")]).results
    (found_out,) = connector.push_stock([before]).results

    assert {known.outcome, found_out.outcome} == {PushOutcome.REJECTED}
    assert {known.code, found_out.code} == {"depends_on_stock"}
    assert rig.shop.quantity("SKU-1") == 4


def test_a_shop_that_counts_nothing_takes_no_numbers(rig: Rig) -> None:
    shop(rig).configured["PS_STOCK_MANAGEMENT"] = "0"
    rig.stock_up(3)
    connector = rig.connector()
    listing = rig.listing(connector, "SKU-1")

    (result,) = connector.push_stock([offer(listing, 9, "k1")]).results
    (read,) = connector.read_stock([ref(listing)])

    assert listing.quantity is None
    assert (result.outcome, result.code) == (PushOutcome.REJECTED, "stock_not_managed")
    assert (read.quantity, read.gone) == (None, False)


def test_what_the_shop_sold_beyond_nothing_is_read_below_nothing(rig: Rig) -> None:
    rig.stock_up(3)
    connector = rig.connector()
    listing = rig.listing(connector, "SKU-1")
    rig.shop.set_quantity(listing.handles["stock_id"], -2)

    (read,) = connector.read_stock([ref(listing)])

    assert read.quantity == -2


def test_a_listing_of_no_product_is_gone(rig: Rig) -> None:
    (read,) = rig.connector().read_stock([ListingRef("5")])

    assert read.gone


def test_when_it_breaks_off_the_rest_is_to_be_tried_again(rig: Rig) -> None:
    rig.stock_up(3)
    connector = rig.connector()
    first, second, third = rig.listings(connector)
    offers = [offer(one, 1, one.sku) for one in (first, second, third)]
    rig.simulator.meanwhile(
        lambda: rig.simulator.faults.next("error_before", where="PATCH stock_availables"),
        "PATCH stock_availables",
    )

    pushed = connector.push_stock(offers)

    outcomes = [one.outcome for one in pushed.results]
    assert outcomes == [PushOutcome.UNKNOWN, PushOutcome.RETRY, PushOutcome.RETRY]


def test_a_throttled_push_says_that_nothing_was_sent(rig: Rig) -> None:
    rig.stock_up(3)
    connector = rig.connector()
    offers = [offer(one, 1, one.sku) for one in rig.listings(connector)]
    rig.simulator.faults.next("rate_limited")

    with pytest.raises(TransientError):
        connector.push_stock(offers)
