"""Rows in the shape the webservice gives them, to be bent by tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.prestashop.fields import Row
from connectors.prestashop.localtime import ShopClock
from connectors.prestashop.mapping import Around
from connectors.prestashop.states import State, States
from connectors.records import OrderStatus

PARIS = ZoneInfo("Europe/Paris")
CLOCK = ShopClock(PARIS, datetime(2027, 1, 1, tzinfo=UTC))
CURRENCIES = {"1": "EUR", "2": "JPY"}

#: id → paid, shipped, logable: as in a new shop, and two of the seller's own.
FLAGS = {
    "1": (0, 0, 0),
    "2": (1, 0, 1),
    "3": (1, 0, 1),
    "4": (1, 1, 1),
    "5": (1, 1, 1),
    "6": (0, 0, 0),
    "7": (0, 0, 0),
    "8": (0, 0, 0),
    "9": (1, 0, 0),
    "10": (0, 0, 0),
    "13": (0, 0, 0),
    "21": (0, 0, 1),
    "22": (1, 1, 1),
}
ROLES = {
    "PS_OS_SHIPPING": "4",
    "PS_OS_DELIVERED": "5",
    "PS_OS_CANCELED": "6",
    "PS_OS_REFUND": "7",
    "PS_OS_ERROR": "8",
}


def states(
    roles: Mapping[str, str] | None = None,
    own: Mapping[str, OrderStatus] | None = None,
    **more: str,
) -> States:
    known = {
        key: State(key, f"State {key}", bool(paid), bool(shipped), bool(logable))
        for key, (paid, shipped, logable) in FLAGS.items()
    }
    return States(known, ROLES if roles is None else roles, own or {}, **more)


def around(**changed: Any) -> Around:
    found: dict[str, Any] = {
        "clock": CLOCK,
        "states": states(),
        "currencies": CURRENCIES,
        "details": {"31": Row(detail())},
        "customers": {"9": Row(customer())},
        "addresses": {"12": Row(address())},
        "countries": {"8": "FR"},
        "provinces": {"77": "IDF"},
    }
    return Around(**{**found, **changed})


def order_row(**changed: Any) -> dict[str, Any]:
    return {
        "id": "31",
        "product_id": "20",
        "product_attribute_id": "44",
        "product_quantity": "3",
        "product_name": "Green tea - Weight : 100 g",
        "product_reference": "TEA-1",
        "product_price": "3.750000",
        "unit_price_tax_incl": "4.500000",
        "unit_price_tax_excl": "3.750000",
        **changed,
    }


def order(rows: Sequence[dict[str, Any]] | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "id": 17,
        "id_address_delivery": "12",
        "id_address_invoice": "12",
        "id_currency": "1",
        "id_customer": 9,
        "id_carrier": "2",
        "current_state": "2",
        "module": "ps_checkpayment",
        "date_add": "2026-11-01 10:00:00",
        "date_upd": "2026-11-01 10:05:00",
        "delivery_date": "0000-00-00 00:00:00",
        "total_discounts_tax_incl": "1.350000",
        "total_paid": "17.100000",
        "total_paid_tax_incl": "17.100000",
        "total_paid_tax_excl": "14.250000",
        "total_shipping_tax_incl": "4.950000",
        "reference": "ABCDEFGHI",
        "associations": {"order_rows": list(rows or [order_row()])},
        **changed,
    }


def detail(**changed: Any) -> dict[str, Any]:
    return {
        "id": 31,
        "id_order": "17",
        "product_quantity_refunded": "0",
        "product_quantity_return": "0",
        "total_price_tax_incl": "13.500000",
        "total_price_tax_excl": "11.250000",
        **changed,
    }


def customer(**changed: Any) -> dict[str, Any]:
    told = {"id": 9, "firstname": "Ada", "lastname": "Byron", "email": "ada@buyers.example"}
    return {**told, **changed}


def address(**changed: Any) -> dict[str, Any]:
    return {
        "id": 12,
        "id_country": "8",
        "id_state": "77",
        "company": "",
        "firstname": "Ada",
        "lastname": "Lovelace",
        "address1": "1 rue du Port",
        "address2": "",
        "postcode": "75001",
        "city": "Paris",
        "phone": "+33 1",
        "phone_mobile": "+33 6",
        **changed,
    }


def slip(**changed: Any) -> dict[str, Any]:
    lines = [{"id": "1", "id_order_detail": "31", "product_quantity": "1"}]
    return {
        "id": 5,
        "id_order": "17",
        "total_products_tax_excl": "3.750000",
        "total_products_tax_incl": "4.500000",
        "total_shipping_tax_incl": "1.200000",
        "amount": "3.750000",
        "shipping_cost_amount": "1.000000",
        "date_add": "2026-11-03 09:00:00",
        "date_upd": "2026-11-03 09:00:00",
        "associations": {"order_slip_details": lines},
        **changed,
    }


def product(**changed: Any) -> dict[str, Any]:
    return {
        "id": 20,
        "reference": "TEA",
        "ean13": "4006381333931",
        "price": "3.750000",
        "active": "1",
        "available_for_order": "1",
        "date_upd": "2026-11-01 10:05:00",
        "name": [{"id": "1", "value": "Green tea"}, {"id": "2", "value": "Thé vert"}],
        **changed,
    }


def combination(**changed: Any) -> dict[str, Any]:
    return {
        "id": 44,
        "id_product": "20",
        "reference": "TEA-1",
        "ean13": "",
        "price": "-0.250000",
        "associations": {"product_option_values": [{"id": "6"}, {"id": "8"}]},
        **changed,
    }


def stock(**changed: Any) -> dict[str, Any]:
    return {
        "id": 71,
        "id_product": "20",
        "id_product_attribute": "44",
        "id_shop": "1",
        "id_shop_group": "0",
        "quantity": "12",
        "depends_on_stock": "0",
        "out_of_stock": "2",
        **changed,
    }
