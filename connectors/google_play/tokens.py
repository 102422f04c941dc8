"""JSON Web Tokens signed with RS256, the only algorithm Google uses with us. Pure.

https://datatracker.ietf.org/doc/html/rfc7515. The algorithm is ours to name, never the token's:
a token that says another one is refused before its signature is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connectors import jws
from connectors.jws import LEAST_BITS, Malformed


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
    """Raises Malformed."""
    parts = text.split(".")
    if len(text) > jws.LONGEST or len(parts) != 3:
        raise Malformed("is not three parts of a reasonable length")
    _, key_id = jws.header(parts[0])
    claims = jws.decoded_object(parts[1])
    return Token(key_id, claims, f"{parts[0]}.{parts[1]}".encode(), jws.decoded(parts[2]))


def signed_by(token: Token, key: RSAPublicKey) -> bool:
    return jws.signed_by(token.signature, token.signed, key)


def write(claims: Mapping[str, Any], key: RSAPrivateKey, key_id: str) -> str:
    header = {"alg": jws.ALGORITHM, "kid": key_id, "typ": "JWT"}
    signed = f"{jws.encoded_object(header)}.{jws.encoded_object(claims)}"
    return f"{signed}.{jws.sign(signed.encode(), key)}"


def private_key(pem: str) -> RSAPrivateKey:
    """Raises BadKey."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("cannot be read") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise BadKey(f"is not an RSA key of {LEAST_BITS} bits or more")
    return key
