"""Webhooks of the in-memory shop: signed as most channels sign, over the raw body. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connectors.errors import SignatureError
from connectors.records import Hint, HintKind, Verified, WebhookRequest
from connectors.signing import any_matches, apart, hmac_sha256_base64, within

SECRET = "webhook_secret"  # noqa: S105 - the field's name
TOPICS = ("order", "stock", "listing")
OLDEST = timedelta(days=7)
CLOCKS_DIFFER = timedelta(hours=2)


def verify(
    request: WebhookRequest, secrets: Mapping[str, Sequence[str]], now: datetime
) -> Verified:
    signature = request.headers.get("x-memory-signature", "")
    if not any_matches(
        signature,
        secrets.get(SECRET, ()),
        lambda secret: hmac_sha256_base64(secret, request.body),
    ):
        raise SignatureError("the webhook's signature does not fit", code="signature_wrong")
    try:
        told = json.loads(request.body)
        sent_at = datetime.fromisoformat(told["sent_at"]).astimezone(UTC)
        verified = Verified(
            str(told["event_id"]),
            str(told["topic"]),
            (Hint(HintKind(told["topic"]), str(told["key"])),),
            sent_at,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise SignatureError("the webhook makes no sense", code="body_wrong") from error
    if not within(sent_at, now, OLDEST, CLOCKS_DIFFER):
        said = f"the webhook is too old, or from the future: {apart(sent_at, now)}"
        raise SignatureError(said, code="time_wrong")
    return verified
