"""Webhooks of TikTok Shop: is it theirs, and what does it say has changed. Pure.

https://partner.tiktokshop.com/docv2/page/tts-webhooks-overview: signed over app key and raw body;
told again after 2 minutes, 30 minutes, 3 and 12 hours, then not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from connectors.answers import parse_json
from connectors.errors import ProtocolError, SignatureError
from connectors.fields import MOST_UNITS, Unreadable
from connectors.records import Hint, HintKind, Verified, WebhookRequest
from connectors.signing import any_matches, apart, within
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.signature import webhook_signature

KEY, SECRET = "app_key", "app_secret"

#: The last retry comes within 16 hours; what is older than this is somebody's recording.
OLDEST = timedelta(days=2)
CLOCKS_DIFFER = timedelta(minutes=5)

#: Type → (its name, what has changed, the field that says which).
TYPES = {
    1: ("ORDER_STATUS_CHANGE", HintKind.ORDER, "order_id"),
    3: ("RECIPIENT_ADDRESS_UPDATE", HintKind.ORDER, "order_id"),
    4: ("PACKAGE_UPDATE", HintKind.ORDER, "package_list"),
    5: ("PRODUCT_STATUS_CHANGE", HintKind.LISTING, "product_id"),
    6: ("SELLER_DEAUTHORIZATION", HintKind.REVOKED, ""),
    7: ("UPCOMING_AUTHORIZATION_EXPIRATION", HintKind.NOTHING, ""),
    11: ("CANCELLATION_STATUS_CHANGE", HintKind.ORDER, "order_id"),
    12: ("RETURN_STATUS_CHANGE", HintKind.REFUND, "order_id"),
    15: ("PRODUCT_INFORMATION_CHANGE", HintKind.LISTING, "product_id"),
    16: ("PRODUCT_CREATION", HintKind.LISTING, "product_id"),
    18: ("PRODUCT_CATEGORY_CHANGE", HintKind.LISTING, "product_id"),
    27: ("INVENTORY_STATUS_CHANGE", HintKind.STOCK, "sku_id"),
    37: ("PRODUCT_AUDIT_STATUS_CHANGE", HintKind.LISTING, "product_id"),
    50: ("SKU_STATUS_CHANGE", HintKind.LISTING, "product_id"),
    67: ("REFUND_SUCCESS", HintKind.REFUND, "order_id"),
    71: ("INVENTORY_CHANGED_BY_SHOP", HintKind.STOCK, "sku_id"),
}

#: What is subscribed to; the API takes no inventory topics.
TOPICS = (
    "ORDER_STATUS_CHANGE",
    "RECIPIENT_ADDRESS_UPDATE",
    "PACKAGE_UPDATE",
    "CANCELLATION_STATUS_CHANGE",
    "RETURN_STATUS_CHANGE",
    "PRODUCT_STATUS_CHANGE",
    "PRODUCT_INFORMATION_CHANGE",
    "PRODUCT_CREATION",
    "SELLER_DEAUTHORIZATION",
)


def verify(
    request: WebhookRequest, secrets: Mapping[str, Sequence[str]], now: datetime
) -> Verified:
    """Any pair of app key and secret now valid will do."""
    signature = request.headers.get("authorization", "")
    if not signature:
        raise SignatureError("the webhook is not signed", code="signature_missing")
    if not _signed(signature, request.body, secrets):
        raise SignatureError("the webhook's signature does not fit", code="signature_wrong")
    try:
        told = Record(parse_json(request.body))
        sent_at = told.unix_time("timestamp")
        number = told.units("type", least=-MOST_UNITS)
        event_id = told.words("tts_notification_id") or _fingerprint(request.body)
    except (ProtocolError, Unreadable) as error:
        raise SignatureError(f"the webhook makes no sense: {error}", code="body_wrong") from error
    if not within(sent_at, now, OLDEST, CLOCKS_DIFFER):
        said = f"the webhook is too old, or from the future: {apart(sent_at, now)}"
        raise SignatureError(said, code="time_wrong")
    topic = TYPES[number][0] if number in TYPES else str(number)
    return Verified(event_id, topic, hints(number, told.data.get("data")), sent_at)


def hints(number: int, data: object) -> tuple[Hint, ...]:
    """A package may hold several orders; a type that is new says nothing to us."""
    _, kind, field = TYPES.get(number, ("", HintKind.NOTHING, ""))
    if not field:
        return (Hint(kind),)
    told: Mapping[str, object] = data if isinstance(data, Mapping) else {}
    if field == "package_list":
        keys = _orders(told.get(field))
        return tuple(Hint(kind, key) for key in keys) or (Hint(kind),)
    return (Hint(kind, _key(told.get(field))),)


def _signed(signature: str, body: bytes, secrets: Mapping[str, Sequence[str]]) -> bool:
    """Every pair is tried to the end, so the time taken does not tell which came close."""
    keys = [key for key in secrets.get(KEY, ()) if key]
    known = secrets.get(SECRET, ())
    found = [any_matches(signature, known, partial(_expected, key, body)) for key in keys]
    return any(found)


def _expected(app_key: str, body: bytes, secret: str) -> str:
    return webhook_signature(app_key, secret, body)


def _orders(packages: object) -> list[str]:
    found = packages if isinstance(packages, list) else []
    lists = [one.get("order_id_list") for one in found if isinstance(one, Mapping)]
    keys = {_key(each) for one in lists if isinstance(one, list) for each in one}
    return sorted(keys - {""})


def _key(found: object) -> str:
    """Ids are text; those of products come as numbers here."""
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return str(found)


def _fingerprint(body: bytes) -> str:
    """Old types carry no id; a repeat comes byte for byte."""
    return hashlib.sha256(body).hexdigest()
