"""Who did what: one row in the transaction of every person's or token's command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Index, String, insert
from sqlalchemy.dialects.postgresql import JSONB

from hub.db import Transaction, id_column, now_column, seller_table

audit = seller_table(
    "audit",
    id_column(),
    Column("actor", String(100), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("request_id", String(64), nullable=False, server_default=""),
    now_column("at"),
    Index("ix_audit_subject", "seller_id", "subject", "id"),
)


def record(
    tx: Transaction,
    actor: str,
    action: str,
    subject: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    request_id: str = "",
) -> None:
    """Values must be plain and hold no secret and no personal data."""
    tx.execute(
        insert(audit).values(
            seller_id=tx.seller_id,
            actor=actor[:100],
            action=action,
            subject=subject[:200],
            before=dict(before) if before else None,
            after=dict(after) if after else None,
            request_id=request_id[:64],
        )
    )
