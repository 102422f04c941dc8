"""Money given back: asked of the channel by us, or given there by whoever gave it; counted once.

Ours is a row from the start, ``pending`` under our own key, and takes the channel's id when it
answers. What the channel lists is matched by that id. A refund never restocks: goods that come back
are another fact (:mod:`hub.aftersales.returns`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol
from uuid import uuid4

from sqlalchemy import BigInteger, String, bindparam, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.aftersales.models import refund, returned
from hub.aftersales.returns import no_sale
from hub.channels import accounts, outbox
from hub.channels.telling import REFUND, Abilities, PayBack, Units
from hub.conflicts.record import close_conflicts, open_conflicts
from hub.db import SELLER, At, Transaction, rows
from hub.errors import Conflict, InvalidInput
from hub.sales import fulfilment, orders
from hub.sales.models import sales_order

PENDING, DONE, REFUSED = "pending", "done", "refused"


class Asked(NamedTuple):
    """``lines``: line id → units it is given for, where a person says."""

    amount: int
    reason: str
    currency: str | None = None
    lines: Mapping[int, int] | None = None


class Refund(NamedTuple):
    """``external_id`` is our own key while it is pending."""

    id: int
    account_id: int
    order_id: int | None
    external_id: str
    currency: str
    amount: int
    state: str
    reason: str
    refunded_at: datetime
    recorded_at: datetime


class IncomingRefund(Protocol):
    """A refund as a channel lists it."""

    @property
    def external_id(self) -> str: ...
    @property
    def order_key(self) -> str: ...
    @property
    def amount(self) -> int: ...
    @property
    def currency(self) -> str: ...
    @property
    def refunded_at(self) -> datetime: ...
    @property
    def reason(self) -> str: ...


_COLUMNS = [refund.c[name] for name in Refund._fields]


def give(tx: Transaction, order_id: int, asked: Asked, able: Abilities) -> Refund:
    """Ask the channel to give money back. Raises NotFound, InvalidInput naming the field, Conflict
    where the channel cannot be asked."""
    orders.get(tx, order_id)
    if not able.refund:
        raise Conflict("this channel takes no refunds: give it back there", code="unsupported")
    fulfilment.lock_orders(tx, [order_id])
    order, lines = orders.get(tx, order_id)
    if accounts.get(tx, order.account_id).mode == accounts.CLOSED:
        raise Conflict(f"account {order.account_id} is closed", code="account_closed")
    if asked.currency not in (None, order.currency):
        raise InvalidInput("currency", f"must be {order.currency}, in which it was paid")
    given = _given(tx, order_id)
    if not 1 <= asked.amount <= order.total - given:
        raise InvalidInput(
            "amount",
            f"must be 1 to {max(order.total - given, 0)}: of {order.total} {order.currency},"
            f" {given} has been given back or is about to be",
        )
    units = _units({one.id: (one.external_id, one.quantity) for one in lines}, asked.lines)
    key, now = uuid4().hex, datetime.now(UTC)
    made = Refund(
        *tx.execute(
            insert(refund)
            .values(
                seller_id=tx.seller_id,
                account_id=order.account_id,
                external_id=key,
                order_id=order_id,
                currency=order.currency,
                amount=asked.amount,
                refunded_at=now,
                state=PENDING,
                reason=asked.reason,
            )
            .returning(*_COLUMNS)
        ).one()
    )
    money = (asked.amount, order.currency, asked.reason, now)
    thing = PayBack(order.external_id, key, *money, units)
    outbox.add(tx, order.account_id, order_id, made.id, thing)
    return made


def _given(tx: Transaction, order_id: int) -> int:
    """What has been given back of an order, or is about to be."""
    found = select(func.coalesce(func.sum(refund.c.amount), 0)).where(
        refund.c.seller_id == tx.seller_id,
        refund.c.order_id == order_id,
        refund.c.state != REFUSED,
    )
    return int(tx.execute(found).scalar_one())


def _units(
    lines: Mapping[int, tuple[str, int]], wanted: Mapping[int, int] | None
) -> tuple[Units, ...]:
    made = []
    for place, (number, quantity) in enumerate((wanted or {}).items()):
        key, most = lines.get(number, ("", 0))
        if number not in lines:
            raise InvalidInput(f"lines[{place}].line_id", "is no line of this order")
        if not 1 <= quantity <= most:
            raise InvalidInput(f"lines[{place}].quantity", f"must be 1 to {most}")
        made.append(Units(key, quantity))
    return tuple(made)


def answered(tx: Transaction, number: int, external_id: str, *, taken: bool) -> None:
    """What the channel said of a refund of ours. Where its list was quicker than its answer, the
    row made of the list is the same refund: one is kept."""
    if not taken:
        _set(tx, number, state=REFUSED)
        return
    ours = tx.execute(
        select(refund.c.account_id).where(refund.c.seller_id == tx.seller_id, refund.c.id == number)
    ).scalar_one()
    listed = tx.execute(
        select(refund.c.id, refund.c.refunded_at).where(
            refund.c.seller_id == tx.seller_id,
            refund.c.account_id == ours,
            refund.c.external_id == external_id,
            refund.c.id != number,
        )
    ).one_or_none()
    if listed is not None:
        tx.execute(
            returned.update()
            .values(refund_id=number)
            .where(returned.c.seller_id == tx.seller_id, returned.c.refund_id == listed.id)
        )
        close_conflicts(tx, "refund_without_return", [f"refund:{listed.id}"])
        tx.execute(
            delete(refund).where(refund.c.seller_id == tx.seller_id, refund.c.id == listed.id)
        )
    _set(tx, number, state=DONE, **({"external_id": external_id} if external_id else {}))


def _set(tx: Transaction, number: int, **values: str) -> None:
    tx.execute(
        refund.update()
        .values(**values)
        .where(refund.c.seller_id == tx.seller_id, refund.c.id == number)
    )


def tell_again(tx: Transaction, number: int) -> bool:
    """The channel is asked once more for what it refused; False where it was not refused. Raises
    Conflict where that is more by now than is left."""
    mine = select(refund.c.order_id, refund.c.amount).where(
        refund.c.seller_id == tx.seller_id, refund.c.id == number, refund.c.state == REFUSED
    )
    found = tx.execute(mine).one_or_none()
    if found is None:
        return False
    fulfilment.lock_orders(tx, [found.order_id])
    order, _ = orders.get(tx, found.order_id)
    if found.amount > order.total - _given(tx, order.id):
        raise Conflict("so much is not left of what was paid", code="not_possible")
    if not outbox.tell_again(tx, REFUND, number):
        return False
    _set(tx, number, state=PENDING)
    return True


_ACCOUNT = bindparam("account", type_=BigInteger)
_GIVEN = rows(
    ("external_id", String),
    ("order_key", String),
    ("currency", String),
    ("amount", BigInteger),
    ("refunded_at", At),
    ("reason", String),
)
_SALE = (
    (sales_order.c.seller_id == SELLER)
    & (sales_order.c.account_id == _ACCOUNT)
    & (sales_order.c.external_id == _GIVEN.c.order_key)
)
_NEW = upsert(refund).from_select(
    [
        "seller_id",
        "account_id",
        "external_id",
        "order_id",
        "currency",
        "amount",
        "refunded_at",
        "reason",
    ],
    select(
        SELLER,
        _ACCOUNT,
        _GIVEN.c.external_id,
        sales_order.c.id,
        _GIVEN.c.currency,
        _GIVEN.c.amount,
        _GIVEN.c.refunded_at,
        _GIVEN.c.reason,
    )
    .select_from(_GIVEN.outerjoin(sales_order, _SALE))
    .order_by(_GIVEN.c.external_id),
)
#: A refund that was listed before its sale was known finds it when it is listed again.
_RECORD = _NEW.on_conflict_do_update(
    index_elements=["seller_id", "account_id", "external_id"],
    set_={"order_id": _NEW.excluded.order_id},
    where=refund.c.order_id.is_(None) & _NEW.excluded.order_id.is_not(None),
).returning(refund.c.id, refund.c.external_id, refund.c.order_id)


def record(tx: Transaction, account_id: int, listed: Sequence[IncomingRefund]) -> int:
    """Record what a channel lists, each once; answers how many were new or found their sale. One of
    no sale of ours is recorded all the same, and a person sees it."""
    unique = {one.external_id: one for one in listed}
    if not unique:
        return 0
    values = tx.params(
        external_id=list(unique),
        order_key=[one.order_key for one in unique.values()],
        currency=[one.currency for one in unique.values()],
        amount=[one.amount for one in unique.values()],
        refunded_at=[one.refunded_at for one in unique.values()],
        reason=[one.reason[:500] for one in unique.values()],
    )
    found = tx.execute(_RECORD, {**values, "account": account_id}).all()
    lost = [row for row in found if row.order_id is None]
    open_conflicts(tx, [no_sale(row.id, row.external_id, account_id) for row in lost])
    known = [f"refund:{row.id}" for row in found if row.order_id is not None]
    close_conflicts(tx, "refund_without_return", known)
    return len(found)


def of_order(tx: Transaction, order_id: int) -> list[Refund]:
    """Raises NotFound for the order."""
    orders.get(tx, order_id)
    found = tx.execute(
        select(*_COLUMNS)
        .where(refund.c.seller_id == tx.seller_id, refund.c.order_id == order_id)
        .order_by(refund.c.id)
    )
    return [Refund(*row) for row in found]
