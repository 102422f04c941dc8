"""How TikTok Shop signs: requests over path, query and body, webhooks over app key and body. Pure.

https://partner.tiktokshop.com/docv2/page/sign-your-api-request: the secret stands before and after
what is signed, and is the key as well. The scheme is this channel's own.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.signing import hmac_sha256_hex

#: Sent along, and not signed.
UNSIGNED = ("sign", "access_token")


def request_signature(secret: str, path: str, query: Mapping[str, str], body: bytes = b"") -> str:
    """The ``sign`` parameter. ``query`` as it is before it is percent-encoded, ``body`` byte for
    byte as it is sent (left out for multipart)."""
    pairs = "".join(name + query[name] for name in sorted(query) if name not in UNSIGNED)
    wrapped = f"{secret}{path}{pairs}".encode() + body + secret.encode()
    return hmac_sha256_hex(secret, wrapped)


def webhook_signature(app_key: str, secret: str, body: bytes) -> str:
    """The ``Authorization`` header of a webhook; there is no scheme before it."""
    return hmac_sha256_hex(secret, app_key.encode() + body)
