"""The only I/O of the Shopify channel: one POST per GraphQL operation, the token that opens it,
and pieces of a prepared file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.base import Connection
from connectors.errors import (
    AuthError,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.records import Credentials
from connectors.shopify import answers, tokens
from connectors.shopify.queries import API_VERSION, Operation

#: What the file store says of an address that has run out, or of a piece beyond the file's end.
GONE = {400, 403, 404, 410}
BEYOND = 416
RANGE = re.compile(r"bytes (?:\d+-\d+|\*)/(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file. ``total`` is the file's length, None where nobody said."""

    body: bytes = field(repr=False)
    total: int | None


class Client:
    """``cost`` and ``server_time`` are what the last answer told of the budget and the clock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._http = connection.http
        base = connection.base_url or f"https://{connection.credentials['shop_domain']}"
        self._base = base.rstrip("/")
        self.cost: answers.Cost | None = None
        self.server_time: datetime | None = None

    @property
    def _credentials(self) -> Credentials:
        return self._connection.credentials

    def run(
        self, operation: Operation, variables: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """The answer's data. A write whose answer makes no sense has an unknown outcome. A token
        that is refused is replaced, once, where it can be."""
        due = tokens.due(self._credentials, self._connection.now())
        fresh = due and self._renew_early()
        while True:
            try:
                return self._ask(operation, variables)
            except AuthError as error:
                if error.code == "ACCESS_DENIED" and operation.scope:
                    raise RejectedError(
                        f"the app lacks the access scope {operation.scope}",
                        code=error.code,
                        field="scopes",
                    ) from error
                if error.code != "401" or fresh or not tokens.renewable(self._credentials):
                    raise
            fresh = self._renew()  # one that another worker got may have run out too

    def download(self, url: str, start: int, size: int) -> Piece | None:
        """A piece of a file the shop has prepared; None where its address is no longer good. The
        address is signed, and goes to another host: our token does not go along."""
        wanted = {
            "Range": f"bytes={start}-{start + size - 1}",
            "Accept-Encoding": "identity",
        }
        response = self._http.request(
            "GET", url, write=False, headers=wanted, accept={*GONE, BEYOND}, cost=0
        )
        if response.status in GONE:
            return None
        if response.status == BEYOND:
            return Piece(b"", start)
        if response.status != 206:  # a store that knows no ranges sends all of it
            return Piece(response.body[start : start + size], len(response.body))
        told = RANGE.fullmatch(response.headers.get("content-range", ""))
        return Piece(response.body, int(told.group(1)) if told else None)

    def _ask(self, operation: Operation, variables: Mapping[str, Any] | None) -> Mapping[str, Any]:
        token = self._credentials.get("access_token", "")
        if not token:
            raise AuthError("there is no access token", code="no_token")
        response = self._http.request(
            "POST",
            f"{self._base}/admin/api/{API_VERSION}/graphql.json",
            write=operation.write,
            headers={"X-Shopify-Access-Token": token},
            json={
                "query": operation.document,
                "operationName": operation.name,
                "variables": dict(variables or {}),
            },
            cost=operation.cost,
        )
        self.server_time = _date(response.headers.get("date", ""))
        try:
            body = response.json()
        except ProtocolError as error:
            if operation.write:
                raise UnknownOutcome("a write was answered with something else") from error
            raise
        if isinstance(body, Mapping):
            self.cost = answers.cost(body)
        return answers.data(body, write=operation.write)

    def _renew_early(self) -> bool:
        """False where it did not succeed: the token at hand may still open, and says if not."""
        if not self._credentials.get("access_token"):
            return self._renew()
        try:
            return self._renew()
        except (AuthError, TransientError):
            return False

    def _renew(self) -> bool:
        """Have a new token; False where another worker has got it meanwhile."""
        return self._connection.renew("access_token", self._new_token)

    def _new_token(self, present: Credentials) -> Credentials:
        """From the channel: the old refresh token is void once the new one is used.

        Sent once, as a write is; unanswered, nothing is known to have happened to anything else.
        """
        try:
            response = self._http.request(
                "POST",
                f"{self._base}/admin/oauth/access_token",
                write=True,
                headers={"Accept": "application/json"},
                form=tokens.question(present),
                cost=0,
            )
        except UnknownOutcome as error:
            raise TransientError(error.message, code=error.code) from error
        except RejectedError as error:
            raise AuthError("the token was not renewed", code=error.code) from error
        return tokens.renewed(present, response.json(), self._connection.now())


def _date(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None
