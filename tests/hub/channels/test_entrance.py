"""The way in for webhooks, which goes past Flask: what comes through it is told as everywhere."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

import pytest
import structlog
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app
from werkzeug.wrappers import Request

from hub.api.bodies import LARGEST
from hub.channels import door
from hub.channels.entrance import Entrance, letter
from hub.db import Database
from hub.errors import Unavailable
from hub.secrets import Keyring
from tests.web import PUBLIC_URL, application, as_owner, connect

PATH = "0" * 48
SHARED = ("X-Content-Type-Options", "Cache-Control")


def others(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("X-Asked", "others")])
    return [b"others"]


def entrance(receive: Any, public_url: str = PUBLIC_URL) -> Entrance:
    return Entrance(receive, public_url, others)


def ask(
    door_of: Entrance, method: str = "POST", path: str = f"/webhooks/{PATH}", **options: Any
) -> TestResponse:
    environ = EnvironBuilder(path, method=method, **options).get_environ()
    body, status, headers = run_wsgi_app(door_of, environ)
    return TestResponse(body, status, headers, request=Request(environ))


def welcome(path: str, came: door.Letter) -> door.Answered:
    return door.Answered(200, "heard", "text/plain")


def busy(path: str, came: door.Letter) -> door.Answered:
    raise Unavailable("the database does not answer; try again shortly")


def broken(path: str, came: door.Letter) -> door.Answered:
    raise LookupError("the secret of the buyer")


class TestWhoIsAsked:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("PUT", f"/webhooks/{PATH}"),
            ("OPTIONS", f"/webhooks/{PATH}"),
            ("POST", "/webhooks/"),
            ("POST", "/webhooks/a/b"),
            ("POST", f"//webhooks/{PATH}"),
            ("POST", "/api/v1/accounts"),
        ],
    )
    def test_what_is_no_webhook_is_for_the_others(self, method: str, path: str) -> None:
        environ = EnvironBuilder("/", method=method).get_environ()

        answer = run_wsgi_app(entrance(broken), {**environ, "PATH_INFO": path})

        assert b"".join(answer[0]) == b"others"

    def test_another_method_is_told_which_there_are(self, keyring: Keyring) -> None:
        answer = application(None, keyring).test_client().put(f"/webhooks/{PATH}")

        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}

    def test_a_head_is_a_handshake_without_its_body(self) -> None:
        answer = ask(entrance(welcome), "HEAD")

        assert (answer.status_code, answer.headers["Content-Length"]) == (200, "5")
        assert answer.get_data() == b""


class TestWhatItSays:
    def test_what_the_channel_wants_to_hear_with_what_every_answer_carries(
        self, keyring: Keyring
    ) -> None:
        usual = application(None, keyring).test_client().get("/healthz")

        answer = ask(entrance(welcome), headers={"X-Request-Id": "told-by-the-channel"})

        assert (answer.status, answer.get_data()) == ("200 OK", b"heard")
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.headers["X-Request-Id"] == "told-by-the-channel"
        assert [answer.headers[name] for name in SHARED] == [usual.headers[name] for name in SHARED]

    def test_a_request_id_that_is_none_is_replaced(self) -> None:
        answer = ask(entrance(welcome), headers={"X-Request-Id": "no id; at all"})

        assert len(answer.headers["X-Request-Id"]) == 32

    def test_an_error_is_told_byte_for_byte_as_flask_tells_it(
        self, database: Database, keyring: Keyring
    ) -> None:
        client = application(database, keyring).test_client()
        named = {"X-Request-Id": "one"}

        here = client.post(f"/webhooks/{PATH}", data=b"{}", headers=named)
        there = client.get("/metrics", headers=named)

        assert (here.status, here.get_data()) == (there.status, there.get_data())
        assert dict(here.headers) == dict(there.headers)

    def test_a_database_that_is_away_is_told_with_when_to_come_again(self) -> None:
        answer = ask(entrance(busy))

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert answer.get_json()["code"] == "unavailable"

    def test_what_was_not_foreseen_is_logged_without_its_values(self) -> None:
        with structlog.testing.capture_logs() as logged:
            answer = ask(entrance(broken), headers={"X-Request-Id": "r-1"})

        assert (answer.status_code, answer.get_json()["request_id"]) == (500, "r-1")
        assert [one["kind"] for one in logged if one["log_level"] == "error"] == ["LookupError"]
        assert "buyer" not in str(logged) + answer.get_data(as_text=True)


class TestTheLetter:
    def test_it_is_under_the_address_that_the_channel_knows_with_its_query(self) -> None:
        environ = EnvironBuilder(
            f"/webhooks/{PATH}", query_string="state=a%20b", headers={"Host": "inside:8000"}
        ).get_environ()

        known = letter(environ, PATH, PUBLIC_URL)
        unknown = letter(environ, PATH, "")

        assert known.url == f"{PUBLIC_URL}/webhooks/{PATH}?state=a%20b"
        assert unknown.url == f"http://inside:8000/webhooks/{PATH}?state=a%20b"

    def test_headers_have_lower_case_names_and_the_body_its_bytes(self) -> None:
        sent = {"X-Shop-Topic": "orders/paid", "Content-Type": "application/json"}
        environ = EnvironBuilder(method="POST", data=b'{"a":  1}\xff', headers=sent).get_environ()
        environ["HTTP_CONTENT_TYPE"] = "of-nobody"

        came = letter(environ, PATH, PUBLIC_URL)

        assert came.body == b'{"a":  1}\xff'
        assert came.headers["x-shop-topic"] == "orders/paid"
        assert came.headers["content-type"] == "application/json"
        assert came.headers["content-length"] == "10"

    @pytest.mark.parametrize(("longer", "refused"), [(0, True), (-1, False)])
    def test_one_without_a_length_is_read_up_to_the_limit_and_no_further(
        self, longer: int, refused: bool
    ) -> None:
        raw = b"x" * (LARGEST + longer)
        environ = EnvironBuilder(method="POST").get_environ()
        chunked = {"wsgi.input": io.BytesIO(raw), "wsgi.input_terminated": True}

        if refused:
            with pytest.raises(RequestEntityTooLarge):
                letter(environ | chunked, PATH, PUBLIC_URL)
        else:
            assert letter(environ | chunked, PATH, PUBLIC_URL).body == raw


def test_events_are_still_acknowledged_at_the_address_an_account_is_told(
    database: Database, keyring: Keyring, seller: int
) -> None:
    owner = as_owner(database, keyring, seller)
    told = connect(owner)["webhook_url"].partition(".org")[2]

    answers = [owner.web.client.post(path, data=b"{}") for path in (told, f"{told}/", told[:-1])]

    assert [answer.status_code for answer in answers] == [401, 401, 404]
    assert [json.loads(answer.data)["code"] for answer in answers][2] == "not_found"
