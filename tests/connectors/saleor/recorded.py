"""Nodes in the shape Saleor 3.23 gives them, to be bent by tests."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connectors.saleor.ids import gid

ORDER = gid("Order", "f4e3a0f2-5a65-4a3e-9f0e-0f2f3c1f7a10")
LINE = gid("OrderLine", "0a1b2c3d-0000-4000-8000-000000000011")
VARIANT = gid("ProductVariant", "384")
WAREHOUSE = gid("Warehouse", "2c1d6e6e-6f0c-4f7e-9a57-3f5d8b1d1a01")
FULFILLMENT = gid("Fulfillment", "71")
TRANSACTION = gid("TransactionItem", "6a4a0a2e-9f6b-4a52-8f2d-0a1b2c3d4e5f")


def money(amount: object) -> dict[str, Any]:
    """As it is parsed: fractions are decimals."""
    return {"amount": Decimal(amount) if isinstance(amount, str) else amount}


def taxed(gross: object, tax: object = "0") -> dict[str, Any]:
    return {"gross": money(gross), "tax": money(tax)}


def line(**changed: Any) -> dict[str, Any]:
    return {
        "id": LINE,
        "productName": "Green tea",
        "variantName": "100 g",
        "productSku": "TEA-1",
        "productVariantId": VARIANT,
        "quantity": 3,
        "quantityFulfilled": 0,
        "variant": {"id": VARIANT},
        "undiscountedUnitPrice": {"gross": money("4.5")},
        "totalPrice": taxed("12.15", "2.03"),
        **changed,
    }


def order(lines: Sequence[dict[str, Any]] | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "id": ORDER,
        "number": "1001",
        "status": "UNFULFILLED",
        "created": "2026-11-01T10:00:00.123456+00:00",
        "updatedAt": "2026-11-01T10:05:00.654321+00:00",
        "isPaid": True,
        "chargeStatus": "FULL",
        "authorizeStatus": "FULL",
        "channel": {"slug": "default-channel"},
        "total": {"currency": "GBP", **taxed("17.1", "2.85")},
        "undiscountedTotal": {"gross": money("18.45")},
        "shippingPrice": {"gross": money("4.95")},
        "totalCharged": money("17.1"),
        "totalAuthorized": money(0),
        "totalRefunded": money(0),
        "userEmail": "ann@example.com",
        "shippingAddress": {
            "firstName": "Ann",
            "lastName": "Onym",
            "companyName": "",
            "streetAddress1": "1 High Street",
            "streetAddress2": "",
            "city": "YORK",
            "cityArea": "",
            "postalCode": "YO1 7HH",
            "countryArea": "",
            "country": {"code": "GB"},
            "phone": "+441904000000",
        },
        "billingAddress": None,
        "events": [{"type": "PLACED", "date": "2026-11-01T10:00:00+00:00"}],
        "fulfillments": [],
        "lines": [line()] if lines is None else list(lines),
        **changed,
    }


def fulfillment(status: str = "FULFILLED", units: int = 1, **changed: Any) -> dict[str, Any]:
    return {
        "id": FULFILLMENT,
        "status": status,
        "created": "2026-11-02T08:00:00+00:00",
        "warehouse": {"id": WAREHOUSE},
        "lines": [{"quantity": units, "orderLine": {"id": LINE}}],
        **changed,
    }


def stock(quantity: object, allocated: object = 0, warehouse: str = WAREHOUSE) -> dict[str, Any]:
    return {
        "warehouse": {"id": warehouse},
        "quantity": quantity,
        "quantityAllocated": allocated,
    }


def variant(*stocks: dict[str, Any], **changed: Any) -> dict[str, Any]:
    listed = {"isPublished": True, "isAvailableForPurchase": True}
    price = {**money("4.5"), "currency": "GBP"}
    return {
        "id": VARIANT,
        "sku": "TEA-1",
        "name": "100 g",
        "trackInventory": True,
        "updatedAt": "2026-11-01T10:05:00.000001+00:00",
        "product": {
            "id": gid("Product", "31"),
            "name": "Green tea",
            "channelListings": [{**listed, "channel": {"slug": "default-channel"}}],
        },
        "channelListings": [{"price": price, "channel": {"slug": "default-channel"}}],
        "stocks": list(stocks) or [stock(10, 3)],
        **changed,
    }


def event(kind: str, amount: str = "5.01", key: str = "9", **changed: Any) -> dict[str, Any]:
    return {
        "id": gid("TransactionEvent", key),
        "type": kind,
        "createdAt": "2026-11-03T09:00:00+00:00",
        "message": "",
        "amount": money(amount),
        **changed,
    }


def grant(status: str = "SUCCESS", events: Sequence[Any] = (), **changed: Any) -> dict[str, Any]:
    return {
        "id": gid("OrderGrantedRefund", "4"),
        "status": status,
        "reason": "damaged",
        "createdAt": "2026-11-03T08:00:00+00:00",
        "updatedAt": "2026-11-03T08:30:00+00:00",
        "shippingCostsIncluded": False,
        "amount": money("5.01"),
        "lines": [{"quantity": 1, "orderLine": {"id": LINE}}],
        "transactionEvents": list(events),
        **changed,
    }


def paid(
    events: Sequence[Any] = (), grants: Sequence[Any] = (), payments: Sequence[Any] = ()
) -> dict[str, Any]:
    """An order as its money is asked for."""
    transaction = {
        "id": TRANSACTION,
        "actions": ["REFUND"],
        "chargedAmount": money("17.1"),
        "events": list(events),
    }
    return {
        "id": ORDER,
        "status": "FULFILLED",
        "updatedAt": "2026-11-03T09:00:00.654321+00:00",
        "total": {"currency": "GBP", "gross": money("17.1")},
        "shippingPrice": {"gross": money("4.95")},
        "transactions": [] if payments else [transaction],
        "grantedRefunds": list(grants),
        "payments": list(payments),
    }
