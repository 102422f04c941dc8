"""Orders by what names them, voided purchases, and acknowledging."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.errors import ProtocolError, RejectedError
from connectors.google_play import CHANNEL
from connectors.google_play.simulator import GooglePlaySimulator
from connectors.postsale import Parcel
from connectors.records import Cursor
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO
from tests.connectors.google_play.recorded import ORDER_ID, order, purchase
from tests.connectors.google_play.script import scripted


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, GooglePlaySimulator(), timeout=5.0) as rig:
        yield rig


# -- orders ----------------------------------------------------------------------------------------


def test_one_unknown_id_costs_few_calls(rig: Rig) -> None:
    rig.stock_up()
    keys = [rig.shop.buy([("SKU-0", 1)]).key for _ in range(40)]
    connector = rig.connector()

    page = connector.fetch_orders([*keys[:17], "GPA.0000-0000-0000-00000", *keys[17:]])

    assert sorted(one.external_id for one in page.items) == sorted(keys)
    assert rig.simulator.requests["Orders"] <= 13


def test_a_token_and_the_id_of_one_order_are_one_order(rig: Rig) -> None:
    rig.stock_up()
    sale = rig.shop.buy([("SKU-0", 1)])
    connector = rig.connector()
    token = connector.fetch_orders([sale.key]).items[0].raw["order"]["purchaseToken"]

    page = connector.fetch_orders([token, sale.key, token])

    assert [one.external_id for one in page.items] == [sale.key]
    assert page.items[0] == connector.fetch_orders([sale.key]).items[0]


def test_a_subscription_is_found_by_its_latest_order() -> None:
    bought = {
        "kind": "androidpublisher#subscriptionPurchaseV2",
        "lineItems": [{"productId": "monthly", "latestSuccessfulOrderId": f"{ORDER_ID}..3"}],
    }
    renewed = order(orderId=f"{ORDER_ID}..3")
    connector, script = scripted((200, bought), (200, {"orders": [renewed]}))

    page = connector.fetch_orders(["subscription:tok"])

    assert [one.external_id for one in page.items] == [f"{ORDER_ID}..3"]
    assert script.urls[1].endswith("/purchases/subscriptionsv2/tokens/tok")


def test_a_purchase_without_an_order_names_none() -> None:
    bought = purchase()
    del bought["orderId"]
    connector, script = scripted((200, bought))

    assert connector.fetch_orders(["tok"]).items == ()
    assert not script.told


def test_an_order_whose_purchase_google_forgot_is_read_all_the_same() -> None:
    gone = (410, {"error": {"code": 410, "status": "GONE"}})
    connector, _ = scripted((200, {"orders": [order()]}), gone)

    (found,) = connector.fetch_orders([ORDER_ID]).items

    assert found.raw["purchase"] == {}


def test_a_bad_order_is_told_beside_the_good(rig: Rig) -> None:
    other = f"{ORDER_ID[:-1]}4"
    both = [order(), order(orderId=other, total=None)]
    connector, _ = scripted((200, {"orders": both}), (200, purchase()), (200, purchase()))

    page = connector.fetch_orders([ORDER_ID, other])

    assert [one.external_id for one in page.items] == [ORDER_ID]
    assert [one.external_id for one in page.bad] == [other]


@pytest.mark.parametrize("came", [[], [order(orderId="GPA.other")], [order(), order()]])
def test_orders_that_were_not_asked_for_are_no_answer(came: list[Any]) -> None:
    connector, _ = scripted((200, {"orders": came}))

    with pytest.raises(ProtocolError):
        connector.fetch_orders([ORDER_ID])


def test_voided_purchases_are_asked_for_no_further_back_than_google_goes() -> None:
    connector, script = scripted((200, {}))
    began = datetime.now(UTC)

    connector.pull_events(Cursor(LONG_AGO))

    asked = dict(script.asked[1][2]["params"])
    start = datetime.fromtimestamp(int(asked["startTime"]) / 1000, UTC)
    assert timedelta(days=29) < began - start < timedelta(days=30)
    assert (asked["type"], asked["includeQuantityBasedPartialRefund"]) == ("1", "true")


def test_events_overlap_and_name_each_order_once() -> None:
    twice = [{"orderId": ORDER_ID}, {"orderId": ORDER_ID}, {"purchaseToken": "old"}, {}]
    connector, script = scripted((200, {"voidedPurchases": twice}))
    since = datetime.now(UTC) - timedelta(days=1)

    page = connector.pull_events(Cursor(since))

    start = int(dict(script.asked[1][2]["params"])["startTime"]) / 1000
    assert datetime.fromtimestamp(start, UTC) <= since - timedelta(minutes=9)
    assert [one.key for one in page.items] == [ORDER_ID, "old"]
    assert [one.field for one in page.bad] == ["purchaseToken"]


# -- acknowledging ---------------------------------------------------------------------------------


def parcel(order_key: str) -> Parcel:
    return Parcel(order_key, "p1", "", "", LONG_AGO, ())


def test_a_parcel_acknowledges_the_purchase_once(rig: Rig) -> None:
    rig.stock_up()
    sale = rig.shop.buy([("SKU-0", 2), ("SKU-1", 1)])
    connector = rig.connector()

    connector.ship(parcel(sale.key))
    connector.ship(parcel(sale.key))

    assert rig.simulator.office.acknowledged == {sale.key}


def test_what_the_app_acknowledged_is_no_error(rig: Rig) -> None:
    rig.stock_up()
    sale = rig.shop.buy([("SKU-0", 2)])
    rig.simulator.office.acknowledged.add(sale.key)

    rig.connector().ship(parcel(sale.key))

    assert rig.simulator.requests["Acknowledge"] == 0


def test_a_refusal_because_it_was_done_meanwhile_is_no_error(rig: Rig) -> None:
    rig.stock_up()
    sale = rig.shop.buy([("SKU-0", 2)])
    rig.simulator.meanwhile(
        lambda: rig.simulator.office.acknowledged.add(sale.key), where="Acknowledge"
    )

    rig.connector().ship(parcel(sale.key))

    assert rig.simulator.requests["Acknowledge"] == 1


def test_what_cannot_be_acknowledged_is_refused(rig: Rig) -> None:
    rig.stock_up()
    pending = rig.shop.buy([("SKU-0", 1)])
    rig.shop.set_status(pending.key, "unpaid")

    for key in (pending.key, "GPA.0000-0000-0000-00000"):
        with pytest.raises(RejectedError):
            rig.connector().ship(parcel(key))


def test_a_subscription_is_not_acknowledged_as_a_product() -> None:
    sold = order()
    sold["lineItems"][0]["subscriptionDetails"] = sold["lineItems"][0].pop("oneTimePurchaseDetails")
    connector, _ = scripted((200, sold))

    with pytest.raises(RejectedError):
        connector.ship(parcel(ORDER_ID))
