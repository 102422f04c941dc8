"""Goods that buyers send back are read with where they stand; money alone is no return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.postsale import ReturnStatus
from connectors.records import Cursor
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO, walk
from connectors.tiktok_shop import CHANNEL, mapping, returns
from connectors.tiktok_shop.simulator import TikTokShopSimulator
from tests.connectors.tiktok_shop.counter import bought_at
from tests.connectors.tiktok_shop.recorded import CHANGED, PLACED, sent_back

GOODS = {"return_type": "RETURN_AND_REFUND", "can_buyer_keep_item": False}


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, TikTokShopSimulator(rate=10_000)) as rig:
        rig.stock_up()
        yield rig


def test_a_return_is_read_with_its_units() -> None:
    found = returns.read(sent_back(**GOODS))

    assert found is not None
    assert (found.external_id, found.order_key) == ("4035318504086600001", "576000000000000001")
    assert found.status is ReturnStatus.CLOSED
    assert found.channel_status == "RETURN_OR_REFUND_REQUEST_COMPLETE"
    assert found.requested_at.timestamp() == PLACED
    assert found.updated_at.timestamp() == CHANGED
    (line,) = found.lines
    assert (line.line_key, line.quantity) == ("577000000000000011", 1)
    assert line.reason == "Item is defective"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("RETURN_OR_REFUND_REQUEST_PENDING", ReturnStatus.REQUESTED),
        ("AWAITING_BUYER_SHIP", ReturnStatus.APPROVED),
        ("BUYER_SHIPPED_ITEM", ReturnStatus.APPROVED),
        ("REFUND_OR_RETURN_REQUEST_REJECT", ReturnStatus.DECLINED),
        ("REJECT_RECEIVE_PACKAGE", ReturnStatus.DECLINED),
        ("RETURN_OR_REFUND_REQUEST_CANCEL", ReturnStatus.CANCELLED),
        ("EXCHANGE_REQUEST_COMPLETE", ReturnStatus.CLOSED),
    ],
)
def test_a_return_stands_where_its_word_says(word: str, expected: ReturnStatus) -> None:
    found = returns.read(sent_back(**GOODS, return_status=word))

    assert found is not None
    assert (found.status, found.channel_status) == (expected, word)


@pytest.mark.parametrize("changed", [{"return_type": "REFUND"}, {"can_buyer_keep_item": True}])
def test_goods_that_stay_with_the_buyer_are_no_return(changed: dict[str, Any]) -> None:
    assert returns.read(sent_back(**{**GOODS, **changed})) is None


def test_a_state_that_is_not_known_is_a_bad_record_under_its_number() -> None:
    record = sent_back(**GOODS, return_status="SOMETHING_NEW")

    good, bad = mapping.each([record], returns.read, key="return_id")

    assert good == ()
    assert (bad[0].external_id, bad[0].field) == (record["return_id"], "return_status")


def test_returns_come_once_over_many_pages_and_again_when_they_change(rig: Rig) -> None:
    simulator = rig.simulator
    assert isinstance(simulator, TikTokShopSimulator)
    connector = rig.connector()
    orders = [bought_at(rig, connector, ("SKU-0", 2)).external_id for _ in range(60)]
    keys = [simulator.casebook.send_back(one) for one in orders]

    *pages, last = walk(connector.pull_returns)
    simulator.casebook.move(keys[7], "AWAITING_BUYER_SHIP")
    again = [one for page in walk(connector.pull_returns, last.cursor) for one in page.items]

    found = [one.external_id for page in (*pages, last) for one in page.items]
    assert sorted(found) == sorted(keys)
    assert {one.external_id: one.status for one in again}[keys[7]] is ReturnStatus.APPROVED


def test_a_refund_of_the_shop_alone_is_no_return(rig: Rig) -> None:
    simulator = rig.simulator
    assert isinstance(simulator, TikTokShopSimulator)
    order = bought_at(rig, rig.connector(), ("SKU-0", 1))
    simulator.casebook.send_back(order.external_id, kind="REFUND")

    assert rig.connector().pull_returns(Cursor(LONG_AGO)).items == ()
