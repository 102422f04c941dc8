"""OAuth 1.0a, one-legged, as WooCommerce wants it over plain HTTP. Pure.

https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication-over-http: all query
parameters are signed, the body is not. A nonce is good for one request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote, urlsplit

from connectors.signing import hmac_sha256_base64

METHOD = "HMAC-SHA256"
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def signed(
    method: str,
    url: str,
    query: Mapping[str, str],
    *,
    key: str,
    secret: str,
    nonce: str,
    now: datetime,
) -> dict[str, str]:
    """The query with what proves who asks."""
    given = {
        **query,
        "oauth_consumer_key": key,
        "oauth_nonce": nonce,
        "oauth_signature_method": METHOD,
        "oauth_timestamp": str(int(now.timestamp())),
    }
    return {**given, "oauth_signature": signature(method, url, given, secret)}


def signature(method: str, url: str, given: Mapping[str, str], secret: str) -> str:
    """There is no token, so its part of the key is empty."""
    return hmac_sha256_base64(f"{secret}&", base_string(method, url, given))


def base_string(method: str, url: str, given: Mapping[str, str]) -> str:
    pairs = sorted((_quoted(name), _quoted(value)) for name, value in given.items())
    parameters = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join((method.upper(), _quoted(_plain(url)), _quoted(parameters)))


def _plain(url: str) -> str:
    """Without query, and without the port that goes without saying (RFC 5849, 3.4.1.2)."""
    parts = urlsplit(url)
    host = parts.netloc.lower().removesuffix(DEFAULT_PORTS.get(parts.scheme, ""))
    return f"{parts.scheme}://{host}{parts.path}"


def _quoted(text: str) -> str:
    return quote(text, safe="~")
