"""Suppliers with what they charge, and purchase orders. What follows delivery is in
:mod:`hub.purchasing.arrivals`. Amounts are minor units of the currency beside them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.db import At, belongs_to, id_column, now_column, seller_table

#: One row a seller, and none until something is set: how this seller buys.
purchasing_setting = seller_table(
    "purchasing_setting",
    Column("approval_limit", BigInteger),
    Column("over_percent", SmallInteger, nullable=False, server_default="0"),
    Column("under_percent", SmallInteger, nullable=False, server_default="0"),
    Column("sample_percent", SmallInteger),
    Column("defect_percent", SmallInteger, nullable=False, server_default="0"),
    Column("price_percent", SmallInteger, nullable=False, server_default="0"),
    Column("quantity_percent", SmallInteger, nullable=False, server_default="0"),
    Column("version", BigInteger, nullable=False, server_default="1"),
    CheckConstraint("approval_limit >= 0", name="limit_not_negative"),
    CheckConstraint(
        "over_percent BETWEEN 0 AND 100 AND under_percent BETWEEN 0 AND 100"
        " AND coalesce(sample_percent, 0) BETWEEN 0 AND 100 AND defect_percent BETWEEN 0 AND 100"
        " AND price_percent BETWEEN 0 AND 100 AND quantity_percent BETWEEN 0 AND 100",
        name="percents",
    ),
    key=(),
)

#: The seller's sampling table: lots of at least so many units, how many are looked at, up to how
#: many defects the lot is accepted, from how many it is rejected.
sampling_step = seller_table(
    "sampling_step",
    Column("from_quantity", BigInteger, nullable=False),
    Column("sample", BigInteger, nullable=False),
    Column("accept", BigInteger, nullable=False),
    Column("reject", BigInteger, nullable=False),
    CheckConstraint(
        "from_quantity > 0 AND sample > 0 AND accept >= 0 AND reject > accept", name="in_order"
    ),
    key=("from_quantity",),
)

supplier = seller_table(
    "supplier",
    id_column(),
    Column("code", String(40), nullable=False),
    Column("name", String(200), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("payment_days", SmallInteger),
    Column("incoterm", String(40), nullable=False, server_default=""),
    Column("terms", String(500), nullable=False, server_default=""),
    Column("credit_rating", String(20), nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("version", BigInteger, nullable=False, server_default="1"),
    now_column("created_at"),
    UniqueConstraint("seller_id", "code"),
    CheckConstraint("length(code) > 0 AND length(name) > 0", name="named"),
    CheckConstraint("payment_days BETWEEN 0 AND 3650", name="payment_days"),
)

supplier_contact = seller_table(
    "supplier_contact",
    Column("supplier_id", BigInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("name", String(200), nullable=False),
    Column("role", String(100), nullable=False, server_default=""),
    Column("email", String(320), nullable=False, server_default=""),
    Column("phone", String(50), nullable=False, server_default=""),
    belongs_to("supplier", "supplier_id"),
    key=("supplier_id", "position"),
)

supplier_certificate = seller_table(
    "supplier_certificate",
    Column("supplier_id", BigInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("name", String(200), nullable=False),
    Column("number", String(100), nullable=False, server_default=""),
    Column("issued_on", Date),
    Column("expires_on", Date),
    belongs_to("supplier", "supplier_id"),
    CheckConstraint("expires_on >= issued_on", name="in_order"),
    key=("supplier_id", "position"),
)

#: What a supplier charges for a product from a day on; its tiers are rows of their own.
supplier_price = seller_table(
    "supplier_price",
    id_column(),
    Column("supplier_id", BigInteger, nullable=False),
    Column("product_id", BigInteger, nullable=False),
    Column("supplier_code", String(120), nullable=False, server_default=""),
    Column("currency", String(3), nullable=False),
    Column("minimum", BigInteger, nullable=False, server_default="1"),
    Column("maximum", BigInteger),
    Column("pack", BigInteger, nullable=False, server_default="1"),
    Column("lead_days", SmallInteger, nullable=False, server_default="0"),
    Column("valid_from", Date, nullable=False),
    Column("valid_until", Date),
    now_column("recorded_at"),
    belongs_to("supplier", "supplier_id"),
    belongs_to("product", "product_id"),
    UniqueConstraint("seller_id", "supplier_id", "product_id", "valid_from"),
    Index("ix_supplier_price_product", "product_id", "seller_id"),
    CheckConstraint("minimum > 0 AND pack > 0 AND maximum >= minimum", name="quantities"),
    CheckConstraint("lead_days BETWEEN 0 AND 3650", name="lead_days"),
    CheckConstraint("valid_until >= valid_from", name="in_order"),
)

price_tier = seller_table(
    "price_tier",
    Column("price_id", BigInteger, nullable=False),
    Column("from_quantity", BigInteger, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    belongs_to("supplier_price", "price_id"),
    CheckConstraint("from_quantity > 0 AND unit_price >= 0", name="priced"),
    key=("price_id", "from_quantity"),
)

#: ``rate_*``: how many of the seller's minor units one of the order's is, as a fraction; none where
#: it is not known, and then the goods' cost is not known either.
purchase_order = seller_table(
    "purchase_order",
    id_column(),
    Column("number", String(40), nullable=False),
    Column("kind", String(10), nullable=False, server_default="stock"),
    Column("supplier_id", BigInteger, nullable=False),
    Column("location_id", BigInteger, nullable=False),
    Column("state", String(14), nullable=False, server_default="draft"),
    Column("currency", String(3), nullable=False),
    Column("rate_numerator", BigInteger),
    Column("rate_denominator", BigInteger),
    Column("over_percent", SmallInteger, nullable=False, server_default="0"),
    Column("under_percent", SmallInteger, nullable=False, server_default="0"),
    Column("expected_on", Date),
    Column("note", Text, nullable=False, server_default=""),
    Column("made_by", String(100), nullable=False),
    Column("approved_by", String(100), nullable=False, server_default=""),
    Column("version", BigInteger, nullable=False, server_default="1"),
    now_column("made_at"),
    Column("approved_at", At),
    Column("sent_at", At),
    Column("confirmed_at", At),
    Column("shipped_at", At),
    Column("received_at", At),
    Column("closed_at", At),
    belongs_to("supplier", "supplier_id"),
    belongs_to("location", "location_id"),
    UniqueConstraint("seller_id", "number"),
    Index("ix_purchase_order_supplier", "supplier_id", "id", "seller_id"),
    Index("ix_purchase_order_state", "seller_id", "state", "id"),
    CheckConstraint("kind IN ('stock', 'drop_ship')", name="kind"),
    CheckConstraint(
        "state IN ('draft', 'approved', 'sent', 'confirmed', 'shipped', 'part_received',"
        " 'received', 'closed', 'cancelled')",
        name="state",
    ),
    CheckConstraint("rate_numerator > 0 AND rate_denominator > 0", name="rate_positive"),
    CheckConstraint("(rate_numerator IS NULL) = (rate_denominator IS NULL)", name="rate_whole"),
    CheckConstraint(
        "over_percent BETWEEN 0 AND 100 AND under_percent BETWEEN 0 AND 100", name="tolerances"
    ),
)

#: ``unit_cost`` in the seller's currency, where it was told; else it follows from price and rate.
#: ``given_up``: those of the cancelled that were still awaited when the order was closed.
purchase_line = seller_table(
    "purchase_line",
    id_column(),
    Column("order_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("product_id", BigInteger, nullable=False),
    Column("supplier_code", String(120), nullable=False, server_default=""),
    Column("quantity", BigInteger, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    Column("unit_cost", BigInteger),
    Column("expected_on", Date),
    Column("received", BigInteger, nullable=False, server_default="0"),
    Column("accepted", BigInteger, nullable=False, server_default="0"),
    Column("rejected", BigInteger, nullable=False, server_default="0"),
    Column("inspecting", BigInteger, nullable=False, server_default="0"),
    Column("cancelled", BigInteger, nullable=False, server_default="0"),
    Column("given_up", BigInteger, nullable=False, server_default="0"),
    Column("returned", BigInteger, nullable=False, server_default="0"),
    Column("over_accepted", Boolean, nullable=False, server_default=text("false")),
    belongs_to("purchase_order", "order_id"),
    belongs_to("product", "product_id"),
    UniqueConstraint("order_id", "position", "seller_id"),
    Index("ix_purchase_line_product", "product_id", "seller_id"),
    CheckConstraint("quantity > 0 AND quantity <= 1000000000", name="quantity"),
    CheckConstraint("unit_price >= 0 AND unit_cost >= 0", name="priced"),
    CheckConstraint("received = accepted + rejected + inspecting", name="received_is_judged"),
    CheckConstraint(
        "accepted >= 0 AND rejected >= 0 AND inspecting >= 0"
        " AND cancelled BETWEEN 0 AND quantity AND given_up BETWEEN 0 AND cancelled"
        " AND returned BETWEEN 0 AND rejected",
        name="within",
    ),
    fill=70,
)

#: Who changed what of an order, when, and why; also every step of its life.
purchase_amendment = seller_table(
    "purchase_amendment",
    id_column(),
    Column("order_id", BigInteger, nullable=False),
    Column("what", String(40), nullable=False),
    Column("actor", String(100), nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    Column("reason", String(500), nullable=False, server_default=""),
    now_column("at"),
    belongs_to("purchase_order", "order_id"),
    Index("ix_purchase_amendment_order", "order_id", "id", "seller_id"),
)

#: What was said between seller and supplier about an order.
purchase_message = seller_table(
    "purchase_message",
    id_column(),
    Column("order_id", BigInteger, nullable=False),
    Column("direction", String(3), nullable=False),
    Column("medium", String(20), nullable=False),
    Column("subject", String(300), nullable=False, server_default=""),
    Column("body", Text, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("said_at", At, nullable=False),
    now_column("at"),
    belongs_to("purchase_order", "order_id"),
    Index("ix_purchase_message_order", "order_id", "id", "seller_id"),
    CheckConstraint("direction IN ('in', 'out')", name="direction"),
)
