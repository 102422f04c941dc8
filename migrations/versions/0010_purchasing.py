"""Buying: suppliers, prices, purchase orders, receipts, judgements, returns, invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.rights import protect

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _purchasing_setting()
    _sampling_step()
    _supplier()
    _purchase_order()
    _supplier_certificate()
    _supplier_contact()
    _supplier_price()
    _goods_receipt()
    _price_tier()
    _purchase_amendment()
    _purchase_line()
    _purchase_message()
    _supplier_invoice()
    _supplier_return()
    _receipt_line()
    _supplier_invoice_line()
    _supplier_return_line()
    _judgement()


def _purchasing_setting() -> None:
    op.create_table(
        "purchasing_setting",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("approval_limit", sa.BigInteger(), nullable=True),
        sa.Column("over_percent", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("under_percent", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("sample_percent", sa.SmallInteger(), nullable=True),
        sa.Column("defect_percent", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("price_percent", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("quantity_percent", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "approval_limit >= 0", name=op.f("ck_purchasing_setting_limit_not_negative")
        ),
        sa.CheckConstraint(
            "over_percent BETWEEN 0 AND 100 AND under_percent BETWEEN 0 AND 100 AND coalesce(sample_percent, 0) BETWEEN 0 AND 100 AND defect_percent BETWEEN 0 AND 100 AND price_percent BETWEEN 0 AND 100 AND quantity_percent BETWEEN 0 AND 100",
            name=op.f("ck_purchasing_setting_percents"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"],
            ["seller.id"],
            name=op.f("fk_purchasing_setting_seller_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("seller_id", name=op.f("pk_purchasing_setting")),
    )
    protect("purchasing_setting")


def _sampling_step() -> None:
    op.create_table(
        "sampling_step",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("from_quantity", sa.BigInteger(), nullable=False),
        sa.Column("sample", sa.BigInteger(), nullable=False),
        sa.Column("accept", sa.BigInteger(), nullable=False),
        sa.Column("reject", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "from_quantity > 0 AND sample > 0 AND accept >= 0 AND reject > accept",
            name=op.f("ck_sampling_step_in_order"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"],
            ["seller.id"],
            name=op.f("fk_sampling_step_seller_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("seller_id", "from_quantity", name=op.f("pk_sampling_step")),
    )
    protect("sampling_step")


def _supplier() -> None:
    op.create_table(
        "supplier",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("payment_days", sa.SmallInteger(), nullable=True),
        sa.Column("incoterm", sa.String(length=40), server_default="", nullable=False),
        sa.Column("terms", sa.String(length=500), server_default="", nullable=False),
        sa.Column("credit_rating", sa.String(length=20), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("length(code) > 0 AND length(name) > 0", name=op.f("ck_supplier_named")),
        sa.CheckConstraint(
            "payment_days BETWEEN 0 AND 3650", name=op.f("ck_supplier_payment_days")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_supplier_seller_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_supplier")),
        sa.UniqueConstraint("seller_id", "code", name=op.f("uq_supplier_seller_id_code")),
    )
    protect("supplier")


def _purchase_order() -> None:
    op.create_table(
        "purchase_order",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), server_default="stock", nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=14), server_default="draft", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rate_numerator", sa.BigInteger(), nullable=True),
        sa.Column("rate_denominator", sa.BigInteger(), nullable=True),
        sa.Column("over_percent", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("under_percent", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("approved_by", sa.String(length=100), server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('stock', 'drop_ship')", name=op.f("ck_purchase_order_kind")),
        sa.CheckConstraint(
            "state IN ('draft', 'approved', 'sent', 'confirmed', 'shipped', 'part_received', 'received', 'closed', 'cancelled')",
            name=op.f("ck_purchase_order_state"),
        ),
        sa.CheckConstraint(
            "(rate_numerator IS NULL) = (rate_denominator IS NULL)",
            name=op.f("ck_purchase_order_rate_whole"),
        ),
        sa.CheckConstraint(
            "over_percent BETWEEN 0 AND 100 AND under_percent BETWEEN 0 AND 100",
            name=op.f("ck_purchase_order_tolerances"),
        ),
        sa.CheckConstraint(
            "rate_numerator > 0 AND rate_denominator > 0",
            name=op.f("ck_purchase_order_rate_positive"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "location_id"],
            ["location.seller_id", "location.id"],
            name=op.f("fk_purchase_order_seller_id_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "supplier_id"],
            ["supplier.seller_id", "supplier.id"],
            name=op.f("fk_purchase_order_seller_id_supplier_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_purchase_order")),
        sa.UniqueConstraint("seller_id", "number", name=op.f("uq_purchase_order_seller_id_number")),
    )
    op.create_index(
        "ix_purchase_order_state", "purchase_order", ["seller_id", "state", "id"], unique=False
    )
    op.create_index(
        "ix_purchase_order_supplier",
        "purchase_order",
        ["supplier_id", "id", "seller_id"],
        unique=False,
    )
    protect("purchase_order")


def _supplier_certificate() -> None:
    op.create_table(
        "supplier_certificate",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("number", sa.String(length=100), server_default="", nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "expires_on >= issued_on", name=op.f("ck_supplier_certificate_in_order")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "supplier_id"],
            ["supplier.seller_id", "supplier.id"],
            name=op.f("fk_supplier_certificate_seller_id_supplier_id"),
        ),
        sa.PrimaryKeyConstraint(
            "seller_id", "supplier_id", "position", name=op.f("pk_supplier_certificate")
        ),
    )
    protect("supplier_certificate")


def _supplier_contact() -> None:
    op.create_table(
        "supplier_contact",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=100), server_default="", nullable=False),
        sa.Column("email", sa.String(length=320), server_default="", nullable=False),
        sa.Column("phone", sa.String(length=50), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["seller_id", "supplier_id"],
            ["supplier.seller_id", "supplier.id"],
            name=op.f("fk_supplier_contact_seller_id_supplier_id"),
        ),
        sa.PrimaryKeyConstraint(
            "seller_id", "supplier_id", "position", name=op.f("pk_supplier_contact")
        ),
    )
    protect("supplier_contact")


def _supplier_price() -> None:
    op.create_table(
        "supplier_price",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_code", sa.String(length=120), server_default="", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("minimum", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("maximum", sa.BigInteger(), nullable=True),
        sa.Column("pack", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("lead_days", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "lead_days BETWEEN 0 AND 3650", name=op.f("ck_supplier_price_lead_days")
        ),
        sa.CheckConstraint(
            "minimum > 0 AND pack > 0 AND maximum >= minimum",
            name=op.f("ck_supplier_price_quantities"),
        ),
        sa.CheckConstraint("valid_until >= valid_from", name=op.f("ck_supplier_price_in_order")),
        sa.ForeignKeyConstraint(
            ["seller_id", "product_id"],
            ["product.seller_id", "product.id"],
            name=op.f("fk_supplier_price_seller_id_product_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "supplier_id"],
            ["supplier.seller_id", "supplier.id"],
            name=op.f("fk_supplier_price_seller_id_supplier_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_supplier_price")),
        sa.UniqueConstraint(
            "seller_id",
            "supplier_id",
            "product_id",
            "valid_from",
            name=op.f("uq_supplier_price_seller_id_supplier_id_product_id_valid_from"),
        ),
    )
    op.create_index(
        "ix_supplier_price_product", "supplier_price", ["product_id", "seller_id"], unique=False
    )
    protect("supplier_price")


def _goods_receipt() -> None:
    op.create_table(
        "goods_receipt",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=150, collation="C"), nullable=False),
        sa.Column("fingerprint", sa.String(length=64, collation="C"), nullable=False),
        sa.Column("delivery_note", sa.String(length=120), server_default="", nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "posted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("length(key) > 0", name=op.f("ck_goods_receipt_key_given")),
        sa.ForeignKeyConstraint(
            ["seller_id", "order_id"],
            ["purchase_order.seller_id", "purchase_order.id"],
            name=op.f("fk_goods_receipt_seller_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_goods_receipt")),
        sa.UniqueConstraint("key", "seller_id", name=op.f("uq_goods_receipt_key_seller_id")),
    )
    op.create_index(
        "ix_goods_receipt_order", "goods_receipt", ["order_id", "id", "seller_id"], unique=False
    )
    protect("goods_receipt")


def _price_tier() -> None:
    op.create_table(
        "price_tier",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("price_id", sa.BigInteger(), nullable=False),
        sa.Column("from_quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "from_quantity > 0 AND unit_price >= 0", name=op.f("ck_price_tier_priced")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "price_id"],
            ["supplier_price.seller_id", "supplier_price.id"],
            name=op.f("fk_price_tier_seller_id_price_id"),
        ),
        sa.PrimaryKeyConstraint(
            "seller_id", "price_id", "from_quantity", name=op.f("pk_price_tier")
        ),
    )
    protect("price_tier")


def _purchase_amendment() -> None:
    op.create_table(
        "purchase_amendment",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("before", JSONB(), nullable=False),
        sa.Column("after", JSONB(), nullable=False),
        sa.Column("reason", sa.String(length=500), server_default="", nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "order_id"],
            ["purchase_order.seller_id", "purchase_order.id"],
            name=op.f("fk_purchase_amendment_seller_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_purchase_amendment")),
    )
    op.create_index(
        "ix_purchase_amendment_order",
        "purchase_amendment",
        ["order_id", "id", "seller_id"],
        unique=False,
    )
    protect("purchase_amendment", append_only=True)


def _purchase_line() -> None:
    op.create_table(
        "purchase_line",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_code", sa.String(length=120), server_default="", nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("unit_cost", sa.BigInteger(), nullable=True),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("received", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("accepted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rejected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("inspecting", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("given_up", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cancelled", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("returned", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("over_accepted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "accepted >= 0 AND rejected >= 0 AND inspecting >= 0 AND cancelled BETWEEN 0 AND quantity AND given_up BETWEEN 0 AND cancelled AND returned BETWEEN 0 AND rejected",
            name=op.f("ck_purchase_line_within"),
        ),
        sa.CheckConstraint(
            "quantity > 0 AND quantity <= 1000000000", name=op.f("ck_purchase_line_quantity")
        ),
        sa.CheckConstraint(
            "received = accepted + rejected + inspecting",
            name=op.f("ck_purchase_line_received_is_judged"),
        ),
        sa.CheckConstraint(
            "unit_price >= 0 AND unit_cost >= 0", name=op.f("ck_purchase_line_priced")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "order_id"],
            ["purchase_order.seller_id", "purchase_order.id"],
            name=op.f("fk_purchase_line_seller_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "product_id"],
            ["product.seller_id", "product.id"],
            name=op.f("fk_purchase_line_seller_id_product_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_purchase_line")),
        sa.UniqueConstraint(
            "order_id",
            "position",
            "seller_id",
            name=op.f("uq_purchase_line_order_id_position_seller_id"),
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_purchase_line_product", "purchase_line", ["product_id", "seller_id"], unique=False
    )
    protect("purchase_line")


def _purchase_message() -> None:
    op.create_table(
        "purchase_message",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("medium", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=300), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "direction IN ('in', 'out')", name=op.f("ck_purchase_message_direction")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "order_id"],
            ["purchase_order.seller_id", "purchase_order.id"],
            name=op.f("fk_purchase_message_seller_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_purchase_message")),
    )
    op.create_index(
        "ix_purchase_message_order",
        "purchase_message",
        ["order_id", "id", "seller_id"],
        unique=False,
    )
    protect("purchase_message", append_only=True)


def _supplier_invoice() -> None:
    op.create_table(
        "supplier_invoice",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=120, collation="C"), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("invoiced_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reasons", JSONB(), server_default="[]", nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('matched', 'mismatch', 'accepted')", name=op.f("ck_supplier_invoice_state")
        ),
        sa.CheckConstraint("total >= 0", name=op.f("ck_supplier_invoice_total_not_negative")),
        sa.ForeignKeyConstraint(
            ["seller_id", "order_id"],
            ["purchase_order.seller_id", "purchase_order.id"],
            name=op.f("fk_supplier_invoice_seller_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "supplier_id"],
            ["supplier.seller_id", "supplier.id"],
            name=op.f("fk_supplier_invoice_seller_id_supplier_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_supplier_invoice")),
        sa.UniqueConstraint(
            "seller_id",
            "supplier_id",
            "number",
            name=op.f("uq_supplier_invoice_seller_id_supplier_id_number"),
        ),
    )
    op.create_index(
        "ix_supplier_invoice_order",
        "supplier_invoice",
        ["order_id", "id", "seller_id"],
        unique=False,
    )
    protect("supplier_invoice")


def _supplier_return() -> None:
    op.create_table(
        "supplier_return",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=150, collation="C"), nullable=False),
        sa.Column("fingerprint", sa.String(length=64, collation="C"), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="sent", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("expected_credit", sa.BigInteger(), nullable=False),
        sa.Column("credited", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "(state = 'credited') = (credited IS NOT NULL)",
            name=op.f("ck_supplier_return_credited_when_it_is"),
        ),
        sa.CheckConstraint("state IN ('sent', 'credited')", name=op.f("ck_supplier_return_state")),
        sa.CheckConstraint(
            "expected_credit >= 0 AND credited >= 0",
            name=op.f("ck_supplier_return_credit_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "order_id"],
            ["purchase_order.seller_id", "purchase_order.id"],
            name=op.f("fk_supplier_return_seller_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_supplier_return")),
        sa.UniqueConstraint("key", "seller_id", name=op.f("uq_supplier_return_key_seller_id")),
    )
    op.create_index(
        "ix_supplier_return_order", "supplier_return", ["order_id", "id", "seller_id"], unique=False
    )
    protect("supplier_return")


def _receipt_line() -> None:
    op.create_table(
        "receipt_line",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("receipt_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("inspecting", sa.BigInteger(), nullable=False),
        sa.Column("first_inspecting", sa.BigInteger(), nullable=False),
        sa.Column("sampled", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("defects", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=500), server_default="", nullable=False),
        sa.Column("unit_cost", sa.BigInteger(), nullable=True),
        sa.Column("over", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('accept', 'inspect', 'reject')", name=op.f("ck_receipt_line_verdict")
        ),
        sa.CheckConstraint(
            "accepted >= 0 AND rejected >= 0 AND inspecting BETWEEN 0 AND first_inspecting AND first_inspecting <= quantity",
            name=op.f("ck_receipt_line_within"),
        ),
        sa.CheckConstraint(
            "quantity = accepted + rejected + inspecting",
            name=op.f("ck_receipt_line_received_is_judged"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_receipt_line_some")),
        sa.ForeignKeyConstraint(
            ["seller_id", "line_id"],
            ["purchase_line.seller_id", "purchase_line.id"],
            name=op.f("fk_receipt_line_seller_id_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "location_id"],
            ["location.seller_id", "location.id"],
            name=op.f("fk_receipt_line_seller_id_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "product_id"],
            ["product.seller_id", "product.id"],
            name=op.f("fk_receipt_line_seller_id_product_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "receipt_id"],
            ["goods_receipt.seller_id", "goods_receipt.id"],
            name=op.f("fk_receipt_line_seller_id_receipt_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_receipt_line")),
        sa.UniqueConstraint(
            "receipt_id",
            "position",
            "seller_id",
            name=op.f("uq_receipt_line_receipt_id_position_seller_id"),
        ),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index("ix_receipt_line_line", "receipt_line", ["line_id", "seller_id"], unique=False)
    protect("receipt_line")


def _supplier_invoice_line() -> None:
    op.create_table(
        "supplier_invoice_line",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "quantity > 0 AND unit_price >= 0", name=op.f("ck_supplier_invoice_line_some")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "invoice_id"],
            ["supplier_invoice.seller_id", "supplier_invoice.id"],
            name=op.f("fk_supplier_invoice_line_seller_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "line_id"],
            ["purchase_line.seller_id", "purchase_line.id"],
            name=op.f("fk_supplier_invoice_line_seller_id_line_id"),
        ),
        sa.PrimaryKeyConstraint(
            "seller_id", "invoice_id", "line_id", name=op.f("pk_supplier_invoice_line")
        ),
    )
    protect("supplier_invoice_line")


def _supplier_return_line() -> None:
    op.create_table(
        "supplier_return_line",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("return_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "quantity > 0 AND credit >= 0", name=op.f("ck_supplier_return_line_some")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "line_id"],
            ["purchase_line.seller_id", "purchase_line.id"],
            name=op.f("fk_supplier_return_line_seller_id_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "location_id"],
            ["location.seller_id", "location.id"],
            name=op.f("fk_supplier_return_line_seller_id_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "return_id"],
            ["supplier_return.seller_id", "supplier_return.id"],
            name=op.f("fk_supplier_return_line_seller_id_return_id"),
        ),
        sa.PrimaryKeyConstraint(
            "seller_id", "return_id", "line_id", "location_id", name=op.f("pk_supplier_return_line")
        ),
    )
    protect("supplier_return_line")


def _judgement() -> None:
    op.create_table(
        "judgement",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("receipt_line_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=150, collation="C"), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=500), server_default="", nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "accepted >= 0 AND rejected >= 0 AND accepted + rejected > 0",
            name=op.f("ck_judgement_judges_some"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "receipt_line_id"],
            ["receipt_line.seller_id", "receipt_line.id"],
            name=op.f("fk_judgement_seller_id_receipt_line_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_judgement")),
        sa.UniqueConstraint(
            "key",
            "receipt_line_id",
            "seller_id",
            name=op.f("uq_judgement_key_receipt_line_id_seller_id"),
        ),
    )
    protect("judgement")


def downgrade() -> None:
    raise NotImplementedError("a ledger is not taken back: restore the backup made before")
