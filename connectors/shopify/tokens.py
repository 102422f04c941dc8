"""Access tokens: which of the three kinds an account has, when it is renewed, and by what. Pure.

A custom app's token stays as it is. A public app's ends after an hour and comes with a refresh
token that is replaced at each use; an app of the seller's own gets one for a day by its id and
secret alone. https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from connectors.errors import ProtocolError
from connectors.fields import Record, Unreadable
from connectors.records import Credentials

#: Where a token ends in the account's credentials: Unix time, "" where we have not been told.
EXPIRES = "access_token_expires"
#: A token is replaced this long before it ends, so that none runs out between two calls.
EARLY = timedelta(minutes=5)


class Told(Record):
    numbers_as_text = True


def renewable(credentials: Mapping[str, str]) -> bool:
    """Whether a new token can be had without a person."""
    return bool(credentials.get("client_id") and credentials.get("client_secret"))


def due(credentials: Mapping[str, str], now: datetime) -> bool:
    """Whether there is no token yet, or it is known to end soon. Unknown is not due: a refusal
    will tell."""
    if not renewable(credentials):
        return False
    if not credentials.get("access_token"):
        return True
    told = credentials.get(EXPIRES, "")
    return told.isdecimal() and datetime.fromtimestamp(int(told), UTC) - EARLY <= now


def question(credentials: Mapping[str, str]) -> dict[str, str]:
    who = {"client_id": credentials["client_id"], "client_secret": credentials["client_secret"]}
    refresh = credentials.get("refresh_token", "")
    if refresh:
        return {**who, "grant_type": "refresh_token", "refresh_token": refresh}
    return {**who, "grant_type": "client_credentials"}


def renewed(credentials: Credentials, answer: object, now: datetime) -> Credentials:
    """With the new token. The refresh token is replaced too where a new one came."""
    try:
        record = Told(answer)
        fresh = record.text("access_token")
        refresh = record.words("refresh_token") or credentials.get("refresh_token", "")
        seconds = record.whole("expires_in")
    except Unreadable as error:
        raise ProtocolError(f"no token in the answer: {error}", code="bad_record") from error
    ends = now + timedelta(seconds=min(seconds, 10**8)) if seconds else None
    until = str(int(ends.timestamp())) if ends else ""
    return credentials.replace(
        access_token=fresh, refresh_token=refresh, access_token_expires=until
    )
