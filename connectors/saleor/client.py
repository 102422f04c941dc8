"""The only I/O of the Saleor channel: one POST per GraphQL operation, and the signing keys.

https://docs.saleor.io/api-usage/overview
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.base import Connection
from connectors.errors import ProtocolError, UnknownOutcome
from connectors.saleor import answers
from connectors.saleor.nodes import Node
from connectors.saleor.queries import Operation


class Client:
    """``server_time`` is what the last answer told of the clock."""

    def __init__(self, connection: Connection) -> None:
        self._http = connection.http
        self._token = connection.credentials["token"]
        self._base = address(connection.base_url or connection.credentials["url"])
        self.server_time: datetime | None = None

    def run(
        self, operation: Operation, variables: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """The answer's data. A write whose answer makes no sense has an unknown outcome."""
        response = self._http.request(
            "POST",
            f"{self._base}/graphql/",
            write=operation.write,
            headers={"Authorization": f"Bearer {self._token}"},
            json={
                "query": operation.document,
                "operationName": operation.name,
                "variables": dict(variables or {}),
            },
            accept=(400,),
        )
        self.server_time = _date(response.headers.get("date", ""))
        ran = response.status != 400
        try:
            body = response.json()
        except ProtocolError as error:
            if operation.write and ran:
                raise UnknownOutcome("a write was answered with something else") from error
            raise
        return answers.data(body, write=operation.write, ran=ran)

    def change(self, operation: Operation, name: str, variables: Mapping[str, Any]) -> Node:
        """Run a mutation; answers what is under its name. Raises RejectedError."""
        return answers.outcome(self.run(operation, variables), name)

    def keys(self) -> object:
        """The key set with which the shop signs its webhooks, as it is published."""
        url = f"{self._base}/.well-known/jwks.json"
        return self._http.request("GET", url, write=False).json()


def address(typed: str) -> str:
    """The shop's address without a path, whatever was copied from the dashboard."""
    found = typed.strip().rstrip("/")
    found = found.removesuffix("/graphql").rstrip("/")
    return found if "://" in found else f"https://{found}"


def _date(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None
