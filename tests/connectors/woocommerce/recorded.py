"""Records in the shape WooCommerce gives them, to be bent by tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime.now(UTC).replace(microsecond=0)
PLACED = NOW - timedelta(hours=2)
CHANGED = NOW - timedelta(hours=1)


def gmt(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def line(**changed: Any) -> dict[str, Any]:
    return {
        "id": 315,
        "name": "Green tea &ndash; 100 g",
        "product_id": 93,
        "variation_id": 0,
        "quantity": 3,
        "tax_class": "",
        "subtotal": "13.50",
        "subtotal_tax": "2.70",
        "total": "12.15",
        "total_tax": "2.43",
        "taxes": [{"id": 75, "total": "2.43", "subtotal": "2.7"}],
        "meta_data": [],
        "sku": "TEA-1",
        "price": 4.05,
        **changed,
    }


def order(lines: Sequence[dict[str, Any]] | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "id": 727,
        "number": "727",
        "status": "processing",
        "currency": "GBP",
        "date_created_gmt": gmt(PLACED),
        "date_modified_gmt": gmt(CHANGED),
        "discount_total": "1.35",
        "shipping_total": "4.95",
        "total": "20.52",
        "total_tax": "3.42",
        "prices_include_tax": True,
        "customer_id": 12,
        "billing": {
            "first_name": "Ann",
            "last_name": "Onym",
            "company": "",
            "address_1": "1 High Street",
            "address_2": "",
            "city": "York",
            "state": "",
            "postcode": "YO1 7HH",
            "country": "GB",
            "email": "ann@example.com",
            "phone": "+44 1904 000000",
        },
        "shipping": {
            "first_name": "Bob",
            "last_name": "Onym",
            "company": "Tea & Co",
            "address_1": "2 Low Street",
            "address_2": "Flat 1",
            "city": "Leeds",
            "state": "ENG",
            "postcode": "LS1 1AA",
            "country": "GB",
        },
        "date_paid_gmt": gmt(PLACED),
        "date_completed_gmt": None,
        "meta_data": [],
        "line_items": [line()] if lines is None else list(lines),
        "refunds": [],
        **changed,
    }


def refund(lines: Sequence[dict[str, Any]] = (), **changed: Any) -> dict[str, Any]:
    return {
        "id": 726,
        "date_created_gmt": gmt(CHANGED),
        "amount": "4.05",
        "reason": "damaged",
        "meta_data": [],
        "line_items": list(lines),
        **changed,
    }


def refunded(of: object, units: int) -> dict[str, Any]:
    meta = [{"id": 2076, "key": "_refunded_item_id", "value": of}]
    return {"id": 314, "quantity": -units, "total": "-4.05", "meta_data": meta}


def product(**changed: Any) -> dict[str, Any]:
    return {
        "id": 93,
        "name": "Green tea &amp; mint",
        "date_modified_gmt": gmt(CHANGED),
        "type": "simple",
        "status": "publish",
        "sku": "TEA-1",
        "price": "4.50",
        "manage_stock": True,
        "stock_quantity": 7,
        "attributes": [],
        "variations": [],
        **changed,
    }


def variation(**changed: Any) -> dict[str, Any]:
    return {
        "id": 95,
        "date_modified_gmt": gmt(CHANGED),
        "status": "publish",
        "sku": "TEA-1-L",
        "price": "4.50",
        "manage_stock": True,
        "stock_quantity": 5,
        "attributes": [{"id": 6, "name": "Size", "option": "Large"}],
        **changed,
    }
