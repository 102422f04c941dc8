"""What we ask is valid by Saleor's schema, and so is what our simulator answers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from graphql import parse, validate

from connectors.postsale import Cancellation
from connectors.records import Cursor, ListingRef, OrderStatus
from connectors.saleor import CHANNEL, queries
from connectors.saleor.connector import SaleorConnector
from connectors.saleor.queries import Operation
from connectors.saleor.simulator import TOPICS as TOLD
from connectors.saleor.simulator import SaleorSimulator
from connectors.saleor.webhooks import SUBSCRIPTION, TOPICS
from connectors.testing import Rig
from connectors.testing.fulfilment import parcel, refund
from connectors.testing.rig import LONG_AGO, offer
from tests.connectors.saleor.schema import objections, schema

Heard = list[tuple[str, str, Any, Any]]


class Recorder:
    """Stands before a connector's HTTP and keeps what was asked and answered."""

    def __init__(self, http: Any, heard: Heard) -> None:
        self.http = http
        self.heard = heard

    def request(self, method: str, url: str, **given: Any) -> Any:
        response = self.http.request(method, url, **given)
        asked = given["json"]
        told = (asked["operationName"], asked["query"], asked["variables"])
        self.heard.append((*told, json.loads(response.body)))
        return response


def recorded(rig: Rig, heard: Heard) -> SaleorConnector:
    connector = rig.connector()
    assert isinstance(connector, SaleorConnector)
    connector.client._http = Recorder(connector.client._http, heard)  # type: ignore[assignment]
    return connector


def traffic() -> Heard:
    """One of everything that the connector says."""
    heard: Heard = []
    with Rig(CHANNEL, SaleorSimulator(), timeout=5) as rig:
        connector = recorded(rig, heard)
        rig.stock_up(3)
        for status in OrderStatus:
            sale = rig.shop.buy([("SKU-0", 3)], buyer={"name": "A B", "email": "a@b.c"})
            rig.shop.set_status(sale.key, status)
        rig.shop.cancel(rig.shop.buy([("SKU-2", 1)]).key)
        connector.check()
        listings = rig.listings(connector)
        orders = rig.orders(connector)
        connector.fetch_orders([orders[0].external_id])
        connector.read_stock([ListingRef(one.external_id, one.handles) for one in listings])
        connector.push_stock([offer(listings[0], 5, "k1"), offer(listings[1], 5, "k2")])
        paid = next(one for one in orders if one.status is OrderStatus.CONFIRMED)
        external_id = connector.ship(parcel(paid, 1))
        connector.ship(replace(parcel(paid, 1), external_id=external_id))
        connector.refund(refund(paid, 501))
        connector.cancel_order(Cancellation(orders[0].external_id, "c1"))
        connector.pull_refunds(Cursor(LONG_AGO))
        (first, *_) = connector.subscribe("https://hub.example/hooks")
        rig.simulator.drop_subscription(first.external_id)
        connector.subscribe("https://hub.example/hooks")
    with Rig(CHANNEL, SaleorSimulator(legacy=True), timeout=5) as rig:
        connector = recorded(rig, heard)
        rig.stock_up(1)
        rig.shop.buy([("SKU-0", 3)])
        (order,) = rig.orders(connector)
        connector.refund(refund(order, 501))
    return heard


@pytest.mark.parametrize("operation", queries.ALL, ids=lambda one: one.name)
def test_every_operation_is_valid(operation: Operation) -> None:
    assert validate(schema(), parse(operation.document)) == []


def test_what_webhooks_are_to_hold_is_valid() -> None:
    assert validate(schema(), parse(SUBSCRIPTION)) == []
    assert set(TOPICS) <= schema().type_map["WebhookEventTypeAsyncEnum"].values.keys()  # type: ignore[attr-defined]


def test_the_simulator_tells_of_topics_that_are_asked_for() -> None:
    assert {topic for some in TOLD.values() for topic in some} <= set(TOPICS)


def test_the_simulator_answers_as_saleor_could() -> None:
    schema()
    heard = traffic()

    assert {name for name, *_ in heard} == {one.name for one in queries.ALL}
    assert [
        (name, objection)
        for name, document, variables, body in heard
        for objection in objections(document, variables, body["data"])
    ] == []


def test_the_check_of_answers_finds_what_is_wrong() -> None:
    document = "query { app { id name } channels { slug isActive } }"
    wrong = {"app": {"id": "1", "extra": 1}, "channels": [{"slug": "uk", "isActive": None}]}

    assert objections(document, {}, wrong) != []
    assert objections("query { app { id } }", {}, {"app": {"id": "1", "extra": 1}}) != []
