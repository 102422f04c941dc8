"""Resources and notifications in the shape Google gives them, to be bent by tests."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

ORDER_ID = "GPA.3345-1234-5678-90123"
PURCHASE_TOKEN = "dgkbofcjlnhpoeakcmjbnfal.AO-J1Oy3qXk0"


def money(units: int, nanos: int = 0, currency: str = "GBP") -> dict[str, Any]:
    """Zero parts are left out."""
    found: dict[str, Any] = {"currencyCode": currency}
    if units:
        found["units"] = str(units)
    if nanos:
        found["nanos"] = nanos
    return found


def line(**changed: Any) -> dict[str, Any]:
    return {
        "productId": "game.full",
        "productTitle": "The full game",
        "listingPrice": money(4, 990_000_000),
        "total": money(14, 970_000_000),
        "tax": money(2, 490_000_000),
        "oneTimePurchaseDetails": {"quantity": 3, "purchaseOptionId": "buy"},
        **changed,
    }


def order(lines: Sequence[dict[str, Any]] | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "orderId": ORDER_ID,
        "purchaseToken": PURCHASE_TOKEN,
        "state": "PROCESSED",
        "createTime": "2026-11-01T10:00:00.123Z",
        "lastEventTime": "2026-11-01T10:00:05.456789Z",
        "salesChannel": "IN_APP",
        "buyerAddress": {"buyerCountry": "GB"},
        "total": money(14, 970_000_000),
        "tax": money(2, 490_000_000),
        "developerRevenueInBuyerCurrency": money(10, 600_000_000),
        "orderDetails": {"taxInclusive": True},
        "orderHistory": {"processedEvent": {"eventTime": "2026-11-01T10:00:05.456789Z"}},
        "lineItems": [line()] if lines is None else list(lines),
        **changed,
    }


def purchase(refundable: int = 3, **changed: Any) -> dict[str, Any]:
    offer = {"purchaseOptionId": "buy", "quantity": 3, "refundableQuantity": refundable}
    return {
        "kind": "androidpublisher#productPurchaseV2",
        "orderId": ORDER_ID,
        "regionCode": "GB",
        "purchaseStateContext": {"purchaseState": "PURCHASED"},
        "purchaseCompletionTime": "2026-11-01T10:00:05Z",
        "acknowledgementState": "ACKNOWLEDGEMENT_STATE_PENDING",
        "obfuscatedExternalAccountId": "player-77",
        "productLineItem": [{"productId": "game.full", "productOfferDetails": offer}],
        **changed,
    }


def region(code: str, price: dict[str, Any], availability: str = "AVAILABLE") -> dict[str, Any]:
    return {"regionCode": code, "price": price, "availability": availability}


def option(name: str = "buy", state: str = "ACTIVE", **changed: Any) -> dict[str, Any]:
    return {
        "purchaseOptionId": name,
        "state": state,
        "buyOption": {"legacyCompatible": True},
        "regionalPricingAndAvailabilityConfigs": [
            region("AT", money(5, 990_000_000, "EUR")),
            region("GB", money(4, 990_000_000)),
        ],
        **changed,
    }


def product(*options: dict[str, Any], **changed: Any) -> dict[str, Any]:
    words = {"languageCode": "en-GB", "title": "The full game", "description": "All levels"}
    return {
        "packageName": "com.example.game",
        "productId": "game.full",
        "listings": [words],
        "purchaseOptions": list(options or (option(),)),
        **changed,
    }


def push(notification: Any, **changed: Any) -> bytes:
    """The body of a push; ``changed`` bends the message."""
    message = {
        "data": b64encode(json.dumps(notification).encode()).decode(),
        "messageId": "136969346945",
        "message_id": "136969346945",
        "publishTime": "2026-11-22T07:59:00.012Z",
        **changed,
    }
    return json.dumps({"message": message, "subscription": "projects/p/subscriptions/s"}).encode()


def notification(topic: str, package: str = "com.example.game", **told: Any) -> dict[str, Any]:
    return {
        "version": "1.0",
        "packageName": package,
        "eventTimeMillis": "1795330740000",
        topic: {"version": "1.0", **told},
    }
