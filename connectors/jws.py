"""What JSON Web Signatures with RS256 are made of: base64url, key sets, the check itself. Pure.

RFC 7515 and RFC 7517. The algorithm is ours to name, never the signature's. What is signed (claims,
or a body beside its header) is the channel's.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
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
#: Longer ones are from no channel of ours, and take time to read.
LONGEST = 8192
LEAST_BITS = 2048


class Malformed(ValueError):
    """Not a signature that could be genuine. Says nothing of what it holds."""


def header(part: str) -> tuple[Mapping[str, Any], str]:
    """A header that names our algorithm, and the id of its key. Raises Malformed."""
    found = decoded_object(part)
    if found.get("alg") != ALGORITHM:
        raise Malformed(f"is not made with {ALGORITHM}")
    key_id = found.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise Malformed("does not name its key")
    return found, key_id


def signed_by(signature: bytes, signed: bytes, key: RSAPublicKey) -> bool:
    try:
        key.verify(signature, signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def sign(signed: bytes, key: RSAPrivateKey) -> str:
    return encoded(key.sign(signed, PKCS1v15(), SHA256()))


def key_set(texts: Iterable[str]) -> dict[str, RSAPublicKey]:
    """Key id → key, of all sets that can be read, the first of each id."""
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


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def encoded_object(value: Mapping[str, Any]) -> str:
    return encoded(json.dumps(value, separators=(",", ":")).encode())


def decoded(part: str) -> bytes:
    """Strict, so that no two texts mean one. Raises Malformed."""
    try:
        plain = part.encode("ascii")
        found = urlsafe_b64decode(plain + b"=" * (-len(plain) % 4))
    except ValueError:
        raise Malformed("is not base64url") from None
    if encoded(found) != part:
        raise Malformed("is not base64url")
    return found


def decoded_object(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(decoded(part))
    except (ValueError, RecursionError):
        raise Malformed("holds something that is not JSON") from None
    if not isinstance(found, dict):
        raise Malformed("holds something that is not an object")
    return found


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
            int.from_bytes(decoded(exponent)), int.from_bytes(decoded(modulus))
        )
        key = numbers.public_key()
    except ValueError:
        return None
    return key if key.key_size >= LEAST_BITS else None


def _number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8))
