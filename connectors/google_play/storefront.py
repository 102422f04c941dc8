"""The simulated app in Google Play's words: the shop's state → resources, notifications. Pure.

A product's id is its SKU as it stands, though Google would take lower case only; the variants of
one SKU are its purchase options.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.amounts import exponent
from connectors.records import OrderStatus
from connectors.simulators.shop import FIRST_VARIANT, Event, EventKind, Position, Sale, Variant

#: What a test purchase is bought with: the sale's reference.
TEST_PURCHASE = "test"
ONE_TIME_PRODUCT = 2
WHOLE, BY_QUANTITY = 1, 2
NANO = 10**9

STATES = {OrderStatus.UNPAID: "PENDING", OrderStatus.HELD: "PENDING_REFUND"}


class BadToken(ValueError):
    """Not a page token of this list."""


def order_key(number: int) -> str:
    return f"GPA.3300-0000-{number // 100_000:04}-{number % 100_000:05}"


def purchase_token(key: str) -> str:
    return "rehearsal.AO-J1O" + key.removeprefix("GPA.").replace("-", "")


def order_of(token: str) -> str:
    """The order key behind a purchase token."""
    digits = token.removeprefix("rehearsal.AO-J1O")
    return f"GPA.{digits[:4]}-{digits[4:8]}-{digits[8:12]}-{digits[12:]}"


def state(sale: Sale) -> str:
    """A paid order is only ever refunded; one called off before that is cancelled."""
    if sale.cancelled_at is not None:
        return "REFUNDED"
    if sale.status is OrderStatus.CANCELLED:
        return "CANCELED"
    if any(line.cancelled for line in sale.lines):
        return "PARTIALLY_REFUNDED"
    return STATES.get(sale.status, "PROCESSED")


def is_voided(sale: Sale) -> bool:
    return state(sale) in ("REFUNDED", "PARTIALLY_REFUNDED")


def time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1000))


def money(minor: int, currency: str) -> dict[str, Any]:
    """Zero parts are left out, as in all of Google's JSON."""
    units, rest = divmod(minor, 10 ** exponent(currency))
    found: dict[str, Any] = {"currencyCode": currency}
    if units:
        found["units"] = str(units)
    if rest:
        found["nanos"] = rest * NANO // 10 ** exponent(currency)
    return found


def order(sale: Sale, currency: str) -> dict[str, Any]:
    return {
        "orderId": sale.key,
        "purchaseToken": purchase_token(sale.key),
        "state": state(sale),
        "createTime": time(sale.placed_at),
        "lastEventTime": time(sale.updated_at),
        "salesChannel": "IN_APP",
        "buyerAddress": {"buyerCountry": sale.buyer.get("country", "GB")},
        "total": money(sale.total, currency),
        "tax": money(0, currency),
        "developerRevenueInBuyerCurrency": money(sale.total * 85 // 100, currency),
        "orderDetails": {"taxInclusive": True},
        "orderHistory": _history(sale, currency),
        "lineItems": [
            {
                "productId": line.sku,
                "productTitle": line.title,
                "listingPrice": money(line.unit_price, currency),
                "total": money(line.quantity * line.unit_price, currency),
                "tax": money(0, currency),
                "oneTimePurchaseDetails": {
                    "quantity": line.quantity,
                    "purchaseOptionId": line.variant_key,
                },
            }
            for line in sale.lines
        ],
    }


def purchase(sale: Sale, *, acknowledged: bool) -> dict[str, Any]:
    words = {"PENDING": "PENDING", "CANCELED": "CANCELLED", "REFUNDED": "CANCELLED"}
    found: dict[str, Any] = {
        "kind": "androidpublisher#productPurchaseV2",
        "orderId": sale.key,
        "regionCode": sale.buyer.get("country", "GB"),
        "purchaseStateContext": {"purchaseState": words.get(state(sale), "PURCHASED")},
        "acknowledgementState": "ACKNOWLEDGEMENT_STATE_"
        + ("ACKNOWLEDGED" if acknowledged else "PENDING"),
        "productLineItem": [
            {
                "productId": line.sku,
                "productOfferDetails": {
                    "purchaseOptionId": line.variant_key,
                    "quantity": line.quantity,
                    "refundableQuantity": line.quantity - line.cancelled,
                    "consumptionState": "CONSUMPTION_STATE_YET_TO_BE_CONSUMED",
                },
            }
            for line in sale.lines
        ],
    }
    if sale.status is not OrderStatus.UNPAID:
        found["purchaseCompletionTime"] = time(sale.placed_at)
    if sale.buyer.get("email"):
        found["obfuscatedExternalAccountId"] = f"account-{sale.buyer['email'].partition('@')[0]}"
    if sale.reference == TEST_PURCHASE:
        found["testPurchaseContext"] = {"fopType": "TEST"}
    return found


def voided(sale: Sale) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": "androidpublisher#voidedPurchase",
        "orderId": sale.key,
        "purchaseToken": purchase_token(sale.key),
        "purchaseTimeMillis": milliseconds(sale.placed_at),
        "voidedTimeMillis": milliseconds(sale.updated_at),
        "voidedSource": 0,
        "voidedReason": 1,
    }
    if state(sale) == "PARTIALLY_REFUNDED":
        found["voidedQuantity"] = sum(line.cancelled for line in sale.lines)
    return found


def products(variants: Sequence[Variant]) -> dict[str, list[Variant]]:
    """Product id → its purchase options, in the order in which they were made."""
    found: dict[str, list[Variant]] = {}
    for variant in sorted(variants, key=lambda one: int(one.key)):
        found.setdefault(variant.sku, []).append(variant)
    return found


def product(variants: Sequence[Variant], package: str, currency: str) -> dict[str, Any]:
    first = variants[0]
    words = {"languageCode": "en-GB", "title": first.title, "description": first.title}
    return {
        "packageName": package,
        "productId": first.sku,
        "listings": [words],
        "regionsVersion": {"version": "2025/03"},
        "purchaseOptions": [
            {
                "purchaseOptionId": one.key,
                "state": "ACTIVE" if one.quantity > 0 else "INACTIVE",
                "buyOption": {"legacyCompatible": one is first, "multiQuantityEnabled": True},
                "regionalPricingAndAvailabilityConfigs": [
                    {
                        "regionCode": currency[:2],
                        "price": money(one.price, currency),
                        "availability": "AVAILABLE" if one.active else "NO_LONGER_AVAILABLE",
                    }
                ],
            }
            for one in variants
        ],
    }


def notification(event: Event) -> tuple[str, dict[str, Any]] | None:
    """(topic, what is told under it). Of stock and products Google tells nothing."""
    sale = event.sale
    if sale is None:
        return None
    token = purchase_token(sale.key)
    if event.kind is not EventKind.ORDER_CREATED and is_voided(sale):
        partly = state(sale) == "PARTIALLY_REFUNDED"
        return "voidedPurchaseNotification", {
            "purchaseToken": token,
            "orderId": sale.key,
            "productType": ONE_TIME_PRODUCT,
            "refundType": BY_QUANTITY if partly else WHOLE,
        }
    return "oneTimeProductNotification", {
        "version": "1.0",
        "notificationType": 2 if state(sale) == "CANCELED" else 1,
        "purchaseToken": token,
        "sku": sale.lines[0].sku,
    }


def message(topic: str, told: Mapping[str, Any], package: str, key: str, at: datetime) -> bytes:
    """The body of a push."""
    data = {
        "version": "1.0",
        "packageName": package,
        "eventTimeMillis": milliseconds(at),
        topic: dict(told),
    }
    inside = {
        "data": b64encode(json.dumps(data).encode()).decode(),
        "messageId": key,
        "message_id": key,
        "publishTime": time(at),
        "publish_time": time(at),
    }
    return json.dumps({"message": inside, "subscription": "rehearsal"}).encode()


def pack(*parts: object) -> str:
    return b64encode(json.dumps(parts).encode()).decode()


def first_of(token: str) -> int:
    """Where a page of products begins: the number of its first option."""
    if not token:
        return FIRST_VARIANT
    try:
        (found,) = json.loads(b64decode(token, validate=True))
        return int(found)
    except (ValueError, TypeError) as error:
        raise BadToken(token) from error


def position(token: str) -> Position:
    """Where a page of voided purchases goes on."""
    try:
        moment, version = json.loads(b64decode(token, validate=True))
        return datetime.fromisoformat(moment), int(version)
    except (ValueError, TypeError) as error:
        raise BadToken(token) from error


def _history(sale: Sale, currency: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if state(sale) not in ("PENDING", "CANCELED"):
        found["processedEvent"] = {"eventTime": time(sale.placed_at)}
    if state(sale) == "CANCELED":
        found["cancellationEvent"] = {"eventTime": time(sale.updated_at)}
    if sale.cancelled_at is not None:
        found["refundEvent"] = {
            "eventTime": time(sale.cancelled_at),
            "refundReason": "OTHER",
            "refundDetails": {"total": money(sale.total, currency), "tax": money(0, currency)},
        }
    elif state(sale) == "PARTIALLY_REFUNDED":
        back = sum(line.cancelled * line.unit_price for line in sale.lines)
        found["partialRefundEvents"] = [
            {
                "createTime": time(sale.updated_at),
                "processTime": time(sale.updated_at),
                "state": "PROCESSED_SUCCESSFULLY",
                "refundDetails": {"total": money(back, currency), "tax": money(0, currency)},
            }
        ]
    return found
