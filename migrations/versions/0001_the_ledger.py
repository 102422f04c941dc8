"""The ledger: sellers, stock, channels, orders, conflicts, and the rights on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


SELLER_TABLES = (
    "account",
    "account_location",
    "allocation",
    "api_token",
    "audit",
    "claim",
    "conflict",
    "flow",
    "level",
    "listing",
    "location",
    "move",
    "offer",
    "offer_rule",
    "order_line",
    "order_payload",
    "posting",
    "product",
    "refund",
    "request",
    "returned",
    "sales_order",
    "stock_change",
    "webhook",
)
#: Read across sellers by the functions below, which run as the owner of the tables.
LOOKED_ACROSS = ("seller", "account", "api_token", "flow", "stock_change")
APPEND_ONLY = ("audit", "move", "offer", "posting")

FUNCTIONS = """
CREATE FUNCTION hub_due(most integer, ahead double precision)
RETURNS TABLE (seller_id bigint, account_id bigint, flow text, due_in double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT f.seller_id, f.account_id, f.flow::text,
           extract(epoch FROM f.next_at - now())::double precision
      FROM public.flow f
     WHERE f.next_at <= now() + make_interval(secs => ahead) AND f.lease_until < now()
     ORDER BY f.next_at LIMIT most
$$;
CREATE FUNCTION hub_changed_sellers(most integer) RETURNS TABLE (seller_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT DISTINCT c.seller_id FROM public.stock_change c LIMIT most
$$;
CREATE FUNCTION hub_sellers() RETURNS TABLE (seller_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT s.id FROM public.seller s ORDER BY s.id
$$;
CREATE FUNCTION hub_token(hash bytea)
RETURNS TABLE (seller_id bigint, token_id bigint, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT t.seller_id, t.id, t.role::text FROM public.api_token t
     WHERE t.token_hash = hash AND t.revoked_at IS NULL
       AND (t.expires_at IS NULL OR t.expires_at > now())
$$;
CREATE FUNCTION hub_webhook_path(path text)
RETURNS TABLE (seller_id bigint, account_id bigint, channel text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT a.seller_id, a.id, a.channel::text FROM public.account a
     WHERE a.webhook_path = path COLLATE "C" AND a.mode <> 'closed'
$$;
CREATE FUNCTION hub_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END
$$;
"""
SIGNATURES = (
    "hub_due(integer, double precision)",
    "hub_changed_sellers(integer)",
    "hub_sellers()",
    "hub_token(bytea)",
    "hub_webhook_path(text)",
)
SELLER = "nullif(current_setting('app.seller', true), '')::bigint"


def protect(table: str, column: str = "seller_id") -> None:
    """Rows of a seller's table are seen and written by that seller alone, its owner included."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    rule = f"{column} = {SELLER}"
    op.execute(f"CREATE POLICY of_seller ON {table} USING ({rule}) WITH CHECK ({rule})")
    rights = "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
    op.execute(f"GRANT {rights} ON {table} TO hub_app")


def upgrade() -> None:
    op.execute("CREATE SEQUENCE row_id CACHE 50")
    op.create_table(
        "clock_slot",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "fired_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("name", "slot", name=op.f("pk_clock_slot")),
    )
    op.create_table(
        "heartbeat",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("host", sa.String(length=100), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column(
            "details", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("beats", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "beat_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("kind", "host", "pid", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "seller",
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("length(name) > 0", name=op.f("ck_seller_named")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seller")),
    )
    op.create_table(
        "account",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("channel", sa.String(length=40, collation="C"), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column(
            "external_id", sa.String(length=200, collation="C"), server_default="", nullable=False
        ),
        sa.Column("mode", sa.String(length=10), server_default="shadow", nullable=False),
        sa.Column(
            "settings", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("credentials", sa.LargeBinary(), nullable=False),
        sa.Column("base_url", sa.String(length=300), server_default="", nullable=False),
        sa.Column("webhook_path", sa.String(length=64, collation="C"), nullable=False),
        sa.Column("currency", sa.String(length=3), server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "connected_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "mode IN ('shadow', 'live', 'paused', 'closed')", name=op.f("ck_account_mode")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_account_seller_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_account")),
        sa.UniqueConstraint("seller_id", "name", name=op.f("uq_account_seller_id_name")),
    )
    op.create_index("ix_account_webhook_path", "account", ["webhook_path"], unique=False)
    op.create_table(
        "allocation",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.String(length=20, collation="C"), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column(
            "allocated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_allocation_not_negative")),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_allocation_seller_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint(
            "seller_id", "document", "line_id", "location_id", name=op.f("pk_allocation")
        ),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index(
        "ix_allocation_product", "allocation", ["seller_id", "product_id"], unique=False
    )
    op.create_table(
        "api_token",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_api_token_seller_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_api_token")),
    )
    op.create_index("ix_api_token_token_hash", "api_token", ["token_hash"], unique=False)
    op.create_table(
        "audit",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("request_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_audit_seller_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_subject", "audit", ["seller_id", "subject", "id"], unique=False)
    op.create_table(
        "conflict",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("kind", sa.String(length=40, collation="C"), nullable=False),
        sa.Column("subject", sa.String(length=300, collation="C"), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=20), server_default="open", nullable=False),
        sa.Column("severity", sa.String(length=10), server_default="normal", nullable=False),
        sa.Column("summary", sa.String(length=500), nullable=False),
        sa.Column(
            "evidence", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("seen", sa.Integer(), server_default="1", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "first_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "last_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'in_progress', 'resolved', 'auto_resolved', 'dismissed')",
            name=op.f("ck_conflict_state"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_conflict_seller_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_conflict")),
    )
    op.create_index("ix_conflict_state", "conflict", ["seller_id", "state", "id"], unique=False)
    op.create_index(
        "uq_conflict_open",
        "conflict",
        ["seller_id", "kind", "subject"],
        unique=True,
        postgresql_where=sa.text("state IN ('open', 'in_progress')"),
    )
    op.create_table(
        "location",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), server_default="warehouse", nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="100", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('warehouse', 'third_party', 'channel_held', 'shop', 'supplier', 'bin')",
            name=op.f("ck_location_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_location_seller_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_location")),
        sa.UniqueConstraint("seller_id", "code", name=op.f("uq_location_seller_id_code")),
    )
    op.create_table(
        "posting",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("key", sa.String(length=200, collation="C"), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("document", sa.String(length=40), server_default="", nullable=False),
        sa.Column("document_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.Column(
            "posted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("length(key) > 0", name=op.f("ck_posting_key_given")),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_posting_seller_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_posting")),
        sa.UniqueConstraint("key", "seller_id", name=op.f("uq_posting_key_seller_id")),
    )
    op.create_table(
        "product",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("sku", sa.String(length=120), nullable=False),
        sa.Column("sku_key", sa.String(length=120, collation="C"), nullable=False),
        sa.Column(
            "barcode", sa.String(length=64, collation="C"), server_default="", nullable=False
        ),
        sa.Column("name", sa.String(length=500), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("stock_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("derived_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "derived_version <= stock_version", name=op.f("ck_product_derived_not_ahead")
        ),
        sa.CheckConstraint("length(sku) > 0", name=op.f("ck_product_sku_given")),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_product_seller_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_product")),
        sa.UniqueConstraint("seller_id", "sku_key", name=op.f("uq_product_seller_id_sku_key")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index("ix_product_barcode", "product", ["barcode", "seller_id"], unique=False)
    op.create_table(
        "stock_change",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("product_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.ForeignKeyConstraint(
            ["seller_id"],
            ["seller.id"],
            name=op.f("fk_stock_change_seller_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_stock_change")),
    )
    op.create_table(
        "account_location",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="100", nullable=False),
        sa.ForeignKeyConstraint(
            ["seller_id", "account_id"],
            ["account.seller_id", "account.id"],
            name=op.f("fk_account_location_seller_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "location_id"],
            ["location.seller_id", "location.id"],
            name=op.f("fk_account_location_seller_id_location_id"),
        ),
        sa.PrimaryKeyConstraint(
            "seller_id", "account_id", "location_id", name=op.f("pk_account_location")
        ),
    )
    op.create_table(
        "claim",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.String(length=20, collation="C"), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("wanted", sa.BigInteger(), nullable=False),
        sa.Column("filled", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="100", nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "claimed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "wanted > 0 AND filled BETWEEN 0 AND wanted", name=op.f("ck_claim_within_wanted")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "product_id"],
            ["product.seller_id", "product.id"],
            name=op.f("fk_claim_seller_id_product_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "document", "line_id", name=op.f("pk_claim")),
    )
    op.create_index(
        "ix_claim_product",
        "claim",
        ["seller_id", "product_id", "priority", "claimed_at"],
        unique=False,
    )
    op.create_table(
        "flow",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("flow", sa.String(length=20, collation="C"), nullable=False),
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("'infinity'"),
            nullable=False,
        ),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column(
            "lease_until",
            sa.DateTime(timezone=True),
            server_default=sa.text("'-infinity'"),
            nullable=False,
        ),
        sa.Column("health", sa.String(length=20), server_default="healthy", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cursor", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("last_error", sa.String(length=500), server_default="", nullable=False),
        sa.Column("last_ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "health IN ('healthy', 'throttled', 'failing', 'reauthorise')",
            name=op.f("ck_flow_health"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "account_id"],
            ["account.seller_id", "account.id"],
            name=op.f("fk_flow_seller_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "account_id", "flow", name=op.f("pk_flow")),
    )
    op.create_index("ix_flow_next_at", "flow", ["next_at"], unique=False)
    op.create_table(
        "level",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.SmallInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_level_not_negative")),
        sa.CheckConstraint("state BETWEEN 1 AND 6", name=op.f("ck_level_inside")),
        sa.ForeignKeyConstraint(
            ["seller_id", "location_id"],
            ["location.seller_id", "location.id"],
            name=op.f("fk_level_seller_id_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "product_id"],
            ["product.seller_id", "product.id"],
            name=op.f("fk_level_seller_id_product_id"),
        ),
        sa.PrimaryKeyConstraint(
            "seller_id", "product_id", "location_id", "state", "lot_id", name=op.f("pk_level")
        ),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "listing",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(length=200, collation="C"), nullable=False),
        sa.Column("parent_key", sa.String(length=200), server_default="", nullable=False),
        sa.Column("sku", sa.String(length=255), server_default="", nullable=False),
        sa.Column("barcode", sa.String(length=64), server_default="", nullable=False),
        sa.Column("title", sa.String(length=500), server_default="", nullable=False),
        sa.Column(
            "handles", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("state", sa.String(length=10), server_default="active", nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("desired_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("desired_quantity", sa.BigInteger(), nullable=True),
        sa.Column("sent_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sent_quantity", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("confirmed_quantity", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remote_quantity", sa.BigInteger(), nullable=True),
        sa.Column("remote_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("'-infinity'"),
            nullable=False,
        ),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks_left", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("last_error", sa.String(length=500), server_default="", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("state IN ('active', 'paused', 'ended')", name=op.f("ck_listing_state")),
        sa.CheckConstraint(
            "confirmed_version <= sent_version AND sent_version <= desired_version",
            name=op.f("ck_listing_versions"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "account_id"],
            ["account.seller_id", "account.id"],
            name=op.f("fk_listing_seller_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "product_id"],
            ["product.seller_id", "product.id"],
            name=op.f("fk_listing_seller_id_product_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_listing")),
        sa.UniqueConstraint(
            "external_id",
            "account_id",
            "seller_id",
            name=op.f("uq_listing_external_id_account_id_seller_id"),
        ),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        "ix_listing_account", "listing", ["account_id", "id", "seller_id"], unique=False
    )
    op.create_index(
        "ix_listing_due",
        "listing",
        ["seller_id", "account_id", "id"],
        unique=False,
        postgresql_where=sa.text("sent_version < desired_version"),
    )
    op.create_index(
        "ix_listing_check",
        "listing",
        ["seller_id", "account_id", "check_at"],
        unique=False,
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.create_index("ix_listing_product", "listing", ["product_id", "seller_id"], unique=False)
    op.create_table(
        "move",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("from_state", sa.SmallInteger(), nullable=False),
        sa.Column("from_location_id", sa.BigInteger(), nullable=True),
        sa.Column("to_state", sa.SmallInteger(), nullable=False),
        sa.Column("to_location_id", sa.BigInteger(), nullable=True),
        sa.Column("unit_cost", sa.BigInteger(), nullable=True),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "posted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint(
            "((from_state < 10) = (from_location_id IS NOT NULL))", name=op.f("ck_move_from_place")
        ),
        sa.CheckConstraint(
            "((to_state < 10) = (to_location_id IS NOT NULL))", name=op.f("ck_move_to_place")
        ),
        sa.CheckConstraint(
            "from_state <> to_state OR from_location_id IS DISTINCT FROM to_location_id",
            name=op.f("ck_move_goes_somewhere"),
        ),
        sa.CheckConstraint(
            "from_state BETWEEN 1 AND 15 AND to_state BETWEEN 1 AND 15", name=op.f("ck_move_known")
        ),
        sa.CheckConstraint(
            "quantity > 0 AND quantity <= 1000000000000", name=op.f("ck_move_quantity_positive")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "posting_id"],
            ["posting.seller_id", "posting.id"],
            name=op.f("fk_move_seller_id_posting_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_move")),
    )
    op.create_index("ix_move_posting", "move", ["seller_id", "posting_id"], unique=False)
    op.create_index(
        "ix_move_product", "move", ["seller_id", "product_id", "posted_at"], unique=False
    )
    op.create_table(
        "offer_rule",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("safety_stock", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("share_percent", sa.SmallInteger(), server_default="100", nullable=False),
        sa.Column("buffer", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=True),
        sa.Column("end_when_below", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "safety_stock >= 0 AND buffer >= 0 AND end_when_below >= 0 AND coalesce(cap, 0) >= 0",
            name=op.f("ck_offer_rule_not_negative"),
        ),
        sa.CheckConstraint("share_percent BETWEEN 0 AND 100", name=op.f("ck_offer_rule_share")),
        sa.ForeignKeyConstraint(
            ["seller_id", "account_id"],
            ["account.seller_id", "account.id"],
            name=op.f("fk_offer_rule_seller_id_account_id"),
        ),
        sa.PrimaryKeyConstraint(
            "seller_id", "account_id", "listing_id", name=op.f("pk_offer_rule")
        ),
    )
    op.create_table(
        "request",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column(
            "argument", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("state", sa.String(length=10), server_default="new", nullable=False),
        sa.Column(
            "answer", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "requested_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('test', 'listings', 'orders', 'refetch', 'read_stock', 'subscribe')",
            name=op.f("ck_request_kind"),
        ),
        sa.CheckConstraint("state IN ('new', 'done', 'failed')", name=op.f("ck_request_state")),
        sa.ForeignKeyConstraint(
            ["seller_id", "account_id"],
            ["account.seller_id", "account.id"],
            name=op.f("fk_request_seller_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_request")),
    )
    op.create_index(
        "ix_request_new",
        "request",
        ["seller_id", "account_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_table(
        "sales_order",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(length=200, collation="C"), nullable=False),
        sa.Column("number", sa.String(length=100), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("channel_status", sa.String(length=100), server_default="", nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source_updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("test", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column(
            "taken_in_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('unpaid', 'held', 'confirmed', 'part_shipped', 'shipped', 'delivered', 'signed', 'cancelled')",
            name=op.f("ck_sales_order_status"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "account_id"],
            ["account.seller_id", "account.id"],
            name=op.f("fk_sales_order_seller_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_sales_order")),
        sa.UniqueConstraint(
            "external_id",
            "account_id",
            "seller_id",
            name=op.f("uq_sales_order_external_id_account_id_seller_id"),
        ),
    )
    op.create_table(
        "webhook",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.String(length=200, collation="C"), nullable=False),
        sa.Column("topic", sa.String(length=100), server_default="", nullable=False),
        sa.Column(
            "hints", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="new", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("'-infinity'"),
            nullable=False,
        ),
        sa.Column("outcome", sa.String(length=300), server_default="", nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('new', 'done', 'ignored', 'conflict')", name=op.f("ck_webhook_state")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "account_id"],
            ["account.seller_id", "account.id"],
            name=op.f("fk_webhook_seller_id_account_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_webhook")),
        sa.UniqueConstraint(
            "seller_id",
            "account_id",
            "event_id",
            name=op.f("uq_webhook_seller_id_account_id_event_id"),
        ),
    )
    op.create_index(
        "ix_webhook_new",
        "webhook",
        ["seller_id", "account_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_table(
        "offer",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("listing_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("derivation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "derived_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_offer_not_negative")),
        sa.ForeignKeyConstraint(
            ["seller_id", "listing_id"],
            ["listing.seller_id", "listing.id"],
            name=op.f("fk_offer_seller_id_listing_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "listing_id", "version", name=op.f("pk_offer")),
    )
    op.create_table(
        "order_line",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(length=200, collation="C"), nullable=False),
        sa.Column(
            "listing_key", sa.String(length=200, collation="C"), server_default="", nullable=False
        ),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("sku", sa.String(length=255), server_default="", nullable=False),
        sa.Column("title", sa.String(length=500), server_default="", nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("allocated", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("claimed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("shipped", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cancelled", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("settled", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("returned", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "product_id IS NOT NULL OR allocated + claimed = 0",
            name=op.f("ck_order_line_held_is_known"),
        ),
        sa.CheckConstraint(
            "quantity = allocated + claimed + shipped + cancelled + settled + pending",
            name=op.f("ck_order_line_adds_up"),
        ),
        sa.CheckConstraint(
            "quantity > 0 AND allocated >= 0 AND claimed >= 0 AND shipped >= 0 AND cancelled >= 0 AND settled >= 0 AND pending >= 0",
            name=op.f("ck_order_line_not_negative"),
        ),
        sa.CheckConstraint(
            "returned BETWEEN 0 AND shipped + settled",
            name=op.f("ck_order_line_returned_was_shipped"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "order_id"],
            ["sales_order.seller_id", "sales_order.id"],
            name=op.f("fk_order_line_seller_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "product_id"],
            ["product.seller_id", "product.id"],
            name=op.f("fk_order_line_seller_id_product_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_order_line")),
        sa.UniqueConstraint(
            "order_id",
            "external_id",
            "seller_id",
            name=op.f("uq_order_line_order_id_external_id_seller_id"),
        ),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index(
        "ix_order_line_pending",
        "order_line",
        ["seller_id", "listing_key"],
        unique=False,
        postgresql_where=sa.text("pending > 0"),
    )
    op.create_index(
        "ix_order_line_product", "order_line", ["product_id", "seller_id"], unique=False
    )
    op.create_table(
        "order_payload",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["seller_id", "order_id"],
            ["sales_order.seller_id", "sales_order.id"],
            name=op.f("fk_order_payload_seller_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "order_id", name=op.f("pk_order_payload")),
    )
    op.create_table(
        "refund",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.String(length=200, collation="C"), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "account_id"],
            ["account.seller_id", "account.id"],
            name=op.f("fk_refund_seller_id_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "order_id"],
            ["sales_order.seller_id", "sales_order.id"],
            name=op.f("fk_refund_seller_id_order_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_refund")),
        sa.UniqueConstraint(
            "seller_id",
            "account_id",
            "external_id",
            name=op.f("uq_refund_seller_id_account_id_external_id"),
        ),
    )
    op.create_table(
        "returned",
        sa.Column("seller_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "id", sa.BigInteger(), server_default=sa.text("nextval('row_id')"), nullable=False
        ),
        sa.Column("refund_id", sa.BigInteger(), nullable=False),
        sa.Column("order_line_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("sellable", sa.BigInteger(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "quantity > 0 AND sellable BETWEEN 0 AND quantity", name=op.f("ck_returned_judged_part")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "location_id"],
            ["location.seller_id", "location.id"],
            name=op.f("fk_returned_seller_id_location_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "order_line_id"],
            ["order_line.seller_id", "order_line.id"],
            name=op.f("fk_returned_seller_id_order_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "product_id"],
            ["product.seller_id", "product.id"],
            name=op.f("fk_returned_seller_id_product_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id", "refund_id"],
            ["refund.seller_id", "refund.id"],
            name=op.f("fk_returned_seller_id_refund_id"),
        ),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_returned")),
        sa.UniqueConstraint(
            "seller_id",
            "refund_id",
            "order_line_id",
            name=op.f("uq_returned_seller_id_refund_id_order_line_id"),
        ),
    )
    for table in SELLER_TABLES:
        protect(table)
    protect("seller", "id")
    for table in LOOKED_ACROSS:
        op.execute(f"CREATE POLICY for_lookup ON {table} FOR SELECT TO CURRENT_USER USING (true)")
    op.execute("GRANT USAGE ON SEQUENCE row_id TO hub_app")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON heartbeat, clock_slot TO hub_app")
    op.execute("GRANT SELECT ON alembic_version TO hub_app")
    op.execute(FUNCTIONS)
    for signature in SIGNATURES:
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO hub_app")
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION hub_refuse_change()"
        )


def downgrade() -> None:
    raise NotImplementedError("a ledger is not taken back: restore the backup made before")
