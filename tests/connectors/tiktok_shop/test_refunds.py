"""Money given back is read from returns and cancellations alike, and each is met once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.errors import CursorExpired
from connectors.fields import Unreadable
from connectors.postsale import Refund
from connectors.records import Cursor
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO, walk
from connectors.tiktok_shop import CHANNEL, refunds
from connectors.tiktok_shop.refunds import SOURCES
from connectors.tiktok_shop.simulator import TikTokShopSimulator
from tests.connectors.tiktok_shop.counter import bought_at
from tests.connectors.tiktok_shop.recorded import CHANGED, cancelled, sent_back

RETURNED, CANCELLED = SOURCES


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, TikTokShopSimulator(rate=10_000)) as rig:
        rig.stock_up()
        yield rig


def paid_back(rig: Rig, cursor: Cursor | None = None) -> list[Refund]:
    return [one for page in walk(rig.connector().pull_refunds, cursor) for one in page.items]


def test_a_refund_is_read_to_the_penny() -> None:
    found = refunds.read(sent_back(), RETURNED)

    assert found is not None
    assert (found.external_id, found.order_key) == ("4035318504086600001", "576000000000000001")
    assert (found.amount, found.shipping, found.currency) == (900, 495, "GBP")
    assert found.refunded_at == datetime.fromtimestamp(CHANGED, UTC)
    assert [(one.line_key, one.quantity) for one in found.lines] == [("577000000000000011", 1)]
    assert found.reason == "Item is defective"


def test_what_a_cancellation_gave_back_is_a_refund() -> None:
    found = refunds.read(cancelled(), CANCELLED)

    assert found is not None
    assert (found.external_id, found.amount) == ("4035318504086600002", 900)


@pytest.mark.parametrize(
    "changed",
    [
        {"return_status": "RETURN_OR_REFUND_REQUEST_PENDING"},
        {"return_status": "RETURN_OR_REFUND_REQUEST_SUCCESS"},
        {"return_status": "SOMETHING_NEW"},
        {"refund_amount": None},
        {"refund_amount": {"currency": "GBP"}},
        {"refund_amount": {"currency": "GBP", "refund_total": "0"}},
    ],
)
def test_money_that_was_not_given_back_is_no_refund(changed: dict[str, Any]) -> None:
    assert refunds.read(sent_back(**changed), RETURNED) is None


def test_an_order_cancelled_before_it_was_paid_gave_nothing_back() -> None:
    nothing = {"currency": "GBP", "refund_total": "0.00"}

    assert refunds.read(cancelled(refund_amount=nothing), CANCELLED) is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"refund_amount": {"refund_total": "1.00"}}, "refund_amount.currency"),
        (
            {"refund_amount": {"currency": "GBP", "refund_total": "-1.00"}},
            "refund_amount.refund_total",
        ),
        ({"order_id": None}, "order_id"),
        ({"update_time": "soon"}, "update_time"),
    ],
)
def test_what_cannot_be_read_is_named(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Unreadable) as complaint:
        refunds.read(sent_back(**changed), RETURNED)

    assert complaint.value.field == field


def test_returns_and_cancellations_come_in_one_walk(rig: Rig) -> None:
    connector = rig.connector()
    kept = bought_at(rig, connector, ("SKU-0", 2))
    called_off = bought_at(rig, connector, ("SKU-1", 1))
    now = datetime.now(UTC)
    rig.shop.refund(kept.external_id, Refund("", kept.external_id, 501, "GBP", now))
    rig.shop.cancel(called_off.external_id)

    found = {one.order_key: one.amount for one in paid_back(rig)}

    assert found == {kept.external_id: 501, called_off.external_id: 1008}


def test_a_case_that_changes_while_we_read_is_met_at_the_next_walk(rig: Rig) -> None:
    connector = rig.connector()
    order = bought_at(rig, connector, ("SKU-0", 2))
    called_off = bought_at(rig, connector, ("SKU-1", 1))

    def late() -> None:
        now = datetime.now(UTC)
        rig.shop.refund(order.external_id, Refund("", order.external_id, 501, "GBP", now))
        rig.shop.cancel(called_off.external_id)

    rig.simulator.meanwhile(late, "Cancellations")
    first = connector.pull_refunds(Cursor(LONG_AGO))
    then = [one.amount for one in paid_back(rig, first.cursor)]

    assert [one.amount for one in first.items] == [1008]
    assert first.cursor.since <= datetime.now(UTC)
    assert sorted(then) == [501, 1008]


def test_the_watermark_is_of_the_shops_clock(rig: Rig) -> None:
    order = bought_at(rig, rig.connector(), ("SKU-0", 2))
    rig.simulator.faults.clock_skew = 3600
    rig.shop.cancel(order.external_id)

    page = rig.connector().pull_refunds(Cursor(LONG_AGO))

    assert len(page.items) == 1
    assert page.cursor.since > datetime.now(UTC) + timedelta(minutes=50)


@pytest.mark.parametrize("token", ["", "lost", "[]", '[7, "x", "y", ""]'])
def test_a_token_that_is_not_ours_starts_the_walk_anew(rig: Rig, token: str) -> None:
    if token:
        with pytest.raises(CursorExpired):
            rig.connector().pull_refunds(Cursor(LONG_AGO, token))
    else:
        assert not rig.connector().pull_refunds(Cursor(LONG_AGO, token)).more
