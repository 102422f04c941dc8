"""The only I/O of the Google Play channel: REST calls with a service account's access token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from connectors.base import Connection
from connectors.errors import AuthError, ProtocolError, UnknownOutcome
from connectors.google_play import access, answers
from connectors.http import Response

PUBLISHER = "https://androidpublisher.googleapis.com/androidpublisher/v3/applications"
PUSH = "https://pubsub.googleapis.com/v1"
KEYS = "https://www.googleapis.com/oauth2/v3/certs"
HOSTS = tuple(
    sorted({urlsplit(one).hostname or "" for one in (PUBLISHER, PUSH, KEYS, access.AUDIENCE)})
)

Params = Sequence[tuple[str, str]]


class Client:
    """``server_time`` is what the last answer told of the clock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._http = connection.http
        self._open: dict[str, access.Access] = {}
        self.package = connection.credentials["package_name"]
        self.server_time: datetime | None = None

    def read(self, *path: str, verb: str = "", params: Params = ()) -> Any:
        """Of the app's own resources: ``path`` in parts, and the verb that Google adds with a
        colon."""
        return self._call("GET", self._app(path, verb), access.SCOPE, params=params).json()

    def write(self, *path: str, verb: str, body: Mapping[str, Any]) -> Any:
        """A write whose answer makes no sense has an unknown outcome."""
        url = self._app(path, verb)
        return _told(self._call("POST", url, access.SCOPE, body=body, write=True))

    def read_push(self, name: str, params: Params = ()) -> Any:
        """Of Pub/Sub, where ``name`` is a whole one: ``projects/…/subscriptions/…``."""
        url = self._at(f"{PUSH}/{quote(name)}")
        return self._call("GET", url, access.PUSH_SCOPE, params=params).json()

    def write_push(self, method: str, name: str, body: Mapping[str, Any]) -> Any:
        url = self._at(f"{PUSH}/{quote(name, safe='/:')}")
        return _told(self._call(method, url, access.PUSH_SCOPE, body=body, write=True))

    def keys(self) -> str:
        """The key set that Google signs pushes with; anybody may read it."""
        answer = self._http.request("GET", self._at(KEYS), write=False)
        found = answers.listed(answer.json(), "keys")
        if not found:
            raise ProtocolError("the key set is empty", code="no_keys")
        return answer.body.decode("utf-8")

    def _call(
        self,
        method: str,
        url: str,
        scope: str,
        *,
        params: Params = (),
        body: Mapping[str, Any] | None = None,
        write: bool = False,
    ) -> Response:
        """With the token at hand; where that is refused before its time, with a new one."""
        fresh = scope not in self._open
        for _ in range(2):
            token = self._token(scope)
            try:
                return self._send(method, url, token, params, body, write=write)
            except AuthError as error:
                self._open.pop(scope, None)
                if fresh or error.code != "401":
                    raise
                fresh = True
        raise AuthError("the access token was refused twice", code="401")

    def _send(
        self,
        method: str,
        url: str,
        token: str,
        params: Params,
        body: Mapping[str, Any] | None,
        *,
        write: bool,
    ) -> Response:
        answer = self._http.request(
            method,
            url,
            write=write,
            headers={"Authorization": f"Bearer {token}"},
            params=list(params),
            json=body,
            accept=answers.TOLD,
        )
        return self._judged(method, answer)

    def _token(self, scope: str) -> str:
        now = self._connection.now()
        held = self._open.get(scope)
        if held is None or held.until <= now:
            key_file = self._connection.credentials["service_account"]
            asked = {
                "grant_type": access.GRANT,
                "assertion": access.assertion(key_file, scope, now),
            }
            answer = self._http.request(
                "POST", self._at(access.AUDIENCE), write=False, form=asked, accept=answers.TOLD
            )
            held = access.granted(self._judged("POST", answer).json(), now)
            self._open[scope] = held
        return held.token

    def _judged(self, method: str, answer: Response) -> Response:
        if answer.status in answers.TOLD:
            raise answers.refusal(method, answer.status, answer.headers, answer.body)
        self.server_time = _date(answer.headers.get("date", ""))
        return answer

    def _app(self, path: Sequence[str], verb: str) -> str:
        """No part can add a verb: its colon is quoted."""
        joined = "/".join(quote(one, safe="") for one in (self.package, *path))
        return self._at(f"{PUBLISHER}/{joined}:{verb}" if verb else f"{PUBLISHER}/{joined}")

    def _at(self, url: str) -> str:
        """The same path at the simulator, where the connection names one."""
        base = self._connection.base_url.rstrip("/")
        return f"{base}{urlsplit(url).path}" if base else url


def _told(answer: Response) -> Any:
    if not answer.body.strip():
        return {}
    try:
        return answer.json()
    except ProtocolError as error:
        raise UnknownOutcome("a write was answered with something else") from error


def _date(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None
