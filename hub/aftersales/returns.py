"""Recording refunds, and goods that came back: matched to what was sold, restocked if sellable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.aftersales.models import refund, returned
from hub.conflicts.record import Finding, open_conflicts
from hub.db import Transaction
from hub.errors import InvalidInput
from hub.inventory.keys import refuse_keyed
from hub.inventory.ledger import Move, Place, Posting, post
from hub.inventory.models import State
from hub.sales.models import order_line


@dataclass(frozen=True, slots=True)
class Refunded:
    """Money given back. ``order_id`` None: no sale of ours could be found for it."""

    account_id: int
    external_id: str
    currency: str
    amount: int
    refunded_at: datetime
    order_id: int | None = None


@dataclass(frozen=True, slots=True)
class CameBack:
    """Goods of one order line, received at a location; ``sellable`` of them were judged good."""

    order_line_id: int
    location_id: int
    quantity: int
    sellable: int


def record_refund(
    tx: Transaction, fact: Refunded, goods: Sequence[CameBack] = ()
) -> tuple[int, bool]:
    """(refund id, whether it was new). A refund that is known restocks nothing again.

    Without an order it is recorded, restocks nothing, and opens ``refund_without_return``.
    Raises InvalidInput where more comes back than was shipped.
    """
    for one in goods:
        if one.quantity < 1 or not 0 <= one.sellable <= one.quantity:
            raise InvalidInput("goods", "need a quantity of 1 or more, sellable units within it")
    if goods and fact.order_id is None:
        raise InvalidInput("goods", "cannot come back for a sale that is not known")
    written = tx.execute(
        upsert(refund)
        .values(
            seller_id=tx.seller_id,
            account_id=fact.account_id,
            external_id=fact.external_id,
            order_id=fact.order_id,
            currency=fact.currency,
            amount=fact.amount,
            refunded_at=fact.refunded_at,
        )
        .on_conflict_do_nothing(index_elements=["seller_id", "account_id", "external_id"])
        .returning(refund.c.id)
    ).scalar()
    if written is None:
        return _known(tx, fact), False
    if fact.order_id is None:
        open_conflicts(tx, [no_sale(int(written), fact.external_id, fact.account_id)])
    for one in sorted(goods, key=lambda one: one.order_line_id):
        _receive(tx, int(written), fact.order_id, one)
    return int(written), True


def no_sale(number: int, external_id: str, account_id: int) -> Finding:
    """A refund that no sale of ours is found for."""
    said = f"refund {external_id} belongs to no sale the hub knows"
    return Finding("refund_without_return", f"refund:{number}", said, {}, account_id)


def _known(tx: Transaction, fact: Refunded) -> int:
    return int(
        tx.execute(
            select(refund.c.id).where(
                refund.c.seller_id == tx.seller_id,
                refund.c.account_id == fact.account_id,
                refund.c.external_id == fact.external_id,
            )
        ).scalar_one()
    )


def _receive(tx: Transaction, refund_id: int, order_id: int | None, goods: CameBack) -> None:
    """Customer → inspection → available for what is sellable; the rest stays in inspection."""
    product_id = tx.execute(
        order_line.update()
        .values(returned=order_line.c.returned + goods.quantity)
        .where(
            order_line.c.seller_id == tx.seller_id,
            order_line.c.id == goods.order_line_id,
            order_line.c.order_id == order_id,
            order_line.c.returned + goods.quantity <= order_line.c.shipped + order_line.c.settled,
        )
        .returning(order_line.c.product_id)
    ).scalar()
    if product_id is None:
        raise InvalidInput(
            "quantity", "more comes back than was shipped on that line of that order"
        )
    tx.execute(
        insert(returned).values(
            seller_id=tx.seller_id,
            refund_id=refund_id,
            order_line_id=goods.order_line_id,
            product_id=product_id,
            location_id=goods.location_id,
            quantity=goods.quantity,
            sellable=goods.sellable,
        )
    )
    judged = Place(State.INSPECTION, goods.location_id)
    arrived = Move(product_id, goods.quantity, Place(State.CUSTOMER), judged)
    key = f"return:{refund_id}:{goods.order_line_id}"
    post(tx, [Posting(key, "return", [arrived], "refund", refund_id)])
    if goods.sellable:
        refuse_keyed(tx, [product_id])  # a key that was sold may be in use: it is not sold again
        shelf = Place(State.AVAILABLE, goods.location_id)
        restock = Move(product_id, goods.sellable, judged, shelf)
        post(tx, [Posting(f"restock:{key}", "restock", [restock], "refund", refund_id)])


def counts(tx: Transaction) -> dict[str, int]:
    """Refunds matched to a sale, refunds matched to none, units back, units restocked."""
    matched = func.count(refund.c.order_id)
    found = tx.execute(
        select(matched, func.count() - matched).where(refund.c.seller_id == tx.seller_id)
    ).one()
    units = tx.execute(
        select(
            func.coalesce(func.sum(returned.c.quantity), 0),
            func.coalesce(func.sum(returned.c.sellable), 0),
        ).where(returned.c.seller_id == tx.seller_id)
    ).one()
    return {
        "matched": int(found[0]),
        "unmatched": int(found[1]),
        "units_back": int(units[0]),
        "units_restocked": int(units[1]),
    }
