"""The only I/O of the TikTok Shop channel: signed calls, and the token that opens them."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
from connectors.fields import Unreadable
from connectors.http import Response
from connectors.records import Credentials
from connectors.tiktok_shop import answers, tokens
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.operations import SHOPS, Operation
from connectors.tiktok_shop.signature import request_signature

API = "https://open-api.tiktokglobalshop.com"
AUTHORIZATION = "https://auth.tiktok-shops.com"
REFRESH = "/api/v2/token/refresh"


class Client:
    """``server_time`` is what the last answer told of the clock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._http = connection.http
        self._base = connection.base_url.rstrip("/")
        self.server_time: datetime | None = None

    @property
    def _credentials(self) -> Credentials:
        return self._connection.credentials

    def run(
        self,
        operation: Operation,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        **named: str,
    ) -> Mapping[str, Any]:
        """The answer's data. An access token that has run out is replaced, once. ``named`` fills
        in the path."""
        path = operation.path.format(**named)
        asked = dict(query or {})
        if operation.shop:
            asked["shop_cipher"] = self._cipher()
        due = tokens.due(self._credentials, self._connection.now())
        renewed = due and self._refresh_early()
        found = self._try(operation, path, asked, body)
        while found is None and not renewed:  # one that another worker got may have run out too
            renewed = self._refresh()
            found = self._try(operation, path, asked, body)
        if found is None:
            raise AuthError("the access token was refused when it was new", code="105002")
        return found

    def shops(self) -> list[Record]:
        """The shops that the seller has opened to this app."""
        return [Record(one) for one in answers.listed(self.run(SHOPS), "shops")]

    def shop(self) -> Record:
        """The one of the settings, or the only one. Keeps its cipher with the credentials."""
        chosen = self._connection.settings.get("shop_id", "")
        try:
            found = {one.text("id"): one for one in self.shops()}
            if not found:
                raise AuthError("the seller has opened no shop to this app", code="no_shop")
            if chosen not in found and (chosen or len(found) > 1):
                known = ", ".join(sorted(found))
                raise RejectedError(f"one of {known} must be chosen", field="shop_id")
            shop = found[chosen or next(iter(found))]
            self._keep(shop_cipher=shop.text("cipher"))
        except Unreadable as error:
            raise ProtocolError(f"the shop cannot be read: {error}", code="bad_record") from error
        return shop

    def _cipher(self) -> str:
        if not self._credentials.get("shop_cipher"):
            self.shop()
        return self._credentials["shop_cipher"]

    def _try(
        self,
        operation: Operation,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
    ) -> Mapping[str, Any] | None:
        """None where the access token has run out."""
        response = self._send(operation, path, query, body)
        try:
            return answers.data(operation.name, response, write=operation.write)
        except answers.TokenExpired:
            return None

    def _send(
        self,
        operation: Operation,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None,
    ) -> Response:
        # What is signed is what is sent, byte for byte: the session is not left to encode it.
        sent = b"" if body is None else json.dumps(body, separators=(",", ":")).encode("ascii")
        signed = {
            **query,
            "app_key": self._credentials["app_key"],
            "timestamp": str(int(self._connection.now().timestamp())),
        }
        signed["sign"] = request_signature(self._credentials["app_secret"], path, signed, sent)
        response = self._http.request(
            operation.method,
            (self._base or API) + path,
            write=operation.write,
            headers={
                "Content-Type": "application/json",
                "x-tts-access-token": self._credentials["access_token"],
            },
            params=signed,
            body=sent or None,
            accept=answers.TOLD,
        )
        self.server_time = _date(response.headers.get("date", ""))
        return response

    def _refresh_early(self) -> bool:
        """False where it did not succeed: the token at hand may still open, and says if not."""
        try:
            return self._refresh()
        except (AuthError, TransientError):
            return False

    def _refresh(self) -> bool:
        """Have a new pair of tokens; False where another worker has got it meanwhile."""
        return self._connection.renew("access_token", self._new_pair)

    def _new_pair(self, present: Credentials) -> Credentials:
        """From the channel: the old refresh token may be void when it answers.

        Sent once, as a write is; unanswered, nothing is known to have happened to anything else.
        """
        try:
            response = self._http.request(
                "GET",
                (self._base or AUTHORIZATION) + REFRESH,
                write=True,
                params=tokens.question(present),
                accept=answers.TOLD,
            )
            found = answers.data("Refresh", response, write=True)
        except UnknownOutcome as error:
            raise TransientError(error.message, code=error.code) from error
        except (RejectedError, answers.TokenExpired) as error:
            raise AuthError(f"the token was not renewed: {error}", code=error.code) from error
        return tokens.renewed(present, found)

    def _keep(self, **values: str) -> None:
        if any(self._credentials.get(name) != value for name, value in values.items()):
            fresh = self._credentials.replace(**values)
            self._connection.on_refresh(fresh)
            self._connection.credentials = fresh


def _date(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None
