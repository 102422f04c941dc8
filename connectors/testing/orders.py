"""Orders: each exactly once over the pages, exact to the penny, and again when it changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest

from connectors.base import Capability
from connectors.errors import CursorExpired
from connectors.records import ChannelOrder, Cursor, OrderStatus
from connectors.testing.rig import LONG_AGO, Rig, stored, walk


def sold(order: ChannelOrder) -> list[tuple[str, int, int]]:
    """SKU, units and sum of each line. A channel that has a line per unit has the units of one line
    beside each other."""
    groups = groupby(order.lines, key=lambda one: one.sku)
    lines = [(sku, list(some)) for sku, some in groups]
    return [
        (sku, sum(one.quantity for one in some), sum(one.total for one in some))
        for sku, some in lines
    ]


class OrderContract:
    def test_no_orders_is_an_empty_page_that_keeps_the_watermark(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        cursor = Cursor(datetime.now(UTC) - timedelta(days=1))

        page = rig.connector().pull_orders(cursor)

        assert (page.items, page.more) == ((), False)
        assert page.cursor == cursor

    @pytest.mark.parametrize("beyond", [-1, 0, 1])
    def test_every_order_comes_once_whatever_the_pages(self, rig: Rig, beyond: int) -> None:
        rig.needs(Capability.ORDER_LIST)
        rig.stock_up()
        numbers = rig.sell(2 * rig.channel.orders.page + beyond)

        orders = rig.orders(rig.connector())

        assert sorted(one.number for one in orders) == sorted(numbers)

    def test_orders_of_the_same_second_are_all_found(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        rig.stock_up()
        moment = datetime.now(UTC) - timedelta(hours=1)
        count = 2 * rig.channel.orders.page + 3
        numbers = [rig.shop.buy([("SKU-0", 1)], at=moment).number for _ in range(count)]

        orders = rig.orders(rig.connector())

        assert sorted(one.number for one in orders) == sorted(numbers)

    def test_money_and_quantities_are_exact(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        rig.shop.add_variant("A", "Apple", 1, 10_000)
        rig.shop.add_variant("B", "Bear", 1_234_567_89, 50)
        rig.shop.buy([("A", 999), ("B", 3)])

        (order,) = rig.orders(rig.connector())

        assert (order.total, order.currency) == (999 + 3 * 123_456_789, "GBP")
        assert sold(order) == [("A", 999, 999), ("B", 3, 370_370_367)]
        assert {one.sku: one.unit_price for one in order.lines} == {"A": 1, "B": 123_456_789}
        assert order.status is OrderStatus.CONFIRMED
        assert order.updated_at.tzinfo is not None

    def test_a_sku_bought_twice_makes_two_lines(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        rig.stock_up()
        rig.shop.buy([("SKU-0", 2), ("SKU-1", 1), ("SKU-0", 3)])

        (order,) = rig.orders(rig.connector())

        assert [(sku, units) for sku, units, _ in sold(order)] == [
            ("SKU-0", 2),
            ("SKU-1", 1),
            ("SKU-0", 3),
        ]
        assert len({one.external_id for one in order.lines}) == len(order.lines) >= 3

    def test_lines_carry_the_key_of_their_listing(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST, Capability.LISTINGS)
        rig.stock_up()
        rig.shop.buy([("SKU-1", 1)])
        connector = rig.connector()

        (order,) = rig.orders(connector)

        assert order.lines[0].listing_key == rig.listing(connector, "SKU-1").external_id

    def test_an_order_of_very_many_lines_is_whole(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        skus = rig.stock_up(230)
        rig.shop.buy([(sku, 1) for sku in skus])

        (order,) = rig.orders(rig.connector())

        assert [one.sku for one in order.lines] == skus

    def test_an_edited_order_comes_again_and_later(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        rig.stock_up()
        sale = rig.shop.buy([("SKU-0", 5)], at=datetime.now(UTC) - timedelta(hours=1))
        connector = rig.connector()
        *_, last = walk(connector.pull_orders)
        rig.shop.edit(sale.key, "SKU-0", 3)

        (order,) = rig.orders(connector, last.cursor)

        assert order.updated_at > last.items[0].updated_at
        assert sum(one.quantity - one.cancelled for one in order.lines) == 3

    def test_a_cancelled_order_comes_again_as_cancelled(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        rig.stock_up()
        sale = rig.shop.buy([("SKU-0", 5)], at=datetime.now(UTC) - timedelta(hours=1))
        connector = rig.connector()
        *_, last = walk(connector.pull_orders)
        rig.shop.cancel(sale.key)

        (order,) = rig.orders(connector, last.cursor)

        assert order.status is OrderStatus.CANCELLED
        assert order.cancelled_at is not None

    def test_a_walk_goes_on_after_a_restart(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        rig.stock_up()
        numbers = rig.sell(2 * rig.channel.orders.page + 3)
        seen: list[str] = []
        cursor, more = Cursor(LONG_AGO), True

        while more:
            page = rig.connector().pull_orders(stored(cursor))
            seen += [one.number for one in page.items]
            cursor, more = page.cursor, page.more

        assert sorted(seen) == sorted(numbers)

    def test_the_watermark_is_of_the_shops_own_time(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        rig.stock_up()
        rig.sell(3)
        connector = rig.connector()

        pages = list(walk(connector.pull_orders))
        latest = max(one.updated_at for page in pages for one in page.items)

        assert pages[-1].cursor == Cursor(latest)
        assert connector.pull_orders(Cursor(latest)).cursor.since >= latest

    def test_orders_placed_and_edited_during_the_walk_are_not_lost(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        rig.stock_up()
        size = rig.channel.orders.page
        rig.sell(2 * size)
        sales = rig.shop.orders
        connector = rig.connector()

        first = connector.pull_orders(Cursor(LONG_AGO))
        rig.shop.edit(sales[0].key, "SKU-0", 2)
        rig.shop.edit(sales[-1].key, "SKU-0", 3)
        rig.shop.buy([("SKU-1", 1)])
        rest = rig.orders(connector, first.cursor)

        latest = {one.number: one for one in [*first.items, *rest]}
        assert len(latest) == 2 * size + 1
        assert [units for _, units, _ in sold(latest[sales[0].number])] == [2]
        assert [units for _, units, _ in sold(latest[sales[-1].number])] == [3]

    def test_a_token_that_means_nothing_starts_the_walk_again(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)

        with pytest.raises(CursorExpired):
            rig.connector().pull_orders(Cursor(LONG_AGO, token="of another version"))  # noqa: S106

    def test_orders_are_fetched_by_id_and_unknown_ones_left_out(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST, Capability.ORDER_FETCH)
        rig.stock_up()
        rig.sell(2)
        connector = rig.connector()
        known = [one.external_id for one in rig.orders(connector)]

        page = connector.fetch_orders([known[0], known[1][:-3] + "987"])

        assert [one.external_id for one in page.items] == [known[0]]
        assert connector.fetch_orders([]).items == ()
