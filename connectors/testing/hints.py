"""Orders of channels that list none: found by what webhooks and events name, and whole then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Capability
from connectors.errors import CursorExpired, ProtocolError, TransientError
from connectors.records import ChannelOrder, Cursor, Hint, HintKind, OrderStatus
from connectors.testing.hostile import OFTEN
from connectors.testing.rig import MOST_PAGES, Inbox, Rig, stored, walk
from connectors.testing.webhooks import secrets, verify


class Told:
    """What the webhooks of a shop name, from now on."""

    def __init__(self, rig: Rig, inbox: Inbox) -> None:
        rig.needs(Capability.WEBHOOKS, Capability.SUBSCRIBE, Capability.ORDER_FETCH)
        if rig.channel.can(Capability.ORDER_LIST):
            pytest.skip("it lists its orders")
        self.rig = rig
        self.inbox = inbox
        self.connector = rig.connector()
        self.connector.subscribe(inbox.url)
        self.valid = secrets(rig)

    def keys(self) -> list[str]:
        """Of all orders named so far, once the shop has said what it has to say."""
        self.rig.simulator.webhooks.drain()
        hints = [verify(self.rig, one, self.valid).hints[0] for one in self.inbox.received]
        return [one.key for one in hints if one.kind is HintKind.ORDER]

    def orders(self) -> list[ChannelOrder]:
        page = self.connector.fetch_orders(list(dict.fromkeys(self.keys())))
        assert not page.bad, page.bad
        return list(page.items)


def events(rig: Rig, since: datetime) -> list[Hint]:
    connector = rig.connector()
    return [one for page in walk(connector.pull_events, Cursor(since)) for one in page.items]


def lost(rig: Rig, count: int) -> list[str]:
    """So many orders that were cancelled without a word; answers their keys."""
    rig.needs(Capability.EVENT_LIST)
    rig.stock_up()
    sales = [rig.shop.buy([("SKU-0", 1)]) for _ in range(count)]
    return [rig.shop.cancel(sale.key).key for sale in sales]


class HintedOrderContract:
    def test_a_hinted_order_is_exact(self, rig: Rig) -> None:
        with Inbox() as inbox:
            told = Told(rig, inbox)
            rig.shop.add_variant("A", "Apple", 1, 10_000)
            rig.shop.add_variant("B", "Bear", 1_234_567_89, 50)
            sale = rig.shop.buy([("A", 9_999), ("B", 3)])
            (order,) = told.orders()

        assert order.external_id.rpartition("/")[2] == sale.key
        assert (order.total, order.currency) == (9_999 + 3 * 123_456_789, "GBP")
        assert [(one.sku, one.quantity, one.unit_price, one.total) for one in order.lines] == [
            ("A", 9_999, 1, 9_999),
            ("B", 3, 123_456_789, 370_370_367),
        ]
        assert order.status is OrderStatus.CONFIRMED

    def test_its_lines_carry_the_keys_of_their_listings(self, rig: Rig) -> None:
        with Inbox() as inbox:
            told = Told(rig, inbox)
            rig.stock_up()
            rig.shop.buy([("SKU-1", 1), ("SKU-0", 2), ("SKU-1", 3)])
            (order,) = told.orders()

        first, second = (rig.listing(told.connector, sku) for sku in ("SKU-1", "SKU-0"))
        keys = [first.external_id, second.external_id, first.external_id]
        assert [one.listing_key for one in order.lines] == keys
        assert len({one.external_id for one in order.lines}) == 3

    def test_a_cancelled_order_is_hinted_at_again(self, rig: Rig) -> None:
        with Inbox() as inbox:
            told = Told(rig, inbox)
            rig.stock_up()
            sale = rig.shop.buy([("SKU-0", 2)])
            (before,) = told.orders()
            rig.shop.cancel(sale.key)
            (after, *same) = told.orders()

        assert {one.external_id for one in same} <= {after.external_id}
        assert after.external_id == before.external_id
        assert after.updated_at > before.updated_at
        assert after.status is OrderStatus.CANCELLED
        assert after.cancelled_at is not None

    def test_units_taken_off_an_order_are_told(self, rig: Rig) -> None:
        with Inbox() as inbox:
            told = Told(rig, inbox)
            rig.stock_up()
            sale = rig.shop.buy([("SKU-0", 5)])
            rig.shop.edit(sale.key, "SKU-0", 3)
            (order, *_) = told.orders()

        assert order.lines[0].quantity - order.lines[0].cancelled == 3

    def test_unknown_keys_are_left_out_wherever_they_stand(self, rig: Rig) -> None:
        with Inbox() as inbox:
            told = Told(rig, inbox)
            rig.stock_up()
            for _ in range(5):
                rig.shop.buy([("SKU-0", 1)])
            orders = told.orders()

        ids = [one.external_id for one in orders]
        asked = [ids[0][:-3] + "987", *ids[:3], ids[0][:-3] + "986", *ids[3:]]
        page = told.connector.fetch_orders(asked)

        assert sorted(one.external_id for one in page.items) == sorted(ids)
        assert told.connector.fetch_orders(asked[:1]).items == ()
        assert told.connector.fetch_orders([]).items == ()

    def test_a_full_fetch_brings_every_order(self, rig: Rig) -> None:
        with Inbox() as inbox:
            told = Told(rig, inbox)
            rig.stock_up()
            sold = [rig.shop.buy([("SKU-0", 1)]).key for _ in range(rig.channel.orders.fetch)]
            orders = told.orders()

        assert sorted(one.external_id.rpartition("/")[2] for one in orders) == sorted(sold)

    def test_after_a_bad_day_the_orders_are_there(self, rig: Rig) -> None:
        with Inbox() as inbox:
            told = Told(rig, inbox)
            rig.stock_up()
            rig.shop.buy([("SKU-0", 1)])
            keys = told.keys()
            rig.simulator.faults.next("error_before", times=OFTEN)
            with pytest.raises(TransientError):
                told.connector.fetch_orders(keys)
            rig.simulator.faults.clear()

            assert len(told.connector.fetch_orders(keys).items) == 1


class EventContract:
    def test_no_events_is_an_empty_page_that_moves_no_watermark_back(self, rig: Rig) -> None:
        rig.needs(Capability.EVENT_LIST)
        since = datetime.now(UTC) - timedelta(days=1)

        page = rig.connector().pull_events(Cursor(since))

        assert (page.items, page.more, page.cursor.token) == ((), False, "")
        assert page.cursor.since >= since

    def test_what_no_webhook_told_is_among_the_events(self, rig: Rig) -> None:
        keys = lost(rig, 3)

        hints = events(rig, datetime.now(UTC) - timedelta(days=1))

        orders = rig.connector().fetch_orders([one.key for one in hints]).items
        assert {one.external_id.rpartition("/")[2] for one in orders} == set(keys)
        assert {one.status for one in orders} == {OrderStatus.CANCELLED}

    def test_events_come_over_pages_and_restarts(self, rig: Rig) -> None:
        keys = lost(rig, 230)
        seen: list[str] = []
        cursor, more = Cursor(datetime.now(UTC) - timedelta(days=1)), True

        while more:
            page = rig.connector().pull_events(stored(cursor))
            seen += [one.key.rpartition("/")[2] for one in page.items]
            cursor, more = page.cursor, page.more

        assert set(seen) == set(keys)
        assert cursor.token == ""

    def test_the_next_walk_begins_where_the_last_began(self, rig: Rig) -> None:
        lost(rig, 1)
        connector = rig.connector()
        *_, last = walk(connector.pull_events, Cursor(datetime.now(UTC) - timedelta(days=1)))
        later = rig.shop.buy([("SKU-0", 1)])
        rig.shop.cancel(later.key)

        hints = [one for page in walk(connector.pull_events, last.cursor) for one in page.items]

        assert later.key in {one.key.rpartition("/")[2] for one in hints}

    def test_a_cursor_older_than_the_channel_remembers_still_reads(self, rig: Rig) -> None:
        keys = lost(rig, 1)

        hints = events(rig, datetime.now(UTC) - timedelta(days=400))

        assert [one.key.rpartition("/")[2] for one in hints] == keys

    def test_an_events_token_that_means_nothing_starts_the_walk_again(self, rig: Rig) -> None:
        rig.needs(Capability.EVENT_LIST)
        cursor = Cursor(datetime.now(UTC), token="of another version")  # noqa: S106

        with pytest.raises(CursorExpired):
            rig.connector().pull_events(cursor)

    def test_a_page_of_events_repeated_for_ever_is_noticed(self, rig: Rig) -> None:
        lost(rig, 230)
        connector = rig.connector()
        rig.simulator.faults.next("page_repeated", times=10 * MOST_PAGES)

        with pytest.raises(ProtocolError):
            list(walk(connector.pull_events, Cursor(datetime.now(UTC) - timedelta(days=1))))

    @pytest.mark.parametrize("fault", ["truncated", "wrong_body", "wrong_json"])
    def test_events_that_make_no_sense_are_told_as_such(self, rig: Rig, fault: str) -> None:
        lost(rig, 1)
        connector = rig.connector()
        connector.check()
        rig.simulator.faults.next(fault, times=OFTEN)

        with pytest.raises((ProtocolError, TransientError)):
            connector.pull_events(Cursor(datetime.now(UTC) - timedelta(days=1)))
