"""JSON Web Tokens signed with RS256, the only algorithm Google uses with us. Pure.

https://datatracker.ietf.org/doc/html/rfc7515. The algorithm is ours to name, never the token's:
a token that says another one is refused before its signature is looked at.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    RSAPublicNumbers,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

ALGORITHM = "RS256"
#: Longer ones are not from Google, and take time to read.
LONGEST = 8192
LEAST_BITS = 2048


class BadToken(ValueError):
    """Not a token that could be genuine. Says nothing of what it holds."""


class BadKey(ValueError):
    """Not an RSA key that may sign."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart. Until :func:`signed_by` says so, anybody may have written it."""

    key_id: str
    claims: Mapping[str, Any] = field(repr=False)
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)


def read(text: str) -> Token:
    """Raises BadToken."""
    parts = text.split(".")
    if len(text) > LONGEST or len(parts) != 3:
        raise BadToken("is not three parts of a reasonable length")
    header, claims = _object(parts[0]), _object(parts[1])
    if header.get("alg") != ALGORITHM:
        raise BadToken(f"is not signed with {ALGORITHM}")
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not key_id:
        raise BadToken("does not name its key")
    return Token(key_id, claims, f"{parts[0]}.{parts[1]}".encode(), _bytes(parts[2]))


def signed_by(token: Token, key: RSAPublicKey) -> bool:
    try:
        key.verify(token.signature, token.signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def write(claims: Mapping[str, Any], key: RSAPrivateKey, key_id: str) -> str:
    header = {"alg": ALGORITHM, "kid": key_id, "typ": "JWT"}
    signed = f"{_text(header)}.{_text(claims)}"
    signature = key.sign(signed.encode(), PKCS1v15(), SHA256())
    return f"{signed}.{_encoded(signature)}"


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


def private_key(pem: str) -> RSAPrivateKey:
    """Raises BadKey."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("cannot be read") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise BadKey(f"is not an RSA key of {LEAST_BITS} bits or more")
    return key


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
        raise BadToken("holds something that is not JSON") from None
    if not isinstance(found, dict):
        raise BadToken("holds something that is not an object")
    return found


def _bytes(part: str) -> bytes:
    """Of base64url without padding, as tokens have it; strict, so that no two texts mean one."""
    try:
        plain = part.encode("ascii")
        found = urlsafe_b64decode(plain + b"=" * (-len(plain) % 4))
    except ValueError:
        raise BadToken("is not base64url") from None
    if _encoded(found) != part:
        raise BadToken("is not base64url")
    return found


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _text(value: Mapping[str, Any]) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8))
