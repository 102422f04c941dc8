"""Webhooks of Saleor: is it theirs, and what does it say has changed. Pure.

https://docs.saleor.io/developer/extending/webhooks/payload-signature: signed over the raw body with
a key that the shop publishes. What a body holds is what our own subscription asks for, the time of
the event with it; headers are not signed, and name the event only where the body does not.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import jws
from connectors.errors import KeyMissing, SignatureError
from connectors.records import Hint, HintKind, Verified, WebhookRequest
from connectors.saleor import signature
from connectors.saleor.ids import key_of
from connectors.signing import apart, within

KEYS = "saleor_keys"

#: Retries go on for minutes, queues stall for a day; a week is somebody's recording.
OLDEST = timedelta(days=7)
CLOCKS_DIFFER = timedelta(minutes=5)

ORDER_TOPICS = (
    "ORDER_CREATED",
    "ORDER_UPDATED",
    "ORDER_CONFIRMED",
    "ORDER_FULLY_PAID",
    "ORDER_CANCELLED",
    "ORDER_EXPIRED",
    "ORDER_FULFILLED",
    "ORDER_REFUNDED",
    "FULFILLMENT_CREATED",
    "FULFILLMENT_APPROVED",
    "FULFILLMENT_CANCELED",
)
VARIANT_TOPICS = (
    "PRODUCT_VARIANT_CREATED",
    "PRODUCT_VARIANT_UPDATED",
    "PRODUCT_VARIANT_DELETED",
    "PRODUCT_VARIANT_STOCK_UPDATED",
)
TOPICS = (*ORDER_TOPICS, *VARIANT_TOPICS)
STOCK_TOPIC = "PRODUCT_VARIANT_STOCK_UPDATED"
REFUND_TOPICS = ("ORDER_REFUNDED", "ORDER_FULLY_REFUNDED")


def type_of(topic: str) -> str:
    """``ORDER_CREATED`` → ``OrderCreated``, as the schema and ``__typename`` have it."""
    return "".join(word.capitalize() for word in topic.split("_"))


def topic_of(type_name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type_name).upper()


#: What each webhook is to hold. One subscription for all: Saleor fills in the part that fits.
SUBSCRIPTION = " ".join(
    (
        "subscription { event { __typename issuedAt",
        *(f"... on {type_of(one)} {{ order {{ id }} }}" for one in ORDER_TOPICS),
        *(f"... on {type_of(one)} {{ productVariant {{ id }} }}" for one in VARIANT_TOPICS),
        "} }",
    )
)


def verify(
    request: WebhookRequest, secrets: Mapping[str, Sequence[str]], now: datetime
) -> Verified:
    """Any key now valid will do. A key that is not held is asked for: Saleor names keys by their
    own thumbprint, so a new one has a new name."""
    headers = request.headers
    text = headers.get("saleor-signature") or headers.get("x-saleor-signature", "")
    if not text:
        raise SignatureError("the webhook is not signed", code="signature_missing")
    try:
        found = signature.read(text)
    except jws.Malformed as error:
        raise SignatureError(f"its signature {error}", code="signature_wrong") from None
    key = jws.key_set(secrets.get(KEYS, ())).get(found.key_id)
    if key is None:
        raise KeyMissing(found.key_id)
    if not signature.signed_by(found, request.body, key):
        raise SignatureError("the webhook's signature does not fit", code="signature_wrong")
    return _opened(request, now)


def _opened(request: WebhookRequest, now: datetime) -> Verified:
    """From here on the sender is the shop: what cannot be read is no forgery, only no news."""
    told = _event(request.body)
    headers = request.headers
    named = headers.get("saleor-event") or headers.get("x-saleor-event", "")
    topic = topic_of(_words(told, "__typename")) or named.upper()
    sent_at = _sent_at(told, now)
    event_id = hashlib.sha256(topic.encode("utf-8", "replace") + b"\n" + request.body).hexdigest()
    return Verified(event_id, topic, hints(topic, told), sent_at)


def hints(topic: str, told: Mapping[str, Any]) -> tuple[Hint, ...]:
    """Keys are the ids that orders and listings carry."""
    order, variant = _id(told, "order", "Order"), _id(told, "productVariant", "ProductVariant")
    if order:
        found = (Hint(HintKind.ORDER, order),)
        return (*found, Hint(HintKind.REFUND, order)) if topic in REFUND_TOPICS else found
    if variant:
        is_stock = topic == STOCK_TOPIC
        return (Hint(HintKind.STOCK if is_stock else HintKind.LISTING, variant),)
    return (Hint(HintKind.NOTHING),)


def _event(body: bytes) -> Mapping[str, Any]:
    """The event itself, however it is wrapped: a webhook without a subscription sends a list."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, dict):
        return {}
    inner = found.get("event")
    return inner if isinstance(inner, dict) else found


def _id(told: Mapping[str, Any], name: str, kind: str) -> str:
    """Of ``order { id }``; of the thing itself where there was no subscription."""
    part = told.get(name)
    found = _words(part if isinstance(part, dict) else told, "id")
    return found if key_of(found, kind) else ""


def _words(told: Mapping[str, Any], name: str) -> str:
    """Of a length and kind that can be stored and asked for."""
    value = told.get(name)
    fits = isinstance(value, str) and len(value) <= 200 and value.isprintable()
    return str(value) if fits and str(value).isascii() else ""


def _sent_at(told: Mapping[str, Any], now: datetime) -> datetime | None:
    meta = told.get("meta")
    text = _words(told, "issuedAt") or _words(meta if isinstance(meta, dict) else {}, "issued_at")
    if not text:
        return None
    try:
        sent_at = datetime.fromisoformat(text)
    except ValueError:
        raise SignatureError("the webhook's time makes no sense", code="time_wrong") from None
    sent_at = sent_at.astimezone(UTC) if sent_at.tzinfo else sent_at.replace(tzinfo=UTC)
    if not within(sent_at, now, OLDEST, CLOCKS_DIFFER):
        said = f"the webhook is too old, or from the future: {apart(sent_at, now)}"
        raise SignatureError(said, code="time_wrong")
    return sent_at
