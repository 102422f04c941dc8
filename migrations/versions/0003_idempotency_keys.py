"""The answers kept for repeated commands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.rights import protect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "idempotency_key",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=100, collation="C"), nullable=False),
        sa.Column("key", sa.String(length=255, collation="C"), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"],
            ["seller.id"],
            name=op.f("fk_idempotency_key_seller_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("seller_id", "actor", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index("ix_idempotency_key_created_at", "idempotency_key", ["seller_id", "created_at"])
    protect("idempotency_key")


def downgrade() -> None:
    raise NotImplementedError("a ledger is not taken back: restore the backup made before")
