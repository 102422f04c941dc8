"""A service account's way in: its key file → a signed assertion → an access token. Pure.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest. The file names a
token address too; it is not used: whoever writes the file must not choose whom we call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.errors import AuthError, ProtocolError
from connectors.google_play import tokens

AUDIENCE = "https://oauth2.googleapis.com/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/androidpublisher"
#: To set up the push of notifications. A grant of its own, so that an account which has no right
#: to it keeps its access to the shop.
PUSH_SCOPE = "https://www.googleapis.com/auth/pubsub"
LASTS = timedelta(hours=1)
#: A token is not used in its last minutes: the request may take some, and clocks differ.
MARGIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Access:
    token: str = field(repr=False)
    until: datetime


def assertion(key_file: str, scope: str, now: datetime) -> str:
    """What the token endpoint takes. AuthError for a file that is no service account's."""
    email, key_id, pem = _read(key_file)
    try:
        key = tokens.private_key(pem)
    except tokens.BadKey as error:
        raise AuthError(f"the service account's private key {error}", code="bad_key") from None
    issued = int(now.timestamp())
    claims = {
        "iss": email,
        "scope": scope,
        "aud": AUDIENCE,
        "iat": issued,
        "exp": issued + int(LASTS.total_seconds()),
    }
    return tokens.write(claims, key, key_id)


def granted(body: object, now: datetime) -> Access:
    token = body.get("access_token") if isinstance(body, Mapping) else None
    seconds = body.get("expires_in") if isinstance(body, Mapping) else None
    if not isinstance(token, str) or not token or not token.isascii():
        raise ProtocolError("the token endpoint gave no access token", code="no_token")
    if not isinstance(seconds, int) or not 0 < seconds <= 86_400:
        raise ProtocolError("the token endpoint gave no time of expiry", code="no_token")
    return Access(token, now + timedelta(seconds=seconds) - MARGIN)


def _read(key_file: str) -> tuple[str, str, str]:
    """(e-mail, key id, PEM)"""
    try:
        found = json.loads(key_file)
    except (ValueError, RecursionError):
        raise AuthError("the service account key is not the JSON file", code="bad_key") from None
    names = ("client_email", "private_key_id", "private_key")
    values = [found.get(name) for name in names] if isinstance(found, dict) else [None] * 3
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str) or not value:
            raise AuthError(f"the service account key has no {name}", code="bad_key")
    email, key_id, pem = (str(value) for value in values)
    return email, key_id, pem
