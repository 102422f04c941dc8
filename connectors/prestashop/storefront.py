"""The simulated shop in PrestaShop's words: its state → rows of the webservice. Pure.

Ids of a list are numbers, all else is text; money has six decimals; times are the shop's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from connectors.amounts import exponent
from connectors.postsale import Refund
from connectors.prestashop.localtime import FORM
from connectors.records import OrderStatus
from connectors.simulators.shop import Sale, SaleLine, Variant

Row = dict[str, Any]

#: VAT that prices have in.
TAX = Decimal("1.20")
NEVER = "0000-00-00 00:00:00"
SHOP, GROUP, CURRENCY, DOLLAR, COUNTRY, REGION = "1", "1", "1", "2", "17", "84"
#: In front of an order's id, the ids of what belongs to it.
CUSTOMER, ADDRESS, CARRIER = "6", "7", "8"

#: (id, name, paid, shipped, logable, delivery): the states of a new shop, and one of its own.
STATES = (
    ("1", "Awaiting check payment", 0, 0, 0, 0),
    ("2", "Payment accepted", 1, 0, 1, 0),
    ("3", "Processing in progress", 1, 0, 1, 1),
    ("4", "Shipped", 1, 1, 1, 1),
    ("5", "Delivered", 1, 1, 1, 1),
    ("6", "Canceled", 0, 0, 0, 0),
    ("7", "Refunded", 0, 0, 0, 0),
    ("8", "Payment error", 0, 0, 0, 0),
    ("9", "On backorder (paid)", 1, 0, 0, 0),
    ("10", "Awaiting bank wire payment", 0, 0, 0, 0),
    ("13", "Awaiting Cash On Delivery validation", 0, 0, 0, 0),
    ("14", "Waiting for the print file", 1, 0, 1, 0),
)
STATE_OF = {
    OrderStatus.UNPAID: "10",
    OrderStatus.HELD: "14",
    OrderStatus.CONFIRMED: "2",
    OrderStatus.PART_SHIPPED: "3",
    OrderStatus.SHIPPED: "4",
    OrderStatus.DELIVERED: "5",
    OrderStatus.SIGNED: "5",
    OrderStatus.CANCELLED: "6",
}
STATUS_OF = {
    "2": OrderStatus.CONFIRMED,
    "3": OrderStatus.CONFIRMED,
    "5": OrderStatus.DELIVERED,
    "10": OrderStatus.UNPAID,
    "14": OrderStatus.HELD,
}
CONFIGURATION = {
    "PS_CURRENCY_DEFAULT": CURRENCY,
    "PS_STOCK_MANAGEMENT": "1",
    "PS_OS_SHIPPING": "4",
    "PS_OS_DELIVERED": "5",
    "PS_OS_CANCELED": "6",
    "PS_OS_REFUND": "7",
    "PS_OS_ERROR": "8",
}


def reference(number: int) -> str:
    """Nine letters, as people call an order."""
    letters = ""
    for _ in range(9):
        number, rest = divmod(number * 7 + 5 if not letters else number, 26)
        letters = chr(65 + rest) + letters
    return letters


def money(minor: int, currency: str) -> str:
    return f"{Decimal(minor).scaleb(-exponent(currency)):.6f}"


def untaxed(minor: int, currency: str) -> str:
    return f"{Decimal(minor).scaleb(-exponent(currency)) / TAX:.6f}"


def words(text: str) -> list[Row]:
    """In both languages of the shop."""
    return [{"id": "1", "value": text}, {"id": "2", "value": text}]


class Writer:
    """Rows of one shop: in its currency and its zone."""

    def __init__(self, currency: str, zone: tzinfo) -> None:
        self.currency = currency
        self.zone = zone

    def time(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).strftime(FORM)

    # -- orders --------------------------------------------------------------------------------

    def columns(self, sale: Sale) -> Row:
        """What an order is found by, without the rest of it."""
        return {
            "id": int(sale.key),
            "id_currency": CURRENCY,
            "id_customer": CUSTOMER + sale.key,
            "current_state": STATE_OF[sale.status],
            "reference": sale.number,
            "date_add": self.time(sale.placed_at),
            "date_upd": self.time(sale.updated_at),
        }

    def order(self, sale: Sale, tracking: str) -> Row:
        lines = kept(sale)
        total = sum(one.unit_price * units for one, units in lines)
        state = STATE_OF[sale.status]
        valid = next(one[4] for one in STATES if one[0] == state)
        goods, bare = money(total, self.currency), untaxed(total, self.currency)
        nothing = "0.000000"
        return {
            **self.columns(sale),
            "id_address_delivery": ADDRESS + sale.key,
            "id_address_invoice": ADDRESS + sale.key,
            "id_cart": sale.key,
            "id_lang": "1",
            "id_carrier": "2",
            "module": "ps_wirepayment",
            "invoice_number": "1",
            "invoice_date": self.time(sale.placed_at),
            "delivery_number": "0",
            "delivery_date": NEVER,
            "valid": str(valid),
            "shipping_number": tracking,
            "note": "",
            "id_shop_group": GROUP,
            "id_shop": SHOP,
            "secure_key": "0" * 32,
            "payment": "Bank wire",
            "recyclable": "0",
            "gift": "0",
            "gift_message": "",
            "mobile_theme": "0",
            **dict.fromkeys(_three("total_discounts"), nothing),
            "total_paid": goods,
            "total_paid_tax_incl": goods,
            "total_paid_tax_excl": bare,
            "total_paid_real": goods,
            "total_products": bare,
            "total_products_wt": goods,
            **dict.fromkeys(_three("total_shipping"), nothing),
            "carrier_tax_rate": "0.000",
            **dict.fromkeys(_three("total_wrapping"), nothing),
            "round_mode": "2",
            "round_type": "2",
            "conversion_rate": "1.000000",
            "associations": {"order_rows": [self._order_row(one, units) for one, units in lines]},
        }

    def _order_row(self, line: SaleLine, units: int) -> Row:
        product, attribute = line.variant_key.split("-")
        return {
            "id": line.key,
            "product_id": product,
            "product_attribute_id": attribute,
            "product_quantity": str(units),
            "product_name": line.title,
            "product_reference": line.sku,
            "product_ean13": "",
            "product_isbn": "",
            "product_upc": "",
            "product_price": untaxed(line.unit_price, self.currency),
            "id_customization": "0",
            "unit_price_tax_incl": money(line.unit_price, self.currency),
            "unit_price_tax_excl": untaxed(line.unit_price, self.currency),
        }

    def details(self, sale: Sale) -> list[Row]:
        back: dict[str, int] = {}
        for refund in sale.refunds:
            for one in refund.lines:
                back[one.line_key] = back.get(one.line_key, 0) + one.quantity
        return [
            self._detail(sale, line, units, back.get(line.key, 0)) for line, units in kept(sale)
        ]

    def _detail(self, sale: Sale, line: SaleLine, units: int, refunded: int) -> Row:
        row = {
            name: value
            for name, value in self._order_row(line, units).items()
            if name not in ("id", "product_isbn")
        }
        total = line.unit_price * units
        return {
            "id": int(line.key),
            "id_order": sale.key,
            **row,
            "product_quantity_return": "0",
            "product_quantity_refunded": str(refunded),
            "product_quantity_reinjected": "0",
            "product_quantity_in_stock": str(units),
            "id_order_invoice": "1",
            "id_warehouse": "0",
            "id_shop": SHOP,
            "total_price_tax_incl": money(total, self.currency),
            "total_price_tax_excl": untaxed(total, self.currency),
            "total_refunded_tax_incl": "0.000000",
            "total_refunded_tax_excl": "0.000000",
        }

    def carrier(self, sale: Sale, tracking: str) -> Row:
        return {
            "id": int(CARRIER + sale.key),
            "id_order": sale.key,
            "id_carrier": "2",
            "id_order_invoice": "1",
            "weight": "0.000000",
            "shipping_cost_tax_excl": "0.000000",
            "shipping_cost_tax_incl": "0.000000",
            "tracking_number": tracking,
            "date_add": self.time(sale.placed_at),
        }

    def customer(self, sale: Sale) -> Row:
        first, last = _names(sale.buyer)
        return {
            "id": int(CUSTOMER + sale.key),
            "lastname": last,
            "firstname": first,
            "email": sale.buyer.get("email", "guest@shop.example"),
            "passwd": "not to be asked for",
            "is_guest": "1",
            "active": "1",
            "date_add": self.time(sale.placed_at),
            "date_upd": self.time(sale.placed_at),
        }

    def address(self, sale: Sale) -> Row:
        first, last = _names(sale.buyer)
        told = {name: sale.buyer.get(name, "") for name in ("address1", "address2", "city")}
        return {
            "id": int(ADDRESS + sale.key),
            "id_customer": CUSTOMER + sale.key,
            "id_country": COUNTRY,
            "id_state": REGION,
            "alias": "Home",
            "company": "",
            "lastname": last,
            "firstname": first,
            **told,
            "postcode": sale.buyer.get("zip", ""),
            "phone": sale.buyer.get("phone", ""),
            "phone_mobile": "",
            "deleted": "0",
            "date_add": self.time(sale.placed_at),
            "date_upd": self.time(sale.placed_at),
        }

    def slip(self, sale: Sale, refund: Refund) -> Row:
        amount = money(refund.amount, self.currency)
        details = [
            {
                "id": f"{n + 1}",
                "id_order_detail": one.line_key,
                "product_quantity": str(one.quantity),
                "amount_tax_excl": untaxed(refund.amount, self.currency),
                "amount_tax_incl": amount,
            }
            for n, one in enumerate(refund.lines)
        ]
        return {
            "id": int(refund.external_id),
            "id_customer": CUSTOMER + sale.key,
            "id_order": sale.key,
            "conversion_rate": "1.000000",
            "total_products_tax_excl": untaxed(refund.amount, self.currency),
            "total_products_tax_incl": amount,
            "total_shipping_tax_excl": "0.000000",
            "total_shipping_tax_incl": "0.000000",
            "amount": untaxed(refund.amount, self.currency),
            "shipping_cost": "0",
            "shipping_cost_amount": "0.000000",
            "partial": "0",
            "date_add": self.time(refund.refunded_at),
            "date_upd": self.time(refund.refunded_at),
            "order_slip_type": "0",
            **({"associations": {"order_slip_details": details}} if details else {}),
        }

    # -- products ------------------------------------------------------------------------------

    def product(self, key: str, variants: list[Variant], *, combined: bool) -> Row:
        first = variants[0]
        changed = self.time(max(one.updated_at for one in variants))
        return {
            "id": int(key),
            "reference": "" if combined else first.sku,
            "ean13": "" if combined else first.barcode,
            "price": money(first.price, self.currency),
            "active": str(int(any(one.active for one in variants))),
            "available_for_order": "1",
            "date_add": changed,
            "date_upd": changed,
            "name": words(first.title),
        }

    def combination(self, key: str, variant: Variant, first: Variant) -> Row:
        return {
            "id": int(variant.key),
            "id_product": key,
            "ean13": variant.barcode,
            "reference": variant.sku,
            "price": money(variant.price - first.price, self.currency),
            "minimal_quantity": "1",
            "associations": {"product_option_values": [{"id": variant.key}]},
        }

    def stock(self, row: str, product: str, attribute: str, units: int, *, ours: bool) -> Row:
        """``ours``: the shop's own number counts, not that of its warehouses."""
        return {
            "id": int(row),
            "id_product": product,
            "id_product_attribute": attribute,
            "id_shop": SHOP,
            "id_shop_group": "0",
            "quantity": str(units),
            "depends_on_stock": "0" if ours else "1",
            "out_of_stock": "2",
            "location": "",
        }


def states() -> list[Row]:
    return [
        {
            "id": int(key),
            "unremovable": "1",
            "delivery": str(delivery),
            "hidden": "0",
            "send_email": "1",
            "module_name": "",
            "invoice": str(paid),
            "color": "#3498D8",
            "logable": str(logable),
            "shipped": str(shipped),
            "paid": str(paid),
            "pdf_delivery": "0",
            "pdf_invoice": "0",
            "deleted": "0",
            "name": words(name),
            "template": words(""),
        }
        for key, name, paid, shipped, logable, delivery in STATES
    ]


def kept(sale: Sale) -> list[tuple[SaleLine, int]]:
    """Units as the back office shows them: what was taken off a line is no more, and a line
    without units neither; an order that was cancelled keeps them."""
    if sale.cancelled_at is not None:
        return [(line, line.quantity) for line in sale.lines]
    return [
        (line, line.quantity - line.cancelled)
        for line in sale.lines
        if line.quantity > line.cancelled
    ]


def _three(name: str) -> tuple[str, str, str]:
    return name, f"{name}_tax_incl", f"{name}_tax_excl"


def _names(buyer: Mapping[str, str]) -> tuple[str, str]:
    first, _, last = buyer.get("name", "Guest Buyer").partition(" ")
    return first, last
