"""Walks over a shop that goes on selling, with a key that may not read everything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import AuthError, ProtocolError
from connectors.postsale import Refund
from connectors.prestashop import CHANNEL
from connectors.prestashop.orders import ORDERS_PAGE
from connectors.prestashop.simulator import PrestaShopSimulator
from connectors.records import Cursor, OrderStatus
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO, walk


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, PrestaShopSimulator(zone="America/New_York"), timeout=2.0) as rig:
        rig.stock_up()
        yield rig


def shop(rig: Rig) -> PrestaShopSimulator:
    assert isinstance(rig.simulator, PrestaShopSimulator)
    return rig.simulator


def test_orders_that_change_between_two_pages_take_no_other_along(rig: Rig) -> None:
    rig.sell(3 * ORDERS_PAGE)
    connector = rig.connector()
    sales = [one.key for one in rig.shop.orders]
    seen: set[str] = set()

    for page in walk(connector.pull_orders):
        seen |= {one.external_id for one in page.items}
        for key in sales[:20]:  # all before the place of the walk: an offset would now be wrong
            rig.shop.edit(key, "SKU-0", rig.shop.orders[0].lines[0].quantity + 1)
        sales = sales[20:]

    assert seen == {one.key for one in rig.shop.orders}


def test_a_walk_asks_little_for_each_page(rig: Rig) -> None:
    rig.sell(2 * ORDERS_PAGE)

    pages = list(walk(rig.connector().pull_orders))

    asked = rig.simulator.requests
    assert asked["orders"] == len(pages) == 3
    assert asked["order_details"] == asked["customers"] == asked["addresses"] == 3
    assert asked["countries"] == asked["states"] == 1
    assert asked["order_states"] == asked["currencies"] == asked["configurations"] == 1
    assert asked["order_histories"] == asked["order_slip"] == 0


def test_the_shops_own_time_zone_is_read(rig: Rig) -> None:
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    rig.shop.buy([("SKU-0", 1)], at=moment)

    (order,) = rig.orders(rig.connector())

    assert order.placed_at == moment
    assert rig.connector().check().time_zone == "America/New_York"


def test_a_walk_ends_where_it_is_told_to(rig: Rig) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    for hours in (5, 4, 3):
        rig.shop.buy([("SKU-0", 1)], at=now - timedelta(hours=hours))

    page = rig.connector().pull_orders(Cursor(LONG_AGO, until=now - timedelta(hours=4)))

    assert [one.placed_at for one in page.items] == [
        now - timedelta(hours=5),
        now - timedelta(hours=4),
    ]


def test_a_key_with_few_rights_still_reads_orders(rig: Rig) -> None:
    shop(rig).denied |= {"customers", "addresses", "order_details", "order_histories"}
    rig.shop.buy([("SKU-0", 2)], buyer={"name": "Ada Byron"})
    rig.shop.cancel(rig.shop.buy([("SKU-1", 1)]).key)

    first, second = rig.orders(rig.connector())

    assert (first.buyer.name, first.lines[0].quantity) == ("", 2)
    assert second.cancelled_at == second.updated_at


@pytest.mark.parametrize("resource", ["orders", "order_states", "currencies"])
def test_a_key_without_the_rights_it_needs_is_told_which(rig: Rig, resource: str) -> None:
    shop(rig).denied.add(resource)
    rig.sell(1)

    with pytest.raises(AuthError) as caught:
        rig.orders(rig.connector())

    assert resource in caught.value.message


def test_a_buyer_is_read_with_the_order(rig: Rig) -> None:
    buyer = {"name": "Ada Byron", "email": "ada@buyers.example", "city": "York", "zip": "YO1"}
    rig.shop.buy([("SKU-0", 1)], buyer=buyer)

    (order,) = rig.orders(rig.connector())

    assert (order.buyer.name, order.buyer.email) == ("Ada Byron", "ada@buyers.example")
    assert order.buyer.address["country"] == "GB"
    assert (order.buyer.address["city"], order.buyer.address["region"]) == ("York", "KEN")


@pytest.mark.parametrize("status", OrderStatus)
def test_each_status_comes_as_what_prestashop_can_say(rig: Rig, status: OrderStatus) -> None:
    sale = rig.shop.buy([("SKU-0", 1)])
    rig.shop.set_status(sale.key, status)
    told = {
        OrderStatus.PART_SHIPPED: OrderStatus.CONFIRMED,
        OrderStatus.SIGNED: OrderStatus.DELIVERED,
    }

    (order,) = rig.orders(rig.connector())

    assert order.status is told.get(status, status)


def test_a_line_without_units_left_is_no_more(rig: Rig) -> None:
    sale = rig.shop.buy([("SKU-0", 2), ("SKU-1", 1)])
    rig.shop.take_off(sale.key, {sale.lines[0].key: 2})

    (order,) = rig.orders(rig.connector())

    assert [(one.sku, one.quantity) for one in order.lines] == [("SKU-1", 1)]


def test_many_refunds_of_one_second_are_all_found() -> None:
    moment = datetime.now(UTC).replace(microsecond=0)
    with Rig(CHANNEL, PrestaShopSimulator(now=lambda: moment), timeout=2.0) as rig:
        rig.stock_up()
        sale = rig.shop.buy([("SKU-0", 3)])
        for n in range(1, 121):
            rig.shop.refund(sale.key, Refund("", sale.key, n % 7, "GBP", moment))

        found = [one for page in walk(rig.connector().pull_refunds) for one in page.items]

    assert len({one.external_id for one in found}) == len(found) == 120
    assert {one.currency for one in found} == {"GBP"}


def test_products_listed_and_removed_during_the_walk_harm_it_not(rig: Rig) -> None:
    rig.stock_up(120)
    connector = rig.connector()
    seen: list[str] = []

    for page in walk(connector.list_listings):
        seen += [one.external_id for one in page.items]
        rig.shop.remove_variant(rig.shop.variants[0].key)

    assert len(seen) == len(set(seen)) == 123


def test_a_product_that_cannot_be_read_takes_no_other_along(rig: Rig) -> None:
    rig.shop.add_variant("DEAR", "Beyond price", 10**17, 1)

    page = rig.connector().list_listings(Cursor(LONG_AGO))

    assert [one.field for one in page.bad] == ["price"]
    assert len(page.items) == 3


def test_a_first_page_that_comes_again_is_noticed(rig: Rig) -> None:
    rig.sell(ORDERS_PAGE + 1)
    connector = rig.connector()
    page = connector.pull_orders(Cursor(LONG_AGO))
    rig.simulator.faults.next("page_repeated")

    with pytest.raises(ProtocolError):
        connector.pull_orders(page.cursor)
