"""Webhooks of WooCommerce: are they the shop's, and what do they say has changed. Pure.

https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks: the signature covers the raw body
alone. Nothing signed says when it was sent, and what fails is not sent again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from connectors.errors import SignatureError
from connectors.records import Hint, HintKind, Reply, Verified, WebhookRequest
from connectors.signing import any_matches, hmac_sha256_base64

SECRET = "webhook_secret"  # noqa: S105 - the field's name
SIGNATURE = "x-wc-webhook-signature"

TOPICS = (
    "order.created",
    "order.updated",
    "order.deleted",
    "product.created",
    "product.updated",
    "product.deleted",
)

KINDS = {"order": HintKind.ORDER, "product": HintKind.LISTING}

#: What a new webhook sends first, unsigned and without a topic, to see whether anybody answers.
PING = re.compile(rb"webhook_id=[0-9]{1,20}")


def challenge(request: WebhookRequest, secrets: Mapping[str, Sequence[str]]) -> Reply | None:
    """The ping must be answered well, or the webhook is not made; it says nothing."""
    unsigned = SIGNATURE not in request.headers
    if request.method == "POST" and unsigned and PING.fullmatch(request.body.strip()):
        return Reply()
    return None


def verify(
    request: WebhookRequest, secrets: Mapping[str, Sequence[str]], now: datetime
) -> Verified:
    """Any secret now valid will do: webhooks on their way are signed with the old one."""
    signature = request.headers.get(SIGNATURE, "")
    if not signature:
        raise SignatureError("the webhook is not signed", code="signature_missing")
    if not any_matches(
        signature,
        secrets.get(SECRET, ()),
        lambda secret: hmac_sha256_base64(secret, request.body),
    ):
        raise SignatureError("the webhook's signature does not fit", code="signature_wrong")
    topic = request.headers.get("x-wc-webhook-topic", "")
    return Verified(_event_id(request, topic), topic, (hint(topic, request.body),))


def hint(topic: str, body: bytes) -> Hint:
    """The id of what changed; a deletion tells nothing else. A webhook whose user has lost his
    rights carries a refusal instead: then all of that kind is to be looked at."""
    kind = KINDS.get(topic.partition(".")[0], HintKind.NOTHING)
    if kind is HintKind.NOTHING:
        return Hint(kind)
    try:
        payload = json.loads(body)
    except ValueError:
        return Hint(kind)
    key = payload.get("id") if isinstance(payload, dict) else None
    if isinstance(key, bool) or not isinstance(key, int | str):
        return Hint(kind)
    return Hint(kind, str(key))


def _event_id(request: WebhookRequest, topic: str) -> str:
    """Of the delivery and of what it says: the delivery's id alone is not signed, and somebody on
    the way could give a new event the id of an old one."""
    delivery = request.headers.get("x-wc-webhook-delivery-id", "")
    said = sha256(topic.encode("utf-8", "surrogatepass") + b"\n" + request.body).hexdigest()
    return f"{delivery[:64]}:{said[:32]}" if delivery else said
