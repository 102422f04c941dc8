"""How Medusa is opened, and what its errors mean for the caller."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from connectors.base import Connection
from connectors.errors import (
    AuthError,
    ConnectorError,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.http import Http
from connectors.medusa import CHANNEL, answers
from connectors.medusa.calls import CANCEL, LEVELS, ORDER, ORDERS, SHIP
from connectors.medusa.client import Client, address
from connectors.medusa.connector import MedusaConnector
from connectors.medusa.simulator import MedusaSimulator
from connectors.records import Credentials
from connectors.testing import Rig
from tests.connectors.medusa.recorded import sample

URL = "https://medusa.example.com"
KEY = {"url": URL, "api_key": "sk_1"}


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as web:
        yield web


@pytest.fixture
def http() -> Iterator[Http]:
    http = Http(hosts=CHANNEL.hosts)
    yield http
    http.close()


def connection(http: Http, credentials: dict[str, str], stored: list[Credentials]) -> Connection:
    return Connection(
        Credentials(credentials), http, lambda: datetime.now(UTC), on_refresh=stored.append
    )


def client(http: Http, **credentials: str) -> Client:
    return Client(connection(http, credentials or KEY, []))


def test_a_secret_key_is_the_user_of_basic(http: Http, web: responses.RequestsMock) -> None:
    web.get(f"{URL}/admin/orders", json={"orders": []})

    client(http).run(ORDERS, (("order", "updated_at"), ("id[]", "a"), ("id[]", "b")))

    (call,) = web.calls
    assert call.request.headers["Authorization"] == f"Basic {b64encode(b'sk_1:').decode()}"
    assert str(call.request.url).endswith("?order=updated_at&id%5B%5D=a&id%5B%5D=b")


def test_a_session_is_made_once_and_stored_before_it_is_used(
    http: Http, web: responses.RequestsMock
) -> None:
    stored: list[Credentials] = []
    login = web.post(f"{URL}/auth/user/emailpass", json={"token": "jwt-1"})
    asked = web.get(f"{URL}/admin/orders", json={"orders": []})
    given = {"url": URL, "email": "a@b.example", "password": "secret"}
    found = Client(connection(http, given, stored))

    found.run(ORDERS)
    found.run(ORDERS)

    assert json.loads(login.calls[0].request.body) == {"email": "a@b.example", "password": "secret"}
    assert (len(login.calls), [one["token"] for one in stored]) == (1, ["jwt-1"])
    assert {one.request.headers["Authorization"] for one in asked.calls} == {"Bearer jwt-1"}


def test_a_session_that_ended_is_made_anew(http: Http, web: responses.RequestsMock) -> None:
    stored: list[Credentials] = []
    web.get(f"{URL}/admin/orders", json=sample("error-unauthenticated")["response"], status=401)
    web.post(f"{URL}/auth/user/emailpass", json={"token": "jwt-2"})
    web.get(f"{URL}/admin/orders", json={"orders": []})
    given = {"url": URL, "email": "a@b.example", "password": "secret", "token": "jwt-1"}

    Client(connection(http, given, stored)).run(ORDERS)

    assert [one["token"] for one in stored] == ["jwt-2"]


def test_a_session_is_not_tried_for_ever(http: Http, web: responses.RequestsMock) -> None:
    refused = web.get(f"{URL}/admin/orders", json={"message": "Unauthorized"}, status=401)
    web.post(f"{URL}/auth/user/emailpass", json={"token": "jwt-2"})

    with pytest.raises(AuthError):
        client(http, url=URL, email="a@b.example", password="p", token="t").run(ORDERS)

    assert len(refused.calls) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (None, 401),
        ({"location": "https://accounts.example/authorize"}, 200),
        ({"token": ""}, 200),
        ({"type": "not_found", "message": "no such provider"}, 404),
    ],
)
def test_where_no_session_is_given_a_person_must_look(
    http: Http, web: responses.RequestsMock, body: Any, status: int
) -> None:
    said = sample("auth-bad")["response"] if body is None else body
    web.post(f"{URL}/auth/user/emailpass", json=said, status=status)

    with pytest.raises((AuthError, ProtocolError)) as caught:
        client(http, url=URL, email="a@b.example", password="bad").run(ORDERS)

    assert status == 200 or isinstance(caught.value, AuthError)


def test_without_key_and_password_nothing_is_asked(http: Http) -> None:
    with pytest.raises(AuthError) as caught:
        client(http, url=URL).run(ORDERS)

    assert caught.value.code == "no_credentials"


ERRORS = [
    ("error-unauthenticated", AuthError, "401"),
    ("order-404", RejectedError, "not_found"),
    ("fulfillment-again-error", RejectedError, "invalid_data"),
    ("stock-push-invalid", RejectedError, "invalid_data"),
]


@pytest.mark.parametrize(("name", "error", "code"), ERRORS)
def test_recorded_errors_are_told_apart(
    http: Http, web: responses.RequestsMock, name: str, error: type[ConnectorError], code: str
) -> None:
    recorded = sample(name)
    web.post(
        f"{URL}/admin/orders/o%2F1/cancel", json=recorded["response"], status=recorded["status"]
    )

    with pytest.raises(error) as caught:
        client(http).run(CANCEL, body={}, order="o/1")

    assert type(caught.value) is error
    assert caught.value.code == code
    assert caught.value.message == recorded["response"]["message"]


ANSWERS: list[tuple[int, Any, type[ConnectorError], type[ConnectorError]]] = [
    (403, {"type": "forbidden", "message": "no"}, AuthError, AuthError),
    (404, "<h1>Cannot POST</h1>", RejectedError, RejectedError),
    (409, {"type": "conflict", "message": "met"}, TransientError, TransientError),
    (422, {"type": "duplicate_error", "message": "twice"}, RejectedError, RejectedError),
    (429, "", TransientError, TransientError),
    (500, {"type": "unknown_error", "message": "?"}, TransientError, UnknownOutcome),
    (502, "<h1>Bad gateway</h1>", TransientError, UnknownOutcome),
    (302, "", ProtocolError, ProtocolError),
    (200, "<h1>Welcome</h1>", ProtocolError, UnknownOutcome),
    (200, {"unexpected": []}, ProtocolError, UnknownOutcome),
    (200, [], ProtocolError, UnknownOutcome),
]


@pytest.mark.parametrize(("status", "body", "of_a_read", "of_a_write"), ANSWERS)
def test_a_status_means_what_the_caller_must_do(
    http: Http,
    web: responses.RequestsMock,
    status: int,
    body: Any,
    of_a_read: type[ConnectorError],
    of_a_write: type[ConnectorError],
) -> None:
    said = body if isinstance(body, str) else json.dumps(body)
    web.get(f"{URL}/admin/orders/1", body=said, status=status)
    web.post(f"{URL}/admin/orders/1/cancel", body=said, status=status)

    with pytest.raises(of_a_read) as read:
        client(http).run(ORDER, order="1")
    with pytest.raises(of_a_write) as written:
        client(http).run(CANCEL, body={}, order="1")

    assert (type(read.value), type(written.value)) == (of_a_read, of_a_write)


def test_a_call_that_the_server_does_not_have_is_known(
    http: Http, web: responses.RequestsMock
) -> None:
    web.post(URL + LEVELS.path, body="<pre>Cannot POST</pre>", status=404)

    with pytest.raises(RejectedError) as caught:
        client(http).run(LEVELS, body={"update": []})

    assert caught.value.code == answers.NO_SUCH_CALL


def test_keys_cannot_leave_their_place_in_the_path(http: Http, web: responses.RequestsMock) -> None:
    web.post(f"{URL}/admin/orders/a%3Fb/fulfillments/..%2Fc/shipments", json={"order": {}})

    assert client(http).run(SHIP, body={}, order="a?b", fulfillment="../c") == {"order": {}}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("https://shop.example/", "https://shop.example"),
        (" shop.example ", "https://shop.example"),
        ("https://shop.example/app", "https://shop.example"),
        ("https://shop.example/medusa/admin/", "https://shop.example/medusa"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ],
)
def test_the_address_is_as_people_type_it(typed: str, meant: str) -> None:
    assert address(typed) == meant


def test_an_address_without_tls_is_refused(http: Http) -> None:
    found = client(http, url="http://medusa.example.com", api_key="sk_1")

    with pytest.raises(RejectedError):
        found.run(ORDERS)


def test_a_shop_with_a_user_lives_through_the_end_of_its_sessions() -> None:
    with Rig(CHANNEL, MedusaSimulator(by_password=True)) as rig:
        connector = rig.connector()
        first = connector.check()
        rig.simulator.end_sessions()  # type: ignore[attr-defined]

        assert connector.check().external_id == first.external_id
        assert isinstance(connector, MedusaConnector)
        assert connector.connection.credentials["token"]
