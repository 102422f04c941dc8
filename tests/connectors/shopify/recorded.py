"""Answers in the shape Shopify gives them, to be bent by tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def money(amount: object) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount}}


def line(**changed: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/LineItem/11",
        "sku": "TEA-1",
        "name": "Green tea - 100 g",
        "quantity": 3,
        "currentQuantity": 3,
        "unfulfilledQuantity": 3,
        "variant": {"id": "gid://shopify/ProductVariant/21"},
        "originalUnitPriceSet": money("4.50"),
        "discountAllocations": [{"allocatedAmountSet": money("1.35")}],
        "taxLines": [{"priceSet": money("2.03")}],
        **changed,
    }


def order(lines: Sequence[dict[str, Any]] | None = None, **changed: Any) -> dict[str, Any]:
    total = {"amount": "17.10", "currencyCode": "GBP"}
    return {
        "id": "gid://shopify/Order/450789469",
        "name": "#1001",
        "createdAt": "2026-11-01T10:00:00Z",
        "processedAt": "2026-11-01T10:00:00Z",
        "updatedAt": "2026-11-01T10:05:00Z",
        "cancelledAt": None,
        "cancelReason": None,
        "test": False,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "returnStatus": "NO_RETURN",
        "currencyCode": "GBP",
        "presentmentCurrencyCode": "GBP",
        "taxesIncluded": True,
        "totalPriceSet": {"shopMoney": total, "presentmentMoney": total},
        "currentTotalPriceSet": money("17.10"),
        "totalShippingPriceSet": money("4.95"),
        "totalTaxSet": money("2.03"),
        "totalDiscountsSet": money("1.35"),
        "totalRefundedSet": money("0.0"),
        "customer": {"id": "gid://shopify/Customer/1"},
        "email": "ann@example.com",
        "phone": None,
        "shippingAddress": {
            "name": "Ann Onym",
            "address1": "1 High Street",
            "address2": None,
            "city": "York",
            "provinceCode": "ENG",
            "zip": "YO1 7HH",
            "countryCodeV2": "GB",
            "phone": "+44 1904 000000",
        },
        "fulfillments": [],
        "lineItems": {
            "pageInfo": {"hasNextPage": False, "endCursor": None},
            "nodes": [line()] if lines is None else list(lines),
        },
        **changed,
    }


def variant(**changed: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/ProductVariant/21",
        "sku": "TEA-1",
        "displayName": "Green tea - 100 g",
        "barcode": None,
        "price": "4.50",
        "updatedAt": "2026-11-01T10:05:00Z",
        "product": {"id": "gid://shopify/Product/31", "status": "ACTIVE"},
        "inventoryItem": item(),
        **changed,
    }


def item(quantity: object = 7, **changed: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/InventoryItem/41",
        "tracked": True,
        "inventoryLevel": {"quantities": [{"name": "available", "quantity": quantity}]},
        **changed,
    }


def throttle_status(available: float, restore: float = 100) -> dict[str, Any]:
    return {"maximumAvailable": 2000, "currentlyAvailable": available, "restoreRate": restore}
