"""The only I/O of the Shopify channel: one POST per GraphQL operation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.base import Connection
from connectors.errors import ProtocolError, UnknownOutcome
from connectors.shopify import answers
from connectors.shopify.queries import API_VERSION, Operation


class Client:
    """``cost`` and ``server_time`` are what the last answer told of the budget and the clock."""

    def __init__(self, connection: Connection) -> None:
        self._http = connection.http
        self._token = connection.credentials["access_token"]
        base = connection.base_url or f"https://{connection.credentials['shop_domain']}"
        self._url = f"{base.rstrip('/')}/admin/api/{API_VERSION}/graphql.json"
        self.cost: answers.Cost | None = None
        self.server_time: datetime | None = None

    def run(
        self, operation: Operation, variables: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """The answer's data. A write whose answer makes no sense has an unknown outcome."""
        response = self._http.request(
            "POST",
            self._url,
            write=operation.write,
            headers={"X-Shopify-Access-Token": self._token},
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


def _date(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None
