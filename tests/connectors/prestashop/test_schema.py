"""What we ask is in the webservice's tables, and so is what our simulator answers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.postsale import Cancellation, ParcelLine
from connectors.prestashop import CHANNEL, resources
from connectors.prestashop.connector import PrestaShopConnector
from connectors.prestashop.resources import ORDER_HISTORIES, ORDERS, STOCK, Resource, document
from connectors.prestashop.simulator import KNOWN, PrestaShopSimulator
from connectors.records import ListingRef, OrderStatus
from connectors.testing import Rig
from connectors.testing.fulfilment import parcel, refund
from connectors.testing.rig import offer, walk
from tests.connectors.prestashop import recorded
from tests.connectors.prestashop.schema import (
    answer_objections,
    described,
    request_objections,
)

Heard = tuple[str, Resource, dict[str, str], bytes | None, Any]
#: Of these no table is held.
NOT_HELD = {"configurations", "product_option_values"}


class Recorder:
    """Stands before a connector's HTTP and keeps what was asked and answered."""

    def __init__(self, http: Any) -> None:
        self.http = http
        self.heard: list[Heard] = []

    def request(self, method: str, url: str, **given: Any) -> Any:
        response = self.http.request(method, url, **given)
        name = urlsplit(url).path.split("/")[2]
        told = json.loads(response.body) if response.status < 300 else []
        self.heard.append((method, KNOWN[name], dict(given["params"]), given["body"], told))
        return response


@pytest.fixture(scope="module", params=[1, 2], ids=["simple", "combined"])
def heard(request: pytest.FixtureRequest) -> list[Heard]:
    """Of products without combinations, in a shop that knows PATCH; and of others in an older."""
    described(ORDERS)  # skips where nothing is held
    simulator = PrestaShopSimulator(together=request.param, patches=request.param == 1)
    with Rig(CHANNEL, simulator, timeout=2.0) as rig:
        return traffic(rig)


def traffic(rig: Rig) -> list[Heard]:
    """One of everything that the connector says."""
    connector = rig.connector()
    assert isinstance(connector, PrestaShopConnector)
    recorder = Recorder(connector.connection.http)
    connector.connection.http = recorder  # type: ignore[assignment]
    rig.stock_up(5)
    moment = datetime.now(UTC).replace(microsecond=0)
    for _ in range(52):
        rig.shop.buy([("SKU-0", 1)], at=moment)
    for status in OrderStatus:
        sale = rig.shop.buy([("SKU-0", 3), ("SKU-1", 1)], buyer={"name": "A B", "email": "a@b.c"})
        rig.shop.set_status(sale.key, status)
    rig.shop.cancel(rig.shop.buy([("SKU-2", 1)]).key)

    connector.check()
    listings = rig.listings(connector)
    connector.read_stock([ListingRef(one.external_id, one.handles) for one in listings])
    connector.push_stock([offer(listings[0], 5, "k1"), offer(listings[1], 0, "k2")])
    first, second, third, *_ = rig.orders(connector)
    connector.ship(parcel(first))
    connector.ship(
        replace(parcel(first), tracking_number="JD1", external_id=f"8{first.external_id}")
    )
    connector.cancel_order(Cancellation(second.external_id, "c1"))
    sale = rig.shop.orders[0]
    lines = (ParcelLine(sale.lines[0].key, 1),)
    rig.shop.refund(sale.key, replace(refund(third, 5), order_key=sale.key, lines=lines))
    list(walk(connector.pull_refunds))
    connector.fetch_orders([one.key for one in rig.shop.orders[:3]])
    return recorder.heard


def test_what_is_asked_is_in_the_tables(heard: list[Heard]) -> None:
    told = {one.name for _, one, _, _, _ in heard}
    assert KNOWN.keys() - told <= {"product_option_values"}
    assert {method for method, _, _, _, _ in heard} >= {"GET", "POST", "PATCH"}
    assert [
        (method, one.name, objection)
        for method, one, query, body, _ in heard
        for objection in request_objections(method, one, query, body)
    ] == []


def test_the_simulator_answers_as_prestashop_could(heard: list[Heard]) -> None:
    assert [
        objection for _, one, _, _, body in heard for objection in answer_objections(one, body)
    ] == []


def test_all_but_a_few_resources_are_held() -> None:
    assert {one.name for one in KNOWN.values() if described(one) is None} == NOT_HELD


def test_our_recorded_shapes_are_theirs() -> None:
    shapes = [
        (resources.ORDERS, recorded.order()),
        (resources.ORDER_DETAILS, recorded.detail()),
        (resources.ORDER_SLIPS, recorded.slip()),
        (resources.CUSTOMERS, recorded.customer()),
        (resources.ADDRESSES, recorded.address()),
        (resources.PRODUCTS, recorded.product()),
        (resources.COMBINATIONS, recorded.combination()),
        (resources.STOCK, recorded.stock()),
    ]

    assert [
        objection
        for resource, row in shapes
        for objection in answer_objections(resource, {resource.listed: [row]})
    ] == []


def test_the_check_finds_what_is_wrong() -> None:
    described(ORDERS)  # skips where nothing is held
    wrong = {
        "orders": [recorded.order(extra=1, associations={"rows": [], "order_rows": [{"x": 1}]})]
    }
    query = {
        "filter[shipping_number]": "[1]",
        "filter[date_upd]": "[a,b]",
        "sort": "[id]",
        "page": "1",
    }

    assert answer_objections(ORDERS, wrong) == [
        "orders.extra",
        "orders.associations.rows",
        "orders.associations.order_rows.x",
    ]
    assert request_objections("GET", ORDERS, query, None) == [
        "query.page: is unknown",
        "query.: is no column",
        "query.shipping_number: cannot be filtered by",
        "query.date: times are filtered by without it",
        "query.sort: has no direction",
    ]
    assert request_objections("PUT", STOCK, {}, document(STOCK, {"id": "1", "stock": "5"})) == [
        "body.stock: is unknown",
        "body.depends_on_stock: is missing",
        "body.id_product: is missing",
        "body.id_product_attribute: is missing",
        "body.out_of_stock: is missing",
        "body.quantity: is missing",
    ]
    histories = document(ORDER_HISTORIES, {"id": "1", "id_order": "5", "id_order_state": "4"})
    assert request_objections("POST", ORDER_HISTORIES, {}, histories) == [
        "body.id: has no place here, or is missing"
    ]
