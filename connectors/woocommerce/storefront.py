"""The simulated shop in WooCommerce's words: its state → the resources of the REST API. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.amounts import exponent, rounded_minor_units
from connectors.postsale import Parcel, Refund
from connectors.records import OrderStatus
from connectors.simulators.shop import Sale, SaleLine, Variant
from connectors.woocommerce import marks

#: Where an order stands → its status. WooCommerce has no word for a part of it.
WORDS = {
    OrderStatus.UNPAID: "pending",
    OrderStatus.HELD: "on-hold",
    OrderStatus.CONFIRMED: "processing",
    OrderStatus.PART_SHIPPED: "processing",
    OrderStatus.SHIPPED: "completed",
    OrderStatus.DELIVERED: "completed",
    OrderStatus.SIGNED: "completed",
    OrderStatus.CANCELLED: "cancelled",
}
NOT_CHARGED = (
    "discount_total",
    "discount_tax",
    "shipping_total",
    "shipping_tax",
    "cart_tax",
    "total_tax",
)
UNPAID = (OrderStatus.UNPAID, OrderStatus.CANCELLED)
HOME = "https://rehearsal.example"


def time(moment: datetime | None) -> str | None:
    """Whole seconds, without a zone. The shop's own time zone is GMT too."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") if moment else None


def dates(name: str, moment: datetime | None) -> dict[str, str | None]:
    return {name: time(moment), f"{name}_gmt": time(moment)}


def amount(minor: int, currency: str) -> str:
    places = exponent(currency)
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def minor(text: str, currency: str) -> int:
    """Of an amount as the API takes it."""
    return rounded_minor_units(text, currency)


# -- orders ----------------------------------------------------------------------------------------


def order(
    sale: Sale, currency: str, parents: Mapping[str, int], *, trashed: bool = False
) -> dict[str, Any]:
    """``parents`` tells the product of each variant that is a variation."""
    lines = [one for one in sale.lines if shown(sale, one)]
    total = sum(shown(sale, one) * one.unit_price for one in lines)
    paid = None if sale.status in UNPAID else sale.placed_at
    return {
        "id": int(sale.key),
        "parent_id": 0,
        "number": sale.number,
        "order_key": f"wc_order_{sale.key}",
        "created_via": "checkout",
        "version": "11.0.1",
        "status": "trash" if trashed else status(sale),
        "currency": currency,
        **dates("date_created", sale.placed_at),
        **dates("date_modified", sale.updated_at),
        **dict.fromkeys(NOT_CHARGED, amount(0, currency)),
        "total": amount(total, currency),
        "prices_include_tax": False,
        "customer_id": 0,
        "customer_note": "",
        **_addresses(sale.buyer),
        "payment_method": "cod",
        "payment_method_title": "Cash on delivery",
        "transaction_id": "",
        **dates("date_paid", paid),
        **dates("date_completed", completed(sale)),
        "meta_data": [_mark(one) for one in sale.parcels if one.parcel_key],
        "line_items": [_line(sale, one, currency, parents) for one in lines],
        "tax_lines": [],
        "shipping_lines": [],
        "fee_lines": [],
        "coupon_lines": [],
        "refunds": [
            {
                "id": int(one.external_id),
                "reason": one.reason,
                "total": amount(-one.amount, currency),
            }
            for one in sale.refunds
        ],
    }


def status(sale: Sale) -> str:
    """With all money given back, an order is closed, whatever it was."""
    closed = bool(sale.refunds) and sale.refunded >= sale.total
    return "refunded" if closed else WORDS[sale.status]


def shown(sale: Sale, line: SaleLine) -> int:
    """An edited line shows what is left of it; a cancelled order all that it had."""
    return line.quantity if sale.cancelled_at else line.quantity - line.cancelled


def completed(sale: Sale) -> datetime | None:
    if WORDS[sale.status] != "completed":
        return None
    return sale.parcels[-1].shipped_at if sale.parcels else sale.updated_at


def refund(given: Refund, sale: Sale, currency: str) -> dict[str, Any]:
    """The lines of one that the shop gave itself; the hub's are sums, with its marks."""
    meta = given.raw.get("meta_data")
    by_hub = isinstance(meta, list)
    lines = [] if by_hub else [_refunded(given, one, currency) for one in _named(given, sale)]
    return {
        "id": int(given.external_id),
        **dates("date_created", given.refunded_at),
        "amount": amount(given.amount, currency),
        "reason": given.reason,
        "refunded_by": 1,
        "refunded_payment": bool(given.raw.get("api_refund", False)),
        "meta_data": numbered(meta if isinstance(meta, list) else []),
        "line_items": lines,
    }


def numbered(meta: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"id": 100 + n, "key": one["key"], "value": one["value"]} for n, one in enumerate(meta)]


def _mark(parcel: Parcel) -> dict[str, Any]:
    return {"id": int(parcel.external_id), **marks.parcel(parcel, parcel.parcel_key)}


def _line(sale: Sale, line: SaleLine, currency: str, parents: Mapping[str, int]) -> dict[str, Any]:
    quantity = shown(sale, line)
    total = amount(quantity * line.unit_price, currency)
    parent = parents.get(line.variant_key, 0)
    return {
        "id": int(line.key),
        "name": line.title.replace("&", "&amp;"),
        "product_id": parent or int(line.variant_key),
        "variation_id": int(line.variant_key) if parent else 0,
        "quantity": quantity,
        "tax_class": "",
        "subtotal": total,
        "subtotal_tax": amount(0, currency),
        "total": total,
        "total_tax": amount(0, currency),
        "taxes": [],
        "meta_data": [],
        "sku": line.sku,
        "price": line.unit_price / 10 ** exponent(currency),
    }


def _named(given: Refund, sale: Sale) -> list[tuple[SaleLine, int]]:
    units = {one.line_key: one.quantity for one in given.lines}
    return [(one, units[one.key]) for one in sale.lines if one.key in units]


def _refunded(given: Refund, named: tuple[SaleLine, int], currency: str) -> dict[str, Any]:
    line, units = named
    total = amount(-given.amount, currency)
    return {
        "id": int(line.key) + 10**12,
        "name": line.title,
        "product_id": int(line.variant_key),
        "variation_id": 0,
        "quantity": -units,
        "tax_class": "",
        "subtotal": total,
        "subtotal_tax": amount(0, currency),
        "total": total,
        "total_tax": amount(0, currency),
        "taxes": [],
        "meta_data": [{"id": 99, "key": "_refunded_item_id", "value": line.key}],
        "sku": line.sku,
        "price": -given.amount / 10 ** exponent(currency),
    }


def _addresses(buyer: Mapping[str, str]) -> dict[str, Any]:
    first, _, last = buyer.get("name", "").partition(" ")
    shipping = {
        "first_name": first,
        "last_name": last,
        "company": "",
        "address_1": buyer.get("address1", ""),
        "address_2": buyer.get("address2", ""),
        "city": buyer.get("city", ""),
        "state": "",
        "postcode": buyer.get("zip", ""),
        "country": buyer.get("country", "GB") if buyer else "",
    }
    reached = {"email": buyer.get("email", ""), "phone": buyer.get("phone", "")}
    return {"billing": {**shipping, **reached}, "shipping": shipping}


# -- products --------------------------------------------------------------------------------------


def product(found: Variant, currency: str, *, managed: bool) -> dict[str, Any]:
    return {
        "id": int(found.key),
        "name": found.title.replace("&", "&amp;"),
        "slug": found.key,
        "permalink": f"{HOME}/product/{found.key}/",
        **dates("date_created", found.updated_at),
        **dates("date_modified", found.updated_at),
        "type": "simple",
        "status": "publish" if found.active else "draft",
        "catalog_visibility": "visible",
        "parent_id": 0,
        "attributes": [],
        "variations": [],
        **_sold(found, currency, managed),
    }


def variable(
    key: int, name: str, variants: Sequence[Variant], currency: str, *, managed: bool
) -> dict[str, Any]:
    """A product of variations. Where it is ``managed``, it keeps the stock of the first for all."""
    first = variants[0]
    return {
        **product(first, currency, managed=managed),
        "id": key,
        "name": name,
        "sku": "",
        "type": "variable",
        "attributes": [
            {
                "id": 0,
                "name": "Size",
                "position": 0,
                "visible": True,
                "variation": True,
                "options": [one.title for one in variants],
            }
        ],
        "variations": [int(one.key) for one in variants],
    }


def variation(found: Variant, currency: str, managed: bool | str) -> dict[str, Any]:
    return {
        "id": int(found.key),
        **dates("date_created", found.updated_at),
        **dates("date_modified", found.updated_at),
        "description": "",
        "permalink": f"{HOME}/product/{found.product_key}/?attribute_size={found.key}",
        "status": "publish" if found.active else "private",
        "attributes": [{"id": 0, "name": "Size", "option": found.title}],
        **_sold(found, currency, managed),
    }


def _sold(found: Variant, currency: str, managed: bool | str) -> dict[str, Any]:
    stocked = found.quantity > 0 or not managed
    price = amount(found.price, currency)
    return {
        "sku": found.sku,
        "price": price,
        "regular_price": price,
        "sale_price": "",
        "on_sale": False,
        "purchasable": True,
        "manage_stock": managed,
        "stock_quantity": found.quantity if managed else None,
        "stock_status": "instock" if stocked else "outofstock",
        "backorders": "no",
        "backorders_allowed": False,
        "backordered": False,
        "meta_data": [],
        "global_unique_id": found.barcode,
    }
