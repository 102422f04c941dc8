"""What people ask of a channel: the hub writes a row, sync answers it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select

from hub.channels import accounts, flows
from hub.channels.models import request
from hub.db import Transaction
from hub.errors import InvalidInput, NotFound

KINDS = ("test", "listings", "orders", "refetch", "read_stock", "subscribe", "webhook_keys")


class Request(NamedTuple):
    id: int
    account_id: int
    kind: str
    argument: Mapping[str, Any]
    state: str
    answer: Mapping[str, Any]
    requested_at: datetime
    answered_at: datetime | None


_COLUMNS = (
    request.c.id,
    request.c.account_id,
    request.c.kind,
    request.c.argument,
    request.c.state,
    request.c.answer,
    request.c.requested_at,
    request.c.answered_at,
)


def ask(
    tx: Transaction, account_id: int, kind: str, argument: Mapping[str, Any] | None = None
) -> int:
    """Write the request and ring; answers its id. Raises NotFound for the account."""
    if kind not in KINDS:
        raise InvalidInput("kind", f"must be one of {', '.join(KINDS)}")
    accounts.get(tx, account_id)
    number = tx.execute(
        insert(request)
        .values(
            seller_id=tx.seller_id, account_id=account_id, kind=kind, argument=dict(argument or {})
        )
        .returning(request.c.id)
    ).scalar_one()
    flows.make_due(tx, flows.REQUEST, [account_id])
    return int(number)


def ask_seldom(tx: Transaction, account_id: int, kind: str, *, every: float) -> int | None:
    """Ask, unless the same is waiting or was asked within ``every`` seconds: then None. For what
    a stranger can make us ask."""
    if _asked_lately(tx, account_id, kind, every):
        return None
    flows.lock(tx, account_id, flows.REQUEST)
    if _asked_lately(tx, account_id, kind, every):
        return None
    return ask(tx, account_id, kind)


def _asked_lately(tx: Transaction, account_id: int, kind: str, every: float) -> bool:
    recent = request.c.requested_at > func.now() - flows.seconds(every)
    mine = (request.c.seller_id == tx.seller_id) & (request.c.account_id == account_id)
    lately = select(request.c.id).where(
        mine, request.c.kind == kind, (request.c.state == "new") | recent
    )
    return tx.execute(lately.limit(1)).first() is not None


def waiting(tx: Transaction, account_id: int) -> list[Request]:
    found = tx.execute(
        select(*_COLUMNS)
        .where(
            request.c.seller_id == tx.seller_id,
            request.c.account_id == account_id,
            request.c.state == "new",
        )
        .order_by(request.c.id)
    )
    return [Request(*row) for row in found]


def answer(tx: Transaction, number: int, ok: bool, said: Mapping[str, Any]) -> None:
    tx.execute(
        request.update()
        .values(state="done" if ok else "failed", answer=dict(said), answered_at=func.now())
        .where(request.c.seller_id == tx.seller_id, request.c.id == number)
    )


def get(tx: Transaction, number: int) -> Request:
    found = tx.execute(
        select(*_COLUMNS).where(request.c.seller_id == tx.seller_id, request.c.id == number)
    ).one_or_none()
    if found is None:
        raise NotFound(f"no request {number}")
    return Request(*found)


def last_done(tx: Transaction, account_id: int, kind: str) -> Mapping[str, Any] | None:
    """What the newest request of a kind that was done was answered; None where none was."""
    found = tx.execute(
        select(request.c.answer)
        .where(
            request.c.seller_id == tx.seller_id,
            request.c.account_id == account_id,
            request.c.kind == kind,
            request.c.state == "done",
        )
        .order_by(request.c.requested_at.desc())
        .limit(1)
    ).one_or_none()
    return found.answer if found else None
