"""Answers in the shape Vendure gives them, to be bent by tests; and a connector to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from connectors.base import Connection
from connectors.http import Http
from connectors.records import Credentials
from connectors.vendure import CHANNEL
from connectors.vendure.connector import VendureConnector

URL = "https://tea.example.com/admin-api"
CREDENTIALS = {
    "url": "https://tea.example.com",
    "username": "hub@tea.example.com",
    "password": "hush-1",
    "session_token": "session-1",
}


@contextmanager
def connector(
    on_refresh: Callable[[Credentials], None] = lambda fresh: None,
    settings: Mapping[str, str] | None = None,
    **changed: str,
) -> Iterator[VendureConnector]:
    http = Http(hosts=CHANNEL.hosts)
    connection = Connection(
        credentials=Credentials({**CREDENTIALS, **changed}),
        http=http,
        now=lambda: datetime.now(UTC),
        settings={"location_id": "1", **(settings or {})},
        on_refresh=on_refresh,
    )
    try:
        yield VendureConnector(connection)
    finally:
        http.close()


def failed(message: str, code: str = "") -> dict[str, Any]:
    error: dict[str, Any] = {"message": message, "path": ["orders"]}
    return {"errors": [{**error, "extensions": {"code": code}} if code else error], "data": None}


def line(**changed: Any) -> dict[str, Any]:
    return {
        "id": "11",
        "quantity": 3,
        "orderPlacedQuantity": 3,
        "productVariant": {"id": "21", "sku": "TEA-1", "name": "Green tea"},
        "unitPriceWithTax": 540,
        "proratedUnitPrice": 405,
        "proratedUnitPriceWithTax": 486,
        "proratedLinePrice": 1215,
        "proratedLinePriceWithTax": 1458,
        **changed,
    }


def payment(refunds: Sequence[dict[str, Any]] = (), **changed: Any) -> dict[str, Any]:
    return {
        "id": "31",
        "method": "dummy",
        "state": "Settled",
        "amount": 1953,
        "createdAt": "2026-11-01T10:00:05.000Z",
        "updatedAt": "2026-11-01T10:00:05.000Z",
        "refunds": list(refunds),
        **changed,
    }


def refund(**changed: Any) -> dict[str, Any]:
    return {
        "id": "41",
        "createdAt": "2026-11-03T10:00:00.000Z",
        "updatedAt": "2026-11-03T10:00:02.000Z",
        "total": 500,
        "shipping": 0,
        "state": "Settled",
        "reason": "damaged",
        "transactionId": "t-1",
        "lines": [],
        **changed,
    }


def fulfilment(units: int = 3, **changed: Any) -> dict[str, Any]:
    return {
        "id": "51",
        "state": "Shipped",
        "method": "DHL",
        "trackingCode": "JD014",
        "createdAt": "2026-11-02T10:00:00.000Z",
        "updatedAt": "2026-11-02T10:00:01.000Z",
        "lines": [{"orderLineId": "11", "quantity": units}],
        **changed,
    }


def order(lines: Sequence[dict[str, Any]] | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "code": "LF9V9RZ7HY6NDNV5",
        "state": "PaymentSettled",
        "active": False,
        "type": "Regular",
        "aggregateOrderId": None,
        "createdAt": "2026-11-01T09:55:00.000Z",
        "updatedAt": "2026-11-01T10:00:00.000Z",
        "orderPlacedAt": "2026-11-01T10:00:01.824Z",
        "currencyCode": "GBP",
        "totalWithTax": 1953,
        "shippingWithTax": 495,
        "taxSummary": [{"taxTotal": 243}, {"taxTotal": 83}],
        "discounts": [{"type": "PROMOTION", "amountWithTax": -162}],
        "customer": {
            "id": "7",
            "firstName": "Ann",
            "lastName": "Onym",
            "emailAddress": "ann@example.com",
            "phoneNumber": None,
        },
        "shippingAddress": {
            "fullName": "Ann Onym",
            "company": None,
            "streetLine1": "1 High Street",
            "streetLine2": None,
            "city": "York",
            "province": "Yorkshire",
            "postalCode": "YO1 7HH",
            "country": "United Kingdom",
            "countryCode": "GB",
            "phoneNumber": "+44 1904 000000",
        },
        "lines": [line()] if lines is None else list(lines),
        "payments": [payment()],
        "fulfillments": [],
        "latest": {"items": [{"createdAt": "2026-11-01T10:00:06.000Z"}]},
        **changed,
    }


def variant(on_hand: int = 9, allocated: int = 2, **changed: Any) -> dict[str, Any]:
    return {
        "id": "21",
        "sku": "TEA-1",
        "name": "Green tea",
        "enabled": True,
        "updatedAt": "2026-11-01T10:00:00.000Z",
        "trackInventory": "INHERIT",
        "priceWithTax": 540,
        "currencyCode": "GBP",
        "product": {"id": "20", "enabled": True},
        "stockLevels": [
            {"stockLocationId": "2", "stockOnHand": 70, "stockAllocated": 7},
            {"stockLocationId": "1", "stockOnHand": on_hand, "stockAllocated": allocated},
        ],
        **changed,
    }


def variants(*found: dict[str, Any], tracks: bool = True) -> dict[str, Any]:
    settings = {"trackInventory": tracks, "serverConfig": {"moneyStrategyPrecision": 2}}
    listed = {"totalItems": len(found), "items": list(found)}
    return {"data": {"globalSettings": settings, "productVariants": listed}}
