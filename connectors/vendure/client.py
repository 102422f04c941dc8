"""The only I/O of the Vendure channel: one POST per GraphQL operation, and the session it needs.

An API key opens the shop by itself. A user's name and password open a session, whose token is kept
with the credentials and replaced once when the shop no longer takes it. No cookie is kept: Vendure
believes one before any token.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from connectors.answers import judge
from connectors.base import Connection
from connectors.errors import AuthError, ProtocolError, RejectedError, UnknownOutcome
from connectors.http import Response
from connectors.records import Credentials
from connectors.vendure import answers
from connectors.vendure.queries import LOGIN, Operation

PATH = "/admin-api"
#: Where people find themselves when they copy the address of their shop's back office.
PAGES = (PATH, "/dashboard", "/admin")
API_KEY = "vendure-api-key"
CHANNEL_TOKEN = "vendure-token"  # noqa: S105 - a header's name
SESSION_TOKEN = "vendure-auth-token"  # noqa: S105
SESSION = "session_token"


def address(text: str) -> str:
    """The shop's address without what people copy along. https where none is said."""
    found = text.strip()
    found = found if "://" in found else f"https://{found}"
    found = found.split("?")[0].split("#")[0].rstrip("/")
    for page in PAGES:
        found = found.removesuffix(page)
    return found.rstrip("/")


class Client:
    """``server_time`` is what the last answer told of the shop's clock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._http = connection.http
        self.address = address(connection.base_url or connection.credentials["url"])
        self.server_time: datetime | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    @property
    def _credentials(self) -> Credentials:
        return self._connection.credentials

    def run(
        self, operation: Operation, variables: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """The answer's data. A write whose answer makes no sense has an unknown outcome."""
        given = dict(variables or {})
        if self._credentials.get("api_key"):
            return self._ask(operation, given)
        fresh = not self._credentials.get(SESSION) and self._log_in()
        while True:
            try:
                return self._ask(operation, given)
            except AuthError:
                if fresh:
                    raise
            fresh = self._log_in()  # a session that another worker opened may have ended too

    def _ask(self, operation: Operation, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        response = self._send(operation, variables, self._access())
        return self._data(operation, response)

    def _data(self, operation: Operation, response: Response) -> Mapping[str, Any]:
        try:
            body = response.json()
        except ProtocolError as error:
            judge(f"{operation.name} {self.host}", response.status, {}, write=operation.write)
            if operation.write:
                raise UnknownOutcome(
                    "a write was answered with something else", code="bad_json"
                ) from error
            raise
        return answers.data(body, write=operation.write)

    def _send(
        self, operation: Operation, variables: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Response:
        response = self._http.request(
            "POST",
            self.address + PATH,
            write=operation.write,
            headers=headers,
            json={
                "query": operation.document,
                "operationName": operation.name,
                "variables": dict(variables),
            },
            accept=(400,),
        )
        self.server_time = _date(response.headers.get("date", ""))
        return response

    def _access(self) -> dict[str, str]:
        key = self._credentials.get("api_key", "")
        if key:
            return {**self._channel(), API_KEY: key}
        return {**self._channel(), "Authorization": f"Bearer {self._credentials[SESSION]}"}

    def _channel(self) -> dict[str, str]:
        token = self._connection.settings.get("channel_token", "").strip()
        return {CHANNEL_TOKEN: token} if token else {}

    def _log_in(self) -> bool:
        """Have a new session; False where another worker has opened it meanwhile."""
        return self._connection.renew(SESSION, self._new_session)

    def _new_session(self, present: Credentials) -> Credentials:
        names = ("username", "password")
        given = {name: present.get(name, "") for name in names}
        if not all(given.values()):
            raise AuthError("neither an API key nor a name and password", code="no_credentials")
        response = self._send(LOGIN, given, self._channel())
        try:
            answers.result(self._data(LOGIN, response), "login", "CurrentUser")
        except RejectedError as error:
            raise AuthError(f"the login was refused: {error}", code=error.code) from error
        except UnknownOutcome as error:
            raise ProtocolError(error.message, code=error.code) from error
        token = response.headers.get(SESSION_TOKEN, "")
        if not token:
            raise AuthError(
                "the shop hands out no tokens: its authOptions.tokenMethod lacks 'bearer'",
                code="no_bearer_token",
            )
        return present.replace(session_token=token)


def _date(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None
