"""What we ask is as TikTok Shop describes it, and so is what our simulator answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.postsale import Cancellation, ParcelLine, Refund
from connectors.records import Cursor, ListingRef, OrderStatus
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO, offer
from connectors.tiktok_shop import CHANNEL, mapping, operations, refunds, returns, stock, units
from connectors.tiktok_shop.connector import TikTokShopConnector
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.operations import Operation
from connectors.tiktok_shop.simulator import TikTokShopSimulator
from tests.connectors.tiktok_shop import desk
from tests.connectors.tiktok_shop.counter import bought_at, one_of
from tests.connectors.tiktok_shop.recorded import answer, order, product
from tests.connectors.tiktok_shop.schema import (
    answer_objections,
    operation,
    request_objections,
)

#: What every call carries, and no description lists.
COMMON = {"app_key", "timestamp", "sign", "shop_cipher"}
#: Of which only the path is described: tests/connectors/tiktok_shop/test_payouts.py
UNDESCRIBED = {operations.STATEMENTS, operations.TRANSACTIONS}
DESCRIBED = [one for one in operations.ALL if one not in UNDESCRIBED]
Heard = tuple[Operation, dict[str, str], Any, Any]


class Recorder:
    """Stands before a connector's HTTP and keeps what was asked and answered."""

    def __init__(self, http: Any) -> None:
        self.http = http
        self.heard: list[Heard] = []

    def request(self, method: str, url: str, **given: Any) -> Any:
        response = self.http.request(method, url, **given)
        path = urlsplit(url).path
        told = [one for one in DESCRIBED if one.method == method and _same(one.path, path)]
        for one in told:
            query = {name: value for name, value in given["params"].items() if name not in COMMON}
            body = json.loads(given["body"]) if given["body"] else None
            self.heard.append((one, query, body, json.loads(response.body)))
        return response


def _same(described: str, path: str) -> bool:
    parts, given = described.split("/"), path.split("/")
    pairs = zip(parts, given, strict=False)
    return len(parts) == len(given) and all(a == b or a.startswith("{") for a, b in pairs)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, TikTokShopSimulator(rate=10_000, together=2), timeout=2.0) as rig:
        yield rig


def traffic(rig: Rig) -> list[Heard]:
    """One of everything that the connector says."""
    connector = rig.connector()
    assert isinstance(connector, TikTokShopConnector)
    recorder = Recorder(connector.connection.http)
    connector.client._http = recorder  # type: ignore[assignment]
    rig.stock_up(230)
    rig.sell(60)
    for status in OrderStatus:
        sale = rig.shop.buy([("SKU-0", 3), ("SKU-1", 1)], buyer={"name": "A", "email": "a@b.c"})
        rig.shop.set_status(sale.key, status)
    rig.shop.cancel(rig.shop.buy([("SKU-2", 1)]).key)
    rig.shop.end_variant("SKU-9")

    connector.check()
    listings = rig.listings(connector)
    orders = rig.orders(connector)
    connector.fetch_orders([orders[0].external_id, "1"])
    connector.read_stock([ListingRef(one.external_id, one.handles) for one in listings])
    connector.read_stock([ListingRef("1")])
    connector.push_stock([offer(listings[0], 5, "k1"), offer(listings[1], -5, "k2")])
    connector.subscribe("https://hub.example/hooks")
    connector._switched = True
    rig.shop.add_variant("ALONE", "Alone", 100, 5)
    alone = rig.listing(connector, "ALONE")
    for quantity in (0, 3):
        connector.push_stock([offer(alone, quantity, f"k{quantity}")])
    connector.read_stock([ListingRef(alone.external_id, alone.handles)])
    afterwards(rig, connector)
    return recorder.heard


def afterwards(rig: Rig, connector: TikTokShopConnector) -> None:
    """Everything that comes after a sale, in both kinds of market."""
    simulator = rig.simulator
    assert isinstance(simulator, TikTokShopSimulator)
    for packs in (False, True):
        simulator.dispatch.packs = packs
        order = bought_at(rig, connector, ("SKU-5", 3), ("SKU-6", 1))
        first = one_of(order, 0, number=f"N1-{packs}")
        told = connector.ship(first)
        connector.ship(replace(first, tracking_number=f"N2-{packs}", external_id=told))
    lines = (ParcelLine(order.lines[1].external_id, 1),)
    connector.cancel_order(Cancellation(order.external_id, "c1", "out of stock", lines))
    whole = bought_at(rig, connector, ("SKU-5", 2))
    connector.cancel_order(Cancellation(whole.external_id, "c2"))
    simulator.casebook.send_back(order.external_id)
    rig.shop.refund(order.external_id, Refund("", order.external_id, 5, "GBP", datetime.now(UTC)))
    assert connector.pull_returns(Cursor(LONG_AGO)).items
    assert connector.pull_refunds(Cursor(LONG_AGO)).items


def test_what_is_asked_is_as_described(rig: Rig) -> None:
    heard = traffic(rig)

    assert {one.name for one, _, _, _ in heard} == {one.name for one in DESCRIBED}
    assert [
        (one.name, objection)
        for one, query, body, _ in heard
        for objection in request_objections(one, query, body)
    ] == []


def test_the_simulator_answers_as_tiktok_could(rig: Rig) -> None:
    assert [
        (one.name, objection)
        for one, _, _, body in traffic(rig)
        for objection in answer_objections(one, body)
    ] == []


@pytest.mark.parametrize("one", DESCRIBED, ids=lambda one: one.name)
def test_a_shop_is_named_where_it_is_wanted(one: Operation) -> None:
    assert operation(one)["x-requires-shop-cipher"] is one.shop


def test_our_recorded_shapes_are_theirs() -> None:
    orders = answer({"orders": [order()], "total_count": 1})
    products = answer({"products": [product()], "total_count": 1})

    assert answer_objections(operations.ORDERS, orders) == []
    assert answer_objections(operations.ORDERS_BY_ID, answer({"orders": [order()]})) == []
    assert answer_objections(operations.PRODUCTS, products) == []


def test_the_check_finds_what_is_wrong() -> None:
    wrong = answer({"orders": [{"id": 5, "extra": 1, "line_items": {}}], "total_count": "1"})
    asked = {"page_size": "5", "sort_order": "UP", "limit": "1"}

    assert sorted(answer_objections(operations.ORDERS, wrong)) == [
        "answer.data.orders.0.extra: is unknown",
        "answer.data.orders.0.id: 5 is no string",
        "answer.data.orders.0.line_items: {} is no array",
        "answer.data.total_count: '1' is no integer",
    ]
    assert sorted(request_objections(operations.ORDERS, asked, {"update_time": 1})) == [
        "body.update_time: is unknown",
        "query.limit: is unknown",
        "query.sort_order: 'UP' is none of ['ASC', 'DESC']",
    ]


# -- recorded samples ------------------------------------------------------------------------------


def sample(shared: Path, name: str) -> Any:
    file = shared / "contracts" / "tiktok-shop" / "samples" / "official" / f"{name}.json"
    return json.loads(file.read_text())


@pytest.mark.parametrize("name", ["get-order-list.response", "get-order-detail.response"])
def test_the_recorded_orders_are_read(shared: Path, name: str) -> None:
    found = sample(shared, name)["data"]["orders"]

    orders, bad = mapping.each(found, mapping.order)

    assert bad == ()
    for one, raw in zip(orders, found, strict=True):
        assert one.external_id == raw["id"]
        assert one.channel_status == raw["status"]
        assert [line.external_id for line in one.lines] == [u["id"] for u in raw["line_items"]]
        assert one.updated_at.timestamp() == raw["update_time"]


def test_the_recorded_products_are_read(shared: Path) -> None:
    (found,) = sample(shared, "search-products.response")["data"]["products"]

    (listing,) = mapping.listings(found, switched=False)

    assert listing.sku == found["skus"][0]["seller_sku"]
    assert listing.quantity == found["skus"][0]["inventory"][0]["quantity"]
    assert (listing.price, listing.currency) == (12111, "USD")


def test_the_recorded_refusal_is_told_apart(shared: Path) -> None:
    errors = sample(shared, "update-inventory.response")["data"]["errors"]
    sku = errors[0]["detail"]["sku_id"]

    found = stock.verdicts([Record(one) for one in errors], [desk.offer(sku, 5)])

    assert found[sku].code == str(errors[0]["detail"]["extra_errors"][0]["code"])


def test_our_write_has_the_shape_of_the_recorded_one(shared: Path) -> None:
    (sku,) = sample(shared, "update-inventory.request")["skus"]
    place = sku["inventory"][0]["warehouse_id"]

    found = stock.inventory(desk.offer(sku["id"], 999, warehouses=place), "")

    assert found == [{"warehouse_id": place, "quantity": sku["inventory"][0]["quantity"]}]


def test_the_recorded_warehouses_and_webhooks_are_read(shared: Path) -> None:
    (place,) = sample(shared, "get-warehouse-list.response")["data"]["warehouses"]
    (topic,) = sample(shared, "get-shop-webhooks.response")["data"]["webhooks"]

    location = mapping.location(place)

    assert location is not None
    assert (location.external_id, location.active) == (place["id"], True)
    assert mapping.subscription(topic).url == topic["address"]


def test_the_recorded_cases_are_read(shared: Path) -> None:
    (back,) = sample(shared, "search-returns.response")["data"]["return_orders"]
    (cancelled,) = sample(shared, "search-cancellations.response")["data"]["cancellations"]
    done = [
        {**back, "return_status": "RETURN_OR_REFUND_REQUEST_COMPLETE"},
        {**cancelled, "cancel_status": "CANCELLATION_REQUEST_SUCCESS"},
    ]

    found = [refunds.read(one, of) for one, of in zip(done, refunds.SOURCES, strict=True)]

    assert [one and (one.amount, one.shipping, one.currency) for one in found] == [
        (123, 20, "USD"),
        (123, 20, "USD"),
    ]
    assert refunds.read(back, refunds.SOURCES[0]) is None
    assert refunds.read(cancelled, refunds.SOURCES[1]) is None
    assert returns.read(back) is None  # money only, and the buyer keeps the goods


def test_a_recorded_return_of_goods_is_read(shared: Path) -> None:
    (back,) = sample(shared, "search-returns.response")["data"]["return_orders"]
    goods = {**back, "return_type": "RETURN_AND_REFUND", "can_buyer_keep_item": False}

    found = returns.read(goods)

    assert found is not None
    assert (found.external_id, found.order_key) == (back["return_id"], back["order_id"])
    (line,) = found.lines
    assert line.line_key == back["return_line_items"][0]["order_line_item_id"]


@pytest.mark.parametrize("name", ["get-order-list.response", "get-order-detail.response"])
def test_the_units_of_recorded_orders_are_found(shared: Path, name: str) -> None:
    for one in sample(shared, name)["data"]["orders"]:
        standing = units.read(one)

        assert [unit.key for unit in standing.units] == [u["id"] for u in one["line_items"]]
        assert standing.delivery_option == one["delivery_option_id"]
        assert standing.platform is (one["shipping_type"] == "TIKTOK")
