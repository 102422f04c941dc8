"""The simulated shop in Medusa's words: what it sold → orders and payments. Pure.

Records are made whole, and cut to the fields that were asked for by
:mod:`connectors.medusa.fieldset`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.medusa.spelling import LOCATION, money, raw, time
from connectors.records import OrderStatus
from connectors.simulators.shop import Sale, SaleLine

ORDER_PREFIX = "order_01KAW000000000000"

SENT = (OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.SIGNED)
DELIVERED = (OrderStatus.DELIVERED, OrderStatus.SIGNED)


@dataclass(slots=True)
class Box:
    """A fulfilment made through the API; ``parcel`` is what the shop calls it once it is sent."""

    key: str
    units: Mapping[str, int]
    metadata: Mapping[str, Any] | None
    at: datetime
    parcel: str = ""


@dataclass(frozen=True, slots=True)
class Trail:
    """What Medusa keeps beside an order: boxes, and when its payment was captured later on."""

    boxes: tuple[Box, ...] = ()
    captured_at: datetime | None = None
    packed: Mapping[str, int] = field(default_factory=dict)


def order(sale: Sale, currency: str, trail: Trail) -> dict[str, Any]:
    refunded = sale.refunded
    total = money(sale.total, currency)
    now = money(sale.total - refunded, currency)
    word = "canceled" if sale.cancelled_at else "pending"
    if sale.status is OrderStatus.HELD:
        word = "requires_action"
    return {
        "id": sale.key,
        **_names(sale.number),
        "status": word,
        "version": sale.version,
        "summary": {
            "credit_line_total": money(refunded, currency),
            "original_order_total": total,
            "current_order_total": now,
            "refunded_total": money(refunded, currency),
        },
        "total": now,
        "original_total": total,
        "item_total": total,
        "subtotal": total,
        "tax_total": 0,
        "discount_total": 0,
        "shipping_total": 0,
        "shipping_tax_total": 0,
        "metadata": None,
        "locale": None,
        "currency_code": currency.lower(),
        "email": sale.buyer.get("email"),
        "customer_id": _customer(sale),
        "created_at": time(sale.placed_at),
        "updated_at": time(sale.updated_at),
        "canceled_at": time(sale.cancelled_at) if sale.cancelled_at else None,
        "items": [_item(one, sale, currency, trail) for one in sale.lines],
        "shipping_address": _address(sale),
        "billing_address": None,
        "customer": _person(sale),
        "fulfillments": _fulfilments(sale, trail),
        "payment_collections": [_collection(sale, currency, trail)],
        "payment_status": _payment_status(sale, trail),
        "fulfillment_status": _fulfilment_status(sale, trail),
    }


def payment(sale: Sale, currency: str, trail: Trail) -> dict[str, Any]:
    """A confirmed order was paid when it was placed; one that was not, when it is captured."""
    paid_at = trail.captured_at or (None if sale.status is OrderStatus.UNPAID else sale.placed_at)
    amount = money(sale.total, currency)
    capture = {"id": f"capt_{_serial(sale)}", "amount": amount, "raw_amount": raw(amount)}
    return {
        "id": f"pay_{_serial(sale)}",
        "currency_code": currency.lower(),
        "provider_id": "pp_system_default",
        "amount": amount,
        "raw_amount": raw(amount),
        "captured_at": time(paid_at) if paid_at else None,
        "canceled_at": None,
        "payment_collection_id": f"pay_col_{_serial(sale)}",
        "payment_collection": {
            "id": f"pay_col_{_serial(sale)}",
            "order": {"id": sale.key, "updated_at": time(sale.updated_at)},
        },
        "created_at": time(sale.placed_at),
        "updated_at": time(trail.captured_at or sale.placed_at),
        "captures": [capture] if paid_at else [],
        "refunds": [
            {
                "id": f"ref_{one.external_id}",
                "amount": money(one.amount, currency),
                "raw_amount": raw(money(one.amount, currency)),
                "note": one.reason or None,
                "payment_id": f"pay_{_serial(sale)}",
                "refund_reason_id": None,
                "refund_reason": None,
                "created_at": time(one.refunded_at),
                "updated_at": time(one.refunded_at),
            }
            for one in sale.refunds
        ],
    }


def line_key(text: str) -> str:
    """``ordli_130…`` → what the shop calls the line."""
    return text.removeprefix("ordli_")


def _serial(sale: Sale) -> str:
    return sale.key.removeprefix("order_")


def _names(number: str) -> dict[str, Any]:
    digits = number.removeprefix("#")
    plain = number.startswith("#") and digits.isdecimal()
    return {
        "display_id": int(digits) if plain else 1,
        "custom_display_id": None if plain else number,
    }


def _item(line: SaleLine, sale: Sale, currency: str, trail: Trail) -> dict[str, Any]:
    """An edit leaves the new quantity alone; a cancelled order keeps the old one."""
    quantity = line.quantity if sale.cancelled_at else line.quantity - line.cancelled
    total, price = money(quantity * line.unit_price, currency), money(line.unit_price, currency)
    shipped = _shipped(line, sale)
    counts = {
        "quantity": quantity,
        "fulfilled_quantity": min(shipped + trail.packed.get(line.key, 0), quantity),
        "shipped_quantity": shipped,
        "delivered_quantity": shipped if sale.status in DELIVERED else 0,
        "return_requested_quantity": 0,
        "return_received_quantity": 0,
        "return_dismissed_quantity": 0,
        "written_off_quantity": 0,
    }
    return {
        "id": f"ordli_{line.key}",
        "title": line.title,
        "product_title": line.title,
        "variant_title": "Default variant",
        "variant_id": f"variant_{line.variant_key}",
        "variant_sku": line.sku,
        "requires_shipping": True,
        "is_tax_inclusive": True,
        "unit_price": price,
        "raw_unit_price": raw(price),
        "quantity": quantity,
        "raw_quantity": raw(quantity),
        "subtotal": total,
        "total": total,
        "raw_total": raw(total),
        "tax_total": 0,
        "discount_total": 0,
        "detail": {**counts, **{f"raw_{name}": raw(count) for name, count in counts.items()}},
    }


def _shipped(line: SaleLine, sale: Sale) -> int:
    """A status that was only set, without a parcel, says how much has gone."""
    if sale.parcels or line.shipped:
        return line.shipped
    if sale.status in SENT:
        return line.quantity - line.cancelled
    return line.open // 2 if sale.status is OrderStatus.PART_SHIPPED else 0


def _fulfilments(sale: Sale, trail: Trail) -> list[dict[str, Any]]:
    boxes = {one.parcel: one for one in trail.boxes if one.parcel}
    sent = []
    for parcel in sale.parcels:
        box = boxes.get(parcel.external_id)
        key = box.key if box else f"ful_{parcel.external_id}"
        units = {line_key(one.line_key): one.quantity for one in parcel.lines}
        label = {
            "id": f"fulla_{parcel.external_id}",
            "tracking_number": parcel.tracking_number,
            "tracking_url": parcel.tracking_url,
            "label_url": "",
        }
        labels = [label] if parcel.tracking_number else []
        at = time(parcel.shipped_at)
        metadata = box.metadata if box else None
        sent.append(_fulfilment(key, units, metadata, at, shipped_at=at, labels=labels))
    waiting = [one for one in trail.boxes if not one.parcel]
    return sent + [_fulfilment(one.key, one.units, one.metadata, time(one.at)) for one in waiting]


def _fulfilment(
    key: str,
    units: Mapping[str, int],
    metadata: Mapping[str, Any] | None,
    at: str,
    *,
    shipped_at: str | None = None,
    labels: Iterable[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    return {
        "id": key,
        "location_id": LOCATION,
        "packed_at": at,
        "shipped_at": shipped_at,
        "delivered_at": None,
        "canceled_at": None,
        "metadata": metadata,
        "created_at": at,
        "updated_at": at,
        "items": [
            {"id": f"fulit_{line}", "line_item_id": f"ordli_{line}", "quantity": count}
            for line, count in units.items()
        ],
        "labels": [dict(one) for one in labels],
    }


def _collection(sale: Sale, currency: str, trail: Trail) -> dict[str, Any]:
    paid = payment(sale, currency, trail)
    del paid["payment_collection"]
    amount = paid["amount"]
    return {
        "id": paid["payment_collection_id"],
        "currency_code": currency.lower(),
        "status": "completed" if paid["captures"] else "authorized",
        "amount": amount,
        "raw_amount": raw(amount),
        "captured_amount": amount if paid["captures"] else 0,
        "refunded_amount": money(sale.refunded, currency),
        "created_at": paid["created_at"],
        "updated_at": paid["updated_at"],
        "payments": [paid],
    }


def _payment_status(sale: Sale, trail: Trail) -> str:
    if sale.status is OrderStatus.CANCELLED:
        return "canceled"
    if sale.status is OrderStatus.UNPAID and trail.captured_at is None:
        return "awaiting"
    if sale.refunded:
        return "refunded" if sale.refunded >= sale.total else "partially_refunded"
    return "captured"


def _fulfilment_status(sale: Sale, trail: Trail) -> str:
    left = any(one.quantity - one.cancelled > _shipped(one, sale) for one in sale.lines)
    if sale.status in DELIVERED:
        return "delivered"
    if any(_shipped(one, sale) for one in sale.lines):
        return "partially_shipped" if left else "shipped"
    if any(trail.packed.values()):
        packed = all(trail.packed.get(one.key, 0) >= one.open for one in sale.lines)
        return "fulfilled" if packed else "partially_fulfilled"
    return "not_fulfilled"


def _customer(sale: Sale) -> str | None:
    return f"cus_{_serial(sale)}" if sale.buyer else None


def _person(sale: Sale) -> dict[str, Any] | None:
    if not sale.buyer:
        return None
    return {
        "id": _customer(sale),
        "email": sale.buyer.get("email"),
        "first_name": None,
        "last_name": None,
        "phone": None,
        "has_account": False,
    }


def _address(sale: Sale) -> dict[str, Any] | None:
    if not sale.buyer:
        return None
    first, _, last = sale.buyer.get("name", "").rpartition(" ")
    return {
        "id": f"ordaddr_{_serial(sale)}",
        "first_name": first,
        "last_name": last,
        "company": None,
        "address_1": sale.buyer.get("address1"),
        "address_2": sale.buyer.get("address2"),
        "city": sale.buyer.get("city"),
        "country_code": sale.buyer.get("country", "gb").lower(),
        "province": None,
        "postal_code": sale.buyer.get("zip"),
        "phone": sale.buyer.get("phone"),
    }
