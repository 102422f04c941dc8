"""The simulated shop in Shopify's words: its state → GraphQL nodes, webhook bodies. Pure."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

from connectors.amounts import exponent
from connectors.records import OrderStatus
from connectors.simulators.shop import Position, Sale, SaleLine, Variant

CLOSED_LOCATION = "gid://shopify/Location/60000000001"
LOCATION = "gid://shopify/Location/60000000002"
LINES_IN_ORDER = 20

#: Where an order stands → (displayFinancialStatus, displayFulfillmentStatus).
WORDS = {
    OrderStatus.UNPAID: ("PENDING", "UNFULFILLED"),
    OrderStatus.HELD: ("PAID", "ON_HOLD"),
    OrderStatus.CONFIRMED: ("PAID", "UNFULFILLED"),
    OrderStatus.PART_SHIPPED: ("PAID", "PARTIALLY_FULFILLED"),
    OrderStatus.SHIPPED: ("PAID", "FULFILLED"),
    OrderStatus.DELIVERED: ("PAID", "FULFILLED"),
    OrderStatus.SIGNED: ("PAID", "FULFILLED"),
    OrderStatus.CANCELLED: ("REFUNDED", "UNFULFILLED"),
}
SHIPPED = (OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.SIGNED)


class BadCursor(ValueError):
    """Not a cursor of this list."""


def gid(kind: str, key: str) -> str:
    return f"gid://shopify/{kind}/{key}"


def key(text: str, kind: str) -> str:
    """The number of a global id of that kind, "" for anything else."""
    prefix, _, number = text.rpartition("/")
    return number if prefix == f"gid://shopify/{kind}" else ""


def time(moment: datetime) -> str:
    """Shopify tells whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def amount(minor: int, currency: str) -> str:
    places = exponent(currency)
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def pack(*parts: object) -> str:
    return base64.b64encode(json.dumps(parts).encode()).decode()


def position(cursor: str) -> Position:
    """Of a cursor of the order list."""
    try:
        moment, version = json.loads(base64.b64decode(cursor, validate=True))
        return datetime.fromisoformat(moment), int(version)
    except (ValueError, TypeError) as error:
        raise BadCursor(cursor) from error


def offset(cursor: str) -> int:
    """Of a cursor of a short list."""
    try:
        (found,) = json.loads(base64.b64decode(cursor, validate=True))
        return int(found)
    except (ValueError, TypeError) as error:
        raise BadCursor(cursor) from error


def connection(nodes: list[Any], *, more: bool, end: str | None) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": more, "endCursor": end}, "nodes": nodes}


def order(sale: Sale, currency: str) -> dict[str, Any]:
    financial, fulfillment = WORDS[sale.status]
    total = {"amount": amount(sale.total, currency), "currencyCode": currency}
    nothing = _bag(0, currency)
    delivered = sale.status in (OrderStatus.DELIVERED, OrderStatus.SIGNED)
    sent = [{"id": gid("Fulfillment", sale.key), "displayStatus": "DELIVERED"}] if delivered else []
    current = sum((line.quantity - line.cancelled) * line.unit_price for line in sale.lines)
    return {
        "id": gid("Order", sale.key),
        "name": sale.number,
        "createdAt": time(sale.placed_at),
        "processedAt": time(sale.placed_at),
        "updatedAt": time(sale.updated_at),
        "cancelledAt": time(sale.cancelled_at) if sale.cancelled_at else None,
        "cancelReason": "CUSTOMER" if sale.cancelled_at else None,
        "test": False,
        "displayFinancialStatus": financial,
        "displayFulfillmentStatus": fulfillment,
        "returnStatus": "NO_RETURN",
        "currencyCode": currency,
        "presentmentCurrencyCode": currency,
        "taxesIncluded": True,
        "totalPriceSet": {"shopMoney": total, "presentmentMoney": total},
        "currentTotalPriceSet": _bag(current, currency),
        "totalShippingPriceSet": nothing,
        "totalTaxSet": nothing,
        "totalDiscountsSet": nothing,
        "totalRefundedSet": nothing,
        "customer": {"id": gid("Customer", sale.key)} if sale.buyer else None,
        "email": sale.buyer.get("email"),
        "phone": sale.buyer.get("phone"),
        "shippingAddress": _address(sale),
        "fulfillments": sent,
        "lineItems": lines(sale, currency, 0, LINES_IN_ORDER),
    }


def lines(sale: Sale, currency: str, start: int, count: int) -> dict[str, Any]:
    shown = [_line(one, sale, currency) for one in sale.lines[start : start + count]]
    end = start + len(shown)
    return connection(shown, more=end < len(sale.lines), end=pack(end) if shown else None)


def variant(found: Variant, currency: str, *, stocked: bool) -> dict[str, Any]:
    return {
        "id": gid("ProductVariant", found.key),
        "sku": found.sku,
        "displayName": found.title,
        "barcode": found.barcode or None,
        "price": amount(found.price, currency),
        "updatedAt": time(found.updated_at),
        "product": {
            "id": gid("Product", found.product_key),
            "status": "ACTIVE" if found.active else "ARCHIVED",
        },
        "inventoryItem": inventory_item(found, stocked=stocked),
    }


def inventory_item(found: Variant, *, stocked: bool) -> dict[str, Any]:
    level = {"quantities": [{"name": "available", "quantity": found.quantity}]}
    return {
        "id": gid("InventoryItem", found.inventory_key),
        "tracked": True,
        "inventoryLevel": level if stocked else None,
    }


def order_body(sale: Sale) -> dict[str, Any]:
    """REST-shaped, as webhook bodies are."""
    return {
        "id": int(sale.key),
        "admin_graphql_api_id": gid("Order", sale.key),
        "name": sale.number,
        "created_at": time(sale.placed_at),
        "updated_at": time(sale.updated_at),
        "cancelled_at": time(sale.cancelled_at) if sale.cancelled_at else None,
        "line_items": [
            {"id": int(one.key), "sku": one.sku, "quantity": one.quantity} for one in sale.lines
        ],
    }


def level_body(found: Variant) -> dict[str, Any]:
    location = key(LOCATION, "Location")
    item = found.inventory_key
    return {
        "inventory_item_id": int(item),
        "location_id": int(location),
        "available": found.quantity,
        "updated_at": time(found.updated_at),
        "admin_graphql_api_id": f"{gid('InventoryLevel', location)}?inventory_item_id={item}",
    }


def product_body(found: Variant) -> dict[str, Any]:
    return {
        "id": int(found.product_key),
        "admin_graphql_api_id": gid("Product", found.product_key),
        "title": found.title,
        "status": "active" if found.active else "archived",
        "updated_at": time(found.updated_at),
    }


def _bag(minor: int, currency: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount(minor, currency)}}


def _line(line: SaleLine, sale: Sale, currency: str) -> dict[str, Any]:
    current = line.quantity - line.cancelled
    return {
        "id": gid("LineItem", line.key),
        "sku": line.sku,
        "name": line.title,
        "quantity": line.quantity,
        "currentQuantity": current,
        "unfulfilledQuantity": _unfulfilled(sale.status, current),
        "variant": {"id": gid("ProductVariant", line.variant_key)},
        "originalUnitPriceSet": _bag(line.unit_price, currency),
        "discountAllocations": [],
        "taxLines": [],
    }


def _unfulfilled(status: OrderStatus, current: int) -> int:
    if status in SHIPPED:
        return 0
    return current // 2 if status is OrderStatus.PART_SHIPPED else current


def _address(sale: Sale) -> dict[str, Any] | None:
    if not sale.buyer:
        return None
    names = ("name", "address1", "address2", "city", "provinceCode", "zip", "phone")
    found: dict[str, Any] = {name: sale.buyer.get(name) for name in names}
    return {**found, "countryCodeV2": sale.buyer.get("country", "GB")}
