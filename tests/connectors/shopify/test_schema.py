"""What we ask is valid by Shopify's schema, and so is what our simulator answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import parse, validate

from connectors.postsale import Cancellation, Parcel, ParcelLine, Refund
from connectors.records import ListingRef, OrderStatus
from connectors.shopify import CHANNEL, bulk, jsonl, postsale_queries, queries
from connectors.shopify.backoffice import Entry
from connectors.shopify.simulator import ShopifySimulator
from connectors.shopify.webhooks import TOPICS
from connectors.simulators.shop import Sale
from connectors.testing import Rig
from connectors.testing.rig import offer, walk
from tests.connectors.shopify.schema import objections, schema, versions, wrong_inputs


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, ShopifySimulator(restore_rate=10_000), timeout=5) as rig:
        yield rig


@dataclass(frozen=True)
class Heard:
    """One question and its answer."""

    name: str
    document: str
    variables: Any
    answer: Any


class Recorder:
    """Stands before a connector's HTTP and keeps what was asked and answered."""

    def __init__(self, http: Any) -> None:
        self.http = http
        self.heard: list[Heard] = []

    def request(self, method: str, url: str, **given: Any) -> Any:
        response = self.http.request(method, url, **given)
        if "json" in given:
            asked = given["json"]
            body = json.loads(response.body)
            self.heard.append(
                Heard(asked["operationName"], asked["query"], asked["variables"], body)
            )
        return response


def recorded(rig: Rig) -> tuple[Any, Recorder]:
    connector: Any = rig.connector()
    recorder = Recorder(connector.connection.http)
    connector.client._http = recorder
    return connector, recorder


def before_a_sale(rig: Rig) -> list[Heard]:
    """One of everything that the connector says of listings, orders and stock."""
    connector, recorder = recorded(rig)
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
    for one in connector.subscribe("https://hub.example/hooks"):
        rig.simulator.drop_subscription(one.external_id)  # nobody is there to be told
    return recorder.heard


def after_a_sale(rig: Rig) -> list[Heard]:
    """One of everything that it says of parcels, cancellations, money and returns."""
    connector, recorder = recorded(rig)
    simulator: Any = rig.simulator
    long = rig.shop.buy([(f"SKU-{n % 30}", 2) for n in range(60)])
    short = rig.shop.buy([("SKU-0", 3)])
    unwanted = rig.shop.buy([("SKU-1", 1)])
    keys = {sale.key: f"gid://shopify/Order/{sale.key}" for sale in (long, short, unwanted)}
    connector.ship(parcel(keys[long.key], long, "P1"))
    made = connector.ship(parcel(keys[short.key], short, "P2"))
    connector.ship(replace(parcel(keys[short.key], short, "P3"), external_id=made))
    simulator.despatch.slow_job = 1
    connector.cancel_order(Cancellation(keys[unwanted.key], "c1", "fraud"))
    lines = tuple(ParcelLine(f"gid://shopify/LineItem/{one.key}", 1) for one in long.lines[:12])
    now = datetime.now(UTC)
    connector.refund(Refund("r1", keys[long.key], 120, "GBP", now, lines, "late", shipping=20))
    for n in range(11):
        rig.shop.refund(short.key, Refund("", short.key, n + 1, "GBP", now))
    rig.shop.edit(short.key, "SKU-0", 2)  # units off, after some were sent: parcels are asked for
    units = {one.key: 1 for one in long.lines[:12]} | {"": 1}
    for status in ("REQUESTED", "OPEN", "DECLINED", "CANCELED", "CLOSED", "OPEN"):
        simulator.backoffice.open_return(long.key, units, status)
    simulator.backoffice.pay_out(Entry("CHARGE", 6000, 150, long.key), Entry("STRIPE_FEE", -20))
    list(walk(connector.pull_orders))
    list(walk(connector.pull_refunds))
    list(walk(connector.pull_returns))
    list(walk(connector.pull_payouts))
    return recorder.heard


def a_long_history(rig: Rig) -> list[Heard]:
    connector, recorder = recorded(rig)
    rig.stock_up()
    rig.sell(bulk.MANY)
    list(walk(connector.pull_orders))
    return [one for one in recorder.heard if one.name != "Orders"]


def traffic(rig: Rig) -> list[Heard]:
    return [*before_a_sale(rig), *after_a_sale(rig), *a_long_history(rig)]


def parcel(order_key: str, sale: Sale, number: str) -> Parcel:
    lines = tuple(ParcelLine(f"gid://shopify/LineItem/{one.key}", 2) for one in sale.lines)
    return Parcel(order_key, number, "DHL", number, datetime.now(UTC), lines, "https://dhl.de/1")


OPERATIONS = (*queries.ALL, *postsale_queries.ALL)


@pytest.mark.parametrize("version", versions())
def test_every_operation_is_valid(version: str) -> None:
    wrong = {
        one.name: [error.message for error in validate(schema(version), parse(one.document))]
        for one in OPERATIONS
    }

    assert {name: errors for name, errors in wrong.items() if errors} == {}


@pytest.mark.parametrize("version", versions())
def test_what_a_bulk_operation_runs_is_valid(version: str) -> None:
    document = queries.exported_orders("updated_at:>='2026-11-01T12:00:00Z'")

    assert validate(schema(version), parse(document)) == []


@pytest.mark.parametrize("version", versions())
@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_exists(version: str, topic: str) -> None:
    topics: Any = schema(version).type_map["WebhookSubscriptionTopic"]

    assert topic in topics.values


def test_what_is_said_is_as_shopify_could_say_it(rig: Rig) -> None:
    heard = traffic(rig)

    assert {one.name for one in heard} == {one.name for one in OPERATIONS}
    assert [
        (one.name, objection)
        for one in heard
        for objection in objections(one.document, one.answer["data"])
    ] == []
    assert [
        (one.name, version, wrong)
        for one in heard
        for version in versions()
        for wrong in wrong_inputs(one.document, one.variables, version)
    ] == []
    for one in heard:
        cost = one.answer["extensions"]["cost"]
        assert cost["actualQueryCost"] <= cost["requestedQueryCost"] <= 1000, one.name


def test_the_rows_of_a_file_are_as_shopify_could_write_them(rig: Rig) -> None:
    a_long_history(rig)
    simulator: Any = rig.simulator
    (made,) = simulator.exports.made.values()
    nodes, _ = jsonl.orders(made.body, ended=True, most=20)
    assert nodes

    for node in nodes:
        lines = [{"node": line} for line in node["lineItems"]["nodes"]]
        order = {**node, "lineItems": {"edges": lines}}
        assert objections(made.query, {"orders": {"edges": [{"node": order}]}}) == []


def test_the_check_of_inputs_finds_what_is_wrong() -> None:
    given = {"input": {"orderId": 5, "transactions": [{"amount": "1.00"}]}, "key": "k"}

    wrong = wrong_inputs(postsale_queries.GIVE_BACK.document, given, queries.API_VERSION)

    assert len(wrong) == 3  # gateway, kind and the payment's order are missing; a number is an ID


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
