"""What units cost: layers, first in, first out. What is there already costs nobody knows what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.rights import protect

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STANDING = """
INSERT INTO cost_layer (seller_id, product_id, location_id, lot_id, posting_id, received_at,
                        units, remaining)
SELECT seller_id, product_id, location_id, lot_id, 0, now(), sum(quantity), sum(quantity)
  FROM level GROUP BY seller_id, product_id, location_id, lot_id HAVING sum(quantity) > 0
"""


def upgrade() -> None:
    op.add_column("move", sa.Column("value", sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_move_value_not_negative"), "move", "value >= 0")
    op.create_table(
        "cost_layer",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("origin_id", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "units > 0 AND remaining BETWEEN 0 AND units", name=op.f("ck_cost_layer_within_units")
        ),
        sa.CheckConstraint(
            "value >= 0 AND (remaining > 0 OR value = 0)",
            name=op.f("ck_cost_layer_value_of_remaining"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "product_id"],
            ["product.seller_id", "product.id"],
            name=op.f("fk_cost_layer_seller_id_product_id_product"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "location_id"],
            ["location.seller_id", "location.id"],
            name=op.f("fk_cost_layer_seller_id_location_id_location"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_cost_layer")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        "ix_cost_layer_standing",
        "cost_layer",
        ["product_id", "location_id", "lot_id", "received_at", "id", "seller_id"],
        postgresql_where=sa.text("remaining > 0"),
    )
    op.create_index("ix_cost_layer_posting", "cost_layer", ["posting_id", "seller_id"])
    op.create_index(
        "ix_cost_layer_origin",
        "cost_layer",
        ["origin_id", "seller_id"],
        postgresql_where=sa.text("origin_id IS NOT NULL"),
    )
    # The walls hide every seller's levels from a migration, which has none: for a moment they do
    # not bind the owner.
    op.execute("ALTER TABLE level NO FORCE ROW LEVEL SECURITY")
    op.execute(STANDING)
    op.execute("ALTER TABLE level FORCE ROW LEVEL SECURITY")
    protect("cost_layer")
    _cost_change()


def _cost_change() -> None:
    op.create_table(
        "cost_change",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("key", sa.String(length=200, collation="C"), nullable=False),
        sa.Column("layer_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("variance", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "amount >= 0 AND variance >= 0", name=op.f("ck_cost_change_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "layer_id"],
            ["cost_layer.seller_id", "cost_layer.id"],
            name=op.f("fk_cost_change_seller_id_layer_id_cost_layer"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_cost_change")),
        sa.UniqueConstraint(
            "layer_id", "key", "seller_id", name=op.f("uq_cost_change_layer_id_key_seller_id")
        ),
    )
    op.create_index("ix_cost_change_key", "cost_change", ["key", "seller_id"])
    op.create_index("ix_cost_change_product", "cost_change", ["seller_id", "product_id"])
    protect("cost_change")


def downgrade() -> None:
    op.drop_table("cost_change")
    op.drop_table("cost_layer")
    op.drop_constraint(op.f("ck_move_value_not_negative"), "move")
    op.drop_column("move", "value")
