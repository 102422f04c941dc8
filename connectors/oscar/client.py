"""The only I/O of the Oscar channel: JSON over HTTP, opened by name and password at each call."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from connectors.base import Connection
from connectors.errors import ProtocolError, RejectedError, UnknownOutcome
from connectors.http import Response

Given = Mapping[str, Any]
API = "/api"
LONGEST = 300


class Client:
    """``host`` names the shop, which has no other name that its API tells."""

    def __init__(self, connection: Connection) -> None:
        given = connection.credentials
        self._http = connection.http
        self._base = address(connection.base_url or given["url"]) + API
        self.host = urlsplit(self._base).netloc
        pair = f"{given['username']}:{given['password']}".encode()
        access = f"Basic {b64encode(pair).decode('ascii')}"
        self._headers = {"Accept": "application/json", "Authorization": access}

    def rows(self, path: str) -> list[Any]:
        """A whole list: there is no paging, and ``limit`` is passed over in silence."""
        found = self._send("GET", path).json()
        if not isinstance(found, list):
            raise ProtocolError("the answer is no list", code="bad_answer")
        return found

    def one(self, path: str) -> Given | None:
        """None where there is no such record, as the API itself says, not a server before it."""
        response = self._send("GET", path, accept=(404,))
        found = _object(response)
        return None if response.status == 404 else found

    def change(self, path: str, body: Given) -> Given | None:
        """Raises RejectedError with what is wrong with which field."""
        response = self._send("PATCH", path, body, accept=(400, 404))
        try:
            found = _object(response)
        except ProtocolError as error:
            raise UnknownOutcome(error.message, code=error.code) from error
        if response.status == 400:
            field, complaint = next(iter(found.items()), ("", ""))
            told = " ".join(map(str, complaint)) if isinstance(complaint, list) else str(complaint)
            raise RejectedError(told[:LONGEST], code=field[:LONGEST], field=field[:LONGEST])
        return None if response.status == 404 else found

    def _send(
        self, method: str, path: str, body: Given | None = None, accept: tuple[int, ...] = ()
    ) -> Response:
        return self._http.request(
            method,
            self._base + path,
            write=body is not None,
            headers=self._headers,
            json=body,
            accept=accept,
        )


def address(typed: str) -> str:
    """As people type it: with a slash, without https, or with the API's own path."""
    text = typed.strip().rstrip("/").removesuffix(API)
    return text if "://" in text else f"https://{text}"


def _object(response: Response) -> Given:
    found = response.json()
    if not isinstance(found, Mapping):
        raise ProtocolError("the answer is no object", code="bad_answer")
    return found
