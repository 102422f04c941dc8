"""What we ask is in Medusa's description, and so is what our simulator answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from connectors.base import Connector
from connectors.medusa import CHANNEL, calls
from connectors.medusa.calls import LEVELS, Call
from connectors.medusa.connector import MedusaConnector
from connectors.medusa.simulator import MedusaSimulator
from connectors.postsale import Cancellation, Refund
from connectors.records import Cursor, OrderStatus, StockOffer
from connectors.testing import Rig
from connectors.testing.fulfilment import parcel
from connectors.testing.rig import LONG_AGO, offer, ref
from tests.connectors.medusa.recorded import sample
from tests.connectors.medusa.schema import UNDESCRIBED, answer_objections, request_objections


class Heard(NamedTuple):
    call: Call
    query: list[tuple[str, str]]
    body: Any
    answer: Any


class Recorder:
    """Stands before a connector's HTTP and keeps what was asked and answered."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.heard: list[Heard] = []
        self._send = client._send
        client._send = self.send

    def send(self, call: Call, path: str, query: Any, body: Any, key: str) -> Any:
        response = self._send(call, path, query, body, key)
        self.heard.append(Heard(call, list(query), body, json.loads(response.body)))
        return response


@pytest.fixture
def shop() -> MedusaSimulator:
    return MedusaSimulator(by_password=True)


@pytest.fixture
def rig(shop: MedusaSimulator) -> Iterator[Rig]:
    with Rig(CHANNEL, shop, timeout=2) as rig:
        yield rig


def heard_of(connector: Connector) -> Recorder:
    assert isinstance(connector, MedusaConnector)
    return Recorder(connector.client)


def traffic(rig: Rig, shop: MedusaSimulator) -> list[Heard]:
    """One of everything that the connector says."""
    connector = rig.connector()
    recorder = heard_of(connector)
    rig.stock_up(4)
    for status in OrderStatus:
        sale = rig.shop.buy([("SKU-0", 3)], buyer={"name": "Ada Byron", "email": "a@b.example"})
        rig.shop.set_status(sale.key, status)
    connector.check()
    listings = rig.listings(connector)
    shop.office.bare.add(rig.shop.variant("SKU-3").inventory_key)
    connector.push_stock([offer(one, 5, "k") for one in listings[:2]])
    connector.push_stock([offer(listings[2], 5, "k")])
    connector.push_stock([offer(listings[3], 5, "k")])
    connector.read_stock([ref(one) for one in listings])
    after_the_sale(rig, shop, connector)
    return recorder.heard


def after_the_sale(rig: Rig, shop: MedusaSimulator, connector: Connector) -> None:
    kept, called_off = rig.shop.buy([("SKU-1", 2)]), rig.shop.buy([("SKU-1", 1)])
    late = rig.shop.buy([("SKU-1", 1)], at=datetime(2026, 1, 1, tzinfo=UTC))
    orders = {one.external_id: one for one in rig.orders(connector)}
    order = orders[kept.key]
    connector.ship(replace(parcel(order), tracking_url="https://track.example/1"))
    given = Refund("refund-1", order.external_id, 501, order.currency, order.updated_at)
    connector.refund(given)
    connector.cancel_order(Cancellation(called_off.key, "cancel-1"))
    shop.office.capture(late.key)
    connector.pull_refunds(Cursor(LONG_AGO))
    connector.fetch_orders([order.external_id])


def test_every_request_is_described(rig: Rig, shop: MedusaSimulator) -> None:
    heard = [one for one in traffic(rig, shop) if one.call not in UNDESCRIBED]

    assert {one.call for one in heard} == set(calls.ALL) - UNDESCRIBED
    assert [
        (one.call.name, objection)
        for one in heard
        for objection in request_objections(one.call, one.query, one.body)
    ] == []


def test_the_simulator_answers_as_medusa_could(rig: Rig, shop: MedusaSimulator) -> None:
    heard = [one for one in traffic(rig, shop) if one.call not in UNDESCRIBED]

    assert [
        (one.call.name, objection)
        for one in heard
        for objection in answer_objections(one.call, one.answer)
    ] == []


def test_the_bulk_call_is_made_and_answered_as_recorded(rig: Rig, shop: MedusaSimulator) -> None:
    recorded = sample("stock-push-batch")

    (heard,) = (one for one in traffic(rig, shop) if one.call is LEVELS)

    assert set(heard.body["update"][0]) == set(recorded["request"]["body"]["update"][0])
    told, known = heard.answer["updated"][0], recorded["response"]["updated"][0]
    assert set(told) <= set(known)


def test_no_question_names_more_ids_than_are_read(rig: Rig) -> None:
    rig.stock_up(50)
    rig.sell(3)
    connector = rig.connector()
    recorder = heard_of(connector)
    listings = rig.listings(connector)

    connector.read_stock([ref(one) for one in listings])
    connector.push_stock(
        [StockOffer(one.external_id, 7, "k", handles=one.handles) for one in listings]
    )
    connector.fetch_orders([one.external_id for one in rig.orders(connector)])

    asked = [sum(name == "id[]" for name, _ in one.query) for one in recorder.heard]
    assert max(asked) == calls.IDS


def test_the_check_finds_what_is_wrong() -> None:
    body = {"items": [{"id": 1, "quantity": "2"}], "labels": [], "extra": True}

    assert request_objections(calls.SHIP, [("limit", "1")], body) == [
        "query.limit: is unknown",
        "body.metadata: is missing",
        "body.items.0.id: 1 is no string",
        "body.items.0.quantity: '2' is no number",
        "body.extra: is unknown",
    ]
    assert answer_objections(calls.ORDER, {"order": {"id": 5, "colour": "red"}}) == [
        "answer.order.id: 5 is no string",
        "answer.order.colour: is unknown",
    ]
