from __future__ import annotations

import io

import psycopg
import pytest
import structlog
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.api.bodies import BadBody, parse
from hub.db import Database
from hub.errors import (
    Conflict,
    Forbidden,
    HubError,
    InsufficientStock,
    InvalidInput,
    Misconfigured,
    NotFound,
    StaleVersion,
    Unauthenticated,
    Unavailable,
)
from hub.problems import flat, problem_of
from hub.secrets import Keyring, Undecryptable
from tests.web import Speaker, application, as_owner

SHAPE = {"type", "title", "status", "detail", "code", "request_id"}


def sql_error(state: str, kind: type[psycopg.Error] = psycopg.Error) -> DBAPIError:
    made = type("Made", (kind,), {"sqlstate": state or None})
    return DBAPIError("SELECT secret", None, made("Key (email)=(berta@example.org) exists"))


class TestDecisions:
    @pytest.mark.parametrize(
        ("error", "status", "code"),
        [
            (InvalidInput("sku", "is odd"), 422, "invalid_input"),
            (NotFound("no"), 404, "not_found"),
            (Conflict("no", code="key_reused"), 409, "key_reused"),
            (InsufficientStock({1: 2}), 409, "insufficient_stock"),
            (StaleVersion("late"), 412, "stale_version"),
            (Forbidden("no"), 403, "forbidden"),
            (Unauthenticated("who"), 401, "unauthenticated"),
            (Unavailable("away"), 503, "unavailable"),
            (Misconfigured("DATABASE_URL=x"), 500, "misconfigured"),
            (Undecryptable("key"), 500, "undecryptable"),
            (HubError("odd"), 500, "error"),
            (RuntimeError("odd"), 500, "internal"),
            (PoolTimeout("no connection"), 503, "unavailable"),
            (sql_error("40P01"), 503, "unavailable"),
            (sql_error("57014"), 503, "unavailable"),
            (sql_error("53300"), 503, "unavailable"),
            (sql_error("08006"), 503, "unavailable"),
            (sql_error("", psycopg.OperationalError), 503, "unavailable"),
            (sql_error("22003"), 422, "invalid_input"),
            (sql_error("22P05"), 422, "invalid_input"),
            (sql_error("", psycopg.DataError), 422, "invalid_input"),
            (sql_error("23505"), 409, "conflict"),
            (sql_error("42501"), 500, "internal"),
            (OperationalError("x", None, Exception("odd")), 500, "internal"),
        ],
        ids=repr,
    )
    def test_each_error_has_its_answer(self, error: Exception, status: int, code: str) -> None:
        problem = problem_of(error)

        assert (problem.status, problem.code) == (status, code)
        assert problem.unforeseen == (status == 500)
        assert ("Retry-After" in problem.headers) == (status == 503)
        assert "berta" not in problem.detail

    def test_nested_messages_become_paths(self) -> None:
        messages = {"json": {"lines": {0: {"sku": ["odd"]}}, "_schema": ["both"], "name": ["no"]}}

        assert flat(messages) == {"lines[0].sku": ["odd"], "body": ["both"], "name": ["no"]}


GOOD = [b"{}", b'{"a": [1, 2.5, "\xc3\xa9"]}', b"[" * 64 + b"]" * 64, b"1" * 1000]
BAD = {
    "empty": b"",
    "cut": b'{"a": 1',
    "trailing": b"{} {}",
    "duplicate": b'{"a": 1, "a": 2}',
    "escaped duplicate": b'{"a": 1, "\\u0061": 2}',
    "nan": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "overflowing float": b'{"a": 1e999}',
    "long number": b'{"a": ' + b"1" * 1001 + b"}",
    "very long number": b"1" * 5000,
    "long fraction": b"0." + b"1" * 1001,
    "nul": b'{"a": "x\\u0000"}',
    "nul in a name": b'{"x\\u0000": 1}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "deep": b"[" * 66 + b"1" + b"]" * 66,
    "deep objects": b'{"a":' * 66 + b"1" + b"}" * 66,
    "very deep": b"[" * 500_000,
    "not utf-8": b'{"a": "\xff"}',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
}


class TestBodies:
    @pytest.mark.parametrize("raw", GOOD)
    def test_plain_json_is_read(self, raw: bytes) -> None:
        parse(raw)

    @pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
    def test_what_is_ambiguous_is_refused(self, raw: bytes) -> None:
        with pytest.raises(BadBody):
            parse(raw)


class TestAnswers:
    @pytest.fixture
    def owner(self, database: Database, keyring: Keyring, seller: int) -> Speaker:
        return as_owner(database, keyring, seller)

    @pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
    def test_a_bad_body_is_answered_400(self, owner: Speaker, raw: bytes) -> None:
        answer = owner.web.ask(
            "POST", "/products", owner.seller_id, data=raw, content_type="application/json"
        )

        assert answer.status_code == 400
        assert answer.content_type == "application/problem+json"
        assert set(answer.get_json()) == SHAPE
        assert answer.get_json()["code"] == "bad_json"

    @pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded",
                                              "application/merge-patch+json", ""])  # fmt: skip
    def test_another_content_type_is_answered_415(self, owner: Speaker, content_type: str) -> None:
        answer = owner.web.ask(
            "POST", "/products", owner.seller_id, data=b"{}", content_type=content_type
        )

        assert answer.status_code == 415
        assert set(answer.get_json()) == SHAPE

    def test_a_body_of_more_than_a_mebibyte_is_answered_413(self, owner: Speaker) -> None:
        answer = owner.web.ask(
            "POST",
            "/products",
            owner.seller_id,
            data=b" " * (1024 * 1024 + 1),
            content_type="application/json",
        )

        assert answer.status_code == 413
        assert set(answer.get_json()) == SHAPE

    def test_a_body_without_a_length_is_not_cut_off(self, owner: Speaker) -> None:
        raw = b'{"items": [{"sku": "cut"}]}'.ljust(1024 * 1024 + 1)

        answer = owner.web.ask(
            "POST",
            "/products",
            owner.seller_id,
            input_stream=io.BytesIO(raw),
            environ_base={"wsgi.input_terminated": True},
            content_type="application/json",
        )

        assert answer.status_code == 413

    @pytest.mark.parametrize("body", [[], "text", 5, None, True])
    def test_a_body_that_is_no_object_is_answered_422(self, owner: Speaker, body: object) -> None:
        answer = owner.web.ask(
            "POST",
            "/products",
            owner.seller_id,
            data=owner.web.app.json.dumps(body),
            content_type="application/json",
        )

        assert answer.status_code == 422

    def test_a_wrong_method_says_which_are_right(self, owner: Speaker) -> None:
        answer = owner.post("/orders")

        assert answer.status_code == 405
        assert "GET" in answer.headers["Allow"]
        assert set(answer.get_json()) == SHAPE

    def test_an_unknown_route_has_the_same_shape(self, owner: Speaker) -> None:
        answer = owner.get("/nowhere")

        assert answer.status_code == 404
        assert set(answer.get_json()) == SHAPE

    @pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer hub_no", "Basic eDp5",
                                               "Bearer a b", "Bearer \x7f"])  # fmt: skip
    def test_who_is_not_known_is_asked_for_a_token(
        self, owner: Speaker, authorization: str
    ) -> None:
        headers = {"Authorization": authorization} if authorization else {}

        answer = owner.web.client.get("/api/v1/orders", headers=headers)

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    @pytest.mark.parametrize(
        ("given", "kept"), [("abc-1.2_3", True), ("x" * 65, False), ("a b", False), ("", False)]
    )
    def test_a_request_id_goes_in_and_out(self, owner: Speaker, given: str, kept: bool) -> None:
        answer = owner.get("/orders", headers={"X-Request-Id": given})

        assert (answer.headers["X-Request-Id"] == given) == kept
        assert answer.headers["X-Request-Id"]

    def test_an_unforeseen_error_tells_only_its_reference(self, owner: Speaker) -> None:
        def broken() -> None:
            raise RuntimeError("token=very-secret")

        owner.web.app.add_url_rule("/api/v1/broken", "stock.broken", broken)

        with structlog.testing.capture_logs() as logged:
            answer = owner.get("/broken", headers={"X-Request-Id": "ref-1"})

        assert answer.status_code == 500
        assert [one["event"] for one in logged] == ["request failed", "answered"]
        assert answer.get_json()["request_id"] == "ref-1"
        assert "very-secret" not in answer.get_data(as_text=True) + str(logged)

    def test_a_route_without_a_role_lets_nobody_in(self, owner: Speaker) -> None:
        owner.web.app.add_url_rule("/api/v1/open", "open", lambda: "secret")

        assert owner.get("/open").status_code == 403

    def test_a_database_that_is_away_is_told_as_such(self, keyring: Keyring) -> None:
        client = application(None, keyring).test_client()

        alive = client.get("/healthz")
        ready = client.get("/readyz")
        asked = client.get("/api/v1/orders", headers={"Authorization": "Bearer hub_x"})

        assert alive.status_code == 200
        assert (ready.status_code, asked.status_code) == (503, 503)
        assert ready.headers["Retry-After"]

    def test_a_migrated_database_is_ready(self, owner: Speaker) -> None:
        assert owner.web.client.get("/readyz").get_json()["status"] == "ok"
