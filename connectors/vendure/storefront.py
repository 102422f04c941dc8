"""The simulated shop in Vendure's words: its state → GraphQL nodes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors.postsale import Parcel, Refund
from connectors.records import OrderStatus
from connectors.simulators.shop import Sale, SaleLine, Variant
from connectors.vendure.money import Scale

LOCATION, OTHER_LOCATION = "1", "2"

#: Where an order stands → its state.
STATES = {
    OrderStatus.UNPAID: "ArrangingPayment",
    OrderStatus.HELD: "Modifying",
    OrderStatus.CONFIRMED: "PaymentSettled",
    OrderStatus.PART_SHIPPED: "PartiallyShipped",
    OrderStatus.SHIPPED: "Shipped",
    OrderStatus.DELIVERED: "Delivered",
    OrderStatus.SIGNED: "Delivered",
    OrderStatus.CANCELLED: "Cancelled",
}


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """A parcel as Vendure keeps it: made first, sent then."""

    key: str
    state: str
    parcel: Parcel
    made_at: datetime
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of an order's history."""

    kind: str
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Dossier:
    """An order with all that Vendure keeps beside it. ``changed_at`` is its own time of change."""

    sale: Sale
    changed_at: datetime
    fulfilments: Sequence[Fulfilment]
    history: Sequence[Entry]
    states: Mapping[str, tuple[str, str, datetime]]
    scale: Scale

    @property
    def state(self) -> str:
        return STATES[self.sale.status]


def time(moment: datetime) -> str:
    told = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return told.replace("+00:00", "Z")


def order(of: Dossier) -> dict[str, Any]:
    sale = of.sale
    total = sum((one.quantity - one.cancelled) * one.unit_price for one in sale.lines)
    return {
        **scanned(of),
        "code": sale.number,
        "state": of.state,
        "active": False,
        "type": "Regular",
        "aggregateOrderId": None,
        "createdAt": time(sale.placed_at),
        "currencyCode": of.scale.currency,
        "totalWithTax": of.scale.kept(total),
        "shippingWithTax": 0,
        "taxSummary": [],
        "discounts": [],
        "surcharges": [],
        "customer": _customer(sale),
        "shippingAddress": _address(sale),
        "lines": [_line(one, of.scale) for one in sale.lines],
        "payments": payments(of),
        "fulfillments": [_fulfilment(one) for one in of.fulfilments],
    }


def scanned(of: Dossier) -> dict[str, Any]:
    """Its times alone."""
    latest = max((one.at for one in of.history), default=of.sale.placed_at)
    return {
        "id": of.sale.key,
        "updatedAt": time(of.changed_at),
        "orderPlacedAt": time(of.sale.placed_at),
        "payments": [
            {**_times(one), "refunds": [_times(each) for each in one["refunds"]]}
            for one in payments(of)
        ],
        "fulfillments": [_times(_fulfilment(one)) for one in of.fulfilments],
        "latest": {"items": [{"createdAt": time(latest)}]},
    }


def refunded(of: Dossier) -> dict[str, Any]:
    return {
        "id": of.sale.key,
        "orderPlacedAt": time(of.sale.placed_at),
        "currencyCode": of.scale.currency,
        "type": "Regular",
        "payments": [{"refunds": one["refunds"]} for one in payments(of)],
    }


def standing(of: Dossier) -> dict[str, Any]:
    return {
        "id": of.sale.key,
        "state": of.state,
        "currencyCode": of.scale.currency,
        "lines": [
            {"id": one.key, "quantity": one.quantity - one.cancelled} for one in of.sale.lines
        ],
        "fulfillments": [
            {
                name: value
                for name, value in _fulfilment(one).items()
                if name not in ("createdAt", "updatedAt")
            }
            for one in of.fulfilments
        ],
        "payments": [
            {name: one[name] for name in ("id", "state", "amount", "refunds")}
            for one in payments(of)
        ],
        "history": {"items": [{"type": one.kind, "data": dict(one.data)} for one in of.history]},
    }


def payments(of: Dossier) -> list[dict[str, Any]]:
    sale = of.sale
    if sale.status is OrderStatus.UNPAID:
        return []
    return [
        {
            "id": payment_key(sale.key),
            "method": "dummy",
            "state": "Settled",
            "amount": of.scale.kept(sale.total),
            "createdAt": time(sale.placed_at),
            "updatedAt": time(sale.placed_at),
            "refunds": [refund(one, of) for one in sale.refunds],
        }
    ]


def refund(given: Refund, of: Dossier) -> dict[str, Any]:
    made = given.refunded_at
    state, transaction, settled = of.states.get(given.external_id, ("Settled", "auto", made))
    return {
        "id": given.external_id,
        "createdAt": time(made),
        "updatedAt": time(settled),
        "total": of.scale.kept(given.amount),
        "shipping": of.scale.kept(given.shipping),
        "state": state,
        "reason": given.reason or None,
        "transactionId": transaction or None,
        "lines": [{"orderLineId": one.line_key, "quantity": one.quantity} for one in given.lines],
    }


def payment_key(order_key: str) -> str:
    return f"9{order_key}"


def variant(found: Variant, allocated: int, scale: Scale, track: str) -> dict[str, Any]:
    return {
        "id": found.key,
        "sku": found.sku,
        "name": found.title,
        "enabled": found.active,
        "updatedAt": time(found.updated_at),
        "trackInventory": track,
        "priceWithTax": scale.kept(found.price),
        "currencyCode": scale.currency,
        "product": {"id": found.product_key, "enabled": True},
        "stockLevels": levels(found, allocated),
    }


def levels(found: Variant, allocated: int) -> list[dict[str, Any]]:
    """What another location holds is nobody's business here."""
    return [
        {"stockLocationId": OTHER_LOCATION, "stockOnHand": 77, "stockAllocated": 7},
        {
            "stockLocationId": LOCATION,
            "stockOnHand": found.quantity + allocated,
            "stockAllocated": allocated,
        },
    ]


def _line(line: SaleLine, scale: Scale) -> dict[str, Any]:
    price, current = scale.kept(line.unit_price), line.quantity - line.cancelled
    return {
        "id": line.key,
        "quantity": current,
        "orderPlacedQuantity": line.quantity,
        "productVariant": {"id": line.variant_key, "sku": line.sku, "name": line.title},
        "unitPriceWithTax": price,
        "proratedUnitPrice": price,
        "proratedUnitPriceWithTax": price,
        "proratedLinePrice": price * current,
        "proratedLinePriceWithTax": price * current,
    }


def _fulfilment(of: Fulfilment) -> dict[str, Any]:
    return {
        "id": of.key,
        "state": of.state,
        "method": of.parcel.carrier,
        "trackingCode": of.parcel.tracking_number,
        "createdAt": time(of.made_at),
        "updatedAt": time(of.sent_at),
        "lines": [
            {"orderLineId": one.line_key, "quantity": one.quantity} for one in of.parcel.lines
        ],
    }


def _times(node: Mapping[str, Any]) -> dict[str, Any]:
    return {"createdAt": node["createdAt"], "updatedAt": node["updatedAt"]}


def _customer(sale: Sale) -> dict[str, Any] | None:
    if not sale.buyer:
        return None
    first, _, last = sale.buyer.get("name", "").partition(" ")
    return {
        "id": f"8{sale.key}",
        "firstName": first,
        "lastName": last,
        "emailAddress": sale.buyer.get("email", ""),
        "phoneNumber": sale.buyer.get("phone"),
    }


def _address(sale: Sale) -> dict[str, Any]:
    """Vendure answers an address of nulls where there is none."""
    names = {
        "fullName": "name",
        "company": "company",
        "streetLine1": "address1",
        "streetLine2": "address2",
        "city": "city",
        "province": "provinceCode",
        "postalCode": "zip",
        "country": "country",
        "countryCode": "country",
        "phoneNumber": "phone",
    }
    return {theirs: sale.buyer.get(ours) for theirs, ours in names.items()}
