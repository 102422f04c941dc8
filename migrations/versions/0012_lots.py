"""Lots with the last day they may be sold; what lines hold says of which lot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.rights import protect

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = ["seller_id", "document", "line_id", "location_id"]


def upgrade() -> None:
    op.add_column(
        "product", sa.Column("lots", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_product_keys_come_in_no_lots"), "product", "NOT (keyed AND lots)"
    )
    op.create_table(
        "lot",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=80, collation="C"), nullable=False),
        sa.Column("made_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("length(code) > 0", name=op.f("ck_lot_code_given")),
        sa.CheckConstraint("made_on <= expires_on", name=op.f("ck_lot_made_before_it_expires")),
        sa.ForeignKeyConstraint(
            ["seller_id", "product_id"],
            ["product.seller_id", "product.id"],
            name=op.f("fk_lot_seller_id_product_id_product"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_lot")),
        sa.UniqueConstraint(
            "product_id", "code", "seller_id", name=op.f("uq_lot_product_id_code_seller_id")
        ),
    )
    op.create_index(
        "ix_lot_expires",
        "lot",
        ["seller_id", "expires_on"],
        postgresql_where=sa.text("expires_on IS NOT NULL"),
    )
    protect("lot")
    op.add_column(
        "allocation", sa.Column("lot_id", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.drop_constraint("pk_allocation", "allocation")
    op.create_primary_key("pk_allocation", "allocation", [*KEY, "lot_id"])


def downgrade() -> None:
    op.drop_constraint("pk_allocation", "allocation")
    op.create_primary_key("pk_allocation", "allocation", KEY)
    op.drop_column("allocation", "lot_id")
    op.drop_table("lot")
    op.drop_constraint(op.f("ck_product_keys_come_in_no_lots"), "product")
    op.drop_column("product", "lots")
