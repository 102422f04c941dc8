"""Signed calls, tokens renewed once, and errors in the shapes TikTok sends them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from connectors.errors import (
    AuthError,
    ConnectorError,
    CursorExpired,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.records import Cursor
from connectors.tiktok_shop import operations
from connectors.tiktok_shop.connector import TikTokShopConnector
from connectors.tiktok_shop.signature import request_signature
from tests.connectors.tiktok_shop.desk import (
    INVENTORY,
    ORDERS,
    SHOPS,
    STOCK,
    asked,
    connector,
    offer,
)
from tests.connectors.tiktok_shop.recorded import answer

NOW = datetime.now(UTC)
SIGN_WRONG = "Invalid credentials. The 'sign' query parameter is invalid."


@pytest.fixture
def shop() -> Iterator[TikTokShopConnector]:
    with connector() as shop:
        yield shop


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        yield web


def read(shop: TikTokShopConnector) -> Any:
    return shop.client.run(operations.INVENTORY, body={"sku_ids": ["1"]})


def write(shop: TikTokShopConnector) -> Any:
    return shop.client.run(operations.ACTIVATE, body={"product_ids": ["1"]})


# -- what is sent ----------------------------------------------------------------------------------


def test_a_call_is_signed_over_what_is_sent(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(ORDERS, json=answer({"orders": []}))

    shop.client.run(operations.ORDERS, {"page_token": "a+/=&é"}, {"update_time_ge": 1})

    request = web.calls[0].request
    parts = urlsplit(str(request.url))
    query = dict(parse_qsl(parts.query))
    assert isinstance(request.body, bytes)
    assert query["page_token"] == "a+/=&é"  # noqa: S105
    assert query["sign"] == request_signature("hush-1", parts.path, query, request.body)
    assert (query["app_key"], query["shop_cipher"]) == ("key-1", "cipher-1")
    assert abs(int(query["timestamp"]) - datetime.now(UTC).timestamp()) < 30


def test_token_and_secret_go_where_they_belong_and_nowhere_else(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(INVENTORY, json=answer({}))

    read(shop)

    request = web.calls[0].request
    assert request.headers["x-tts-access-token"] == "access-1"
    assert "access-1" not in f"{request.url}{request.body!r}"
    assert "hush-1" not in f"{request.url}{request.body!r}{request.headers!r}"


def test_a_call_about_the_seller_carries_no_shop(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.get(SHOPS, json=answer({"shops": []}))

    shop.client.run(operations.SHOPS)

    assert "shop_cipher" not in str(web.calls[0].request.url)


# -- what answers mean -----------------------------------------------------------------------------

READ = [
    (200, answer(code=106001, message=SIGN_WRONG), AuthError),
    (401, answer(code=106001, message=SIGN_WRONG), AuthError),
    (403, answer(code=105005, message="Access denied."), AuthError),
    (200, answer(code=101000, message="Invalid query or header."), AuthError),
    (400, answer(code=36009004, message="Invalid `app_key` query parameter."), AuthError),
    (400, answer(code=36009004, message="Invalid timestamp."), TransientError),
    (400, answer(code=36009004, message="Invalid `page_token`."), CursorExpired),
    (200, answer(code=12019108, message="page number is invalid"), CursorExpired),
    (400, answer(code=36009004, message="Something new"), RejectedError),
    (400, answer(code=106013, message="Missing identifier."), RejectedError),
    (200, answer(code=36009002, message="Too many requests."), TransientError),
    (200, answer(code=36009003, message="Internal error."), TransientError),
    (200, answer(code=36009007, message="Request timeout."), TransientError),
    (200, answer(code=12052180, message="More than 10000."), RejectedError),
    (200, answer(code=99999999, message="Of next year."), RejectedError),
    (401, "<html>", AuthError),
    (403, {"message": "no"}, AuthError),
    (404, "<html>", RejectedError),
    (200, {"code": "0", "data": {}}, ProtocolError),
    (200, {"code": True, "data": {}}, ProtocolError),
    (200, {"data": {}}, ProtocolError),
    (200, answer(data=[]), ProtocolError),
    (200, [], ProtocolError),
    (200, "<html>", ProtocolError),
]


@pytest.mark.parametrize(("status", "body", "error"), READ)
def test_errors_are_told_apart_by_code(
    shop: TikTokShopConnector,
    web: responses.RequestsMock,
    status: int,
    body: Any,
    error: type[ConnectorError],
) -> None:
    web.post(INVENTORY, json=body, status=status)

    with pytest.raises(error) as caught:
        read(shop)

    assert type(caught.value) is error


def test_a_refusal_carries_its_code(shop: TikTokShopConnector, web: responses.RequestsMock) -> None:
    web.post(INVENTORY, json=answer(code=99999999, message="Of next year."))

    with pytest.raises(RejectedError, match="Of next year") as caught:
        read(shop)

    assert caught.value.code == "99999999"


@pytest.mark.parametrize("status", [200, 429])
def test_too_fast_says_when_to_come_again(
    shop: TikTokShopConnector, web: responses.RequestsMock, status: int
) -> None:
    body = answer(code=36009002, message="Too many requests.")
    web.post(INVENTORY, json=body, status=status, headers={"Retry-After": "3"})

    with pytest.raises(TransientError) as caught:
        read(shop)

    assert (caught.value.throttled, caught.value.retry_after) == (True, 3.0)


@pytest.mark.parametrize(
    "body",
    [answer(code=36009003), answer(code=36009007), {"data": {}}, answer(data=[]), [], "<html>"],
)
def test_a_write_whose_answer_makes_no_sense_is_unknown(
    shop: TikTokShopConnector, web: responses.RequestsMock, body: Any
) -> None:
    web.post(INVENTORY.replace("inventory/search", "products/activate"), json=body)

    with pytest.raises(UnknownOutcome):
        write(shop)


def test_a_throttled_write_did_not_happen(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(STOCK, json=answer(code=36009002, message="Too many requests."))

    with pytest.raises(TransientError) as caught:
        shop.push_stock([offer("1", 5)])

    assert not isinstance(caught.value, UnknownOutcome)


def test_a_list_that_is_none_is_not_taken_for_an_empty_one(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(ORDERS, json=answer({"orders": {"id": "1"}}))

    with pytest.raises(ProtocolError):
        shop.pull_orders(Cursor(NOW))


def test_orders_are_asked_for_by_change_the_oldest_first(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(ORDERS, json=answer({}))

    page = shop.pull_orders(Cursor(NOW))

    query = dict(parse_qsl(urlsplit(str(web.calls[0].request.url)).query))
    assert (query["sort_field"], query["sort_order"]) == ("update_time", "ASC")
    assert asked(web) == {"update_time_ge": int((NOW - timedelta(minutes=10)).timestamp())}
    assert (page.items, page.more, page.cursor) == ((), False, Cursor(NOW))
