"""Webhooks of Shopify: is it theirs, and what does it say has changed. Pure.

https://shopify.dev/docs/apps/build/webhooks/subscribe/https: the signature covers the raw body
alone; headers are hints. A body is REST-shaped JSON and is not trusted further than its ids.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from connectors.errors import SignatureError
from connectors.records import Hint, HintKind, Verified, WebhookRequest
from connectors.signing import any_matches, apart, hmac_sha256_base64, within

SECRET = "client_secret"  # noqa: S105 - the field's name

#: Retries go on for hours and queues stall for a day; a week is somebody's recording.
OLDEST = timedelta(days=7)
CLOCKS_DIFFER = timedelta(minutes=5)

#: What a topic's first word is about. A parcel changes its order; a finished bulk operation lets
#: the walk over orders go on.
KINDS = {
    "orders": HintKind.ORDER,
    "fulfillments": HintKind.ORDER,
    "bulk_operations": HintKind.ORDER,
    "refunds": HintKind.REFUND,
    "products": HintKind.LISTING,
    "inventory_levels": HintKind.STOCK,
    "app": HintKind.REVOKED,
}

TOPICS = (
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_CANCELLED",
    "ORDERS_EDITED",
    "REFUNDS_CREATE",
    "FULFILLMENTS_CREATE",
    "FULFILLMENTS_UPDATE",
    "INVENTORY_LEVELS_UPDATE",
    "PRODUCTS_CREATE",
    "PRODUCTS_UPDATE",
    "PRODUCTS_DELETE",
    "BULK_OPERATIONS_FINISH",
    "APP_UNINSTALLED",
)
UNINSTALLED = "app/uninstalled"
#: These need a scope of their own, and ORDERS_UPDATED comes with each of them.
OPTIONAL = {"FULFILLMENTS_CREATE", "FULFILLMENTS_UPDATE", "REFUNDS_CREATE", "ORDERS_EDITED"}


def verify(
    request: WebhookRequest, secrets: Mapping[str, Sequence[str]], now: datetime
) -> Verified:
    """Any secret now valid will do: the old one signs on for an hour after a rotation."""
    headers = request.headers
    signature = headers.get("x-shopify-hmac-sha256", "")
    if not signature:
        raise SignatureError("the webhook is not signed", code="signature_missing")
    if not any_matches(
        signature,
        secrets.get(SECRET, ()),
        lambda secret: hmac_sha256_base64(secret, request.body),
    ):
        raise SignatureError("the webhook's signature does not fit", code="signature_wrong")
    sent_at = _sent_at(headers.get("x-shopify-triggered-at", ""), now)
    topic = headers.get("x-shopify-topic", "")
    return Verified(_event_id(headers, topic), topic, (hint(topic, request.body),), sent_at)


def hint(topic: str, body: bytes) -> Hint:
    """Keys are the channel's own ids. A level has no listing id: its hint carries the inventory
    item's, which every listing has among its handles."""
    kind = KINDS.get(topic.partition("/")[0], HintKind.NOTHING)
    if topic.startswith("app/") and topic != UNINSTALLED:
        kind = HintKind.NOTHING
    if kind in (HintKind.NOTHING, HintKind.REVOKED):
        return Hint(kind)
    try:
        payload = json.loads(body)
    except ValueError:
        return Hint(kind)
    if not isinstance(payload, dict):
        return Hint(kind)
    if kind is HintKind.STOCK:
        return Hint(kind, _gid("InventoryItem", payload.get("inventory_item_id")))
    if topic == "orders/edited":
        edit = payload.get("order_edit")
        return Hint(kind, _gid("Order", edit.get("order_id") if isinstance(edit, dict) else None))
    if topic.startswith(("refunds/", "fulfillments/")):
        return Hint(kind, _gid("Order", payload.get("order_id")))
    key = payload.get("admin_graphql_api_id")
    if topic.startswith("orders/"):
        return Hint(kind, key if isinstance(key, str) else _gid("Order", payload.get("id")))
    if kind is HintKind.LISTING:
        return Hint(kind, key if isinstance(key, str) else "")
    return Hint(kind)


def _gid(of: str, number: object) -> str:
    told = isinstance(number, int) and not isinstance(number, bool) or isinstance(number, str)
    return f"gid://shopify/{of}/{number}" if told and number else ""


def _event_id(headers: Mapping[str, str], topic: str) -> str:
    """Webhook-Id stays the same over retries of one delivery. Event-Id is shared by every webhook
    that one action of the merchant caused, so alone it would hide the others."""
    delivery = headers.get("x-shopify-webhook-id", "")
    event = headers.get("x-shopify-event-id", "")
    if not delivery and not event:
        raise SignatureError("the webhook carries no id", code="id_missing")
    return delivery or f"{topic}:{event}"


def _sent_at(text: str, now: datetime) -> datetime | None:
    if not text:
        return None
    try:
        sent_at = datetime.fromisoformat(text)
    except ValueError:
        raise SignatureError("the webhook's time makes no sense", code="time_wrong") from None
    sent_at = sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC)
    if not within(sent_at, now, OLDEST, CLOCKS_DIFFER):
        said = f"the webhook is too old, or from the future: {apart(sent_at, now)}"
        raise SignatureError(said, code="time_wrong")
    return sent_at
