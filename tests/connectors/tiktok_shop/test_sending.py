"""Parcels are told once, in the way the order's market has; TikTok's own packages are respected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import Connection, Connector
from connectors.errors import RejectedError, UnknownOutcome
from connectors.http import Http
from connectors.postsale import ParcelLine
from connectors.records import Credentials, OrderStatus
from connectors.testing import Rig
from connectors.tiktok_shop import CHANNEL, providers
from connectors.tiktok_shop.connector import TikTokShopConnector
from connectors.tiktok_shop.simulator import TikTokShopSimulator
from tests.connectors.tiktok_shop.counter import bought_at, one_of


@pytest.fixture
def market(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """A shop that ships as its parameter says: nothing, ``packs``, ``platform``."""
    options: dict[str, Any] = dict.fromkeys(getattr(request, "param", ()), True)
    with Rig(CHANNEL, TikTokShopSimulator(rate=10_000, **options)) as rig:
        rig.stock_up()
        yield rig


def shipping(*words: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("market", [words], indirect=True)


def asked(rig: Rig, name: str) -> int:
    return rig.simulator.requests[name]


def dispatch(rig: Rig) -> Any:
    assert isinstance(rig.simulator, TikTokShopSimulator)
    return rig.simulator.dispatch


def refusal(connector: Connector, parcel: Any) -> str:
    with pytest.raises(RejectedError) as refused:
        connector.ship(parcel)
    return refused.value.code


# -- where packages are made when they are sent ----------------------------------------------------


def test_units_without_a_package_are_marked_one_by_one(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 3))

    package = connector.ship(one_of(order, 1))
    (now,) = connector.fetch_orders([order.external_id]).items

    assert [line.shipped for line in now.lines] == [0, 1, 0]
    assert now.status is OrderStatus.PART_SHIPPED
    assert market.shop.orders[0].parcels[0].external_id == package
    assert (asked(market, "MarkShipped"), asked(market, "ShipPackage")) == (1, 0)


def test_what_the_seller_told_as_sent_counts_before_the_carrier_scans_it(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))
    connector.ship(one_of(order, 0))
    (told,) = connector.fetch_orders([order.external_id]).items

    dispatch(market).collect(order.external_id)
    (fetched,) = connector.fetch_orders([order.external_id]).items

    assert (told.channel_status, told.status) == ("AWAITING_COLLECTION", OrderStatus.SHIPPED)
    assert (fetched.channel_status, fetched.status) == ("IN_TRANSIT", OrderStatus.SHIPPED)


def test_a_second_parcel_with_another_units_number_is_another(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 2))

    first, second = (connector.ship(one_of(order, n, number=f"JD{n}")) for n in (0, 1))

    assert first != second
    assert [one.tracking_number for one in market.shop.orders[0].parcels] == ["JD0", "JD1"]


def test_units_that_went_under_another_number_are_not_sent_again(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))
    connector.ship(one_of(order, 0, number="BY-HAND"))

    assert refusal(connector, one_of(order, 0, number="JD1")) == "nothing_open"
    assert asked(market, "MarkShipped") == 1


def test_a_number_is_the_same_however_it_is_written(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))

    first = connector.ship(one_of(order, 0, number="jd 01 46"))

    assert connector.ship(one_of(order, 0, number="JD0146")) == first


def test_who_was_quicker_by_a_moment_is_not_a_refusal(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))
    parcel = one_of(order, 0)
    market.simulator.meanwhile(lambda: market.connector().ship(parcel), "Providers")

    package = connector.ship(parcel)

    (told,) = market.shop.orders[0].parcels
    assert told.external_id == package


def test_a_correction_that_stands_is_not_told_again(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))
    parcel = one_of(order, 0)
    right = replace(parcel, tracking_number="JD2", external_id=connector.ship(parcel))

    assert connector.ship(right) == right.external_id
    assert connector.ship(right) == right.external_id

    assert asked(market, "Correct") == 1


def test_the_carrier_alone_can_be_corrected(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))
    parcel = one_of(order, 0)
    package = connector.ship(parcel)

    connector.ship(replace(parcel, carrier="Royal Mail", external_id=package))

    assert market.shop.orders[0].parcels[0].carrier == "Royal Mail"


def test_one_correction_too_many_is_tiktoks_to_refuse(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))
    parcel = one_of(order, 0)
    told = replace(parcel, external_id=connector.ship(parcel))
    connector.ship(replace(told, tracking_number="JD2"))

    assert refusal(connector, replace(told, tracking_number="JD3")) == "21011051"


def test_a_package_of_another_order_is_not_corrected(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))

    assert refusal(connector, replace(one_of(order, 0), external_id="1")) == "unknown_parcel"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"tracking_number": ""}, "no_tracking_number"),
        ({"carrier": "Pony Express"}, "unknown_carrier"),
        ({"lines": ()}, "empty_parcel"),
        ({"lines": (ParcelLine("1", 1),)}, "unknown_line"),
    ],
)
def test_a_parcel_tiktok_could_not_take_is_refused_in_words(
    market: Rig, changed: dict[str, Any], code: str
) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))

    assert refusal(connector, replace(one_of(order, 0), **changed)) == code
    assert not market.shop.orders[0].parcels


def test_an_order_on_hold_is_tiktoks_to_refuse(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))
    market.shop.set_status(order.external_id, OrderStatus.HELD)

    assert refusal(connector, one_of(order, 0)) == "21011003"


# -- where packages are there from the start -------------------------------------------------------


@shipping("packs")
def test_a_whole_package_goes_as_it_is(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 2))

    package = connector.ship(one_of(order, 0, 1))

    assert package == f"11{order.external_id}"
    assert asked(market, "Split") == 0
    assert connector.ship(one_of(order, 0, 1)) == package


@shipping("packs")
def test_part_of_a_package_is_split_off_first(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 2), ("SKU-1", 1))

    first = connector.ship(one_of(order, 0, number="JD1"))
    rest = connector.ship(one_of(order, 1, 2, number="JD2"))

    assert first != rest
    assert asked(market, "Split") == 1
    (now,) = connector.fetch_orders([order.external_id]).items
    assert [line.shipped for line in now.lines] == [1, 1, 1]


@shipping("packs")
def test_a_split_whose_answer_got_lost_is_not_made_twice(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 2))
    market.simulator.faults.next("cut_after", where="Split")
    with pytest.raises(UnknownOutcome):
        connector.ship(one_of(order, 0))

    connector.ship(one_of(order, 0))

    assert asked(market, "Split") == 1
    assert len(market.shop.orders[0].parcels) == 1


@shipping("packs")
def test_units_of_two_packages_are_no_parcel(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 2))
    lines = [one.external_id for one in order.lines]
    groups = [{"id": key, "order_line_item_ids": [key]} for key in lines]
    dispatch(market).split(order.external_id, {"splittable_groups": groups})

    assert refusal(connector, one_of(order, 0, 1)) == "several_packages"


@shipping("packs")
def test_a_corrected_number_finds_the_package_it_was_sent_with(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 2))
    parcel = one_of(order, 0)
    package = connector.ship(parcel)

    connector.ship(replace(parcel, tracking_number="JD9", external_id=package))

    assert market.shop.orders[0].parcels[0].tracking_number == "JD9"


# -- where TikTok's own carrier ships --------------------------------------------------------------


@shipping("packs", "platform")
def test_a_package_for_tiktoks_carrier_is_handed_over_without_a_number(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))

    package = connector.ship(one_of(order, 0))

    assert asked(market, "Providers") == 0
    assert connector.ship(one_of(order, 0)) == package
    assert market.shop.orders[0].parcels[0].tracking_number == f"TT{package}"


@shipping("packs", "platform")
def test_goods_wait_for_tiktoks_carrier_until_it_fetches_them(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))
    connector.ship(one_of(order, 0))

    (now,) = connector.fetch_orders([order.external_id]).items

    assert (now.status, now.lines[0].shipped) == (OrderStatus.CONFIRMED, 0)


@shipping("packs", "platform")
def test_tiktoks_own_number_is_not_corrected(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))
    told = replace(one_of(order, 0), external_id=connector.ship(one_of(order, 0)))

    assert refusal(connector, told) == "platform_shipping"


@shipping("platform")
def test_a_label_that_tiktok_has_not_made_is_asked_for(market: Rig) -> None:
    connector = market.connector()
    order = bought_at(market, connector, ("SKU-0", 1))

    assert refusal(connector, one_of(order, 0)) == "label_first"


@shipping("packs", "platform")
def test_the_seller_says_how_tiktoks_carrier_gets_it(market: Rig) -> None:
    http = Http(hosts=CHANNEL.hosts, loopback=(market.simulator.address,))
    plain = market.connector().connection
    connection = Connection(
        credentials=Credentials(dict(plain.credentials)),
        http=http,
        now=plain.now,
        settings={"handover": "PICKUP"},
        base_url=plain.base_url,
    )
    connector = TikTokShopConnector(connection)
    order = bought_at(market, connector, ("SKU-0", 1))

    connector.ship(one_of(order, 0))
    http.close()

    assert dispatch(market).handed_over == ["PICKUP"]


# -- carriers --------------------------------------------------------------------------------------

KNOWN = {"1": "DHL", "2": "DHL eCommerce", "3": "Royal Mail", "4": "J&T Express"}


@pytest.mark.parametrize(
    ("carrier", "expected"),
    [
        ("DHL", "1"),
        ("dhl", "1"),
        ("royal-mail", "3"),
        ("J & T", "4"),
        ("DHL e", "2"),
        ("3", "3"),
    ],
)
def test_a_carrier_is_found_by_its_name(carrier: str, expected: str) -> None:
    assert providers.choose(KNOWN, carrier) == expected


@pytest.mark.parametrize("carrier", ["", "D", "Pony Express"])
def test_a_carrier_that_is_not_clear_is_refused_with_those_there_are(carrier: str) -> None:
    with pytest.raises(RejectedError, match="Royal Mail"):
        providers.choose(KNOWN, carrier)
