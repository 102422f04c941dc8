"""Detached JSON Web Signatures over a raw body (RFC 7515, RFC 7797) with RS256. Pure.

``header..signature``: what is signed is the header as it stands, a dot, and the body's own bytes
(``b64: false``). The algorithm is ours to name, never the header's.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    RSAPublicNumbers,
)
from cryptography.hazmat.primitives.hashes import SHA256

ALGORITHM = "RS256"
#: Longer ones are not from Saleor, and take time to read.
LONGEST = 8192
LEAST_BITS = 2048


class BadSignature(ValueError):
    """Not a signature that could be genuine. Says nothing of what it holds."""


@dataclass(frozen=True, slots=True)
class Detached:
    """A signature taken apart. Until :func:`signed_by` says so, anybody may have written it."""

    key_id: str
    header: str = field(repr=False)
    signature: bytes = field(repr=False)


def read(text: str) -> Detached:
    """Raises BadSignature."""
    parts = text.split(".")
    if len(text) > LONGEST or len(parts) != 3 or parts[1]:
        raise BadSignature("is not detached, or of no reasonable length")
    header = _object(parts[0])
    if header.get("alg") != ALGORITHM:
        raise BadSignature(f"is not made with {ALGORITHM}")
    if header.get("b64") is not False or header.get("crit") != ["b64"]:
        raise BadSignature("is not over the raw body")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise BadSignature("does not name its key")
    return Detached(key_id, parts[0], _bytes(parts[2]))


def signed_by(found: Detached, body: bytes, key: RSAPublicKey) -> bool:
    try:
        key.verify(found.signature, _signed(found.header, body), PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def write(body: bytes, key: RSAPrivateKey, key_id: str) -> str:
    told = {"alg": ALGORITHM, "b64": False, "crit": ["b64"], "kid": key_id, "typ": "JWT"}
    header = _encoded(json.dumps(told, separators=(",", ":")).encode())
    return f"{header}..{_encoded(key.sign(_signed(header, body), PKCS1v15(), SHA256()))}"


def key_set(texts: Iterable[str]) -> dict[str, RSAPublicKey]:
    """Key id → key, of all sets that can be read (RFC 7517), the first of each id."""
    found: dict[str, RSAPublicKey] = {}
    for text in texts:
        for entry in _entries(text):
            key = _public(entry)
            if key is not None:
                found.setdefault(str(entry.get("kid")), key)
    return found


def published(key: RSAPublicKey, key_id: str) -> dict[str, str]:
    """A key's entry in a key set."""
    numbers = key.public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": ALGORITHM,
        "kid": key_id,
        "n": _number(numbers.n),
        "e": _number(numbers.e),
    }


def _signed(header: str, body: bytes) -> bytes:
    return header.encode("ascii") + b"." + body


def _entries(text: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    keys = found.get("keys") if isinstance(found, dict) else None
    return [one for one in keys if isinstance(one, dict)] if isinstance(keys, list) else []


def _public(entry: Mapping[str, Any]) -> RSAPublicKey | None:
    modulus, exponent = entry.get("n"), entry.get("e")
    if entry.get("kty") != "RSA" or not isinstance(modulus, str) or not isinstance(exponent, str):
        return None
    try:
        numbers = RSAPublicNumbers(
            int.from_bytes(_bytes(exponent)), int.from_bytes(_bytes(modulus))
        )
        key = numbers.public_key()
    except ValueError:
        return None
    return key if key.key_size >= LEAST_BITS else None


def _object(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(_bytes(part))
    except (ValueError, RecursionError):
        raise BadSignature("holds something that is not JSON") from None
    if not isinstance(found, dict):
        raise BadSignature("holds something that is not an object")
    return found


def _bytes(part: str) -> bytes:
    """Of base64url without padding; strict, so that no two texts mean one."""
    try:
        plain = part.encode("ascii")
        found = urlsafe_b64decode(plain + b"=" * (-len(plain) % 4))
    except ValueError:
        raise BadSignature("is not base64url") from None
    if _encoded(found) != part:
        raise BadSignature("is not base64url")
    return found


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8))
