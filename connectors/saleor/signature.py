"""Detached JSON Web Signatures over a raw body (RFC 7515, RFC 7797) with RS256. Pure.

``header..signature``: what is signed is the header as it stands, a dot, and the body's own bytes
(``b64: false``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from connectors import jws
from connectors.jws import Malformed


@dataclass(frozen=True, slots=True)
class Detached:
    """A signature taken apart. Until :func:`signed_by` says so, anybody may have written it."""

    key_id: str
    header: str = field(repr=False)
    signature: bytes = field(repr=False)


def read(text: str) -> Detached:
    """Raises Malformed."""
    parts = text.split(".")
    if len(text) > jws.LONGEST or len(parts) != 3 or parts[1]:
        raise Malformed("is not detached, or of no reasonable length")
    header, key_id = jws.header(parts[0])
    if header.get("b64") is not False or header.get("crit") != ["b64"]:
        raise Malformed("is not over the raw body")
    return Detached(key_id, parts[0], jws.decoded(parts[2]))


def signed_by(found: Detached, body: bytes, key: RSAPublicKey) -> bool:
    return jws.signed_by(found.signature, _signed(found.header, body), key)


def write(body: bytes, key: RSAPrivateKey, key_id: str) -> str:
    told = {"alg": jws.ALGORITHM, "b64": False, "crit": ["b64"], "kid": key_id, "typ": "JWT"}
    header = jws.encoded_object(told)
    return f"{header}..{jws.sign(_signed(header, body), key)}"


def _signed(header: str, body: bytes) -> bytes:
    return header.encode("ascii") + b"." + body
