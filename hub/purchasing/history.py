"""What was done to a purchase order and by whom, and what was said about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select

from hub.db import Transaction
from hub.errors import InvalidInput
from hub.purchasing import orders
from hub.purchasing.models import purchase_amendment, purchase_message

MEDIA = ("email", "phone", "chat", "letter", "portal", "other")


class Amendment(NamedTuple):
    id: int
    what: str
    actor: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str
    at: datetime


class Message(NamedTuple):
    id: int
    direction: str
    medium: str
    subject: str
    body: str
    actor: str
    said_at: datetime
    at: datetime


def record(
    tx: Transaction,
    order_id: int,
    what: str,
    actor: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str = "",
) -> None:
    """A line of the order's history. Values must be plain."""
    tx.execute(
        insert(purchase_amendment).values(
            seller_id=tx.seller_id,
            order_id=order_id,
            what=what,
            actor=actor[:100],
            before=dict(before),
            after=dict(after),
            reason=reason,
        )
    )


_AMENDMENT = [purchase_amendment.c[name] for name in Amendment._fields]
_MESSAGE = [purchase_message.c[name] for name in Message._fields]


def amendments(tx: Transaction, order_id: int, *, after: int, limit: int) -> list[Amendment]:
    """A page of an order's history, the oldest first. Raises NotFound for the order."""
    orders.get(tx, order_id)
    found = tx.execute(
        select(*_AMENDMENT)
        .where(
            purchase_amendment.c.seller_id == tx.seller_id,
            purchase_amendment.c.order_id == order_id,
            purchase_amendment.c.id > after,
        )
        .order_by(purchase_amendment.c.id)
        .limit(limit)
    )
    return [Amendment(*row) for row in found]


class Said(NamedTuple):
    """``direction``: "in" from the supplier, "out" to it. ``at`` None: now."""

    direction: str
    medium: str
    body: str
    subject: str = ""
    at: datetime | None = None


def log_message(tx: Transaction, order_id: int, actor: str, said: Said) -> Message:
    """Keep what was said. Raises NotFound for the order, InvalidInput."""
    orders.get(tx, order_id)
    if said.medium not in MEDIA:
        raise InvalidInput("medium", f"must be one of {', '.join(MEDIA)}")
    written = tx.execute(
        insert(purchase_message)
        .values(
            seller_id=tx.seller_id,
            order_id=order_id,
            direction=said.direction,
            medium=said.medium,
            subject=said.subject,
            body=said.body,
            actor=actor[:100],
            said_at=said.at or func.now(),
        )
        .returning(*_MESSAGE)
    )
    return Message(*written.one())


def messages(tx: Transaction, order_id: int, *, after: int, limit: int) -> list[Message]:
    """A page of what was said, the oldest first. Raises NotFound for the order."""
    orders.get(tx, order_id)
    found = tx.execute(
        select(*_MESSAGE)
        .where(
            purchase_message.c.seller_id == tx.seller_id,
            purchase_message.c.order_id == order_id,
            purchase_message.c.id > after,
        )
        .order_by(purchase_message.c.id)
        .limit(limit)
    )
    return [Message(*row) for row in found]
