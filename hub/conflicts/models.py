"""The conflict record, and the history of each."""

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

from hub.db import At, belongs_to, id_column, now_column, seller_table

#: One record per kind and subject, for good: what comes again opens it again. ``version`` counts
#: the steps of its life, ``last_change`` names the last one ("" where it was only seen again), so
#: that one statement can write both the record and its history.
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
    Column("last_change", String(12), nullable=False, server_default="opened"),
    Column("assignee", String(100, collation="C")),
    Column("resolution", JSONB),
    Column("dismissed_until", At),
    Column("reopened", Integer, nullable=False, server_default="0"),
    now_column("first_seen_at"),
    now_column("last_seen_at"),
    Column("reopened_at", At),
    Column("closed_at", At),
    Index("uq_conflict_subject", "seller_id", "kind", "subject", unique=True),
    Index("ix_conflict_state", "seller_id", "state", "id"),
    Index(
        "ix_conflict_left",
        "seller_id",
        "kind",
        "account_id",
        postgresql_where=text("state IN ('open', 'in_progress', 'dismissed')"),
    ),
    Index(
        "ix_conflict_dismissed",
        "seller_id",
        "dismissed_until",
        postgresql_where=text("state = 'dismissed' AND dismissed_until IS NOT NULL"),
    ),
    CheckConstraint(
        "state IN ('open', 'in_progress', 'resolved', 'auto_resolved', 'dismissed')", name="state"
    ),
    CheckConstraint("severity IN ('low', 'normal', 'high')", name="severity"),
    CheckConstraint(
        "(state IN ('open', 'in_progress')) = (closed_at IS NULL)", name="closed_when_it_is"
    ),
    CheckConstraint("dismissed_until IS NULL OR state = 'dismissed'", name="put_off"),
)

#: Every step of a conflict's life, by the version it made. Append-only.
conflict_event = seller_table(
    "conflict_event",
    Column("conflict_id", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("what", String(12), nullable=False),
    Column("actor", String(100), nullable=False, server_default=""),
    Column("reason", String(500), nullable=False, server_default=""),
    Column("detail", JSONB, nullable=False, server_default="{}"),
    now_column("at"),
    belongs_to("conflict", "conflict_id"),
    CheckConstraint(
        "what IN ('opened', 'seen', 'assigned', 'tried', 'resolved', 'dismissed', 'reopened',"
        " 'closed')",
        name="what",
    ),
    key=("conflict_id", "version"),
)
