"""What we ask is in Google's discovery documents, and so is what our simulator answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.base import Connector
from connectors.google_play import CHANNEL, mapping
from connectors.google_play.simulator import GooglePlaySimulator
from connectors.google_play.storefront import TEST_PURCHASE
from connectors.postsale import Parcel
from connectors.records import Cursor, ListingRef, OrderStatus
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO, offer
from tests.connectors.google_play.discovery import Call, method_of, objections

ASKED = {
    "androidpublisher.monetization.onetimeproducts.batchGet",
    "androidpublisher.monetization.onetimeproducts.list",
    "androidpublisher.monetization.onetimeproducts.purchaseOptions.batchUpdateStates",
    "androidpublisher.orders.batchget",
    "androidpublisher.orders.get",
    "androidpublisher.purchases.products.acknowledge",
    "androidpublisher.purchases.productsv2.getproductpurchasev2",
    "androidpublisher.purchases.voidedpurchases.list",
    "pubsub.projects.subscriptions.create",
    "pubsub.projects.subscriptions.get",
    "pubsub.projects.subscriptions.modifyPushConfig",
    "pubsub.projects.topics.subscriptions.list",
}
#: The token endpoint and the key set are in no discovery document.
ELSEWHERE = {"/token", "/oauth2/v3/certs"}


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, GooglePlaySimulator(), timeout=5.0) as rig:
        yield rig


class Recorder:
    """Stands before a connector's HTTP and keeps what was asked and answered with success."""

    def __init__(self, http: Any) -> None:
        self.http = http
        self.heard: list[Call] = []

    def request(self, method: str, url: str, **given: Any) -> Any:
        response = self.http.request(method, url, **given)
        if response.status < 300 and urlsplit(url).path not in ELSEWHERE:
            answer = json.loads(response.body) if response.body else {}
            params = given.get("params") or []
            self.heard.append(Call(method, url, params, given.get("json") or {}, answer))
        return response


def recorded(rig: Rig) -> tuple[Connector, list[Call]]:
    connector = rig.connector()
    recorder = Recorder(connector.connection.http)
    connector.client._http = recorder
    return connector, recorder.heard


def traffic(rig: Rig) -> list[Call]:
    """One of everything that the connector says."""
    connector, heard = recorded(rig)
    rig.stock_up(130)
    for status in OrderStatus:
        sale = rig.shop.buy([("SKU-0", 3), ("SKU-1", 1)], buyer={"name": "A", "email": "a@b.c"})
        rig.shop.set_status(sale.key, status)
    for _ in range(120):
        rig.shop.cancel(rig.shop.buy([("SKU-2", 1)]).key)
    edited = rig.shop.edit(rig.shop.buy([("SKU-2", 2)]).key, "SKU-2", 1)
    test = rig.shop.buy([("SKU-3", 1)], reference=TEST_PURCHASE)
    rig.shop.end_variant("SKU-9")

    connector.check()
    listings = rig.listings(connector)
    connector.fetch_orders([edited.key, *(sale.key for sale in rig.shop.orders[:20])])
    connector.fetch_orders([test.key, "GPA.1"])
    cursor, more = Cursor(datetime.now(UTC) - timedelta(days=1)), True
    while more:
        page = connector.pull_events(cursor)
        cursor, more = page.cursor, page.more
    connector.push_stock([offer(listings[0], 0, "k1"), offer(listings[1], 5, "k2")])
    connector.push_stock([offer(listings[0], 1, "k3")])
    connector.read_stock([ListingRef(one.external_id, one.handles) for one in listings])
    connector.ship(Parcel(test.key, "p", "", "", LONG_AGO, ()))
    for _ in range(2):
        connector.subscribe("https://hub.example/hooks")
    connector.subscriptions()
    return heard


def test_all_that_is_said_is_in_the_documents(rig: Rig) -> None:
    heard = traffic(rig)

    assert {method_of(call).id for call in heard} == ASKED
    assert [one for call in heard for one in objections(call)] == []


def test_no_state_of_an_order_is_left_out_of_the_check(rig: Rig) -> None:
    orders = [order for call in traffic(rig) for order in call.answer.get("orders", [])]

    assert {one["state"] for one in orders} == set(mapping.STATES)


def test_the_check_finds_what_is_wrong() -> None:
    url = "https://androidpublisher.googleapis.com/androidpublisher/v3/applications/com.a"
    answer = {"orders": [{"orderId": 5, "state": "GONE", "createTime": "today", "colour": "red"}]}
    reading = Call("GET", f"{url}/orders:batchGet", [("orderId", "1")], {}, answer)
    switching = Call(
        "POST",
        f"{url}/oneTimeProducts/-/purchaseOptions:batchUpdateStates",
        [],
        {"requests": [{"activatePurchaseOptionRequest": {"productId": True}}]},
        {"oneTimeProducts": {}},
    )

    reads = "androidpublisher.orders.batchget"
    switches = "androidpublisher.monetization.onetimeproducts.purchaseOptions.batchUpdateStates"
    assert sorted(objections(reading)) == [
        f"{reads} answer.orders.0.colour: is not in the document",
        f"{reads} answer.orders.0.createTime: 'today' is no google-datetime",
        f"{reads} answer.orders.0.orderId: 5 is no string",
        f"{reads} answer.orders.0.state: 'GONE' is no string",
        f"{reads} orderId: is not a parameter",
    ]
    assert sorted(objections(switching)) == [
        f"{switches} answer.oneTimeProducts: {{}} is no array",
        f"{switches} request.requests.0.activatePurchaseOptionRequest.productId: True is no string",
    ]
