"""Orders, their lines, and what the channel sent, sealed."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)

from hub.db import At, belongs_to, id_column, now_column, seller_table

sales_order = seller_table(
    "sales_order",
    id_column(),
    Column("account_id", BigInteger, nullable=False),
    Column("external_id", String(200, collation="C"), nullable=False),
    Column("number", String(100), nullable=False),
    Column("status", String(20), nullable=False),
    Column("channel_status", String(100), nullable=False, server_default=""),
    Column("currency", String(3), nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("placed_at", At, nullable=False),
    Column("source_updated_at", At, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("test", Boolean, nullable=False, server_default=text("false")),
    Column("fulfilled_by_channel", Boolean, nullable=False, server_default=text("false")),
    Column("version", BigInteger, nullable=False, server_default="1"),
    now_column("taken_in_at"),
    belongs_to("account", "account_id"),
    UniqueConstraint("external_id", "account_id", "seller_id"),
    CheckConstraint(
        "status IN ('unpaid', 'held', 'confirmed', 'part_shipped', 'shipped', 'delivered',"
        " 'signed', 'cancelled')",
        name="status",
    ),
)

#: quantity = allocated + claimed + shipped + cancelled + settled + pending, always.
#: ``settled`` units left before the hub kept this stock; ``pending`` ones belong to no product yet.
#: ``withdrawn`` units are those we took off: they stay off, whatever the channel still counts.
order_line = seller_table(
    "order_line",
    id_column(),
    Column("order_id", BigInteger, nullable=False),
    Column("external_id", String(200, collation="C"), nullable=False),
    Column("listing_key", String(200, collation="C"), nullable=False, server_default=""),
    Column("product_id", BigInteger),
    Column("sku", String(255), nullable=False, server_default=""),
    Column("title", String(500), nullable=False, server_default=""),
    Column("quantity", BigInteger, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("allocated", BigInteger, nullable=False, server_default="0"),
    Column("claimed", BigInteger, nullable=False, server_default="0"),
    Column("shipped", BigInteger, nullable=False, server_default="0"),
    Column("cancelled", BigInteger, nullable=False, server_default="0"),
    Column("settled", BigInteger, nullable=False, server_default="0"),
    Column("pending", BigInteger, nullable=False, server_default="0"),
    Column("returned", BigInteger, nullable=False, server_default="0"),
    Column("withdrawn", BigInteger, nullable=False, server_default="0"),
    belongs_to("sales_order", "order_id"),
    belongs_to("product", "product_id"),
    UniqueConstraint("order_id", "external_id", "seller_id"),
    Index("ix_order_line_product", "product_id", "seller_id"),
    Index(
        "ix_order_line_pending",
        "seller_id",
        "listing_key",
        postgresql_where=text("pending > 0"),
    ),
    CheckConstraint(
        "quantity = allocated + claimed + shipped + cancelled + settled + pending", name="adds_up"
    ),
    CheckConstraint(
        "quantity > 0 AND allocated >= 0 AND claimed >= 0 AND shipped >= 0 AND cancelled >= 0"
        " AND settled >= 0 AND pending >= 0",
        name="not_negative",
    ),
    CheckConstraint("withdrawn >= 0", name="withdrawn_not_negative"),
    CheckConstraint("returned BETWEEN 0 AND shipped + settled", name="returned_was_shipped"),
    CheckConstraint("product_id IS NOT NULL OR allocated + claimed = 0", name="held_is_known"),
    fill=80,
)

#: Raw payload and buyer, sealed under a key of the order's own: deleting the key erases them.
order_payload = seller_table(
    "order_payload",
    Column("order_id", BigInteger, nullable=False),
    Column("wrapped_key", LargeBinary),
    Column("sealed", LargeBinary),
    belongs_to("sales_order", "order_id"),
    key=("order_id",),
)

#: Orders with units that keys are still to be drawn for: what a sweep looks for.
key_delivery = seller_table(
    "key_delivery",
    Column("order_id", BigInteger, nullable=False),
    now_column("noted_at"),
    belongs_to("sales_order", "order_id"),
    key=("order_id",),
)

#: ``own``: the channel is not told, by what it can do or because it sent the goods itself.
_TOLD = "state IN ('own', 'waiting', 'told', 'refused')"

#: Goods that left, as they left. ``version`` counts corrections of carrier and number.
shipment = seller_table(
    "shipment",
    id_column(),
    Column("order_id", BigInteger, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("key", String(40, collation="C"), nullable=False),
    Column("number", String(120), nullable=False),
    Column("carrier", String(100), nullable=False),
    Column("tracking_number", String(200), nullable=False, server_default=""),
    Column("tracking_url", String(500), nullable=False, server_default=""),
    Column("shipped_at", At, nullable=False),
    Column("external_id", String(200, collation="C"), nullable=False, server_default=""),
    Column("state", String(10), nullable=False),
    Column("version", BigInteger, nullable=False, server_default="1"),
    now_column("made_at"),
    belongs_to("sales_order", "order_id"),
    belongs_to("account", "account_id"),
    Index("ix_shipment_order", "order_id", "id", "seller_id"),
    CheckConstraint(_TOLD, name="state"),
)

shipment_line = seller_table(
    "shipment_line",
    Column("shipment_id", BigInteger, nullable=False),
    Column("order_line_id", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    belongs_to("shipment", "shipment_id"),
    belongs_to("order_line", "order_line_id"),
    CheckConstraint("quantity > 0", name="some"),
    key=("shipment_id", "order_line_id"),
)

#: Units that will not be sent, by our own decision.
cancellation = seller_table(
    "cancellation",
    id_column(),
    Column("order_id", BigInteger, nullable=False),
    Column("account_id", BigInteger, nullable=False),
    Column("key", String(40, collation="C"), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("state", String(10), nullable=False),
    now_column("made_at"),
    belongs_to("sales_order", "order_id"),
    belongs_to("account", "account_id"),
    Index("ix_cancellation_order", "order_id", "id", "seller_id"),
    CheckConstraint(_TOLD, name="state"),
)

cancellation_line = seller_table(
    "cancellation_line",
    Column("cancellation_id", BigInteger, nullable=False),
    Column("order_line_id", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    belongs_to("cancellation", "cancellation_id"),
    belongs_to("order_line", "order_line_id"),
    CheckConstraint("quantity > 0", name="some"),
    key=("cancellation_id", "order_line_id"),
)
