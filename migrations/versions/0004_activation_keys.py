"""Keys that are sold one by one, and how a channel takes stock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.rights import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KINDS = (
    "kind IN ('test', 'listings', 'orders', 'refetch', 'read_stock', 'subscribe', 'webhook_keys')"
)


def upgrade() -> None:
    _account()
    _product()
    _activation_key()
    _key_delivery()


def _account() -> None:
    op.add_column(
        "account",
        sa.Column("stock_mode", sa.String(length=10), server_default="number", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_account_stock_mode"), "account", "stock_mode IN ('number', 'switch')"
    )
    op.drop_constraint(op.f("ck_request_kind"), "request", type_="check")
    op.create_check_constraint(op.f("ck_request_kind"), "request", KINDS)
    op.create_index("ix_request_account", "request", ["seller_id", "account_id", "requested_at"])


def _product() -> None:
    op.add_column(
        "product",
        sa.Column("keyed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("product", sa.Column("fingerprint_key", sa.LargeBinary(), nullable=True))
    op.create_check_constraint(
        op.f("ck_product_keyed_can_tell"), "product", "keyed = (fingerprint_key IS NOT NULL)"
    )


def _activation_key() -> None:
    op.create_table(
        "activation_key",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="free", nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=True),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "state IN ('free', 'drawn', 'withdrawn')", name=op.f("ck_activation_key_state")
        ),
        sa.CheckConstraint(
            "(state = 'drawn') = (order_line_id IS NOT NULL)"
            " AND (order_line_id IS NULL) = (drawn_at IS NULL)",
            name=op.f("ck_activation_key_drawn_for_a_line"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "product_id"],
            ["product.seller_id", "product.id"],
            name=op.f("fk_activation_key_seller_id_product_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "location_id"],
            ["location.seller_id", "location.id"],
            name=op.f("fk_activation_key_seller_id_location_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_activation_key")),
        sa.UniqueConstraint(
            "product_id",
            "fingerprint",
            "seller_id",
            name=op.f("uq_activation_key_product_id_fingerprint_seller_id"),
        ),
    )
    op.create_index(
        "ix_activation_key_free",
        "activation_key",
        ["product_id", "location_id", "added_at", "id", "seller_id"],
        postgresql_where=sa.text("state = 'free'"),
    )
    op.create_index(
        "ix_activation_key_line",
        "activation_key",
        ["order_line_id", "seller_id"],
        postgresql_where=sa.text("order_line_id IS NOT NULL"),
    )
    protect("activation_key")


def _key_delivery() -> None:
    op.create_table(
        "key_delivery",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "noted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "order_id"],
            ["sales_order.seller_id", "sales_order.id"],
            name=op.f("fk_key_delivery_seller_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "order_id", name=op.f("pk_key_delivery")),
    )
    protect("key_delivery")


def downgrade() -> None:
    raise NotImplementedError("a ledger is not taken back: restore the backup made before")
