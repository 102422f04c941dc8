"""The simulated shop in Medusa's words: what it sells, and how many lie there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from connectors.medusa.spelling import LOCATION, STORE, money, raw, time
from connectors.simulators.shop import Shop, Variant


def store(shop: Shop, now: datetime) -> dict[str, Any]:
    other = {"id": "stocur_1", "currency_code": "xts", "is_default": False}
    chosen = {"id": "stocur_2", "currency_code": shop.currency.lower(), "is_default": True}
    return {
        "id": STORE,
        "name": shop.name,
        "supported_currencies": [other, chosen],
        "default_sales_channel_id": None,
        "default_region_id": None,
        "default_location_id": None,
        "metadata": None,
        "created_at": time(now),
        "updated_at": time(now),
    }


def variant(
    found: Variant, currency: str, levels: Iterable[Mapping[str, Any]], **changed: Any
) -> dict[str, Any]:
    price: dict[str, Any] = {
        "id": f"price_{found.key}",
        "amount": money(found.price, currency),
        "rules": {},
    }
    inventory = {
        "id": item_key(found),
        "sku": found.sku,
        "location_levels": [dict(one) for one in levels],
    }
    return {
        "id": f"variant_{found.key}",
        "title": "Default variant",
        "sku": found.sku,
        "barcode": found.barcode or None,
        "ean": None,
        "upc": None,
        "allow_backorder": False,
        "manage_inventory": True,
        "product_id": f"prod_{found.product_key}",
        "created_at": time(found.updated_at),
        "updated_at": time(found.updated_at),
        "product": {
            "id": f"prod_{found.product_key}",
            "title": found.title,
            "status": "published" if found.active else "draft",
        },
        "prices": [
            {**price, "amount": money(found.price * 2, currency), "currency_code": "xts"},
            {**price, "currency_code": currency.lower(), "min_quantity": None},
        ],
        "inventory_items": [
            {
                "variant_id": f"variant_{found.key}",
                "inventory_item_id": item_key(found),
                "required_quantity": 1,
                "inventory": inventory,
            }
        ],
        **changed,
    }


def level(item: str, stocked: int, reserved: int, at: datetime) -> dict[str, Any]:
    return {
        "id": f"ilev_{item.removeprefix('iitem_')}",
        "inventory_item_id": item,
        "location_id": LOCATION,
        "stocked_quantity": stocked,
        "reserved_quantity": reserved,
        "incoming_quantity": 0,
        "available_quantity": stocked - reserved,
        "raw_stocked_quantity": raw(stocked),
        "raw_reserved_quantity": raw(reserved),
        "raw_incoming_quantity": raw(0),
        "metadata": None,
        "created_at": time(at),
        "updated_at": time(at),
        "deleted_at": None,
    }


def item_key(found: Variant) -> str:
    return f"iitem_{found.inventory_key}"
