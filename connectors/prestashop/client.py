"""The only I/O of the PrestaShop channel: rows are read as JSON and written as XML.

The key is the user name of Basic authentication and there is no password; so the shop is spoken to
by https alone.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from connectors.base import Connection
from connectors.errors import RejectedError
from connectors.http import Response
from connectors.prestashop import answers
from connectors.prestashop.fields import Row
from connectors.prestashop.resources import IDS_ASKED, Resource, any_of, document

ALL = {"display": "full"}


def address(text: str) -> str:
    """``shop.example``, ``https://shop.example/fr/`` or the address of the webservice itself →
    ``https://shop.example/fr``. Raises RejectedError."""
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        fits = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or parts.username is not None or parts.query or parts.fragment:
        message = "the shop's address must be like https://shop.example"
        raise RejectedError(message, code="bad_address", field="url")
    return f"https://{parts.netloc}{parts.path.rstrip('/').removesuffix('/api')}"


class Client:
    """``server_time`` is what the last answer told of the clock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._always = {"output_format": "JSON"}
        shop = connection.settings.get("id_shop", "").strip()
        if shop:
            self._always["id_shop"] = shop
        self._patches = True
        self.server_time: datetime | None = None

    def read(self, resource: Resource, query: Mapping[str, str]) -> list[Any]:
        found = self._send("GET", resource, "", query)
        return answers.rows(found, resource.listed, resource.node)

    def among(
        self,
        resource: Resource,
        column: str,
        values: Iterable[str],
        query: Mapping[str, str] = ALL,
    ) -> list[Any]:
        """All rows that have one of these values in a column."""
        asked, found = sorted(set(values)), []
        for start in range(0, len(asked), IDS_ASKED):
            wanted = any_of(asked[start : start + IDS_ASKED])
            found += self.read(resource, {**query, f"filter[{column}]": wanted})
        return found

    def add(
        self, resource: Resource, fields: Mapping[str, str], query: Mapping[str, str] | None = None
    ) -> Mapping[str, Any]:
        found = self._send("POST", resource, "", query or {}, document(resource, fields))
        return answers.written(found, resource.listed, resource.node)

    def change(self, resource: Resource, key: str, fields: Mapping[str, str]) -> Mapping[str, Any]:
        """Write some fields of a row. Versions before 8, and keys made under them, know only PUT,
        which empties every field that is not sent: there the row is read and written whole."""
        if self._patches:
            try:
                return self._write("PATCH", resource, key, fields)
            except (RejectedError, answers.NotAllowed) as error:
                if error.code not in answers.NO_VERB:
                    raise
                self._patches = False
        found = self.among(resource, "id", [key])
        if not found:
            raise RejectedError(f"there is no {resource.node} {key}", code="404")
        row = Row(found[0])
        whole = {name: row.words(name) for name, value in row.data.items() if _plain(value)}
        return self._write("PUT", resource, key, {**whole, **fields})

    def _write(
        self, method: str, resource: Resource, key: str, fields: Mapping[str, str]
    ) -> Mapping[str, Any]:
        sent = document(resource, {"id": key, **fields})
        found = self._send(method, resource, f"/{key}", {}, sent)
        return answers.written(found, resource.listed, resource.node)

    def _send(
        self,
        method: str,
        resource: Resource,
        path: str,
        query: Mapping[str, str],
        body: bytes | None = None,
    ) -> Any:
        base = self._connection.base_url.rstrip("/") or address(self._connection.credentials["url"])
        write = method != "GET"
        key = b64encode(f"{self._connection.credentials['key'].strip()}:".encode()).decode()
        headers = {"Authorization": f"Basic {key}", "Accept": "application/json"}
        response = self._connection.http.request(
            method,
            f"{base}/api/{resource.name}{path}",
            write=write,
            headers={**headers, "Content-Type": "text/xml"} if write else headers,
            params={**self._always, **query},
            body=body,
            accept=answers.TOLD,
        )
        self.server_time = _date(response)
        return answers.body(f"{method} {resource.name}", response, write=write)


def _plain(value: object) -> bool:
    """A column, not what is associated with the row."""
    return not isinstance(value, list | dict)


def _date(response: Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return None
