"""The simulated shop in TikTok's words: its state → records of the API, webhook bodies. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.amounts import exponent
from connectors.records import OrderStatus
from connectors.simulators.shop import (
    FIRST_PRODUCT,
    FIRST_VARIANT,
    Position,
    Sale,
    SaleLine,
    Variant,
)

MAIN, SECOND, RETURNS = "7200000000000000001", "7200000000000000002", "7200000000000000009"
#: The only delivery option.
DELIVERY = "7091146663229654785"

#: Where an order stands → (order's status, its units' display_status, their package_status).
WORDS = {
    OrderStatus.UNPAID: ("UNPAID", "UNPAID", ""),
    OrderStatus.HELD: ("ON_HOLD", "AWAITING_SHIPMENT", "TO_FULFILL"),
    OrderStatus.CONFIRMED: ("AWAITING_SHIPMENT", "AWAITING_SHIPMENT", "TO_FULFILL"),
    OrderStatus.PART_SHIPPED: ("PARTIALLY_SHIPPING", "AWAITING_SHIPMENT", "TO_FULFILL"),
    OrderStatus.SHIPPED: ("IN_TRANSIT", "IN_TRANSIT", "FULFILLING"),
    OrderStatus.DELIVERED: ("DELIVERED", "DELIVERED", "COMPLETED"),
    OrderStatus.SIGNED: ("COMPLETED", "COMPLETED", "COMPLETED"),
    OrderStatus.CANCELLED: ("CANCELLED", "CANCELLED", "CANCELLED"),
}


class BadToken(ValueError):
    """Not a page token of this list."""


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def amount(minor: int, currency: str) -> str:
    places = exponent(currency)
    digits = str(minor).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits


def pack(*parts: object) -> str:
    return base64.b64encode(json.dumps(parts).encode()).decode()


def unpack(token: str) -> list[Any]:
    try:
        found = json.loads(base64.b64decode(token, validate=True))
    except ValueError as error:
        raise BadToken(token) from error
    if not isinstance(found, list):
        raise BadToken(token)
    return found


def position(token: str) -> Position:
    """Of a page token of the order list."""
    try:
        moment, version = unpack(token)
        return datetime.fromisoformat(moment), int(version)
    except (ValueError, TypeError) as error:
        raise BadToken(token) from error


def product_key(variant: Variant, together: int) -> str:
    """Variants belong to a product in the order they were made, ``together`` at a time."""
    return str(FIRST_PRODUCT + (int(variant.key) - FIRST_VARIANT) // together)


def unit_key(line_key: str, number: int) -> str:
    return f"{line_key}{number:05}"


def package_key(sale: Sale) -> str:
    """Of the package an order has by itself."""
    return f"11{sale.key}"


def order(sale: Sale, currency: str, units: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``units`` are its line items."""
    word, _, _ = WORDS[sale.status]
    total = amount(sale.total, currency)
    found: dict[str, Any] = {
        "id": sale.key,
        "status": word,
        "create_time": seconds(sale.placed_at),
        "update_time": seconds(sale.updated_at),
        "fulfillment_type": "FULFILLMENT_BY_SELLER",
        "delivery_type": "HOME_DELIVERY",
        "delivery_option_id": DELIVERY,
        "is_on_hold_order": sale.status is OrderStatus.HELD,
        "is_buyer_request_cancel": False,
        "is_sample_order": False,
        "is_cod": False,
        "warehouse_id": MAIN,
        "user_id": f"7{sale.key}",
        "rts_sla_time": seconds(sale.placed_at) + 2 * 86_400,
        "payment": {
            "currency": currency,
            "sub_total": total,
            "shipping_fee": amount(0, currency),
            "seller_discount": amount(0, currency),
            "platform_discount": amount(0, currency),
            "tax": amount(0, currency),
            "total_amount": total,
            "original_total_product_price": total,
        },
        "line_items": list(units),
    }
    if sale.cancelled_at:
        found |= {"cancel_time": seconds(sale.cancelled_at), "cancel_reason": "Changed mind"}
    if sale.buyer and sale.status not in (OrderStatus.UNPAID, OrderStatus.HELD):
        found |= {"recipient_address": _address(sale), "buyer_email": sale.buyer.get("email", "")}
    return found


def product(
    variants: Sequence[Variant],
    key: str,
    status: str,
    currency: str,
    shelves: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    """``shelves`` is per variant what lies in which warehouse."""
    return {
        "id": key,
        "title": variants[0].title,
        "status": status,
        "create_time": seconds(variants[0].updated_at),
        "update_time": max(seconds(one.updated_at) for one in variants),
        "sales_regions": ["GB"],
        "skus": [
            {
                "id": one.key,
                "seller_sku": one.sku,
                "price": {"currency": currency, "tax_exclusive_price": amount(one.price, currency)},
                "inventory": [
                    {"warehouse_id": place, "quantity": count}
                    for place, count in shelves[one.key].items()
                ],
                "status_info": {"status": "NORMAL" if one.active else "DEACTIVATED"},
            }
            for one in variants
        ],
    }


def inventory(variant: Variant, shelves: Mapping[str, int], committed: int) -> dict[str, Any]:
    return {
        "id": variant.key,
        "seller_sku": variant.sku,
        "total_available_quantity": variant.quantity,
        "total_committed_quantity": committed,
        "warehouse_inventory": [
            {"warehouse_id": place, "available_quantity": count, "committed_quantity": 0}
            for place, count in shelves.items()
        ],
    }


def warehouses(places: Sequence[str]) -> list[dict[str, Any]]:
    found = [
        {
            "id": place,
            "name": f"Warehouse {number}",
            "effect_status": "ENABLED",
            "type": "SALES_WAREHOUSE",
            "sub_type": "DOMESTIC_WAREHOUSE",
            "is_default": number == 1,
        }
        for number, place in enumerate(places, start=1)
    ]
    back = {"id": RETURNS, "name": "Returns", "effect_status": "ENABLED"}
    return [*found, {**back, "type": "RETURN_WAREHOUSE", "is_default": False}]


def order_told(sale: Sale) -> dict[str, Any]:
    """As a webhook has it, where CANCELLED is CANCEL."""
    word, _, _ = WORDS[sale.status]
    return {
        "order_id": sale.key,
        "order_status": "CANCEL" if word == "CANCELLED" else word,
        "is_on_hold_order": sale.status is OrderStatus.HELD,
        "update_time": seconds(sale.updated_at),
    }


def cancellation_told(sale: Sale) -> dict[str, Any]:
    return {
        "order_id": sale.key,
        "cancellations_role": "BUYER",
        "cancel_status": "CANCELLATION_REQUEST_SUCCESS",
        "cancel_id": f"4{sale.key}",
        "create_time": seconds(sale.cancelled_at or sale.updated_at),
    }


def product_told(key: str, moment: datetime) -> dict[str, Any]:
    return {
        "product_id": int(key),
        "status": "PRODUCT_STATUS_CHANGED",
        "suspended_reason": "",
        "update_time": seconds(moment),
    }


def moment_of(unix: object) -> datetime:
    return datetime.fromtimestamp(int(str(unix)), UTC)


def unit(key: str, line: SaleLine, currency: str) -> dict[str, Any]:
    """One line item, without where it stands."""
    price = amount(line.unit_price, currency)
    return {
        "id": key,
        "sku_id": line.variant_key,
        "seller_sku": line.sku,
        "product_name": line.title,
        "currency": currency,
        "sale_price": price,
        "original_price": price,
        "is_gift": False,
    }


def _address(sale: Sale) -> dict[str, Any]:
    names = {
        "name": "name",
        "phone_number": "phone",
        "address_line1": "address1",
        "address_line2": "address2",
        "post_town": "city",
        "postal_code": "zip",
    }
    found = {theirs: sale.buyer.get(ours, "") for theirs, ours in names.items()}
    return {**found, "region_code": sale.buyer.get("country", "GB")}
