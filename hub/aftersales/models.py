"""Refunds (money) and returns (goods), each once per remote id."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, String, UniqueConstraint

from hub.db import At, belongs_to, id_column, now_column, seller_table

refund = seller_table(
    "refund",
    id_column(),
    Column("account_id", BigInteger, nullable=False),
    Column("external_id", String(200, collation="C"), nullable=False),
    Column("order_id", BigInteger),
    Column("currency", String(3), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("refunded_at", At, nullable=False),
    now_column("recorded_at"),
    belongs_to("account", "account_id"),
    belongs_to("sales_order", "order_id"),
    UniqueConstraint("seller_id", "account_id", "external_id"),
)

returned = seller_table(
    "returned",
    id_column(),
    Column("refund_id", BigInteger, nullable=False),
    Column("order_line_id", BigInteger, nullable=False),
    Column("product_id", BigInteger, nullable=False),
    Column("location_id", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("sellable", BigInteger, nullable=False),
    now_column("received_at"),
    belongs_to("refund", "refund_id"),
    belongs_to("order_line", "order_line_id"),
    belongs_to("product", "product_id"),
    belongs_to("location", "location_id"),
    UniqueConstraint("seller_id", "refund_id", "order_line_id"),
    CheckConstraint("quantity > 0 AND sellable BETWEEN 0 AND quantity", name="judged_part"),
)
