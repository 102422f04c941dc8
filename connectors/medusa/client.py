"""The only I/O of the Medusa channel: one request per call, opened by an API key or a session.

A session lasts a day. One that is refused is made anew from e-mail and password, once, and stored
before it is used.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from connectors.base import Connection
from connectors.errors import AuthError, ProtocolError, RejectedError, UnknownOutcome
from connectors.http import Response
from connectors.medusa import answers
from connectors.medusa.calls import LOGIN, Call
from connectors.records import Credentials

Query = Sequence[tuple[str, str]]
#: Pages of the admin, which people copy along with the address.
PAGES = ("/app", "/admin")


class Client:
    """``server_time`` is what the last answer told of the clock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._http = connection.http
        self._base = address(connection.base_url or connection.credentials["url"])
        self.server_time: datetime | None = None

    @property
    def _credentials(self) -> Credentials:
        return self._connection.credentials

    def run(
        self,
        call: Call,
        query: Query = (),
        body: Mapping[str, Any] | None = None,
        **places: str,
    ) -> Mapping[str, Any]:
        """The answer's body. ``places`` fill the call's path."""
        path = call.path.format(**{name: quote(one, safe="") for name, one in places.items()})
        response = self._send(call, path, query, body, self._key())
        fresh = bool(self._credentials.get("api_key"))
        while response.status == 401 and not fresh:  # another worker's may have ended too
            fresh = self._renew()
            response = self._send(call, path, query, body, self._key())
        return answers.data(call, response)

    def _key(self) -> str:
        """What opens the server, as the header says it."""
        if self._credentials.get("api_key"):
            pair = f"{self._credentials['api_key']}:".encode()
            return f"Basic {b64encode(pair).decode('ascii')}"
        if not self._credentials.get("token"):
            self._renew()
        return f"Bearer {self._credentials['token']}"

    def _renew(self) -> bool:
        """Have a new session; False where another worker has made it meanwhile."""
        return self._connection.renew("token", self._new_session)

    def _new_session(self, present: Credentials) -> Credentials:
        email, password = present.get("email"), present.get("password")
        if not email or not password:
            raise AuthError("neither an API key nor e-mail and password", code="no_credentials")
        given = {"email": email, "password": password}
        try:
            token = answers.data(LOGIN, self._send(LOGIN, LOGIN.path, (), given, "")).get("token")
        except UnknownOutcome as error:  # a session more or less changes nothing
            raise ProtocolError(error.message, code="bad_answer") from error
        except RejectedError as error:
            raise AuthError(f"no session was given: {error}", code=error.code) from error
        if not isinstance(token, str) or not token:
            raise AuthError("no session was given", code="no_token")
        return present.replace(token=token)

    def _send(
        self, call: Call, path: str, query: Query, body: Mapping[str, Any] | None, key: str
    ) -> Response:
        response = self._http.request(
            call.method,
            self._base + path,
            write=call.write and call is not LOGIN,
            headers={"Accept": "application/json", **({"Authorization": key} if key else {})},
            params=list(query) or None,
            json=body,
            accept=answers.TOLD,
        )
        self.server_time = _date(response.headers.get("date", ""))
        return response


def address(typed: str) -> str:
    """As people type it: with a slash, without https, or copied from the admin's address bar."""
    text = typed.strip().rstrip("/")
    for page in PAGES:
        text = text.removesuffix(page)
    return text if "://" in text else f"https://{text}"


def _date(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None
