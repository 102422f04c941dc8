"""What we ask is valid by Shopify's schema, and so is what our simulator answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import parse, validate

from connectors.records import ListingRef, OrderStatus
from connectors.shopify import CHANNEL, queries
from connectors.shopify.queries import Operation
from connectors.shopify.simulator import ShopifySimulator
from connectors.testing import Rig
from connectors.testing.rig import offer
from tests.connectors.shopify.schema import objections, schema


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, ShopifySimulator(restore_rate=10_000)) as rig:
        yield rig


class Recorder:
    """Stands before a connector's HTTP and keeps what was asked and answered."""

    def __init__(self, http: Any) -> None:
        self.http = http
        self.heard: list[tuple[str, str, Any]] = []

    def request(self, method: str, url: str, **given: Any) -> Any:
        response = self.http.request(method, url, **given)
        asked = given["json"]
        self.heard.append((asked["operationName"], asked["query"], json.loads(response.body)))
        return response


def traffic(rig: Rig) -> list[tuple[str, str, Any]]:
    """One of everything that the connector says."""
    connector = rig.connector()
    recorder = Recorder(connector.connection.http)
    connector.client._http = recorder
    skus = rig.stock_up(30)
    for status in OrderStatus:
        sale = rig.shop.buy([("SKU-0", 3), ("SKU-1", 1)], buyer={"name": "A", "email": "a@b.c"})
        rig.shop.set_status(sale.key, status)
    rig.shop.cancel(rig.shop.buy([("SKU-2", 1)]).key)
    rig.shop.edit(rig.shop.buy([("SKU-2", 2)]).key, "SKU-2", 1)
    rig.shop.buy([(sku, 1) for sku in skus])
    rig.shop.end_variant("SKU-9")

    connector.check()
    listings = rig.listings(connector)
    orders = rig.orders(connector)
    connector.fetch_orders([orders[0].external_id, "gid://shopify/Order/1"])
    connector.read_stock([ListingRef(one.external_id, one.handles) for one in listings])
    connector.read_stock(
        [ListingRef("gone", {"inventory_item_id": "gid://shopify/InventoryItem/1"})]
    )
    connector.push_stock([offer(listings[0], 5, "k1", 1), offer(listings[1], 5, "k2")])
    connector.subscribe("https://hub.example/hooks")
    return recorder.heard


@pytest.mark.parametrize("operation", queries.ALL, ids=lambda one: one.name)
def test_every_operation_is_valid(operation: Operation) -> None:
    assert validate(schema(), parse(operation.document)) == []


def test_the_simulator_answers_as_shopify_could(rig: Rig) -> None:
    heard = traffic(rig)

    assert {name for name, _, _ in heard} == {one.name for one in queries.ALL}
    assert [
        (name, objection)
        for name, document, body in heard
        for objection in objections(document, body["data"])
    ] == []


def test_every_answer_tells_its_cost(rig: Rig) -> None:
    for name, _, body in traffic(rig):
        cost = body["extensions"]["cost"]
        assert cost["actualQueryCost"] <= cost["requestedQueryCost"] <= 1000, name


def test_the_check_of_answers_finds_what_is_wrong() -> None:
    document = "query { shop { id name currencyCode } locations(first: 1) { nodes { isActive } } }"
    wrong = {
        "shop": {"id": 5, "currencyCode": "QQQ", "extra": 1},
        "locations": {"nodes": [{"isActive": None}]},
    }

    assert sorted(objections(document, wrong)) == [
        "data.locations.nodes.0.isActive: must not be null",
        "data.shop.currencyCode: 'QQQ' is no CurrencyCode",
        "data.shop.extra: was not asked for",
        "data.shop.id: 5 is no ID",
        "data.shop.name: is missing",
    ]
