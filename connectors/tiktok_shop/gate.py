"""The simulated gateway: app, signature, time, token, shop and rate, before a call is let in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import NamedTuple
from uuid import uuid4

from connectors.tiktok_shop.operations import Operation
from connectors.tiktok_shop.signature import request_signature

PAST, FUTURE = timedelta(minutes=5), timedelta(seconds=30)
LIFE = timedelta(days=7)


class Refused(Exception):
    """``status`` is HTTP's; the code stands in the body."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Call(NamedTuple):
    """A request as it came in."""

    path: str
    query: Mapping[str, str]
    body: bytes
    token: str


class Gate:
    """``rate`` calls a second for each path, as TikTok allows. A refreshed token voids the old."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.app_key = uuid4().hex[:13]
        self.app_secret = uuid4().hex
        self.cipher = f"GCP_{uuid4().hex}"
        self.access_token = ""
        self.refresh_token = ""
        self.ends: datetime | None = None
        self._lock = Lock()
        self._calls: dict[str, tuple[int, int]] = {}
        self._renew()

    def expire(self) -> None:
        """The access token has run out; the refresh token is still good."""
        self.ends = datetime.min.replace(tzinfo=UTC)

    def refresh(self, query: Mapping[str, str], now: datetime) -> dict[str, object]:
        given = tuple(query.get(name, "") for name in ("app_key", "app_secret", "refresh_token"))
        with self._lock:
            if given != (self.app_key, self.app_secret, self.refresh_token):
                raise Refused(36004004, "Invalid refresh token.")
            self._renew()
            self.ends = now + LIFE
            ends = int(self.ends.timestamp())
        return {
            "access_token": self.access_token,
            "access_token_expire_in": ends,
            "refresh_token": self.refresh_token,
            "refresh_token_expire_in": ends + 31_536_000,
            "user_type": 0,
        }

    def let_in(self, operation: Operation, call: Call, now: datetime) -> None:
        """Raises Refused."""
        query = call.query
        if query.get("app_key") != self.app_key:
            raise Refused(36009004, "Invalid credentials. Invalid `app_key` query parameter.", 400)
        self._check_time(query.get("timestamp", ""), now)
        self._check_token(call.token, now)
        expected = request_signature(self.app_secret, call.path, query, call.body)
        if query.get("sign", "") != expected:
            said = "Invalid credentials. The 'sign' query parameter is invalid."
            raise Refused(106001, said, 401)
        self._check_shop(operation, query.get("shop_cipher"))
        self._check_rate(call.path, now)

    def _check_time(self, given: str, now: datetime) -> None:
        sent = int(given) if given.isdecimal() else 0
        if not (now - PAST).timestamp() <= sent <= (now + FUTURE).timestamp() + 1:
            said = (
                "Invalid timestamp. The value of the `timestamp` query parameter is out of range."
            )
            raise Refused(36009004, said, 400)

    def _check_token(self, given: str, now: datetime) -> None:
        if given != self.access_token:
            said = "Invalid credentials. The `x-tts-access-token` header is invalid."
            raise Refused(36009004, said, 401)
        if self.ends is not None and self.ends <= now:
            said = "Expired credentials. The `x-tts-access-token` header has expired."
            raise Refused(105002, said, 401)

    def _check_shop(self, operation: Operation, given: str | None) -> None:
        if not operation.shop and given is not None:
            said = "Unexpected identifier. The `shop_cipher` query parameter is not required."
            raise Refused(36009004, said, 400)
        if operation.shop and given is None:
            raise Refused(106013, "Missing identifier. The `shop_cipher` is required.", 400)
        if operation.shop and given != self.cipher:
            raise Refused(101000, "Invalid query or header.", 400)

    def _check_rate(self, path: str, now: datetime) -> None:
        second = int(now.timestamp())
        with self._lock:
            at, count = self._calls.get(path, (0, 0))
            count = count + 1 if at == second else 1
            self._calls[path] = (second, count)
        if count > self.rate:
            raise Refused(36009002, "Too many requests.", 429)

    def _renew(self) -> None:
        self.access_token = f"TTP_{uuid4().hex}"
        self.refresh_token = f"TTR_{uuid4().hex}"
