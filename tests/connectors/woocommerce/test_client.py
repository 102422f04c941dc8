"""Keys over https, signatures over http, and errors in the shapes WooCommerce sends them."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

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
from connectors.woocommerce.connector import WooCommerceConnector
from connectors.woocommerce.signature import signature
from tests.connectors.woocommerce.desk import HTTP, HTTPS, at, connector, query, refusal
from tests.connectors.woocommerce.recorded import CHANGED, order

ORDERS, BATCH = at("/orders"), at("/products/batch")
CURRENCY = at("/data/currencies/current", HTTP)
GBP = {"code": "GBP", "name": "Pound sterling", "symbol": "&pound;"}


@pytest.fixture
def shop() -> Iterator[WooCommerceConnector]:
    with connector() as shop:
        yield shop


@pytest.fixture
def plain() -> Iterator[WooCommerceConnector]:
    with connector(HTTP) as shop:
        yield shop


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        yield web


def read(shop: WooCommerceConnector) -> Any:
    return shop.client.listed("/orders", {"status": "any"})


def write(shop: WooCommerceConnector) -> Any:
    return shop.client.write("POST", "/products/batch", {"update": []})


# -- who asks --------------------------------------------------------------------------------------


def test_over_https_the_keys_go_along(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.get(ORDERS, json=[])

    read(shop)

    kind, _, told = web.calls[0].request.headers["Authorization"].partition(" ")
    assert (kind, b64decode(told)) == ("Basic", b"ck_1:cs_1")
    assert query(web.calls[0]) == {"status": "any"}


def test_over_http_the_request_is_signed_and_the_secret_stays_here(
    plain: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.get(at("/orders", HTTP), json=[])

    read(plain)

    sent = query(web.calls[0])
    told = {name: value for name, value in sent.items() if name != "oauth_signature"}
    assert sent["oauth_signature"] == signature("GET", at("/orders", HTTP), told, "cs_1")
    assert "Authorization" not in web.calls[0].request.headers
    assert "cs_1" not in (web.calls[0].request.url or "")


def test_every_signed_request_has_a_nonce_of_its_own(
    plain: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.get(at("/orders", HTTP), json=[])

    read(plain)
    read(plain)

    assert len({query(call)["oauth_nonce"] for call in web.calls}) == 2


def test_a_signed_read_that_failed_is_tried_again_under_a_new_nonce(
    plain: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.get(at("/orders", HTTP), status=502)
    web.get(at("/orders", HTTP), json=[])

    assert read(plain) == []

    assert len({query(call)["oauth_nonce"] for call in web.calls}) == len(web.calls) == 2


def test_a_signed_read_that_fails_on_is_given_up(
    plain: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.get(at("/orders", HTTP), status=502)

    with pytest.raises(TransientError) as caught:
        read(plain)

    assert not isinstance(caught.value, UnknownOutcome)
    assert len(web.calls) == 2


def test_a_signed_write_is_sent_once(
    plain: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.post(at("/products/batch", HTTP), status=502)

    with pytest.raises(UnknownOutcome):
        write(plain)

    assert len(web.calls) == 1


def test_over_https_a_read_that_failed_is_tried_again(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.get(ORDERS, status=502)
    web.get(ORDERS, json=[])

    assert read(shop) == []


def test_a_clock_that_is_off_is_learnt_from_the_refusal(
    plain: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    theirs = datetime.now(UTC) + timedelta(hours=1)
    date = {"Date": format_datetime(theirs, usegmt=True)}
    stale = refusal("woocommerce_rest_authentication_error", "Invalid timestamp.", 401)
    web.get(CURRENCY, status=401, json=stale, headers=date)
    web.get(CURRENCY, json=GBP, headers=date)

    assert plain.check().currency == "GBP"

    sent = int(query(web.calls[1])["oauth_timestamp"])
    assert abs(sent - theirs.timestamp()) < 5


def test_a_wrong_secret_is_asked_once_and_pauses_the_account(
    plain: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    date = {"Date": format_datetime(datetime.now(UTC), usegmt=True)}
    wrong = refusal("woocommerce_rest_authentication_error", "Invalid signature", 401)
    web.get(CURRENCY, status=401, json=wrong, headers=date)

    with pytest.raises(AuthError):
        plain.check()

    assert len(web.calls) == 1


def test_the_shop_is_who_its_address_says(web: responses.RequestsMock) -> None:
    web.get(at("/data/currencies/current", f"{HTTPS}/tea"), json=GBP)

    with connector("shop.example/tea/") as shop:
        found = shop.check()

    assert (found.external_id, found.name, found.currency) == (
        "shop.example/tea",
        "shop.example/tea",
        "GBP",
    )


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "told", "kind", "code"),
    [
        (400, refusal("rest_invalid_param"), RejectedError, "rest_invalid_param"),
        (401, refusal("woocommerce_rest_cannot_view"), AuthError, "401"),
        (403, refusal("woocommerce_rest_cannot_view"), AuthError, "403"),
        (404, refusal("rest_no_route"), RejectedError, "rest_no_route"),
        (404, {}, RejectedError, "404"),
        (413, refusal("woocommerce_rest_request_entity_too_large"), RejectedError, None),
        (429, {}, TransientError, "429"),
        (500, refusal("internal_server_error"), TransientError, "500"),
        (301, {}, ProtocolError, "301"),
        (200, {"unexpected": []}, ProtocolError, ""),
    ],
)
def test_a_refused_read_says_what_to_do(
    shop: WooCommerceConnector,
    web: responses.RequestsMock,
    status: int,
    told: object,
    kind: type[ConnectorError],
    code: str | None,
) -> None:
    web.get(ORDERS, status=status, json=told)

    with pytest.raises(kind) as caught:
        read(shop)

    assert not isinstance(caught.value, UnknownOutcome)
    assert code is None or caught.value.code == code


def test_a_refusal_names_the_field_in_plain_words(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    told = refusal("rest_invalid_param", "Invalid parameter(s): &quot;status&quot;")
    told["data"]["params"] = {"status": "status[0] is not one of any."}
    web.get(ORDERS, status=400, json=told)

    with pytest.raises(RejectedError) as caught:
        read(shop)

    assert (caught.value.field, caught.value.message) == (
        "status",
        'Invalid parameter(s): "status"',
    )


def test_a_refused_refund_is_refused_for_good_though_it_comes_as_a_server_error(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    told = {
        "code": "woocommerce_rest_cannot_create_order_refund",
        "message": "The payment gateway for this order does not support automatic refunds.",
        "data": 500,
    }
    web.post(at("/orders/727/refunds"), status=500, json=told)

    with pytest.raises(RejectedError, match="does not support automatic refunds"):
        shop.client.write("POST", "/orders/727/refunds", {"amount": "1.00"}, told=(500,))


@pytest.mark.parametrize("told", ["<h1>Error</h1>", "", '{"code": "internal_server_error"}'])
def test_any_other_server_error_leaves_a_write_unknown(
    shop: WooCommerceConnector, web: responses.RequestsMock, told: str
) -> None:
    web.post(at("/orders/727/refunds"), status=500, body=told)

    with pytest.raises(UnknownOutcome):
        shop.client.write("POST", "/orders/727/refunds", {"amount": "1.00"}, told=(500,))


@pytest.mark.parametrize("told", ["<b>Warning</b>: undefined in x.php", "[]", '{"create": []', ""])
def test_a_write_answered_with_something_else_is_unknown(
    shop: WooCommerceConnector, web: responses.RequestsMock, told: str
) -> None:
    web.post(BATCH, body=told)

    with pytest.raises(UnknownOutcome):
        write(shop)


def test_a_page_that_is_no_list_of_records_is_told(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.get(ORDERS, json=[{"id": 1}, None, order()])

    page = shop.pull_orders(Cursor(CHANGED))

    assert [one.external_id for one in page.items] == ["727", "727"]  # the trash answers the same
    assert {one.field for one in page.bad} == {"currency", "record"}


def test_a_token_of_another_version_starts_the_catalogue_again(
    shop: WooCommerceConnector, web: responses.RequestsMock
) -> None:
    web.get(at("/data/currencies/current"), json=GBP)

    with pytest.raises(CursorExpired):
        shop.list_listings(Cursor(CHANGED, token="of another version"))  # noqa: S106
