"""Tables of what comes after an order: receipts, judgements, goods sent back, invoices."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from hub.db import At, belongs_to, id_column, now_column, seller_table

#: One count at the door, once per key.
goods_receipt = seller_table(
    "goods_receipt",
    id_column(),
    Column("order_id", BigInteger, nullable=False),
    Column("key", String(150, collation="C"), nullable=False),
    Column("fingerprint", String(64, collation="C"), nullable=False),
    Column("delivery_note", String(120), nullable=False, server_default=""),
    Column("note", String(500), nullable=False, server_default=""),
    Column("actor", String(100), nullable=False),
    Column("received_at", At, nullable=False),
    now_column("posted_at"),
    belongs_to("purchase_order", "order_id"),
    UniqueConstraint("key", "seller_id"),
    Index("ix_goods_receipt_order", "order_id", "id", "seller_id"),
    CheckConstraint("length(key) > 0", name="key_given"),
)

#: ``first_*``: what was decided at the door; the rest is how it stands by now.
receipt_line = seller_table(
    "receipt_line",
    id_column(),
    Column("receipt_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("line_id", BigInteger, nullable=False),
    Column("product_id", BigInteger, nullable=False),
    Column("location_id", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("inspecting", BigInteger, nullable=False),
    Column("first_inspecting", BigInteger, nullable=False),
    Column("sampled", BigInteger, nullable=False, server_default="0"),
    Column("defects", BigInteger, nullable=False, server_default="0"),
    Column("verdict", String(10), nullable=False),
    Column("reason", String(500), nullable=False, server_default=""),
    Column("unit_cost", BigInteger),
    Column("over", Boolean, nullable=False, server_default=text("false")),
    belongs_to("goods_receipt", "receipt_id"),
    belongs_to("purchase_line", "line_id"),
    belongs_to("product", "product_id"),
    belongs_to("location", "location_id"),
    UniqueConstraint("receipt_id", "position", "seller_id"),
    Index("ix_receipt_line_line", "line_id", "seller_id"),
    CheckConstraint("quantity > 0", name="some"),
    CheckConstraint("quantity = accepted + rejected + inspecting", name="received_is_judged"),
    CheckConstraint(
        "accepted >= 0 AND rejected >= 0 AND inspecting BETWEEN 0 AND first_inspecting"
        " AND first_inspecting <= quantity",
        name="within",
    ),
    CheckConstraint("verdict IN ('accept', 'inspect', 'reject')", name="verdict"),
    fill=80,
)

#: What became of units in inspection, once per key.
judgement = seller_table(
    "judgement",
    id_column(),
    Column("receipt_line_id", BigInteger, nullable=False),
    Column("key", String(150, collation="C"), nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("reason", String(500), nullable=False, server_default=""),
    Column("actor", String(100), nullable=False),
    now_column("at"),
    belongs_to("receipt_line", "receipt_line_id"),
    UniqueConstraint("key", "receipt_line_id", "seller_id"),
    CheckConstraint(
        "accepted >= 0 AND rejected >= 0 AND accepted + rejected > 0", name="judges_some"
    ),
)

#: Rejected goods sent back, and what is to be credited for them.
supplier_return = seller_table(
    "supplier_return",
    id_column(),
    Column("order_id", BigInteger, nullable=False),
    Column("key", String(150, collation="C"), nullable=False),
    Column("fingerprint", String(64, collation="C"), nullable=False),
    Column("state", String(10), nullable=False, server_default="sent"),
    Column("currency", String(3), nullable=False),
    Column("expected_credit", BigInteger, nullable=False),
    Column("credited", BigInteger),
    Column("note", String(500), nullable=False, server_default=""),
    Column("actor", String(100), nullable=False),
    Column("version", BigInteger, nullable=False, server_default="1"),
    now_column("sent_at"),
    belongs_to("purchase_order", "order_id"),
    UniqueConstraint("key", "seller_id"),
    Index("ix_supplier_return_order", "order_id", "id", "seller_id"),
    CheckConstraint("state IN ('sent', 'credited')", name="state"),
    CheckConstraint("(state = 'credited') = (credited IS NOT NULL)", name="credited_when_it_is"),
    CheckConstraint("expected_credit >= 0 AND credited >= 0", name="credit_not_negative"),
)

supplier_return_line = seller_table(
    "supplier_return_line",
    Column("return_id", BigInteger, nullable=False),
    Column("line_id", BigInteger, nullable=False),
    Column("location_id", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("credit", BigInteger, nullable=False),
    belongs_to("supplier_return", "return_id"),
    belongs_to("purchase_line", "line_id"),
    belongs_to("location", "location_id"),
    CheckConstraint("quantity > 0 AND credit >= 0", name="some"),
    key=("return_id", "line_id", "location_id"),
)

#: ``reasons``: what does not agree with order and receipts, in words.
supplier_invoice = seller_table(
    "supplier_invoice",
    id_column(),
    Column("order_id", BigInteger, nullable=False),
    Column("supplier_id", BigInteger, nullable=False),
    Column("number", String(120, collation="C"), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("invoiced_on", Date, nullable=False),
    Column("due_on", Date),
    Column("state", String(10), nullable=False),
    Column("reasons", JSONB, nullable=False, server_default="[]"),
    Column("actor", String(100), nullable=False),
    Column("version", BigInteger, nullable=False, server_default="1"),
    now_column("recorded_at"),
    belongs_to("purchase_order", "order_id"),
    belongs_to("supplier", "supplier_id"),
    UniqueConstraint("seller_id", "supplier_id", "number"),
    Index("ix_supplier_invoice_order", "order_id", "id", "seller_id"),
    CheckConstraint("state IN ('matched', 'mismatch', 'accepted')", name="state"),
    CheckConstraint("total >= 0", name="total_not_negative"),
)

supplier_invoice_line = seller_table(
    "supplier_invoice_line",
    Column("invoice_id", BigInteger, nullable=False),
    Column("line_id", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("unit_price", BigInteger, nullable=False),
    belongs_to("supplier_invoice", "invoice_id"),
    belongs_to("purchase_line", "line_id"),
    CheckConstraint("quantity > 0 AND unit_price >= 0", name="some"),
    key=("invoice_id", "line_id"),
)
