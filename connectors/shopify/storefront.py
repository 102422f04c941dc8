"""The simulated shop in Shopify's words: its state → GraphQL nodes, webhook bodies. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
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


def place(sale: Sale) -> tuple[str, int]:
    """Where an order stands in the order list, as its cursor tells it."""
    moment, version = sale.position
    return moment.isoformat(), version


def offset(cursor: str) -> int:
    """Of a cursor of a short list."""
    try:
        (found,) = json.loads(base64.b64decode(cursor, validate=True))
        return int(found)
    except (ValueError, TypeError) as error:
        raise BadCursor(cursor) from error


def connection(nodes: list[Any], *, more: bool, end: str | None) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": more, "endCursor": end}, "nodes": nodes}


def sliced(items: Sequence[Any], size: int, after: str | None = None) -> dict[str, Any]:
    """A page of a short list."""
    start = offset(after) if after else 0
    shown = list(items[start : start + size])
    end = start + len(shown)
    return connection(shown, more=end < len(items), end=pack(end) if shown else None)


def sent(line: SaleLine, sale: Sale) -> int:
    """Units of a line that have left, also where only the order's state says so."""
    if line.shipped or sale.parcels:
        return line.shipped
    standing = line.quantity - line.cancelled
    if sale.status in SHIPPED:
        return standing
    return standing - standing // 2 if sale.status is OrderStatus.PART_SHIPPED else 0


def came_back(line: SaleLine, sale: Sale) -> int:
    """Units that were sent, and that money was given back for."""
    units = sum(
        one.quantity for made in sale.refunds for one in made.lines if one.line_key == line.key
    )
    return min(units, sent(line, sale))


def _fulfilments(sale: Sale) -> list[dict[str, Any]]:
    delivered = sale.status in (OrderStatus.DELIVERED, OrderStatus.SIGNED)
    word = "DELIVERED" if delivered else "FULFILLED"
    keys = [one.external_id for one in sale.parcels] or ([sale.key] if delivered else [])
    return [{"id": gid("Fulfillment", key), "displayStatus": word} for key in keys]


def _financial(sale: Sale) -> str:
    if not sale.refunds:
        return WORDS[sale.status][0]
    return "REFUNDED" if sale.refunded >= sale.total else "PARTIALLY_REFUNDED"


def order(sale: Sale, currency: str) -> dict[str, Any]:
    fulfillment = WORDS[sale.status][1]
    total = {"amount": amount(sale.total, currency), "currencyCode": currency}
    nothing = bag(0, currency)
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
        "displayFinancialStatus": _financial(sale),
        "displayFulfillmentStatus": fulfillment,
        "returnStatus": "NO_RETURN",
        "currencyCode": currency,
        "presentmentCurrencyCode": currency,
        "taxesIncluded": True,
        "totalPriceSet": {"shopMoney": total, "presentmentMoney": total},
        "currentTotalPriceSet": bag(current, currency),
        "totalShippingPriceSet": nothing,
        "totalTaxSet": nothing,
        "totalDiscountsSet": nothing,
        "totalRefundedSet": bag(sale.refunded, currency),
        "customer": {"id": gid("Customer", sale.key)} if sale.buyer else None,
        "email": sale.buyer.get("email"),
        "phone": sale.buyer.get("phone"),
        "shippingAddress": _address(sale),
        "fulfillments": _fulfilments(sale),
        "lineItems": lines(sale, currency, 0, LINES_IN_ORDER),
    }


def lines(sale: Sale, currency: str, start: int, count: int) -> dict[str, Any]:
    shown = [_line(one, sale, currency) for one in sale.lines[start : start + count]]
    end = start + len(shown)
    return connection(shown, more=end < len(sale.lines), end=pack(end) if shown else None)


def exported(sale: Sale, currency: str) -> list[dict[str, Any]]:
    """The rows of a bulk operation's file: the order, and its lines under it."""
    head = {**order(sale, currency)}
    del head["lineItems"]
    rows = [_line(one, sale, currency) for one in sale.lines]
    return [head, *({**row, "__parentId": head["id"]} for row in rows)]


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


def parcel_body(sale: Sale) -> dict[str, Any]:
    parcel = sale.parcels[-1]
    return {
        "id": int(parcel.external_id),
        "admin_graphql_api_id": gid("Fulfillment", parcel.external_id),
        "order_id": int(sale.key),
        "status": "success",
        "tracking_number": parcel.tracking_number or None,
    }


def refund_body(sale: Sale) -> dict[str, Any]:
    refund = sale.refunds[-1]
    return {
        "id": int(refund.external_id),
        "admin_graphql_api_id": gid("Refund", refund.external_id),
        "order_id": int(sale.key),
        "note": refund.reason or None,
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


def bag(minor: int, currency: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount(minor, currency)}}


def _line(line: SaleLine, sale: Sale, currency: str) -> dict[str, Any]:
    current = line.quantity - line.cancelled - came_back(line, sale)
    still = line.quantity - line.cancelled - sent(line, sale)
    return {
        "id": gid("LineItem", line.key),
        "sku": line.sku,
        "name": line.title,
        "quantity": line.quantity,
        "currentQuantity": current,
        "unfulfilledQuantity": still,
        "variant": {"id": gid("ProductVariant", line.variant_key)},
        "originalUnitPriceSet": bag(line.unit_price, currency),
        "discountAllocations": [],
        "taxLines": [],
    }


def _address(sale: Sale) -> dict[str, Any] | None:
    if not sale.buyer:
        return None
    names = ("name", "address1", "address2", "city", "provinceCode", "zip", "phone")
    found: dict[str, Any] = {name: sale.buyer.get(name) for name in names}
    return {**found, "countryCodeV2": sale.buyer.get("country", "GB")}
