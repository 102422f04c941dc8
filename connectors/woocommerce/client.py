"""The only I/O of the WooCommerce channel: JSON over the shop's own address.

Over https the keys go along (Basic); over plain http every request is signed instead. The shop
refuses a nonce that it has seen, so a retry of the same request would look like lost access: a read
that broke off is signed anew, and sent once more. A signature is good for a quarter of an hour by
the shop's clock: one that is further off is learnt from the Date of its refusal.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from secrets import token_hex
from typing import Any

from connectors.answers import judge
from connectors.base import Connection
from connectors.errors import TransientError, UnknownOutcome
from connectors.http import Response
from connectors.woocommerce import address, answers
from connectors.woocommerce.paths import ROOT
from connectors.woocommerce.signature import signed

#: Clocks further apart than this are worth a second try.
CLOCKS_DIFFER = timedelta(minutes=5)


class Client:
    """``server_time`` is what the last answer told of the clock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.address = address.normal(connection.credentials["url"])
        self._base = connection.base_url.rstrip("/") or self.address
        self.remembered = connection.remembered
        self.server_time: datetime | None = None
        self._ahead = timedelta()

    def listed(self, path: str, query: Mapping[str, str]) -> list[Any]:
        """One page of a list."""
        name = f"GET {path}"
        found = answers.data(name, self._send("GET", path, query), write=False)
        if not isinstance(found, list):
            raise answers.senseless(name, found, write=False)
        return found

    def one(self, path: str) -> Mapping[str, Any] | None:
        """None where it does not exist."""
        name = f"GET {path}"
        response = self._send("GET", path, {})
        if response.status == 404:
            told = answers.told_refusal(response)
            if told is not None and told.unknown:
                return None
        found = answers.data(name, response, write=False)
        if not isinstance(found, Mapping):
            raise answers.senseless(name, found, write=False)
        return found

    def write(
        self, method: str, path: str, body: Mapping[str, Any], *, told: Collection[int] = ()
    ) -> Mapping[str, Any]:
        """``told``: more statuses whose body says what was refused."""
        name = f"{method} {path}"
        response = self._send(method, path, {}, body, told=told)
        found = answers.data(name, response, write=True)
        if not isinstance(found, Mapping):
            raise answers.senseless(name, found, write=True)
        return found

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        *,
        told: Collection[int] = (),
    ) -> Response:
        url = self._base + ROOT + path
        sign = address.is_signed(self._base)
        accept = answers.TOLD | set(told) | ({401} if sign else set())
        try:
            response = self._ask(method, url, query, body, accept)
        except TransientError as error:
            if body is not None or not sign or not _passing(error):
                raise
            response = self._ask(method, url, query, body, accept)
        if response.status == 401 and self._learns_the_time():
            response = self._ask(method, url, query, body, accept)
        if response.status == 401:
            judge(f"{method} {path}", 401, response.headers, write=body is not None)
        return response

    def _ask(
        self,
        method: str,
        url: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
        accept: Collection[int],
    ) -> Response:
        """Once, where it is signed. An unanswered read is nothing worse than unanswered."""
        sign = address.is_signed(self._base)
        write = body is not None
        try:
            response = self._connection.http.request(
                method,
                url,
                write=write or sign,
                headers={} if sign else self._keys(),
                params=self._signed(method, url, query) if sign else query,
                json=body,
                accept=accept,
            )
        except UnknownOutcome as error:
            if write:
                raise
            raise TransientError(
                error.message,
                code=error.code,
                retry_after=error.retry_after,
                throttled=error.throttled,
            ) from error
        self.server_time = _date(response.headers.get("date", ""))
        return response

    def _learns_the_time(self) -> bool:
        """Whether the shop's clock is so far off that this alone makes a signature stale."""
        if self.server_time is None:
            return False
        ahead = self.server_time - self._connection.now()
        differs = abs(ahead - self._ahead) > CLOCKS_DIFFER
        self._ahead = ahead if differs else self._ahead
        return differs

    def _keys(self) -> dict[str, str]:
        given = self._connection.credentials
        pair = f"{given['consumer_key']}:{given['consumer_secret']}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode('ascii')}"}

    def _signed(self, method: str, url: str, query: Mapping[str, str]) -> dict[str, str]:
        given = self._connection.credentials
        return signed(
            method,
            url,
            query,
            key=given["consumer_key"],
            secret=given["consumer_secret"],
            nonce=token_hex(16),
            now=self._connection.now() + self._ahead,
        )


def _passing(error: TransientError) -> bool:
    """Worth another try at once: nobody asked for time, and none was lost."""
    asked = error.throttled or error.retry_after is not None
    return not asked and (error.code == "broken" or error.code.startswith("5"))


def _date(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None
