"""The conflict record."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.db import At, id_column, now_column, seller_table

conflict = seller_table(
    "conflict",
    id_column(),
    Column("kind", String(40, collation="C"), nullable=False),
    Column("subject", String(300, collation="C"), nullable=False),
    Column("account_id", BigInteger),
    Column("state", String(20), nullable=False, server_default="open"),
    Column("severity", String(10), nullable=False, server_default="normal"),
    Column("summary", String(500), nullable=False),
    Column("evidence", JSONB, nullable=False, server_default="{}"),
    Column("payload", LargeBinary),
    Column("seen", Integer, nullable=False, server_default="1"),
    Column("version", BigInteger, nullable=False, server_default="1"),
    now_column("first_seen_at"),
    now_column("last_seen_at"),
    Column("closed_at", At),
    Index(
        "uq_conflict_open",
        "seller_id",
        "kind",
        "subject",
        unique=True,
        postgresql_where=text("state IN ('open', 'in_progress')"),
    ),
    Index("ix_conflict_state", "seller_id", "state", "id"),
    CheckConstraint(
        "state IN ('open', 'in_progress', 'resolved', 'auto_resolved', 'dismissed')", name="state"
    ),
)
