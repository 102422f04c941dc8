"""Stock at Medusa: what lies there is not what is free, and the bulk call is all or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from connectors.base import Connector, connect
from connectors.errors import ProtocolError, RejectedError, UnknownOutcome
from connectors.medusa import CHANNEL, calls, shelf, stock
from connectors.medusa.fields import Record
from connectors.medusa.shelf import Item, Level, Shelf
from connectors.medusa.simulator import MedusaSimulator
from connectors.medusa.stock import Write
from connectors.records import Cursor, Listing, PushOutcome, PushResult, StockOffer
from connectors.testing import Rig
from connectors.testing.fulfilment import parcel
from connectors.testing.rig import LONG_AGO, offer, ref
from tests.connectors.medusa.recorded import level, part, sample, variant

HERE = "sloc_01"
ON_SHELF = Shelf(True, (Item("iitem_01", 1, {HERE: Level(20, 6)}),))


@pytest.fixture
def shop() -> MedusaSimulator:
    return MedusaSimulator()


@pytest.fixture
def rig(shop: MedusaSimulator) -> Iterator[Rig]:
    with Rig(CHANNEL, shop, timeout=2) as rig:
        yield rig


def wanted(quantity: int, expected: int | None = None) -> StockOffer:
    return StockOffer("variant_01", quantity, "k", expected)


def outcomes(rig: Rig, *offers: StockOffer) -> list[tuple[PushOutcome, str]]:
    results = rig.connector().push_stock(offers).results
    return [(one.outcome, one.code) for one in results]


def stocked_up(rig: Rig, count: int = 3) -> list[Listing]:
    rig.stock_up(count, quantity=10)
    return rig.listings(rig.connector())


# -- what is decided -------------------------------------------------------------------------------


def test_what_is_reserved_is_added_to_what_is_offered() -> None:
    decided = stock.decide(wanted(9, expected=14), ON_SHELF, HERE)

    assert isinstance(decided, Write)
    assert (decided.item, decided.location, decided.stocked) == ("iitem_01", HERE, 15)


def test_a_number_that_is_there_already_is_not_written() -> None:
    assert stock.decide(wanted(14), ON_SHELF, HERE) == PushResult(
        "variant_01", PushOutcome.ACCEPTED, 14
    )


def test_an_item_without_a_level_at_the_location_gets_one() -> None:
    decided = stock.decide(wanted(9, expected=0), ON_SHELF, "sloc_02")

    assert isinstance(decided, Write)
    assert (decided.stocked, decided.before) == (9, None)


PARTS = (Item("iitem_01", 1, {HERE: Level(20, 6)}), Item("iitem_02", 1, {}))


@pytest.mark.parametrize(
    ("given", "held", "outcome", "code"),
    [
        (wanted(9), None, PushOutcome.GONE, "not_found"),
        (wanted(-1), ON_SHELF, PushOutcome.REJECTED, "negative"),
        (wanted(9), Shelf(False, ON_SHELF.items), PushOutcome.REJECTED, "stock_not_managed"),
        (wanted(9), Shelf(True, ()), PushOutcome.REJECTED, "no_inventory_item"),
        (wanted(9), Shelf(True, PARTS), PushOutcome.REJECTED, "inventory_kit"),
        (wanted(9), Shelf(True, (Item("i", 6, {}),)), PushOutcome.REJECTED, "inventory_kit"),
        (wanted(9, 20), ON_SHELF, PushOutcome.STALE, "stale"),
    ],
)
def test_what_is_not_written_says_why(
    given: StockOffer, held: Shelf | None, outcome: PushOutcome, code: str
) -> None:
    decided = stock.decide(given, held, HERE)

    assert isinstance(decided, PushResult)
    assert (decided.outcome, decided.code) == (outcome, code)


def test_a_stale_belief_is_told_what_is_free_not_what_lies_there() -> None:
    decided = stock.decide(wanted(9, 20), ON_SHELF, HERE)

    assert isinstance(decided, PushResult)
    assert decided.current == 14


# -- what Medusa answers ---------------------------------------------------------------------------


def test_recorded_levels_are_read() -> None:
    recorded = sample("levels-after-orders")["response"]["inventory_levels"]

    assert [shelf.level(Record(one)) for one in recorded] == [Level(20, 6)]


def test_a_recorded_write_is_confirmed() -> None:
    recorded = sample("stock-push-batch")
    (asked,) = recorded["request"]["body"]["update"]
    write = Write(
        StockOffer("v", 6, "k"), asked["inventory_item_id"], asked["location_id"], 9, Level(20, 3)
    )

    assert stock._confirmed(recorded["response"], [write]) == {
        "v": PushResult("v", PushOutcome.ACCEPTED, 6)
    }


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        (Level(15, 6), PushOutcome.ACCEPTED),
        (Level(15, 8), PushOutcome.ACCEPTED),  # sold meanwhile
        (Level(15, 4), PushOutcome.UNKNOWN),  # packed or called off meanwhile
        (Level(13, 6), PushOutcome.UNKNOWN),  # another wrote
        (None, PushOutcome.UNKNOWN),
    ],
)
def test_the_answer_shows_what_happened_meanwhile(
    after: Level | None, outcome: PushOutcome
) -> None:
    write = Write(wanted(9), "iitem_01", HERE, 15, Level(20, 6))

    assert stock._settled(write, after).outcome is outcome


def test_an_answer_that_is_none_leaves_the_write_unknown() -> None:
    with pytest.raises(UnknownOutcome):
        stock._confirmed({"updated": [{"id": 1}]}, [])


def test_a_variants_shelf_is_read_with_all_its_locations() -> None:
    held = shelf.read(Record(variant(part(level(20, 6), level(3, 0, "sloc_02"), required=2))))

    assert (held.free(HERE), held.free("sloc_02"), held.free("sloc_03")) == (7, 1, 0)
    assert held.locations == [HERE, "sloc_02"]


# -- at the shop -----------------------------------------------------------------------------------


def test_a_sale_between_reading_and_writing_stays_counted(rig: Rig) -> None:
    (listing, *_) = stocked_up(rig)
    rig.simulator.meanwhile(lambda: rig.shop.buy([(listing.sku, 3)]), "SetLevel")

    rig.connector().push_stock([offer(listing, 20, "k", 10)])

    assert rig.shop.quantity(listing.sku) == 17


def test_goods_packed_between_reading_and_writing_are_noticed(rig: Rig) -> None:
    (listing, *_) = stocked_up(rig)
    rig.shop.buy([(listing.sku, 3)])
    (order,) = rig.orders(rig.connector())
    rig.simulator.meanwhile(lambda: rig.connector().ship(parcel(order)), "SetLevel")

    assert outcomes(rig, offer(listing, 20, "k", 7)) == [(PushOutcome.UNKNOWN, "moved_meanwhile")]
    assert rig.connector().read_stock([ref(listing)])[0].quantity == 23


def test_open_orders_lie_there_and_are_not_free(rig: Rig, shop: MedusaSimulator) -> None:
    (listing, *_) = stocked_up(rig)
    rig.shop.buy([(listing.sku, 4)])
    (held,) = [one for one in shop.office.levels().values() if one["reserved_quantity"]]

    (read,) = rig.connector().read_stock([ref(listing)])

    assert (held["stocked_quantity"], held["reserved_quantity"], read.quantity) == (10, 4, 6)


def test_a_missing_level_is_made(rig: Rig, shop: MedusaSimulator) -> None:
    first, second, _ = stocked_up(rig)
    for listing in (first, second):
        shop.office.bare.add(rig.shop.variant(listing.sku).inventory_key)

    together = outcomes(rig, offer(first, 5, "k"), offer(second, 6, "k"))

    assert together == [(PushOutcome.ACCEPTED, "")] * 2
    assert (rig.shop.quantity(first.sku), rig.shop.quantity(second.sku)) == (5, 6)


def test_a_single_missing_level_is_made_too(rig: Rig, shop: MedusaSimulator) -> None:
    (listing, *_) = stocked_up(rig)
    shop.office.bare.add(rig.shop.variant(listing.sku).inventory_key)

    assert outcomes(rig, offer(listing, 5, "k")) == [(PushOutcome.ACCEPTED, "")]
    assert rig.simulator.requests["AddLevel"] == 1


def test_one_that_went_between_reading_and_writing_takes_no_other_along(rig: Rig) -> None:
    listings = stocked_up(rig, 8)
    rig.simulator.meanwhile(lambda: rig.shop.remove_variant("SKU-5"), "Levels")

    found = outcomes(rig, *(offer(one, 5, "k") for one in listings))

    assert [outcome for outcome, _ in found] == [
        PushOutcome.RETRY if one.sku == "SKU-5" else PushOutcome.ACCEPTED for one in listings
    ]
    assert {one.quantity for one in rig.shop.variants} == {5}


def test_a_server_without_the_bulk_call_is_written_to_one_by_one(
    rig: Rig, shop: MedusaSimulator
) -> None:
    listings = stocked_up(rig, 5)
    connector = rig.connector()
    run = connector.client.run  # type: ignore[attr-defined]

    def old(call: calls.Call, *args: object, **places: object) -> object:
        if call is calls.LEVELS:
            raise RejectedError("Cannot POST", code="no_such_call")
        return run(call, *args, **places)

    connector.client.run = old  # type: ignore[attr-defined]

    results = connector.push_stock([offer(one, 5, "k") for one in listings]).results

    assert {one.outcome for one in results} == {PushOutcome.ACCEPTED}
    assert rig.simulator.requests["SetLevel"] == 5


def test_what_medusa_does_not_manage_is_never_taken_for_written(
    rig: Rig, shop: MedusaSimulator
) -> None:
    unmanaged, kit, plain = stocked_up(rig)
    shop.unmanaged.add(unmanaged.sku)
    shop.kits.add(kit.sku)

    found = outcomes(rig, *(offer(one, 5, "k") for one in (unmanaged, kit, plain)))
    read = rig.connector().read_stock([ref(one) for one in (unmanaged, kit, plain)])

    assert found == [
        (PushOutcome.REJECTED, "stock_not_managed"),
        (PushOutcome.REJECTED, "inventory_kit"),
        (PushOutcome.ACCEPTED, ""),
    ]
    assert [one.quantity for one in read] == [None, 1, 5]


def test_variants_that_were_not_asked_for_show_a_filter_not_heeded(
    rig: Rig, shop: MedusaSimulator
) -> None:
    (listing, *_) = stocked_up(rig)
    shop.heedless.add("Variants")

    with pytest.raises(ProtocolError) as caught:
        rig.connector().read_stock([ref(listing)])

    assert caught.value.code == "filter_ignored"


def test_a_chosen_location_goes_before_the_one_of_the_listing(rig: Rig) -> None:
    (listing, *_) = stocked_up(rig)
    connector = elsewhere(rig)

    (read,) = connector.read_stock([ref(listing)])

    assert read.quantity == 0


def test_stock_is_not_written_to_a_location_that_there_is_not(rig: Rig) -> None:
    (listing, *_) = stocked_up(rig)

    (result,) = elsewhere(rig).push_stock([offer(listing, 5, "k")]).results

    assert (result.outcome, result.code) == (PushOutcome.REJECTED, "unknown_location")
    assert rig.simulator.requests["AddLevel"] == 0


@pytest.mark.parametrize("ask", ["check", "list_listings"])
def test_a_location_that_there_is_not_is_told_by_the_settings_name(rig: Rig, ask: str) -> None:
    connector = elsewhere(rig)

    with pytest.raises(RejectedError) as caught:
        connector.check() if ask == "check" else connector.list_listings(Cursor(LONG_AGO))

    assert (caught.value.field, caught.value.code) == ("location_id", "unknown_location")


def elsewhere(rig: Rig) -> Connector:
    """Set up with a location that somebody mistyped."""
    connection = rig.connector().connection
    return connect(CHANNEL, replace(connection, settings={"location_id": "sloc_elsewhere"}))
