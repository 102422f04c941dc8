"""Signature pieces that several channels share: HMAC-SHA256, constant time, replay windows. Pure.

What one channel alone signs (which parameters, in which order, with which wrapping) stays in that
channel's folder.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta


def hmac_sha256_hex(key: str | bytes, message: str | bytes) -> str:
    """Lower-case hex. Channels that want capitals take ``.upper()``."""
    return _hmac_sha256(key, message).hex()


def hmac_sha256_base64(key: str | bytes, message: str | bytes) -> str:
    return b64encode(_hmac_sha256(key, message)).decode("ascii")


def same(a: str | bytes, b: str | bytes) -> bool:
    """Equal, found out in a time that tells nothing of where they differ."""
    return hmac.compare_digest(_bytes(a), _bytes(b))


def any_matches(given: str, secrets: Iterable[str], expected_of: Callable[[str], str]) -> bool:
    """Whether ``given`` is what ``expected_of`` makes of one of the secrets now valid.

    No early exit, so the time taken does not tell which secret came close. An empty secret or an
    empty signature never matches: anybody can sign with nothing.
    """
    matched = False
    for secret in secrets:
        fits = same(expected_of(secret), given)
        matched |= fits and bool(secret) and bool(given)
    return matched


def within(sent_at: datetime, now: datetime, past: timedelta, future: timedelta) -> bool:
    """Whether a signed time is neither older than ``past`` nor ahead by more than ``future``.

    Both ends count as inside. Naive times raise TypeError against aware ones.
    """
    return now - past <= sent_at <= now + future


def apart(sent_at: datetime, now: datetime) -> str:
    """How far a signed time is from ours, for the sentence that refuses it."""
    seconds = round((sent_at - now).total_seconds())
    return f"it was sent {abs(seconds)} s {'after' if seconds > 0 else 'before'} now by our clock"


def _hmac_sha256(key: str | bytes, message: str | bytes) -> bytes:
    return hmac.digest(_bytes(key), _bytes(message), hashlib.sha256)


def _bytes(text: str | bytes) -> bytes:
    # A header may hold lone surrogates; it then differs, it does not break the check.
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
