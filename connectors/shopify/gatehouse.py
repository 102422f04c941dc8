"""Who gets into the simulated shop: a custom app's token, one that ends and is renewed, or one for
an app of the owner's own. A refresh token is good until the one that replaced it is first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from connectors.shopify.tokens import EXPIRES


class Grant(StrEnum):
    CUSTOM = "custom"
    REFRESH = "refresh_token"
    OWN = "client_credentials"


LASTS = {Grant.REFRESH: timedelta(hours=1), Grant.OWN: timedelta(days=1)}


class Gatehouse:
    """``tokens`` are the access tokens that open, with when they end."""

    def __init__(self, grant: Grant, now: Callable[[], datetime]) -> None:
        self.grant = grant
        self.client_id = uuid4().hex
        self.client_secret = f"shpss_{uuid4().hex}"
        self.tokens: dict[str, datetime | None] = {}
        self.access_token = ""
        self._refresh: list[str] = []
        self._now = now
        self._issue()

    def credentials(self) -> dict[str, str]:
        """What a seller types in, or got from the app's authorisation."""
        found = {"access_token": self.access_token, "client_secret": self.client_secret}
        ends = self.tokens.get(self.access_token)
        if self.grant is Grant.CUSTOM or ends is None:
            return found
        found |= {"client_id": self.client_id, EXPIRES: str(int(ends.timestamp()))}
        return {**found, "refresh_token": self._refresh[-1]} if self._refresh else found

    def opens(self, token: str) -> bool:
        if token not in self.tokens:
            return False
        ends = self.tokens[token]
        if token == self.access_token:
            del self._refresh[:-1]  # its own refresh token is all that counts from now on
        return ends is None or self._now() < ends

    def revoke(self) -> None:
        """The access token opens no longer; what renews it does."""
        self.tokens.clear()

    def hand_out(self, token: str) -> None:
        """Let this token open, as long as the last would have, and no other."""
        ends = self.tokens.get(self.access_token)
        self.tokens = {token: ends}
        self.access_token = token

    def renew(self, form: Mapping[str, str]) -> tuple[dict[str, Any], int]:
        """The answer to a question for a token, and its status."""
        if form.get("client_id") != self.client_id or form.get("client_secret") != (
            self.client_secret
        ):
            return {"error": "invalid_client"}, 401
        if form.get("grant_type") != self.grant:
            return {"error": "unsupported_grant_type"}, 400
        if self.grant is Grant.REFRESH and form.get("refresh_token") not in self._refresh:
            return {"error": "invalid_grant", "error_description": "refresh token is spent"}, 400
        self._issue()
        seconds = int(LASTS[self.grant].total_seconds())
        answer = {
            "access_token": self.access_token,
            "scope": "read_orders,write_orders",
            "expires_in": seconds,
        }
        if self.grant is Grant.REFRESH:
            more = {"refresh_token": self._refresh[-1], "refresh_token_expires_in": 7_776_000}
            return {**answer, **more}, 200
        return answer, 200

    def _issue(self) -> None:
        ends = self._now() + LASTS[self.grant] if self.grant in LASTS else None
        self.access_token = f"shpat_{uuid4().hex}"
        self.tokens[self.access_token] = ends
        if self.grant is Grant.REFRESH:
            self._refresh.append(f"shprt_{uuid4().hex}")
