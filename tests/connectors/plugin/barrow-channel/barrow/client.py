"""The only I/O: one HTTP call each, answered with a JSON object or an error of the hub's tree.

:class:`connectors.http.Http` keeps deadlines, retries, the budget and the allowed hosts, and turns
statuses into errors. Left for here is what only this channel means by its answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.base import Connection
from connectors.errors import CursorExpired, ProtocolError, UnknownOutcome

#: Barrow no longer knows a place in a list.
GONE = 410


class Client:
    def __init__(self, connection: Connection) -> None:
        self._http = connection.http
        self._url = (connection.base_url or "https://api.barrow.example").rstrip("/") + "/v1"
        self._headers = {"Authorization": f"Bearer {connection.credentials['token']}"}

    def read(self, path: str, **params: str) -> Mapping[str, Any]:
        response = self._http.request(
            "GET",
            f"{self._url}{path}",
            write=False,
            headers=self._headers,
            params=params,
            accept=(GONE,),
        )
        if response.status == GONE:
            raise CursorExpired("the place in the list is no longer known", code="page")
        return _object(response.json())

    def write(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A write whose answer makes no sense may have happened: it is read back, not guessed."""
        response = self._http.request(
            "POST", f"{self._url}{path}", write=True, headers=self._headers, json=body
        )
        try:
            return _object(response.json())
        except ProtocolError as error:
            raise UnknownOutcome("a write was answered with something else") from error


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ProtocolError("the answer is no object", code="bad_answer")
    return value
