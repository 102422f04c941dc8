"""Reading conflicts. A quarantined payload stays sealed: it is never part of an answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select

from hub.conflicts.models import conflict
from hub.db import Transaction
from hub.errors import NotFound

STATES = ("open", "in_progress", "resolved", "auto_resolved", "dismissed")


class Shown(NamedTuple):
    id: int
    kind: str
    subject: str
    account_id: int | None
    state: str
    severity: str
    summary: str
    evidence: Mapping[str, Any]
    seen: int
    version: int
    first_seen_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None


_COLUMNS = [conflict.c[name] for name in Shown._fields]


def conflicts(
    tx: Transaction,
    *,
    after: int,
    limit: int,
    state: str | None = None,
    kind: str | None = None,
    account_id: int | None = None,
) -> list[Shown]:
    """A page by id: oldest first, so that nothing waits unseen behind what is new."""
    query = select(*_COLUMNS).where(conflict.c.seller_id == tx.seller_id, conflict.c.id > after)
    wanted = {"state": state, "kind": kind, "account_id": account_id}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(conflict.c[name] == value)
    return [Shown(*row) for row in tx.execute(query.order_by(conflict.c.id).limit(limit))]


def get(tx: Transaction, number: int) -> Shown:
    found = tx.execute(
        select(*_COLUMNS).where(conflict.c.seller_id == tx.seller_id, conflict.c.id == number)
    ).one_or_none()
    if found is None:
        raise NotFound(f"no conflict {number}")
    return Shown(*found)
