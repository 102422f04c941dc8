"""What we ask is as WooCommerce describes it, and so is what our simulator answers; and what the
documentation shows is read to the right values."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from connectors.amounts import minor_units
from connectors.answers import parse_json
from connectors.errors import RejectedError
from connectors.fields import each
from connectors.postsale import Cancellation, ParcelLine, Refund
from connectors.records import Cursor, ListingRef, OrderStatus
from connectors.testing import Rig
from connectors.testing.fulfilment import parcel
from connectors.testing.fulfilment import refund as asked
from connectors.testing.rig import LONG_AGO, offer, ref
from connectors.woocommerce import CHANNEL, catalogue, mapping
from connectors.woocommerce.connector import WooCommerceConnector
from connectors.woocommerce.paths import ROOT
from connectors.woocommerce.simulator import WooCommerceSimulator
from tests.connectors.woocommerce.recorded import order, product, refund, variation
from tests.connectors.woocommerce.schema import (
    answer_objections,
    request_objections,
    samples,
)


class Heard(NamedTuple):
    method: str
    path: str
    query: dict[str, str]
    body: Any
    status: int
    answer: Any


class Recorder:
    """Stands before a connector's HTTP and keeps what was asked and answered."""

    def __init__(self, http: Any) -> None:
        self.http = http
        self.heard: list[Heard] = []

    def request(self, method: str, url: str, **given: Any) -> Any:
        response = self.http.request(method, url, **given)
        path = urlsplit(url).path.removeprefix(ROOT)
        query = {k: v for k, v in given["params"].items() if not k.startswith("oauth_")}
        answer = json.loads(response.body)
        self.heard.append(Heard(method, path, query, given["json"], response.status, answer))
        return response


@pytest.fixture(scope="module")
def heard() -> list[Heard]:
    with Rig(CHANNEL, WooCommerceSimulator(pings=False), timeout=5.0) as rig:
        return traffic(rig)


def traffic(rig: Rig) -> list[Heard]:
    """One of everything that the connector says."""
    connector, simulator = rig.connector(), rig.simulator
    assert isinstance(connector, WooCommerceConnector)
    assert isinstance(simulator, WooCommerceSimulator)
    recorder = Recorder(connector.connection.http)
    connector.connection.http = recorder  # type: ignore[assignment]
    rig.stock_up(6)
    simulator.shelves.family("Shirt", ["SKU-1", "SKU-2"])
    simulator.shelves.family("Gift", ["SKU-3", "SKU-4"], pooled=True)
    moment = datetime.now(UTC)
    for _ in range(110):
        rig.shop.buy([("SKU-0", 1)], at=moment)
    _sell_in_every_status(rig)
    simulator.trash(rig.shop.orders[0].key)
    rig.shop.end_variant("SKU-5")

    connector.check()
    listings = rig.listings(connector)
    orders = rig.orders(connector)
    connector.fetch_orders([orders[0].external_id, rig.shop.orders[0].key, "1"])
    connector.push_stock([offer(one, 5, one.sku) for one in listings])
    connector.read_stock([*map(ref, listings), ListingRef("1")])
    _after_the_sale(connector, rig)
    connector.subscribe("https://hub.example/hooks")
    simulator.drop_subscription("101")
    connector.subscribe("https://hub.example/hooks")
    connector.subscriptions()
    return recorder.heard


def _sell_in_every_status(rig: Rig) -> None:
    now = datetime.now(UTC)
    for status in OrderStatus:
        buyer = {"name": "Ann Onym", "email": "a@b.example", "address1": "1 High Street"}
        sale = rig.shop.buy([("SKU-0", 3), ("SKU-1", 1)], buyer=buyer)
        rig.shop.set_status(sale.key, status)
    sale = rig.shop.buy([("SKU-0", 3)])
    line = ParcelLine(sale.lines[0].key, 1)
    rig.shop.refund(sale.key, Refund("", sale.key, 100, "GBP", now, (line,), "damaged"))
    rig.shop.cancel(rig.shop.buy([("SKU-2", 1)]).key)


def _after_the_sale(connector: WooCommerceConnector, rig: Rig) -> None:
    first, second = (rig.shop.buy([("SKU-0", 2)]).key for _ in range(2))
    open_order, other = connector.fetch_orders([first, second]).items
    connector.ship(parcel(open_order, 1))
    connector.ship(parcel(open_order, 1, key="parcel-2"))
    connector.ship(parcel(open_order, 1, key="parcel-2"))
    connector.refund(asked(other, 50))
    connector.refund(asked(other, 50))
    with pytest.raises(RejectedError):
        connector.refund(asked(other, 10**6, key="refund-2"))
    connector.cancel_order(Cancellation(other.external_id, "cancel-1", "out of stock"))
    connector.pull_refunds(Cursor(LONG_AGO))


def test_what_is_asked_is_as_described(heard: list[Heard]) -> None:
    said = {(one.method, *one.path.strip("/").split("/")[::2]) for one in heard}
    assert len(said) >= 10
    assert [
        (one.method, one.path, objection)
        for one in heard
        for objection in request_objections(one.method, one.path, one.query, one.body)
    ] == []


def test_the_simulator_answers_as_woocommerce_could(heard: list[Heard]) -> None:
    found = [
        (one.path, objection)
        for one in heard
        if 200 <= one.status < 300
        for objection in objections(one)
    ]

    assert found == []


def objections(one: Heard) -> list[str]:
    """Of each resource in an answer, by its route."""
    parts = one.path.strip("/").split("/")
    names = {"orders": "order", "refunds": "refund", "notes": "note", "webhooks": "webhook"}
    names |= {"products": "product", "variations": "variation"}
    kinds = [names[part] for part in parts if part in names]
    if not kinds:
        return [] if set(one.answer) == {"code", "name", "symbol"} else ["answer: no currency"]
    rows = one.answer
    if parts[-1] == "batch":
        rows = [row for row in one.answer["update"] if "error" not in row]
    rows = rows if isinstance(rows, list) else [rows]
    return [said for row in rows for said in answer_objections(kinds[-1], row)]


def test_refusals_have_the_shape_of_the_real_ones(heard: list[Heard]) -> None:
    refused = [one for one in heard if one.status >= 400]

    assert {one.status for one in refused} == {500}
    for one in refused:
        assert one.answer.keys() == {"code", "message", "data"}


def test_our_recorded_shapes_are_theirs() -> None:
    assert answer_objections("order", order()) == []
    assert answer_objections("refund", refund()) == []
    assert answer_objections("product", product()) == []
    assert answer_objections("variation", variation()) == []


def test_the_check_finds_what_is_wrong() -> None:
    wrong = {"id": "5", "extra": 1, "billing": {"fax": "1"}, "line_items": [{"quantity": "2"}]}
    asked = {"limit": "1", "order": "up"}

    assert sorted(answer_objections("order", wrong)) == [
        "answer.billing.0.fax: is unknown",
        "answer.extra: is unknown",
        "answer.id: '5' is no integer",
        "answer.line_items.0.quantity: '2' is no integer",
    ]
    assert sorted(request_objections("GET", "/orders", asked, None)) == [
        "query.limit: is unknown",
        "query.order: 'up' is none of ['asc', 'desc']",
    ]
    assert request_objections("PUT", "/orders/5", {}, {"status": "sent", "x": 1}) != []
    assert request_objections("POST", "/products/batch", {}, {"update": [{"stock": 5}]}) != []
    assert request_objections("GET", "/nothing", {}, None) == ["GET /nothing: is no route"]


# -- what the documentation shows ------------------------------------------------------------------


def shown(kind: str) -> list[Any]:
    """Every resource of a kind in the documentation, as it comes off the wire."""
    found: list[Any] = []
    for title, sample in samples().items():
        if not title.startswith(f"{kind}: "):
            continue
        rows = sample if isinstance(sample, list) else [sample]
        if "Batch" in title:
            rows = [row for some in sample.values() for row in some]
        found += rows
    return list(parse_json(json.dumps(found)))


def test_the_orders_shown_are_read() -> None:
    found = shown("orders")

    orders, bad = each(found, mapping.order)

    assert bad == ()
    assert len(orders) > 5
    for one, raw in zip(orders, found, strict=True):
        assert (one.external_id, one.number) == (str(raw["id"]), raw["number"])
        assert one.channel_status == raw["status"]
        assert one.total == minor_units(raw["total"], raw["currency"])
        assert one.updated_at.strftime("%Y-%m-%dT%H:%M:%S") == raw["date_modified_gmt"]
        assert one.updated_at.tzinfo is UTC
        assert [(line.quantity, line.sku) for line in one.lines] == [
            (line["quantity"], line["sku"]) for line in raw["line_items"]
        ]
        for line, told in zip(one.lines, raw["line_items"], strict=True):
            assert line.listing_key == str(told["variation_id"] or told["product_id"])
            assert line.total == minor_units(told["total"], raw["currency"])


def test_the_refunds_shown_are_read() -> None:
    found = shown("order-refunds")

    refunds, bad = each(found, lambda one: mapping.refund(one, "723", "USD"))

    assert bad == ()
    lines = {one.external_id: one.lines for one in refunds}
    assert {one.external_id: one.amount for one in refunds}["724"] == 900
    assert lines["724"] == (ParcelLine("311", 1),)
    assert lines["726"] == ()


def test_the_products_shown_are_read() -> None:
    for raw in shown("products"):
        if catalogue.is_variable(raw) or raw["type"] == "grouped":
            continue
        for one in catalogue.simple(raw, "USD"):
            assert (one.external_id, one.sku) == (str(raw["id"]), raw["sku"])
            assert one.price == (minor_units(raw["price"], "USD") if raw["price"] else None)
            assert one.quantity == (raw["stock_quantity"] if raw["manage_stock"] else None)


def test_the_variations_shown_are_read() -> None:
    found = shown("product-variations")

    listings = list(catalogue.variations(product(id=22, type="variable"), found, "USD"))

    assert [one.external_id for one in listings] == [str(raw["id"]) for raw in found]
    assert {one.parent_key for one in listings} == {"22"}
    assert all(one.handles["parent_id"] == "22" for one in listings)
