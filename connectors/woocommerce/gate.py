"""The simulated shop's door: who asks is proved by a signature, fresh and used once. Over https,
which the simulator does not speak, the keys alone would do; over plain http they count as none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import NamedTuple
from uuid import uuid4

from connectors.signing import same
from connectors.woocommerce.signature import METHOD, signature

FRESH = timedelta(minutes=15)
NEEDED = (
    "oauth_consumer_key",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
)


class Refused(Exception):
    """As WooCommerce tells it: ``status`` is HTTP's, ``code`` its own."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class Call(NamedTuple):
    """A request as it came in, without its body, which nobody signs."""

    method: str
    url: str
    query: Mapping[str, str]


class Gate:
    def __init__(self) -> None:
        self.consumer_key = f"ck_{uuid4().hex}"
        self.consumer_secret = f"cs_{uuid4().hex}"
        self.read_only = False
        self._used: dict[str, datetime] = {}
        self._lock = Lock()

    def let_in(self, call: Call, now: datetime) -> None:
        """Raises Refused."""
        given = call.query
        if any(not given.get(name) for name in NEEDED):
            raise Refused("woocommerce_rest_cannot_view", "Sorry, you cannot list resources.", 401)
        if given["oauth_consumer_key"] != self.consumer_key:
            raise _unproven("Consumer key is invalid.")
        signed = {name: value for name, value in given.items() if name != "oauth_signature"}
        expected = signature(call.method, call.url, signed, self.consumer_secret)
        if given["oauth_signature_method"] != METHOD or not same(
            expected, given["oauth_signature"]
        ):
            raise _unproven("Invalid signature - provided signature does not match.")
        self._check_fresh(given["oauth_timestamp"], given["oauth_nonce"], now)
        if self.read_only and call.method != "GET":
            raise _unproven("The API key provided does not have write permissions.")

    def _check_fresh(self, timestamp: str, nonce: str, now: datetime) -> None:
        sent = int(timestamp) if timestamp.isdecimal() else 0
        if abs(now.timestamp() - sent) > FRESH.total_seconds():
            raise _unproven("Invalid timestamp.")
        with self._lock:
            if nonce in self._used:
                raise _unproven("Invalid nonce - nonce has already been used.")
            if len(self._used) > 50_000:
                self._used = {key: at for key, at in self._used.items() if now - at < FRESH}
            self._used[nonce] = now


def _unproven(message: str) -> Refused:
    return Refused("woocommerce_rest_authentication_error", message, 401)
