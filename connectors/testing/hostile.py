"""A channel on a bad day, asked to read: the error says what to do, and nothing says a secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from connectors.base import Capability
from connectors.errors import (
    AuthError,
    ConnectorError,
    CursorExpired,
    ProtocolError,
    TransientError,
    UnknownOutcome,
)
from connectors.records import Cursor
from connectors.simulators.faults import ANY_REQUEST
from connectors.testing.rig import LONG_AGO, MOST_PAGES, Rig

#: More often than any connector tries by itself.
OFTEN = 5


def said(error: BaseException) -> Iterator[str]:
    """All that an error and its causes say."""
    seen: BaseException | None = error
    while seen is not None:
        yield f"{seen!s} {seen!r} {vars(seen)!r}"
        seen = seen.__cause__ or seen.__context__


class HostileContract:
    @pytest.mark.parametrize("fault", ["unauthorized", "forbidden"])
    def test_lost_access_pauses_the_account(self, rig: Rig, fault: str) -> None:
        rig.simulator.faults.next(fault, times=OFTEN)

        with pytest.raises(AuthError):
            rig.connector().check()

    def test_too_fast_says_when_to_come_again(self, rig: Rig) -> None:
        rig.simulator.faults.retry_after = "7"
        rig.simulator.faults.next("rate_limited", times=OFTEN)

        with pytest.raises(TransientError) as caught:
            rig.connector().check()

        assert caught.value.throttled
        assert caught.value.retry_after == pytest.approx(7, abs=0.5)

    def test_the_channels_own_throttle_is_understood(self, rig: Rig) -> None:
        rig.simulator.faults.next("throttled", times=OFTEN)

        with pytest.raises(TransientError) as caught:
            rig.connector().check()

        assert caught.value.throttled
        assert not isinstance(caught.value, UnknownOutcome)

    @pytest.mark.parametrize("fault", ["error_before", "timeout_before", "cut_before"])
    def test_a_read_that_failed_may_be_tried_again(self, rig: Rig, fault: str) -> None:
        rig.simulator.faults.next(fault, times=OFTEN)

        with pytest.raises(TransientError) as caught:
            rig.connector().check()

        assert not isinstance(caught.value, UnknownOutcome)
        assert rig.simulator.faults.counts[fault] >= 1

    @pytest.mark.parametrize("fault", ["truncated", "wrong_body", "wrong_json"])
    def test_an_answer_that_makes_no_sense_is_told_as_such(self, rig: Rig, fault: str) -> None:
        rig.needs(Capability.LISTINGS)
        rig.stock_up()
        rig.sell(3)
        connector = rig.connector()
        lists = rig.channel.can(Capability.ORDER_LIST)
        read = connector.pull_orders if lists else connector.list_listings
        rig.simulator.faults.next(fault, times=OFTEN)

        with pytest.raises((ProtocolError, TransientError)):
            read(Cursor(LONG_AGO))

    def test_after_the_bad_day_all_is_well(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        rig.stock_up()
        numbers = rig.sell(3)
        rig.simulator.faults.next("error_before", times=OFTEN)
        connector = rig.connector()
        with pytest.raises(TransientError):
            connector.pull_orders(Cursor(LONG_AGO))
        rig.simulator.faults.clear()

        assert sorted(one.number for one in rig.orders(connector)) == sorted(numbers)

    @pytest.mark.parametrize("walk", ["list_listings", "pull_orders"])
    def test_a_page_repeated_for_ever_is_noticed(self, rig: Rig, walk: str) -> None:
        lists = Capability.ORDER_LIST if walk == "pull_orders" else Capability.LISTINGS
        rig.needs(lists)
        rig.stock_up(230)
        rig.sell(2 * rig.channel.orders.page + 1)
        read = getattr(rig.connector(), walk)
        rig.simulator.faults.next("page_repeated", times=10 * MOST_PAGES)
        tokens: set[str] = set()
        cursor = Cursor(LONG_AGO)

        try:
            for _ in range(MOST_PAGES):
                page = read(cursor)
                cursor = page.cursor
                if not page.more or cursor.token in tokens:
                    break
                tokens.add(cursor.token)
            else:
                pytest.fail("nothing tells that the walk stands still")
        except ProtocolError:
            pass
        assert rig.simulator.faults.counts["page_repeated"] > 0

    def test_an_expired_cursor_starts_the_walk_again(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        rig.stock_up()
        rig.sell(rig.channel.orders.page + 1)
        connector = rig.connector()
        first = connector.pull_orders(Cursor(LONG_AGO))
        rig.simulator.faults.next("cursor_expired")

        try:
            connector.pull_orders(first.cursor)
        except CursorExpired:
            orders = rig.orders(connector, Cursor(first.cursor.since))
            assert len(orders) == rig.channel.orders.page + 1

    def test_a_shop_clock_that_runs_ahead_loses_no_order(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_LIST)
        rig.stock_up()
        connector = rig.connector()
        rig.simulator.faults.clock_skew = 3600
        early = rig.shop.buy([("SKU-0", 1)])
        page = connector.pull_orders(Cursor(LONG_AGO))
        rig.simulator.faults.clock_skew = 0
        late = rig.shop.buy([("SKU-0", 1)])

        seen = {one.number for one in rig.orders(connector, page.cursor)}

        assert [one.number for one in page.items] == [early.number]
        assert late.number in seen

    @pytest.mark.parametrize("fault", sorted(ANY_REQUEST))
    def test_no_secret_is_ever_said(
        self, rig: Rig, fault: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        credentials = rig.simulator.credentials()
        names = {one.name for one in rig.channel.credentials if one.secret}
        secret = [credentials[name] for name in names & credentials.keys()]
        rig.simulator.faults.next(fault, times=OFTEN)
        connector = rig.connector()

        try:
            connector.check()
        except ConnectorError as error:
            heard = [*said(error), caplog.text, repr(connector.connection)]
        else:
            heard = [caplog.text, repr(connector.connection)]

        assert not [one for one in secret if any(one in text for text in heard)]
