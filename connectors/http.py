"""The one way out: every call of every connector to its channel goes through :class:`Http`.

It keeps to the allowed hosts, ends by its deadline, caps what it reads, retries what is safe, and
turns every status and failure into an error of :mod:`connectors.errors`. Errors name method and
host, never a path, query, header or body. It does not know any channel's envelope: an error inside
a 200 is the connector's to find.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from json import dumps
from time import monotonic
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from tenacity import (
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)
from urllib3.exceptions import HTTPError

from connectors.answers import judge, parse_json
from connectors.dialling import Attempt, GuardedAdapter
from connectors.egress import Egress
from connectors.errors import (
    ConnectorError,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)

__all__ = ["Http", "Limiter", "Response", "Unlimited", "parse_json"]

#: One try and two more.
TRIES = 3
CHUNK = 65_536
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

# urllib3 warns of odd headers with the URL, query and all.
logging.getLogger("urllib3").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer. Header names in lower case; neither headers nor body are printed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body parsed by :func:`parse_json`; its strings may hold NUL bytes or half surrogate
        pairs, so that one bad record does not take its page along. Raises ProtocolError."""
        return parse_json(self.body, any_text=True)


class Limiter(Protocol):
    """An account's budget, called around each try. ``cost`` is in the channel's own unit.

    ``before`` may raise TransientError(throttled=True); ``after`` sees every answer that came.
    """

    def before(self, cost: float) -> None: ...

    def after(self, response: Response) -> None: ...


class Unlimited:
    """The limiter of channels that have no budget, and of tests."""

    def before(self, cost: float) -> None:
        return None

    def after(self, response: Response) -> None:
        return None


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        # Looking where a redirect leads reads its whole body, past our cap.
        return None


@dataclass(frozen=True, slots=True)
class _Call:
    """One request with all its tries. ``deadline`` is on the monotonic clock."""

    prepared: requests.PreparedRequest
    name: str
    write: bool
    accept: frozenset[int]
    cost: float
    deadline: float


class Http:
    """One account's session.

    ``hosts`` are the declaration's patterns (``*.`` stands for one label or more), empty = any
    public host; ``loopback`` "host:port" entries from the installation's configuration. ``timeout``
    is in seconds over everything: look-up, handshake, headers, body, retries. ``max_bytes`` counts
    the decoded body.
    """

    def __init__(
        self,
        *,
        hosts: Sequence[str] = (),
        loopback: Collection[str] = (),
        limiter: Limiter = Unlimited(),  # noqa: B008 - it has no state
        timeout: float = 20.0,
        max_bytes: int = 20 * 2**20,
        allow_http: bool = False,
    ) -> None:
        self._egress = Egress(hosts, loopback, allow_http=allow_http)
        self._limiter = limiter
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._session = _Session()
        self._session.trust_env = False  # no proxy, .netrc or CA bundle from the environment
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update(
            {"User-Agent": "StorefrontHub/0.1", "Accept-Encoding": "gzip, deflate"}
        )
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, GuardedAdapter())

    def request(
        self,
        method: str,
        url: str,
        *,
        write: bool,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        json: Any = None,
        body: bytes | None = None,
        form: Mapping[str, str] | None = None,
        accept: Collection[int] = (),
        cost: float = 1.0,
        timeout: float | None = None,
    ) -> Response:
        """One answer with a 2xx status, or one in ``accept``. At most one of the three bodies.

        Failed connections are tried again, and reads after a 5xx or a broken connection; at most
        twice, within ``timeout`` seconds, never waiting for a Retry-After. Raises any error of the
        tree but CursorExpired; UnknownOutcome only for a write.
        """
        seconds = self._timeout if timeout is None else timeout
        deadline = monotonic() + seconds
        target = self._egress.check(url)
        data = _encode(json, body, form)
        implied = {"Content-Type": "application/json"} if json is not None else {}
        headers = {**implied, **(headers or {})}
        prepared = self._prepare(method, url, target.host, headers, params, data)
        name = f"{method} {target.host}"
        call = _Call(prepared, name, write, frozenset(accept), cost, deadline)
        retrying = Retrying(
            stop=stop_after_attempt(TRIES) | stop_before_delay(seconds),
            wait=wait_random_exponential(multiplier=0.2, max=2),
            retry=retry_if_exception(
                lambda error: monotonic() < deadline and _again(error, write=write)
            ),
            reraise=True,
        )
        return retrying(self._attempt, call)

    def close(self) -> None:
        self._session.close()

    def _prepare(
        self,
        method: str,
        url: str,
        host: str,
        headers: Mapping[str, str],
        params: Any,
        data: bytes | Mapping[str, str] | None,
    ) -> requests.PreparedRequest:
        for name, value in headers.items():
            if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
                raise RejectedError("a header holds what headers cannot", code="bad_request")
        prepared = None
        try:
            request = requests.Request(method, url, headers=headers, params=params, data=data)
            prepared = self._session.prepare_request(request)
            landed = urlsplit(prepared.url or "").hostname
        except (requests.RequestException, HTTPError, ValueError):
            landed = None
        if prepared is None or landed != host.strip("[]"):
            raise RejectedError(f"{method} {host}: not a valid request", code="bad_request")
        return prepared

    def _attempt(self, call: _Call) -> Response:
        self._limiter.before(call.cost)
        if monotonic() >= call.deadline:
            raise TransientError(f"{call.name}: no time left", code="deadline")
        with Attempt(self._egress, call.deadline) as attempt:
            response = self._exchange(call, attempt)
        self._limiter.after(response)
        if response.status not in call.accept:
            judge(call.name, response.status, response.headers, write=call.write)
        return response

    def _exchange(self, call: _Call, attempt: Attempt) -> Response:
        """Send and read. Where the status alone decides, a body that breaks off is left out."""
        status, headers, body = 0, dict[str, str](), b""
        problem: ConnectorError | None = None
        try:
            with closing(self._send(call, attempt)) as answer:
                status = answer.status_code
                headers = {name.lower(): value for name, value in answer.headers.items()}
                body = self._read(call.name, answer)
        except ProtocolError as error:
            problem = error
        except (OSError, HTTPError) as error:  # the errors of requests are OSErrors
            problem = _failure(call.name, error)
        if attempt.expired:  # a cut socket looks like the end of a body without a length
            problem = TransientError(f"{call.name}: no answer in time", code="timeout")
        if problem is None:
            return Response(status, headers, body)
        if status >= 300 and status not in call.accept:
            return Response(status, headers, b"")
        if call.write and problem.code != "connect":
            problem = UnknownOutcome(problem.message, code=problem.code)
        raise problem  # outside the handlers: the cause would carry the URL

    def _send(self, call: _Call, attempt: Attempt) -> requests.Response:
        return self._session.send(
            call.prepared, stream=True, allow_redirects=False, timeout=attempt.remaining()
        )

    def _read(self, name: str, answer: requests.Response) -> bytes:
        pieces, size = [], 0
        for piece in answer.iter_content(CHUNK):
            size += len(piece)
            if size > self._max_bytes:
                raise ProtocolError(f"{name}: the answer is too large", code="too_large")
            pieces.append(piece)
        return b"".join(pieces)


def _failure(name: str, error: Exception) -> ConnectorError:
    """A failure from the request on, in our words. The connection's own come in our errors."""
    if isinstance(error, requests.ConnectTimeout):
        return TransientError(f"{name}: no connection", code="connect")
    if isinstance(error, requests.Timeout | TimeoutError):
        return TransientError(f"{name}: no answer in time", code="timeout")
    if isinstance(error, requests.exceptions.SSLError):
        return TransientError(f"{name}: TLS failed", code="tls")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return ProtocolError(f"{name}: the answer cannot be unpacked", code="bad_encoding")
    return TransientError(f"{name}: the connection broke", code="broken")


def _again(error: BaseException, *, write: bool) -> bool:
    """Whether a try may follow at once. What was refused, throttled or told to wait may not."""
    if not isinstance(error, TransientError) or error.throttled or error.retry_after is not None:
        return False
    if error.code in ("dns", "connect"):
        return True
    return not write and (error.code in ("timeout", "broken") or error.code.startswith("5"))


def _encode(
    json: Any, body: bytes | None, form: Mapping[str, str] | None
) -> bytes | Mapping[str, str] | None:
    if sum(given is not None for given in (json, body, form)) > 1:
        raise ValueError("a request has one body")
    if json is not None:
        return dumps(json, allow_nan=False, separators=(",", ":")).encode("ascii")
    return body if body is not None else form
