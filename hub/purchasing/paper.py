"""A purchase order as its supplier reads it: CSV. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from decimal import Decimal
from io import StringIO

from hub.money import exponent
from hub.purchasing.counting import Line
from hub.purchasing.orders import Order

HEADER = (
    "order",
    "position",
    "sku",
    "supplier_code",
    "name",
    "quantity",
    "unit_price",
    "currency",
    "total",
    "expected_on",
)
#: A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(order: Order, lines: Iterable[Line], named: Mapping[int, tuple[str, str]]) -> str:
    """``named``: product → (SKU, name). What was cancelled is left out."""
    places = exponent(order.currency)
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for line in lines:
        if not line.kept:
            continue
        sku, name = named[line.product_id]
        due = line.expected_on or order.expected_on
        told = (order.number, line.position, sku, line.supplier_code, name, line.kept)
        money = (_amount(line.unit_price, places), order.currency)
        total = _amount(line.kept * line.unit_price, places)
        writer.writerow([_cell(value) for value in (*told, *money, total, due or "")])
    return out.getvalue()


def _amount(minor: int, places: int) -> str:
    return str(Decimal(minor).scaleb(-places))


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
