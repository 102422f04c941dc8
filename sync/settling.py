"""After a replay: ship what was sold, take back what came back, and hold it against the recount."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import func, select

from hub.aftersales.returns import CameBack, Refunded, counts, record_refund
from hub.db import Transaction
from hub.inventory.models import level, product
from hub.inventory.products import sku_key
from hub.sales.fulfilment import ship_allocated
from hub.sales.models import order_line, sales_order
from sync.carrier import Carrier
from sync.opening import Shops
from sync.replay import Played, Row

BATCH = 100


class _Line(NamedTuple):
    id: int
    order_id: int
    shipped: int
    returned: int


def settle(carrier: Carrier, shops: Shops, played: Played) -> None:
    """Ship every order, then record each return against the invoice it was matched to."""
    database, seller_id = carrier.database, shops.seller_id
    with database.transaction(seller_id) as tx:
        order_ids = list(
            tx.execute(
                select(sales_order.c.id)
                .where(sales_order.c.seller_id == seller_id)
                .order_by(sales_order.c.id)
            ).scalars()
        )
    for start in range(0, len(order_ids), BATCH):
        part = order_ids[start : start + BATCH]
        database.command(seller_id, partial(ship_allocated, order_ids=part))
    for number, (row, invoice) in enumerate(played.back):
        take_back = partial(
            _take_back, shops=shops, played=played, number=number, row=row, invoice=invoice
        )
        database.command(seller_id, take_back)
    with database.transaction(seller_id) as tx:
        found = counts(tx)
        played.sales = len(order_ids)
        played.matched, played.unmatched = found["matched"], found["unmatched"]


def _take_back(
    tx: Transaction, shops: Shops, played: Played, number: int, row: Row, invoice: str | None
) -> None:
    lines = _lines(tx, shops, played, invoice, row.sku) if invoice else []
    account_id = shops.accounts[played.keys[invoice][0] if invoice else min(shops.accounts)]
    fact = Refunded(
        account_id,
        f"{row.invoice}:{number}",
        "GBP",
        row.price * -row.quantity,
        row.at,
        lines[0].order_id if lines else None,
    )
    record_refund(tx, fact, _goods(lines, shops.location_id, -row.quantity))


def _lines(tx: Transaction, shops: Shops, played: Played, invoice: str, sku: str) -> list[_Line]:
    """The hub's lines of an invoice for one SKU; an invoice may repeat a SKU."""
    shop, key = played.keys[invoice]
    found = tx.execute(
        select(order_line.c.id, order_line.c.order_id, order_line.c.shipped, order_line.c.returned)
        .join(
            sales_order,
            (sales_order.c.seller_id == order_line.c.seller_id)
            & (sales_order.c.id == order_line.c.order_id),
        )
        .join(
            product,
            (product.c.seller_id == order_line.c.seller_id)
            & (product.c.id == order_line.c.product_id),
        )
        .where(
            order_line.c.seller_id == tx.seller_id,
            sales_order.c.account_id == shops.accounts[shop],
            sales_order.c.external_id.in_([key, f"gid://shopify/Order/{key}"]),
            product.c.sku_key == sku_key(sku),
        )
        .order_by(order_line.c.id)
    )
    return [_Line(*row) for row in found]


def _goods(lines: Sequence[_Line], location_id: int, units: int) -> list[CameBack]:
    """Spread returned units over the lines that still have some out; all judged sellable."""
    taken: dict[int, int] = defaultdict(int)
    for line in lines:
        take = min(units, line.shipped - line.returned)
        if take > 0:
            taken[line.id] = take
            units -= take
    return [CameBack(line_id, location_id, take, take) for line_id, take in taken.items()]


def units_inside(carrier: Carrier, seller_id: int) -> dict[str, int]:
    """Normalised SKU → units in every inside place."""
    with carrier.database.transaction(seller_id) as tx:
        found = tx.execute(
            select(product.c.sku_key, func.sum(level.c.quantity))
            .join(
                product,
                (product.c.seller_id == level.c.seller_id) & (product.c.id == level.c.product_id),
            )
            .where(level.c.seller_id == seller_id)
            .group_by(product.c.sku_key)
        )
        return {key: int(units) for key, units in found}
