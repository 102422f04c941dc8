"""Errors in the shapes Shopify sends them, and what the caller must do about each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from connectors.base import Connection, Level
from connectors.errors import (
    AuthError,
    ConnectorError,
    CursorExpired,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.http import Http
from connectors.records import Credentials, ListingRef, PushOutcome, StockOffer
from connectors.shopify import CHANNEL
from connectors.shopify.answers import level
from connectors.shopify.connector import ShopifyConnector
from connectors.shopify.queries import ORDERS, SET_STOCK
from tests.connectors.shopify.recorded import throttle_status

URL = "https://tea.myshopify.com/admin/api/2026-07/graphql.json"
LOCATION = "gid://shopify/Location/1"


@pytest.fixture
def shop() -> Iterator[ShopifyConnector]:
    http = Http(hosts=CHANNEL.hosts)
    yield ShopifyConnector(
        Connection(
            credentials=Credentials(
                {
                    "shop_domain": "tea.myshopify.com",
                    "access_token": "shpat_1",
                    "client_secret": "s",
                }
            ),
            http=http,
            now=lambda: datetime.now(UTC),
            settings={"location_id": "1"},
        )
    )
    http.close()


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as web:
        yield web


def failed(message: str, code: str = "", **extensions: Any) -> dict[str, Any]:
    error = {"message": message, "extensions": {"code": code} if code else {}}
    return {"errors": [error], "extensions": extensions}


READ = [
    (failed("Access denied for orders field.", "ACCESS_DENIED"), AuthError),
    (failed("Internal error", "INTERNAL_SERVER_ERROR"), TransientError),
    (failed("Query cost is 1500", "MAX_COST_EXCEEDED"), RejectedError),
    (failed("Invalid cursor for current pagination sort."), CursorExpired),
    (failed("Field 'x' doesn't exist on type 'Order'", "undefinedField"), ProtocolError),
    ({"errors": "[API] something"}, ProtocolError),
    ({"data": None}, ProtocolError),
    ([], ProtocolError),
    ("hello", ProtocolError),
]


@pytest.mark.parametrize(("body", "error"), READ)
def test_errors_inside_200_are_told_apart(
    shop: ShopifyConnector, web: responses.RequestsMock, body: Any, error: type[ConnectorError]
) -> None:
    web.post(URL, json=body)

    with pytest.raises(error) as caught:
        shop.client.run(ORDERS, {"filter": "", "after": "x"})

    assert type(caught.value) is error


def test_throttled_says_how_long_the_points_take(
    shop: ShopifyConnector, web: responses.RequestsMock
) -> None:
    cost = {
        "requestedQueryCost": 784,
        "actualQueryCost": None,
        "throttleStatus": throttle_status(534),
    }
    web.post(URL, json=failed("Throttled", "THROTTLED", cost=cost))

    with pytest.raises(TransientError) as caught:
        shop.client.run(ORDERS, {"filter": ""})

    assert caught.value.throttled
    assert caught.value.retry_after == 2.5
    assert shop.client.cost is not None
    assert shop.client.cost.available == 534


def test_the_meter_reads_what_is_left_and_how_fast_it_comes_back() -> None:
    cost = {"actualQueryCost": 12, "throttleStatus": throttle_status(1988, restore=200)}
    shop = {"name": '"throttleStatus":{"currentlyAvailable":1}'}  # a name of somebody's
    body = json.dumps({"data": {"shop": shop}, "extensions": {"cost": cost}}).encode()

    assert level({}, body) == Level(1988, 200, 2000)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": {}}', b"\xff"])
def test_an_answer_without_figures_moves_no_meter(body: bytes) -> None:
    assert level({}, body) is None


def test_a_throttled_write_did_not_happen(
    shop: ShopifyConnector, web: responses.RequestsMock
) -> None:
    web.post(URL, json=failed("Throttled", "THROTTLED"))

    with pytest.raises(TransientError) as caught:
        shop.client.run(SET_STOCK, {})

    assert not isinstance(caught.value, UnknownOutcome)


@pytest.mark.parametrize(
    "body", [failed("boom", "INTERNAL_SERVER_ERROR"), {"data": None}, [], "<html>"]
)
def test_a_write_whose_answer_makes_no_sense_is_unknown(
    shop: ShopifyConnector, web: responses.RequestsMock, body: Any
) -> None:
    web.post(URL, json=body)

    with pytest.raises(UnknownOutcome):
        shop.client.run(SET_STOCK, {})


def test_the_token_goes_in_its_header_and_nowhere_else(
    shop: ShopifyConnector, web: responses.RequestsMock
) -> None:
    web.post(URL, json={"data": {"orders": {}}})

    shop.client.run(ORDERS, {"filter": ""})

    request = web.calls[0].request
    assert request.headers["X-Shopify-Access-Token"] == "shpat_1"
    assert "shpat_1" not in f"{request.url}{request.body!r}"


def offers(count: int) -> list[StockOffer]:
    return [
        StockOffer(
            f"v{n}", n, f"k{n}", 1, {"inventory_item_id": f"gid://shopify/InventoryItem/{n}"}
        )
        for n in range(count)
    ]


def answered(*errors: tuple[str, list[str] | None]) -> dict[str, Any]:
    told = [{"code": code, "field": field, "message": "no"} for code, field in errors]
    group = None if told else {"createdAt": "2026-11-01T10:00:00Z", "reason": "correction"}
    return {
        "data": {"inventorySetQuantities": {"inventoryAdjustmentGroup": group, "userErrors": told}}
    }


def at(index: int) -> list[str]:
    return ["input", "quantities", str(index), "quantity"]


def test_refused_items_leave_and_the_rest_goes_again(
    shop: ShopifyConnector, web: responses.RequestsMock
) -> None:
    refused = [
        ("ITEM_NOT_STOCKED_AT_LOCATION", at(1)),
        ("INVALID_INVENTORY_ITEM", at(3)),
    ]
    first = web.post(URL, json=answered(*refused))
    second = web.post(URL, json=answered())

    results = shop.push_stock(offers(5)).results

    assert [one.outcome for one in results] == [
        PushOutcome.ACCEPTED,
        PushOutcome.REJECTED,
        PushOutcome.ACCEPTED,
        PushOutcome.GONE,
        PushOutcome.ACCEPTED,
    ]
    assert results[1].code == "ITEM_NOT_STOCKED_AT_LOCATION"
    assert first.call_count == second.call_count == 1


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("IDEMPOTENCY_CONCURRENT_REQUEST", PushOutcome.RETRY),
        ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", PushOutcome.REJECTED),
        ("A_CODE_OF_NEXT_YEAR", PushOutcome.REJECTED),
    ],
)
def test_an_error_of_the_whole_call_is_about_every_item(
    shop: ShopifyConnector, web: responses.RequestsMock, code: str, outcome: PushOutcome
) -> None:
    web.post(URL, json=answered((code, None)))

    results = shop.push_stock(offers(2)).results

    assert [(one.outcome, one.code) for one in results] == [(outcome, code)] * 2


def test_what_fails_after_the_first_answer_is_told_per_item(
    shop: ShopifyConnector, web: responses.RequestsMock
) -> None:
    web.post(URL, json=answered(("INVALID_QUANTITY_NEGATIVE", at(0))))
    web.post(URL, status=503)

    results = shop.push_stock(offers(2)).results

    assert [one.outcome for one in results] == [PushOutcome.REJECTED, PushOutcome.UNKNOWN]


def test_what_was_accepted_stays_known_when_the_stale_cannot_be_read(
    shop: ShopifyConnector, web: responses.RequestsMock
) -> None:
    web.post(URL, json=answered(("CHANGE_FROM_QUANTITY_STALE", at(0))))
    web.post(URL, json=answered())
    web.post(URL, status=401)

    results = shop.push_stock(offers(2)).results

    assert [one.outcome for one in results] == [PushOutcome.RETRY, PushOutcome.ACCEPTED]


def test_an_offer_without_an_inventory_item_never_leaves(shop: ShopifyConnector) -> None:
    (result,) = shop.push_stock([StockOffer("v", 1, "k")]).results

    assert (result.outcome, result.code) == (PushOutcome.REJECTED, "no_inventory_item")


def test_a_short_answer_to_a_stock_read_is_not_guessed_at(
    shop: ShopifyConnector, web: responses.RequestsMock
) -> None:
    web.post(URL, json={"data": {"nodes": []}})

    with pytest.raises(ProtocolError):
        shop.read_stock([ListingRef("v", {"inventory_item_id": "gid://shopify/InventoryItem/1"})])
