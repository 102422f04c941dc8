"""Vendure's three forms of error, what the caller must do about each, and sessions that end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from connectors.errors import (
    AuthError,
    ConnectorError,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.records import Credentials
from connectors.vendure.client import address
from connectors.vendure.connector import VendureConnector
from connectors.vendure.queries import SET_STOCK, SHOP, STOCK
from tests.connectors.vendure.recorded import URL, connector, failed, variants

LOGGED_IN = {"data": {"login": {"__typename": "CurrentUser", "id": "1"}}}
REFUSED = {
    "data": {
        "login": {
            "__typename": "InvalidCredentialsError",
            "errorCode": "INVALID_CREDENTIALS_ERROR",
            "message": "The provided credentials are invalid",
        }
    }
}
FORBIDDEN = failed("You are not currently authorized to perform this action", "FORBIDDEN")
FRESH = {"vendure-auth-token": "session-2"}


@pytest.fixture
def shop() -> Iterator[VendureConnector]:
    with connector() as shop:
        yield shop


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as web:
        yield web


def asked(web: responses.RequestsMock) -> list[str]:
    return [json.loads(one.request.body or "")["operationName"] for one in web.calls]


def headers(web: responses.RequestsMock, name: str) -> list[str | None]:
    return [one.request.headers.get(name) for one in web.calls]


READ = [
    (failed("boom", "INTERNAL_SERVER_ERROR"), 200, TransientError),
    (failed("boom"), 200, TransientError),
    (failed("take ≤ 1000", "USER_INPUT_ERROR"), 200, RejectedError),
    (failed("no such entity", "ENTITY_NOT_FOUND"), 200, RejectedError),
    (failed("no such channel", "CHANNEL_NOT_FOUND"), 200, AuthError),
    (failed("Cannot query field", "GRAPHQL_VALIDATION_FAILED"), 400, ProtocolError),
    (failed('Variable "$ids" got invalid value', "BAD_USER_INPUT"), 400, RejectedError),
    ({"errors": "no"}, 200, TransientError),
    ({"data": None}, 200, ProtocolError),
    ([], 200, ProtocolError),
    ("hello", 200, ProtocolError),
]


@pytest.mark.parametrize(("body", "status", "error"), READ)
def test_errors_of_a_read_are_told_apart(
    web: responses.RequestsMock, body: Any, status: int, error: type[ConnectorError]
) -> None:
    web.post(URL, json=body, status=status)

    with connector(api_key="key-1") as shop, pytest.raises(error) as caught:
        shop.client.run(STOCK, {"ids": []})

    assert type(caught.value) is error


WRITTEN = [
    (failed("boom", "INTERNAL_SERVER_ERROR"), 200, UnknownOutcome),
    (failed("NOT NULL constraint failed: refund.shipping"), 200, UnknownOutcome),
    ({"data": None}, 200, UnknownOutcome),
    ([], 200, UnknownOutcome),
    (failed("negative", "USER_INPUT_ERROR"), 200, RejectedError),
    (failed("Cannot query field", "GRAPHQL_VALIDATION_FAILED"), 400, ProtocolError),
]


@pytest.mark.parametrize(("body", "status", "error"), WRITTEN)
def test_a_write_that_was_not_refused_may_have_been_done(
    shop: VendureConnector,
    web: responses.RequestsMock,
    body: Any,
    status: int,
    error: type[ConnectorError],
) -> None:
    web.post(URL, json=body, status=status)

    with pytest.raises(error) as caught:
        shop.client.run(SET_STOCK, {"input": []})

    assert type(caught.value) is error


@pytest.mark.parametrize(("status", "error"), [(400, RejectedError), (200, ProtocolError)])
def test_a_page_instead_of_json_is_judged_by_its_status(
    shop: VendureConnector, web: responses.RequestsMock, status: int, error: type[ConnectorError]
) -> None:
    web.post(URL, body="<html>Bad gateway</html>", status=status)

    with pytest.raises(error):
        shop.client.run(STOCK, {"ids": []})


# -- sessions --------------------------------------------------------------------------------------


def test_the_first_call_opens_a_session_that_is_stored(web: responses.RequestsMock) -> None:
    stored: list[Credentials] = []
    web.post(URL, json=LOGGED_IN, headers=FRESH)
    web.post(URL, json=variants())

    with connector(stored.append, session_token="") as shop:
        shop.client.run(STOCK, {"ids": []})

    assert asked(web) == ["Login", "Stock"]
    assert [one["session_token"] for one in stored] == ["session-2"]
    assert headers(web, "Authorization") == [None, "Bearer session-2"]


def test_a_session_that_has_ended_is_renewed_once_and_stored_before_use(
    web: responses.RequestsMock,
) -> None:
    stored: list[tuple[str, int]] = []
    web.post(URL, json=FORBIDDEN)
    web.post(URL, json=LOGGED_IN, headers=FRESH)
    web.post(URL, json=variants())

    with connector(lambda one: stored.append((one["session_token"], len(web.calls)))) as shop:
        shop.client.run(STOCK, {"ids": []})

    assert stored == [("session-2", 2)]
    assert headers(web, "Authorization") == ["Bearer session-1", None, "Bearer session-2"]


def test_what_a_new_session_may_not_do_is_not_tried_for_ever(
    shop: VendureConnector, web: responses.RequestsMock
) -> None:
    web.post(URL, json=FORBIDDEN)
    web.post(URL, json=LOGGED_IN, headers=FRESH)
    web.post(URL, json=FORBIDDEN)

    with pytest.raises(AuthError) as caught:
        shop.client.run(SET_STOCK, {"input": []})

    assert caught.value.code == "FORBIDDEN"
    assert asked(web) == ["SetStock", "Login", "SetStock"]


def test_a_wrong_password_asks_a_person(web: responses.RequestsMock) -> None:
    web.post(URL, json=REFUSED)

    with connector(session_token="") as shop, pytest.raises(AuthError) as caught:
        shop.check()

    assert caught.value.code == "INVALID_CREDENTIALS_ERROR"


def test_a_shop_that_hands_out_cookies_only_says_what_to_change(
    web: responses.RequestsMock,
) -> None:
    web.post(URL, json=LOGGED_IN, headers={"Set-Cookie": "session=abc"})

    with connector(session_token="") as shop, pytest.raises(AuthError, match="tokenMethod"):
        shop.check()


def test_without_key_and_password_nothing_is_asked() -> None:
    with connector(session_token="", password="") as shop, pytest.raises(AuthError):
        shop.check()


def test_an_api_key_opens_the_shop_by_itself(web: responses.RequestsMock) -> None:
    web.post(URL, json=variants())

    with connector(api_key="key-1") as shop:
        shop.client.run(STOCK, {"ids": []})

    assert headers(web, "vendure-api-key") == ["key-1"]
    assert headers(web, "Authorization") == [None]


def test_a_wrong_api_key_is_not_followed_by_a_login(web: responses.RequestsMock) -> None:
    web.post(URL, json=FORBIDDEN)

    with connector(api_key="wrong") as shop, pytest.raises(AuthError):
        shop.check()

    assert asked(web) == ["Shop"]


def test_one_of_a_servers_channels_is_named_in_every_call(web: responses.RequestsMock) -> None:
    web.post(URL, json=FORBIDDEN)
    web.post(URL, json=LOGGED_IN, headers=FRESH)
    web.post(URL, json=variants())

    with connector(settings={"channel_token": "german"}) as shop:
        shop.client.run(STOCK, {"ids": []})

    assert headers(web, "vendure-token") == ["german"] * 3


@pytest.mark.parametrize(
    "typed",
    [
        "https://tea.example.com",
        "https://tea.example.com/",
        "tea.example.com",
        " https://tea.example.com/admin-api ",
        "https://tea.example.com/admin-api/",
        "https://tea.example.com/dashboard",
        "https://tea.example.com/admin#orders",
    ],
)
def test_the_address_is_taken_as_people_copy_it(typed: str) -> None:
    assert address(typed) == "https://tea.example.com"


def test_a_shop_without_tls_is_not_spoken_to() -> None:
    with connector(url="http://tea.example.com") as shop, pytest.raises(RejectedError):
        shop.client.run(SHOP)
