"""The Oscar channel keeps the contract, against its simulator."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.oscar import CHANNEL
from connectors.oscar.simulator import SET_STOCK, OscarSimulator
from connectors.records import Cursor, OrderStatus, PushOutcome
from connectors.testing import ContractSuite, Rig
from connectors.testing.orders import sold
from connectors.testing.rig import LONG_AGO, offer, walk
from connectors.testing.writes import AFTER, UNKNOWN, push, ready, shown


class TestOscar(ContractSuite):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with Rig(CHANNEL, OscarSimulator()) as rig:
            yield rig

    def test_an_edited_order_comes_again_and_later(self, rig: Rig) -> None:
        """Oscar's orders have no time of change: it comes again with the time it was placed."""
        rig.stock_up()
        sale = rig.shop.buy([("SKU-0", 5)], at=datetime.now(UTC) - timedelta(hours=1))
        connector = rig.connector()
        *_, last = walk(connector.pull_orders)
        rig.shop.edit(sale.key, "SKU-0", 3)

        (order,) = rig.orders(connector, last.cursor)

        assert order.updated_at == order.placed_at == last.items[0].updated_at
        assert [one.quantity for one in order.lines] == [3]

    def test_a_cancelled_order_comes_again_as_cancelled(self, rig: Rig) -> None:
        """Nor does Oscar say when an order was cancelled."""
        rig.stock_up()
        sale = rig.shop.buy([("SKU-0", 5)], at=datetime.now(UTC) - timedelta(hours=1))
        connector = rig.connector()
        *_, last = walk(connector.pull_orders)
        rig.shop.cancel(sale.key)

        (order,) = rig.orders(connector, last.cursor)

        assert order.status is OrderStatus.CANCELLED
        assert [(one.quantity, one.cancelled) for one in order.lines] == [(5, 5)]

    def test_orders_placed_and_edited_during_the_walk_are_not_lost(self, rig: Rig) -> None:
        """The list goes by the time of placing, so an order that was edited behind the walk is
        found by the next one, which begins the overlap earlier."""
        rig.stock_up()
        size = rig.channel.orders.page
        rig.sell(2 * size)
        sales = rig.shop.orders
        connector = rig.connector()

        first = connector.pull_orders(Cursor(LONG_AGO))
        rig.shop.edit(sales[0].key, "SKU-0", 2)
        rig.shop.edit(sales[-1].key, "SKU-0", 3)
        rig.shop.buy([("SKU-1", 1)])
        *rest, last = walk(connector.pull_orders, first.cursor)
        again = rig.orders(connector, last.cursor)

        told = [*first.items, *(one for page in rest for one in page.items), *last.items, *again]
        latest = {one.number: one for one in told}
        assert len(latest) == 2 * size + 1
        assert [units for _, units, _ in sold(latest[sales[0].number])] == [2]
        assert [units for _, units, _ in sold(latest[sales[-1].number])] == [3]

    @pytest.mark.parametrize(
        "fault",
        ["error_after", "timeout_after", "cut_after", "truncated", "wrong_body", "wrong_json"],
    )
    def test_a_write_whose_answer_got_lost_is_unknown_and_read_back(
        self, rig: Rig, fault: str
    ) -> None:
        """Oscar's number counts units sold and not sent, so what is allocated is read before every
        write: the fault must meet the write, not that question."""
        connector, listing = ready(rig)
        rig.simulator.faults.next(fault, where=SET_STOCK)

        assert push(connector, offer(listing, AFTER, "k1")) in UNKNOWN

        assert rig.simulator.faults.counts[fault] == 1
        assert shown(connector, listing) == AFTER

    def test_an_unknown_write_is_retried_without_harm(self, rig: Rig) -> None:
        """As above: the fault must meet the write."""
        connector, listing = ready(rig)
        rig.simulator.faults.next("error_after", where=SET_STOCK)
        given = offer(listing, AFTER, "k1")

        assert push(connector, given) in UNKNOWN
        assert push(connector, given) is PushOutcome.ACCEPTED
        assert rig.shop.quantity(listing.sku) == AFTER
