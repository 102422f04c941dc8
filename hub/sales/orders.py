"""Reading orders: what stands in the ledger, with nothing of the buyer."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from hub.db import Transaction
from hub.errors import NotFound
from hub.sales.models import order_line, sales_order


class Order(NamedTuple):
    id: int
    account_id: int
    external_id: str
    number: str
    status: str
    channel_status: str
    currency: str
    total: int
    placed_at: datetime
    source_updated_at: datetime
    taken_in_at: datetime
    test: bool
    fulfilled_by_channel: bool


class Line(NamedTuple):
    id: int
    external_id: str
    listing_key: str
    product_id: int | None
    sku: str
    title: str
    quantity: int
    unit_price: int
    total: int
    allocated: int
    claimed: int
    shipped: int
    cancelled: int
    settled: int
    pending: int
    returned: int
    withdrawn: int


_ORDER = [sales_order.c[name] for name in Order._fields]
_LINE = [order_line.c[name] for name in Line._fields]


def orders(
    tx: Transaction,
    *,
    before: int,
    limit: int,
    account_id: int | None = None,
    status: str | None = None,
) -> list[Order]:
    """The ``limit`` newest orders whose id is below ``before``."""
    query = select(*_ORDER).where(
        sales_order.c.seller_id == tx.seller_id, sales_order.c.id < before
    )
    if account_id is not None:
        query = query.where(sales_order.c.account_id == account_id)
    if status is not None:
        query = query.where(sales_order.c.status == status)
    found = tx.execute(query.order_by(sales_order.c.id.desc()).limit(limit))
    return [Order(*row) for row in found]


def get(tx: Transaction, number: int) -> tuple[Order, list[Line]]:
    """An order with its lines. Raises NotFound."""
    found = tx.execute(
        select(*_ORDER).where(sales_order.c.seller_id == tx.seller_id, sales_order.c.id == number)
    ).one_or_none()
    if found is None:
        raise NotFound(f"no order {number}")
    lines = tx.execute(
        select(*_LINE)
        .where(order_line.c.seller_id == tx.seller_id, order_line.c.order_id == number)
        .order_by(order_line.c.id)
    )
    return Order(*found), [Line(*row) for row in lines]
