"""Access tokens: when one is due to be replaced, and what is kept of a new pair. Pure.

https://partner.tiktokshop.com/docv2/page/authorization-overview-202407: an access token lives for
seven days; ``*_expire_in`` are moments in Unix time, not durations.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import ProtocolError
from connectors.fields import Unreadable
from connectors.records import Credentials
from connectors.tiktok_shop.fields import Record

#: Where a token ends in the account's credentials: Unix time, "" where we have not been told.
EXPIRES = "access_token_expires"
#: A token is replaced this long before it ends, so that none runs out between two calls.
EARLY = timedelta(minutes=10)


def due(credentials: Mapping[str, str], now: datetime) -> bool:
    """Whether the token is known to end soon. Unknown is not due: a refusal will tell."""
    told = credentials.get(EXPIRES, "")
    if not told.isdecimal():
        return False
    return datetime.fromtimestamp(int(told), UTC) - EARLY <= now


def question(credentials: Mapping[str, str]) -> dict[str, str]:
    return {
        "app_key": credentials["app_key"],
        "app_secret": credentials["app_secret"],
        "refresh_token": credentials["refresh_token"],
        "grant_type": "refresh_token",
    }


def renewed(credentials: Credentials, data: Mapping[str, Any]) -> Credentials:
    """With the new pair. The refresh token is replaced too where a new one came."""
    record = Record(data)
    try:
        fresh = record.text("access_token")
        refresh = record.words("refresh_token") or credentials["refresh_token"]
        ends = record.optional_unix_time("access_token_expire_in")
    except Unreadable as error:
        raise ProtocolError(f"no tokens in the answer: {error}", code="bad_record") from error
    until = str(int(ends.timestamp())) if ends else ""
    return credentials.replace(
        access_token=fresh, refresh_token=refresh, access_token_expires=until
    )
