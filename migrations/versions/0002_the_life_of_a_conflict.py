"""The life of a conflict: who has it, until when, what was done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.rights import protect

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: The newest record of a subject stays; what older ones saw becomes its history.
ONE_RECORD = """
CREATE TEMPORARY TABLE kept ON COMMIT DROP AS
    SELECT id, seller_id, kind, subject, state, evidence, seen, first_seen_at, closed_at,
           first_value(id) OVER newest_first AS into_id,
           row_number() OVER (PARTITION BY seller_id, kind, subject ORDER BY first_seen_at, id) AS n
      FROM conflict
    WINDOW newest_first AS (
               PARTITION BY seller_id, kind, subject ORDER BY first_seen_at DESC, id DESC
           );
INSERT INTO conflict_event (seller_id, conflict_id, version, what, detail, at)
    SELECT seller_id, into_id, 2 * n - 1, CASE WHEN n = 1 THEN 'opened' ELSE 'reopened' END,
           evidence, first_seen_at
      FROM kept
    UNION ALL
    SELECT seller_id, into_id, 2 * n, CASE state WHEN 'auto_resolved' THEN 'closed' ELSE state END,
           '{}', closed_at
      FROM kept WHERE closed_at IS NOT NULL;
DELETE FROM conflict c USING kept k
 WHERE k.seller_id = c.seller_id AND k.id = c.id AND k.into_id <> k.id;
UPDATE conflict c
   SET seen = s.seen, first_seen_at = s.first_seen_at, reopened = s.records - 1,
       reopened_at = CASE WHEN s.records > 1 THEN c.first_seen_at END,
       version = last.version, last_change = last.what
  FROM (SELECT seller_id, into_id, sum(seen) AS seen, count(*) AS records,
               min(first_seen_at) AS first_seen_at
          FROM kept GROUP BY seller_id, into_id) s
 CROSS JOIN LATERAL (SELECT e.version, e.what FROM conflict_event e
                      WHERE e.seller_id = s.seller_id AND e.conflict_id = s.into_id
                      ORDER BY e.version DESC LIMIT 1) last
 WHERE s.seller_id = c.seller_id AND s.into_id = c.id;
"""


def upgrade() -> None:
    op.add_column(
        "conflict",
        sa.Column("last_change", sa.String(length=12), server_default="opened", nullable=False),
    )
    op.add_column(
        "conflict", sa.Column("assignee", sa.String(length=100, collation="C"), nullable=True)
    )
    op.add_column(
        "conflict",
        sa.Column("resolution", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    )
    op.add_column(
        "conflict", sa.Column("dismissed_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "conflict", sa.Column("reopened", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("conflict", sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "conflict_event",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("conflict_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("actor", sa.String(length=100), server_default="", nullable=False),
        sa.Column("reason", sa.String(length=500), server_default="", nullable=False),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "what IN ('opened', 'seen', 'assigned', 'tried', 'resolved', 'dismissed', 'reopened',"
            " 'closed')",
            name=op.f("ck_conflict_event_what"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "conflict_id"],
            ["conflict.seller_id", "conflict.id"],
            name=op.f("fk_conflict_event_seller_id_conflict_id"),
        ),
        sa.PrimaryKeyConstraint(
            "seller_id", "conflict_id", "version", name=op.f("pk_conflict_event")
        ),
    )
    # Policies are forced on the owner too, who must see every seller's records here.
    op.execute("ALTER TABLE conflict NO FORCE ROW LEVEL SECURITY")
    op.execute(ONE_RECORD)
    op.execute("ALTER TABLE conflict FORCE ROW LEVEL SECURITY")
    op.drop_index("uq_conflict_open", table_name="conflict")
    op.create_index(
        "uq_conflict_subject", "conflict", ["seller_id", "kind", "subject"], unique=True
    )
    op.create_index(
        "ix_conflict_left",
        "conflict",
        ["seller_id", "kind", "account_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('open', 'in_progress', 'dismissed')"),
    )
    op.create_index(
        "ix_conflict_dismissed",
        "conflict",
        ["seller_id", "dismissed_until"],
        unique=False,
        postgresql_where=sa.text("state = 'dismissed' AND dismissed_until IS NOT NULL"),
    )
    op.create_check_constraint("severity", "conflict", "severity IN ('low', 'normal', 'high')")
    op.create_check_constraint(
        "closed_when_it_is",
        "conflict",
        "(state IN ('open', 'in_progress')) = (closed_at IS NULL)",
    )
    op.create_check_constraint(
        "put_off", "conflict", "dismissed_until IS NULL OR state = 'dismissed'"
    )
    protect("conflict_event", append_only=True)


def downgrade() -> None:
    raise NotImplementedError("a ledger is not taken back: restore the backup made before")
