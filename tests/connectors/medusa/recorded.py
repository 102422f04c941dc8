"""What a real Medusa 2.21 was asked and answered, and records of its shape, to be bent by tests."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from connectors.http import parse_json
from tests.rig import shared_data

SAMPLES = "contracts/medusa/samples-2.21.2"


@cache
def _text(name: str) -> str:
    path = shared_data() / SAMPLES / f"{name}.json"
    if not path.exists():
        pytest.skip(f"Medusa's recorded answers are not at {path}; HUB_SHARED names the folder")
    return path.read_text()


def sample(name: str) -> dict[str, Any]:
    """One request with its answer, read as the connector reads answers."""
    found: dict[str, Any] = parse_json(_text(name))
    return found


def names() -> list[str]:
    folder = shared_data() / SAMPLES
    return sorted(path.stem for path in folder.glob("*.json")) if folder.exists() else []


@cache
def known_fields() -> frozenset[str]:
    """Every field's name that was ever seen in an answer."""
    return frozenset(name for one in names() for name in _fields(json.loads(_text(one))))


def _fields(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from value
        for one in value.values():
            yield from _fields(one)
    elif isinstance(value, list):
        for one in value:
            yield from _fields(one)


def line(**changed: Any) -> dict[str, Any]:
    return {
        "id": "ordli_01",
        "title": "Mug",
        "product_title": "Mug",
        "variant_title": "M",
        "variant_id": "variant_01",
        "variant_sku": "MUG-1",
        "is_tax_inclusive": False,
        "unit_price": Decimal("19.99"),
        "raw_unit_price": {"value": "19.99", "precision": 20},
        "quantity": 2,
        "total": Decimal("43.978"),
        "raw_total": {"value": "43.978", "precision": 20},
        "tax_total": Decimal("3.998"),
        "discount_total": 0,
        "detail": {"quantity": 2, "fulfilled_quantity": 0, "shipped_quantity": 0},
        **changed,
    }


def payment(**changed: Any) -> dict[str, Any]:
    return {
        "id": "pay_01",
        "currency_code": "usd",
        "amount": Decimal("49.478"),
        "captured_at": "2026-11-22T07:53:19.809Z",
        "created_at": "2026-11-22T07:53:10.699Z",
        "updated_at": "2026-11-22T07:53:10.699Z",
        "captures": [{"id": "capt_01", "amount": Decimal("49.478")}],
        "refunds": [],
        **changed,
    }


def order(*lines: dict[str, Any], **changed: Any) -> dict[str, Any]:
    collection = {"id": "pay_col_01", "updated_at": None, "payments": [payment()]}
    found = {
        "id": "order_01",
        "display_id": 7,
        "status": "pending",
        "payment_status": "captured",
        "fulfillment_status": "not_fulfilled",
        "currency_code": "usd",
        "email": "ada@example.com",
        "total": Decimal("49.478"),
        "item_total": Decimal("43.978"),
        "shipping_total": Decimal("5.5"),
        "shipping_tax_total": Decimal("0.5"),
        "tax_total": Decimal("4.498"),
        "discount_total": 0,
        "created_at": "2026-11-22T07:53:10.349Z",
        "updated_at": "2026-11-22T07:53:20.349Z",
        "canceled_at": None,
        "items": list(lines) or [line()],
        "shipping_address": {
            "first_name": "Ada",
            "last_name": "Byron",
            "address_1": "1 Main",
            "city": "Canton",
            "country_code": "us",
            "province": "MI",
            "postal_code": "48817",
            "phone": "+15551234",
        },
        "customer": {"id": "cus_01", "email": "ada@example.com"},
        "fulfillments": [],
        "payment_collections": [collection],
    }
    return copy.deepcopy({**found, **changed})


def level(stocked: int, reserved: int, location: str = "sloc_01") -> dict[str, Any]:
    return {
        "id": "ilev_01",
        "location_id": location,
        "stocked_quantity": stocked,
        "reserved_quantity": reserved,
    }


def part(*levels: dict[str, Any], required: int = 1, key: str = "iitem_01") -> dict[str, Any]:
    inventory = {"id": key, "sku": "MUG-1", "location_levels": list(levels)}
    return {"inventory_item_id": key, "required_quantity": required, "inventory": inventory}


def variant(*parts: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {
        "id": "variant_01",
        "title": "M",
        "sku": "MUG-1",
        "barcode": None,
        "ean": "4006381333931",
        "manage_inventory": True,
        "product_id": "prod_01",
        "updated_at": "2026-11-22T07:53:07.666Z",
        "product": {"id": "prod_01", "title": "Mug", "status": "published"},
        "prices": [{"amount": Decimal("19.99"), "currency_code": "usd", "rules": {}}],
        "inventory_items": list(parts) or [part(level(20, 6))],
        **changed,
    }
