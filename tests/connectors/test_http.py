"""What the session does when the channel answers late, wrongly, endlessly or not at all."""

from __future__ import annotations

import gzip
import re
import socket
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from threading import Event
from time import monotonic
from typing import Any

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import (
    AuthError,
    ConnectorError,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.http import Http, Response, parse_json
from tests.connectors.raw_server import Play, RawServer, answer, drip, silent

SECRET = "shpat_0123456789abcdef0123456789abcdef"
SHORT = 0.4

Start = Callable[..., tuple[RawServer, Http]]


class Ledger:
    """A limiter that writes down what it was told."""

    def __init__(self) -> None:
        self.before_calls: list[float] = []
        self.seen: list[int] = []

    def before(self, cost: float) -> None:
        self.before_calls.append(cost)

    def after(self, response: Response) -> None:
        self.seen.append(response.status)


@pytest.fixture
def start() -> Iterator[Start]:
    opened: list[tuple[RawServer, Http]] = []

    def run(*scripts: Play | bytes, **options: Any) -> tuple[RawServer, Http]:
        server = RawServer(*scripts).__enter__()
        http = Http(loopback=[server.address], **options)
        opened.append((server, http))
        return server, http

    yield run
    for server, http in opened:
        http.close()
        server.__exit__()


def failure(http: Http, url: str, *, write: bool = False, **options: Any) -> ConnectorError:
    """The error a request ends in, checked for what it must never show."""
    headers = {"X-Shopify-Access-Token": SECRET}
    with pytest.raises(ConnectorError) as caught:
        http.request(
            "POST" if write else "GET",
            f"{url}/orders/{SECRET}",
            write=write,
            headers=headers,
            params={"access_token": SECRET},
            **options,
        )
    error = caught.value
    chain: BaseException | None = error
    while chain is not None:
        assert isinstance(chain, ConnectorError), f"a foreign error leaks: {chain!r}"
        shown = str(chain) + repr(chain) + repr(vars(chain))
        assert SECRET not in shown + "".join(traceback.format_exception(chain))
        assert "/orders/" not in shown
        chain = chain.__cause__ or chain.__context__
    return error


# -- what is sent and answered ---------------------------------------------------------------------


def test_an_answer_has_its_status_lower_case_headers_and_decoded_body(start: Start) -> None:
    packed = gzip.compress(b'{"total": 19.99}')
    server, http = start(answer(200, packed, Content_Encoding="gzip", X_Shop="yes"))

    response = http.request("GET", f"{server.url}/orders", write=False, params=[("a", "b c")])

    assert response.status == 200
    assert response.headers["x-shop"] == "yes"
    assert response.json() == {"total": Decimal("19.99")}
    assert server.requests[0].startswith(b"GET /orders?a=b+c HTTP/1.1\r\n")


def test_json_form_and_bytes_are_sent_as_given(start: Start) -> None:
    server, http = start(answer())

    http.request("POST", server.url, write=True, json={"title": "T\u00e9", "n": 1})
    http.request("POST", server.url, write=True, form={"code": "a&b"})
    http.request("PUT", server.url, write=True, body=b"<x/>", headers={"Content-Type": "text/xml"})

    first, second, third = server.requests
    assert first.endswith(b'\r\n\r\n{"title":"T\\u00e9","n":1}')
    assert b"Content-Type: application/json\r\n" in first
    assert second.endswith(b"\r\n\r\ncode=a%26b")
    assert b"application/x-www-form-urlencoded" in second
    assert third.endswith(b"\r\n\r\n<x/>")
    assert b"text/xml" in third


def test_two_bodies_are_a_mistake(start: Start) -> None:
    server, http = start(answer())

    with pytest.raises(ValueError, match="one body"):
        http.request("POST", server.url, write=True, json={}, body=b"x")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "\u4e2d", "a\x00b"])
def test_a_header_that_would_break_the_request_is_refused_without_its_value(
    start: Start, value: str
) -> None:
    server, http = start(answer())

    with pytest.raises(RejectedError) as caught:
        http.request("GET", server.url, write=False, headers={"X-Token": value})

    assert caught.value.code == "bad_request"
    assert value not in str(caught.value)
    assert server.connections == 0


def test_responses_print_neither_headers_nor_body() -> None:
    shown = repr(Response(200, {"set-cookie": SECRET}, SECRET.encode()))

    assert SECRET not in shown


def test_cookies_of_the_channel_are_not_kept(start: Start) -> None:
    server, http = start(answer(Set_Cookie="session=1"))

    http.request("GET", server.url, write=False)
    http.request("GET", server.url, write=False)

    assert b"ookie" not in server.requests[1]


def test_the_environments_proxy_and_netrc_are_ignored(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    server, http = start(answer())

    http.request("GET", server.url, write=False)

    assert server.connections == 1


def test_the_responses_library_still_intercepts_and_nothing_is_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("looked up"))
    http = Http(hosts=["*.myshopify.com"])

    with responses.RequestsMock() as mocked:
        mocked.get("https://a.myshopify.com/x", json={"ok": True})
        response = http.request("GET", "https://a.myshopify.com/x", write=False)

    assert response.json() == {"ok": True}
    http.close()


# -- statuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "write", "kind"),
    [
        (400, False, RejectedError),
        (404, True, RejectedError),
        (422, True, RejectedError),
        (401, False, AuthError),
        (403, True, AuthError),
        (408, True, TransientError),
        (425, False, TransientError),
        (429, True, TransientError),
        (500, False, TransientError),
        (500, True, UnknownOutcome),
        (502, True, UnknownOutcome),
        (503, True, UnknownOutcome),
        (304, False, ProtocolError),
        (302, True, ProtocolError),
        (700, False, ProtocolError),
    ],
)
def test_a_status_says_what_the_caller_must_do(
    start: Start, status: int, write: bool, kind: type[ConnectorError]
) -> None:
    server, http = start(answer(status, SECRET.encode()))

    error = failure(http, server.url, write=write)

    assert type(error) is kind
    assert error.code == str(status)


def test_an_accepted_status_is_returned_with_its_body(start: Start) -> None:
    server, http = start(answer(409, b'{"version": 3}'))

    response = http.request("PUT", server.url, write=True, accept={409})

    assert (response.status, response.json()) == (409, {"version": 3})
    assert server.connections == 1


FAR = format_datetime(datetime.now(UTC) + timedelta(days=300), usegmt=True)
SOON = format_datetime(datetime(2026, 11, 22, 7, 0, 30, tzinfo=UTC), usegmt=True)
THEN = format_datetime(datetime(2026, 11, 22, 7, 0, 0, tzinfo=UTC), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry_after": "3"}, 3.0),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": "1000000000"}, 900.0),
        ({"retry_after": "9" * 400}, None),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "NaN"}, None),
        ({"retry_after": ""}, None),
        ({"retry_after": FAR}, 900.0),
        ({"retry_after": SOON, "date": THEN}, 30.0),
        ({"retry_after": THEN, "date": SOON}, None),
        ({"retry_after": "Sun, 99 Nov 2026 99:00:00 GMT"}, None),
    ],
)
def test_a_throttled_call_says_how_long_to_wait(
    start: Start, headers: dict[str, Any], wait: float | None
) -> None:
    server, http = start(answer(429, **headers))

    error = failure(http, server.url)

    assert isinstance(error, TransientError)
    assert (error.throttled, error.retry_after) == (True, wait)
    assert server.connections == 1


def test_a_503_that_names_a_wait_was_not_carried_out_and_is_not_waited_for(start: Start) -> None:
    server, http = start(answer(503, retry_after="60"))
    began = monotonic()

    write, read = failure(http, server.url, write=True), failure(http, server.url)

    assert type(write) is type(read) is TransientError
    assert (write.retry_after, write.throttled) == (60.0, False)
    assert server.connections == 2
    assert monotonic() - began < 2


# -- tries -----------------------------------------------------------------------------------------


def test_a_read_is_tried_three_times_and_the_limiter_sees_each(start: Start) -> None:
    ledger = Ledger()
    server, http = start(answer(502), limiter=ledger)

    error = failure(http, server.url, cost=7.0)

    assert error.code == "502"
    assert server.connections == 3
    assert (ledger.before_calls, ledger.seen) == ([7.0] * 3, [502] * 3)


def test_a_read_that_succeeds_at_last_is_an_answer(start: Start) -> None:
    server, http = start(answer(500), lambda connection, server: None, answer(200, b"[1]"))

    response = http.request("GET", server.url, write=False)

    assert response.json() == [1]
    assert server.connections == 3


@pytest.mark.parametrize(
    "script", [answer(500), lambda connection, server: server.read(connection)]
)
def test_a_write_is_sent_once(start: Start, script: Play | bytes) -> None:
    server, http = start(script)

    error = failure(http, server.url, write=True, json={"quantity": 3})

    assert type(error) is UnknownOutcome
    assert len(server.requests) == 1


def test_a_refused_connection_is_tried_again_for_writes_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    ledger = Ledger()
    http = Http(loopback=[address], limiter=ledger)

    error = failure(http, f"http://{address}", write=True)

    assert (type(error), error.code) == (TransientError, "connect")
    assert (len(ledger.before_calls), ledger.seen) == (3, [])
    http.close()


def test_tries_stay_within_the_deadline(start: Start) -> None:
    def refuse_late(connection: socket.socket, server: RawServer) -> None:
        server.read(connection)
        server.stopping.wait(SHORT * 0.6)
        connection.sendall(answer(500))

    server, http = start(refuse_late, timeout=SHORT)
    began = monotonic()

    failure(http, server.url)

    assert monotonic() - began < SHORT + 1
    assert server.connections <= 2


def test_a_limiter_that_says_no_is_obeyed_at_once(start: Start) -> None:
    class Full(Ledger):
        def before(self, cost: float) -> None:
            super().before(cost)
            raise TransientError("budget spent", code="budget", throttled=True, retry_after=4)

    full = Full()
    server, http = start(answer(), limiter=full)

    error = failure(http, server.url)

    assert isinstance(error, TransientError)
    assert (error.throttled, error.retry_after) == (True, 4)
    assert (full.before_calls, server.connections) == ([1.0], 0)


@pytest.mark.parametrize(
    ("raised", "write", "kind", "code"),
    [
        (requests.ConnectTimeout("x"), True, TransientError, "connect"),
        (requests.ConnectionError("x"), True, UnknownOutcome, "broken"),
        (requests.ReadTimeout("x"), True, UnknownOutcome, "timeout"),
        (requests.ReadTimeout("x"), False, TransientError, "timeout"),
        (requests.exceptions.SSLError("x"), False, TransientError, "tls"),
        (requests.exceptions.ChunkedEncodingError("x"), False, TransientError, "broken"),
    ],
)
def test_what_the_library_raises_is_translated(
    raised: Exception, write: bool, kind: type[ConnectorError], code: str
) -> None:
    http = Http()
    with responses.RequestsMock() as mocked:
        mocked.add(
            responses.POST if write else responses.GET, re.compile("https://.*"), body=raised
        )

        error = failure(http, "https://shop.example.com", write=write)

    assert (type(error), error.code) == (kind, code)
    http.close()


# -- late, endless and broken answers --------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(
    "script",
    [
        silent,
        drip(b"", b"", 0.05),
        drip(HEAD, b"X-Slow: 1\r\n", 0.05),
        drip(HEAD + b"Content-Length: 100000\r\n\r\n", b" ", 0.05),
        drip(HEAD + b"\r\n", b" ", 0.05),
        drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.05),
    ],
    ids=["silent", "nothing", "headers", "body", "no length", "chunks"],
)
def test_a_server_that_drips_is_cut_off_at_the_deadline(
    start: Start, script: Play, write: bool
) -> None:
    server, http = start(script, timeout=SHORT)
    began = monotonic()

    error = failure(http, server.url, write=write)

    assert SHORT - 0.1 < monotonic() - began < SHORT + 1
    assert (type(error), error.code) == (UnknownOutcome if write else TransientError, "timeout")


def test_a_kept_connection_is_cut_off_too(start: Start) -> None:
    def play(connection: socket.socket, server: RawServer) -> None:
        server.read(connection)
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\n{}")
        drip(HEAD, b"X-Slow: 1\r\n", 0.05)(connection, server)

    server, http = start(play)
    http.request("GET", server.url, write=False)
    began = monotonic()

    error = failure(http, server.url, timeout=SHORT)

    assert error.code == "timeout"
    assert monotonic() - began < SHORT + 1
    assert server.connections == 1


def test_a_handshake_that_never_comes_is_cut_off(start: Start) -> None:
    server, http = start(silent, timeout=SHORT)
    began = monotonic()

    error = failure(http, server.url.replace("http:", "https:"), write=True)

    assert (type(error), error.code) == (TransientError, "connect")
    assert monotonic() - began < SHORT + 1


def test_a_name_server_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(5) and [])
    http = Http(timeout=SHORT)
    began = monotonic()

    error = failure(http, "https://shop.example.com")

    over.set()
    assert type(error) is TransientError
    assert error.code == "dns"
    assert monotonic() - began < SHORT + 1
    http.close()


BOMB = gzip.compress(b"\0" * 30_000_000)


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(
    "script",
    [
        answer(200, BOMB, Content_Encoding="gzip"),
        answer(200, b"x" * 3_000_000),
        drip(HEAD + b"\r\n", b"x" * 100_000, 0.0),
    ],
    ids=["gzip bomb", "large", "endless"],
)
def test_a_body_is_read_up_to_the_cap(start: Start, script: Play | bytes, write: bool) -> None:
    server, http = start(script, max_bytes=2_000_000)

    error = failure(http, server.url, write=write)

    assert (type(error), error.code) == (UnknownOutcome if write else ProtocolError, "too_large")
    assert server.connections == 1


def test_a_redirects_body_is_capped_too(start: Start) -> None:
    server, http = start(
        answer(302, BOMB, Content_Encoding="gzip", Location="/x"), max_bytes=1_000_000
    )

    error = failure(http, server.url)

    assert (type(error), error.code) == (ProtocolError, "302")


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (answer(200, b'{"orders": [', length=5000), "broken"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\n[1,2", "broken"),
        (b"this is no HTTP\r\n\r\n", "broken"),
        (b"", "broken"),
        (HEAD + b"X: " + b"y" * 100_000, "broken"),
    ],
)
def test_an_answer_that_breaks_off_is_no_answer(start: Start, script: bytes, code: str) -> None:
    server, http = start(script)

    read, write = failure(http, server.url), failure(http, server.url, write=True)

    assert (type(read), read.code) == (TransientError, code)
    assert (type(write), write.code) == (UnknownOutcome, code)


def test_a_body_that_is_not_gzip_cannot_be_unpacked(start: Start) -> None:
    server, http = start(answer(200, b"not gzip", Content_Encoding="gzip"))

    read, write = failure(http, server.url), failure(http, server.url, write=True)

    assert (type(read), read.code) == (ProtocolError, "bad_encoding")
    assert (type(write), write.code) == (UnknownOutcome, "bad_encoding")


def test_the_status_of_a_refusal_stands_though_its_body_breaks_off(start: Start) -> None:
    server, http = start(answer(401, b"x", length=5000))

    error = failure(http, server.url, write=True)

    assert type(error) is AuthError


def test_a_page_of_html_is_a_protocol_error_with_a_short_sample(start: Start) -> None:
    page = f"<html>\r\n<p>Down. {SECRET} anna@example.com</p>" + "x" * 1000
    server, http = start(answer(200, page.encode()))
    response = http.request("GET", server.url, write=False)

    with pytest.raises(ProtocolError) as caught:
        response.json()

    assert caught.value.sample.startswith("<html> <p>Down. ***")
    assert len(caught.value.sample) <= 120
    assert SECRET not in caught.value.sample
    assert "anna" not in caught.value.sample
    assert caught.value.__context__ is None


# -- strict JSON -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<html>", "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"\xff\xfe{}", "UTF-8"),
        (b'"\xed\xa0\x80"', "UTF-8"),
        (b"NaN", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"[-Infinity]", "Infinity"),
        (b'{"a": 1, "a": 2}', "same key"),
        (b'[{"b": {"a": 1, "\\u0061": 2}}]', "same key"),
        (b"[" * 65 + b"]" * 65, "deeply"),
        (b"[" * 100_000, "deeply"),
        (b'{"a":' * 100_000, "deeply"),
        (b"1" * 1001, "too long"),
        (b"1." + b"1" * 1001, "too long"),
        (b"1e999999999", "out of range"),
        (b"1e99999999999999999999", "out of range"),
        (b"1e-5000", "out of range"),
        (b'"a\\u0000b"', "NUL"),
        (b'{"a\\u0000": 1}', "NUL"),
        (b'["\\ud800"]', "half a character"),
        (b'{"a": ["\\uDFFF\\uD800"]}', "half a character"),
        ('"\ud800"', "half a character"),
        (b'"a\x00b"', "not JSON"),
    ],
)
def test_json_that_is_not_plain_is_refused(text: bytes | str, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        parse_json(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"\xef\xbb\xbf{}", {}),
        ("\ufeff[]", []),
        (b"0.1", Decimal("0.1")),
        (b"1E2", Decimal(100)),
        (b"9007199254740993", 9007199254740993),
        (b"-" + b"9" * 1000, -int("9" * 1000)),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\\\u0000"', "\\u0000"),
        (b"null", None),
    ],
)
def test_json_is_read_exactly(text: bytes | str, value: object) -> None:
    found = parse_json(text)

    assert found == value
    assert type(found) is type(value)


def test_the_deepest_allowed_nesting_is_read() -> None:
    parse_json(b"[" * 64 + b"]" * 64)
    parse_json(b'[{"a": "\\ud83d\\ude00"}]', depth=2)
    with pytest.raises(ProtocolError, match="deeply"):
        parse_json(b'[{"a": ["x"]}]', depth=2)


@given(st.binary(max_size=60) | st.text(alphabet='[]{}":,\\u0dD8e1.-NaI \ufeff\x00', max_size=60))
def test_whatever_comes_is_read_or_refused(body: bytes | str) -> None:
    with suppress(ProtocolError):
        parse_json(body)
