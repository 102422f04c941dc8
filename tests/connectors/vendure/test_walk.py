"""What a walk over Vendure's orders finds although their own time of change stands still."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Connector
from connectors.errors import CursorExpired, ProtocolError
from connectors.postsale import Refund
from connectors.records import ChannelOrder, Cursor, OrderStatus
from connectors.testing import Rig
from connectors.testing.rig import walk
from connectors.vendure import CHANNEL
from connectors.vendure.lists import OrderList
from connectors.vendure.orders import OVERLAP, phases
from connectors.vendure.paging import FIRST, TICK, Place, resume
from connectors.vendure.queries import ORDERS_PAGE, SCAN_PAGE
from connectors.vendure.simulator import VendureSimulator

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def simulator() -> VendureSimulator:
    return VendureSimulator()


@pytest.fixture
def rig(simulator: VendureSimulator) -> Iterator[Rig]:
    with Rig(CHANNEL, simulator, timeout=5.0) as rig:
        rig.stock_up()
        yield rig


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def changed(connector: Connector, since: datetime) -> list[ChannelOrder]:
    """What changed after a moment, which the walk's overlap hides nothing of."""
    pages = walk(connector.pull_orders, Cursor(since + OVERLAP))
    return [one for page in pages for one in page.items]


def test_an_order_that_is_sent_comes_again_though_its_own_time_stands_still(rig: Rig) -> None:
    sale = rig.shop.buy([("SKU-0", 2)], at=ago(hours=3))
    rig.shop.buy([("SKU-1", 1)], at=ago(hours=2))
    rig.shop.ship(sale.key)

    (found,) = changed(rig.connector(), ago(hours=1))

    assert (found.external_id, found.status) == (sale.key, OrderStatus.SHIPPED)
    assert found.updated_at > ago(minutes=5)
    assert found.raw["updatedAt"] < found.raw["fulfillments"][0]["updatedAt"]


def test_a_state_that_only_the_history_tells_is_found(rig: Rig) -> None:
    sale = rig.shop.buy([("SKU-0", 2)], at=ago(hours=3))
    rig.shop.set_status(sale.key, OrderStatus.HELD)

    (found,) = changed(rig.connector(), ago(hours=1))

    assert (found.status, found.channel_status) == (OrderStatus.HELD, "Modifying")


@pytest.mark.parametrize("status", [OrderStatus.DELIVERED, OrderStatus.CANCELLED])
def test_a_refund_after_the_end_is_found(rig: Rig, status: OrderStatus) -> None:
    sale = rig.shop.buy([("SKU-0", 2)], at=ago(days=9))
    rig.shop.set_status(sale.key, status)
    rig.shop.refund(sale.key, Refund("", sale.key, 100, "GBP", NOON))

    (found,) = changed(rig.connector(), ago(hours=1))

    assert found.raw["payments"][0]["refunds"][0]["total"] == 100


def test_what_ended_long_ago_is_left_alone(rig: Rig) -> None:
    sale = rig.shop.buy([("SKU-0", 2)], at=ago(days=40))
    rig.shop.set_status(sale.key, OrderStatus.DELIVERED)
    rig.shop.refund(sale.key, Refund("", sale.key, 100, "GBP", NOON))

    assert changed(rig.connector(), ago(hours=1)) == []


def test_an_order_that_lay_in_the_cart_is_found_by_when_it_was_placed(
    rig: Rig, simulator: VendureSimulator
) -> None:
    sale = rig.shop.buy([("SKU-0", 2)])
    simulator.office._changed[sale.key] = ago(hours=5)

    (found,) = changed(rig.connector(), ago(hours=1))

    assert found.external_id == sale.key
    assert found.updated_at >= found.placed_at


def test_many_hidden_changes_come_once_each_over_pages_and_restarts(rig: Rig) -> None:
    start = ago(days=2)
    sales = [
        rig.shop.buy([("SKU-0", 1)], at=start + timedelta(seconds=n)) for n in range(SCAN_PAGE + 20)
    ]
    sent = {one.key for one in sales[:: len(sales) // (ORDERS_PAGE + 10)]}
    for key in sent:
        rig.shop.ship(key)
    seen: list[str] = []
    cursor, more = Cursor(ago(hours=1) + OVERLAP), True

    while more:
        page = rig.connector().pull_orders(cursor)
        seen += [one.external_id for one in page.items]
        cursor, more = page.cursor, page.more

    assert len(sent) > ORDERS_PAGE
    assert sorted(seen) == sorted(sent)


def test_a_quiet_shop_is_asked_three_times_a_walk(rig: Rig, simulator: VendureSimulator) -> None:
    rig.sell(30, ago=timedelta(days=2))
    connector = rig.connector()
    connector.check()
    simulator.requests.clear()

    page = connector.pull_orders(Cursor(ago(hours=1)))

    assert (page.items, page.more) == ((), False)
    assert simulator.requests == {"Orders": 1, "Scan": 1, "ScanClosed": 1}


def test_of_the_past_only_the_first_list_is_read(rig: Rig, simulator: VendureSimulator) -> None:
    rig.sell(3, ago=timedelta(days=2))
    until = ago(days=1)
    rig.sell(2)

    found = walk(rig.connector().pull_orders, Cursor(ago(days=30), until=until))

    assert len([one for page in found for one in page.items]) == 3
    assert simulator.requests["Scan"] == 0


def test_a_database_of_whole_seconds_loses_nothing(rig: Rig, simulator: VendureSimulator) -> None:
    simulator.whole_seconds = True
    moment = ago(hours=3).replace(microsecond=500_000)
    step = timedelta(milliseconds=300)
    sales = [rig.shop.buy([("SKU-0", 1)], at=moment + n * step) for n in range(2 * ORDERS_PAGE + 7)]

    found = rig.orders(rig.connector())

    assert sorted(one.external_id for one in found) == sorted(one.key for one in sales)
    assert all(one.updated_at >= one.placed_at for one in found)


def test_an_order_that_leaves_the_list_takes_no_other_along(rig: Rig) -> None:
    rig.sell(2 * ORDERS_PAGE)
    sales = rig.shop.orders
    connector = rig.connector()
    first = connector.pull_orders(Cursor(ago(days=1)))

    for sale in sales[:3]:
        rig.shop.edit(sale.key, "SKU-0", 2)
    rest = rig.orders(connector, first.cursor)

    assert {one.external_id for one in [*first.items, *rest]} == {one.key for one in sales}


@pytest.mark.parametrize("listed", phases(Place(NOON, NOON)), ids=lambda one: one.operation.name)
def test_open_carts_and_drafts_are_not_asked_for(listed: OrderList) -> None:
    wanted = listed.options(Place(NOON, NOON), 10, None)["filter"]

    assert wanted["active"] == {"eq": False}
    assert "Draft" in wanted["state"].get("notIn", []) or "Draft" not in wanted["state"]["in"]


# -- places ----------------------------------------------------------------------------------------


def keys(*seconds: int) -> list[tuple[datetime, str]]:
    return [(NOON + timedelta(seconds=n), str(n)) for n in seconds]


def test_the_next_page_begins_with_the_last_of_this() -> None:
    place = Place(FIRST, FIRST).onward(keys(1, 2, 3))

    assert place.bound == NOON + timedelta(seconds=3) - TICK
    assert (place.skip, place.asked, place.tail) == (1, 0, ("3",))


def test_of_many_at_one_moment_the_last_few_are_asked_for_again() -> None:
    some = [(NOON, str(n)) for n in range(20)]
    place = Place(FIRST, FIRST).onward(some[:10])

    again = place.onward([*some[place.asked : place.asked + 10]])

    assert (place.skip, place.asked, place.tail) == (10, 5, ("5", "6", "7", "8", "9"))
    assert (again.skip, again.asked) == (15, 10)


@pytest.mark.parametrize("again", [keys(3), keys(1, 2, 3), []])
def test_a_page_that_comes_again_is_noticed(again: list[tuple[datetime, str]]) -> None:
    place = Place(FIRST, FIRST).onward(keys(1, 2, 3))

    with pytest.raises(ProtocolError):
        place.onward(again)


def test_a_place_survives_a_restart() -> None:
    place = replace(Place(NOON, FIRST).onward(keys(1, 2)).next_list(NOON), seen=NOON)

    assert resume(place.resting(Cursor(NOON))) == place


@pytest.mark.parametrize("token", ["x", "[]", "[1,2,3,4,5,6]", '["a","b",0,0,[],""]'])
def test_a_token_that_is_not_ours_starts_the_walk_again(token: str) -> None:
    with pytest.raises(CursorExpired):
        resume(Cursor(NOON, token))
