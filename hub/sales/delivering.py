"""Delivering keys: what keyed products an order has been promised is drawn and shipped at once.

An order that may have keys to get is noted in the transaction that allocates its units; sync, and
its next round after a crash, delivers what is noted. Only orders that are paid for get keys, and a
key once drawn stays with its line: it may be in use, whatever becomes of the order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.dml import ReturningInsert

from hub.db import SELLER, Transaction, among
from hub.inventory import claims, keys
from hub.inventory.ledger import lock
from hub.inventory.models import product
from hub.sales import fulfilment, holding, orders
from hub.sales.lines import DOCUMENT
from hub.sales.models import key_delivery, order_line, sales_order
from hub.secrets import Keyring, Secret

#: A channel's order that nobody has paid, or that somebody looks into, gets no key yet.
NOT_PAID = ("unpaid", "held")
BATCH = 50


class OrderKey(NamedTuple):
    """A key of one line of an order."""

    line_id: int
    sku: str
    key: Secret
    drawn_at: datetime


_PROMISED = (order_line.c.seller_id == SELLER) & (order_line.c.allocated > 0)
_OF_KEYED = (
    (product.c.seller_id == order_line.c.seller_id)
    & (product.c.id == order_line.c.product_id)
    & product.c.keyed
)


def _note(which: ColumnElement[bool]) -> ReturningInsert[tuple[int]]:
    waiting = select(SELLER, order_line.c.order_id).join(product, _OF_KEYED).where(_PROMISED, which)
    noted = upsert(key_delivery).from_select(["seller_id", "order_id"], waiting.distinct())
    # One that was noted unpaid may be paid for now: it is answered again.
    return noted.on_conflict_do_update(
        index_elements=["seller_id", "order_id"], set_={"noted_at": func.now()}
    ).returning(key_delivery.c.order_id)


_ACCOUNT = bindparam("account", type_=BigInteger)
_BY_NAME = select(sales_order.c.id).where(
    sales_order.c.seller_id == SELLER,
    sales_order.c.account_id == _ACCOUNT,
    among(sales_order.c.external_id, "names"),
)
_NOTE_ORDERS = _note(order_line.c.order_id.in_(_BY_NAME))
_NOTE_LINES = _note(among(order_line.c.id, "lines"))


def note_orders(tx: Transaction, account_id: int, names: Sequence[str]) -> int:
    """Note which of an account's orders hold units of keyed products; answers how many."""
    found = tx.execute(_NOTE_ORDERS, {**tx.params(names=names), "account": account_id})
    return len(found.all())


def note_lines(tx: Transaction, line_ids: Sequence[int]) -> int:
    """The same for lines that have just got their units."""
    return len(tx.execute(_NOTE_LINES, tx.params(lines=line_ids)).all())


_SAME_ORDER = (sales_order.c.seller_id == key_delivery.c.seller_id) & (
    sales_order.c.id == key_delivery.c.order_id
)
_DUE = (
    select(key_delivery.c.order_id)
    .join(sales_order, _SAME_ORDER)
    .where(
        key_delivery.c.seller_id == SELLER,
        key_delivery.c.order_id > bindparam("after", type_=BigInteger),
        sales_order.c.status.not_in(NOT_PAID),
    )
    .order_by(key_delivery.c.order_id)
    .limit(bindparam("most", type_=BigInteger))
)


def due(tx: Transaction, after: int = 0, limit: int = BATCH) -> list[int]:
    """The next orders after this one that are noted and paid for."""
    return list(tx.execute(_DUE, {**tx.params(), "after": after, "most": limit}).scalars())


_LINES = (
    select(order_line.c.id)
    .join(product, _OF_KEYED)
    .join(
        sales_order,
        (sales_order.c.seller_id == order_line.c.seller_id)
        & (sales_order.c.id == order_line.c.order_id),
    )
    .where(
        _PROMISED,
        among(order_line.c.order_id, "orders"),
        sales_order.c.status.not_in([*NOT_PAID, "cancelled"]),
    )
    .order_by(order_line.c.id)
)
_STILL = (
    select(order_line.c.id)
    .join(product, _OF_KEYED)
    .where(_PROMISED, order_line.c.order_id == key_delivery.c.order_id)
    .exists()
)
_DONE = delete(key_delivery).where(
    key_delivery.c.seller_id == SELLER, among(key_delivery.c.order_id, "orders"), ~_STILL
)


def deliver_keys(tx: Transaction, order_ids: Sequence[int]) -> int:
    """Draw a key for each allocated unit of keyed products on these orders, as far as they are paid
    for, and ship the units; answers how many. Done twice it draws nothing more."""
    ids = fulfilment.lock_orders(tx, order_ids)
    waiting = list(tx.execute(_LINES, tx.params(orders=ids)).scalars())
    units = _draw_and_ship(tx, ids, waiting) if waiting else 0
    tx.execute(_DONE, tx.params(orders=ids))
    return units


def _draw_and_ship(tx: Transaction, order_ids: Sequence[int], line_ids: Sequence[int]) -> int:
    every = holding.load_lines(tx, order_ids)
    shares = claims.held(tx, DOCUMENT, line_ids)
    levels = lock(tx, {share.product_id for share in shares})
    return fulfilment.ship(tx, every, keys.draw(tx, shares), levels)


def keys_of_order(tx: Transaction, keyring: Keyring, order_id: int) -> list[OrderKey]:
    """The keys an order has got, opened. Raises NotFound."""
    _, lines = orders.get(tx, order_id)
    skus: Mapping[int, str] = {line.id: line.sku for line in lines}
    found = keys.keys_of(tx, keyring, sorted(skus))
    return [OrderKey(one.line_id, skus[one.line_id], one.key, one.drawn_at) for one in found]
