"""Refunds (money), returns (goods) and payouts, each once per remote id."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
)

from hub.db import At, belongs_to, id_column, now_column, seller_table

#: Ours are ``pending`` under our own key as ``external_id`` until the channel says its own.
refund = seller_table(
    "refund",
    id_column(),
    Column("account_id", BigInteger, nullable=False),
    Column("external_id", String(200, collation="C"), nullable=False),
    Column("order_id", BigInteger),
    Column("currency", String(3), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("refunded_at", At, nullable=False),
    Column("state", String(10), nullable=False, server_default="done"),
    Column("reason", String(500), nullable=False, server_default=""),
    now_column("recorded_at"),
    belongs_to("account", "account_id"),
    belongs_to("sales_order", "order_id"),
    UniqueConstraint("seller_id", "account_id", "external_id"),
    Index("ix_refund_order", "order_id", "seller_id"),
    CheckConstraint("state IN ('pending', 'done', 'refused')", name="state"),
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

payout = seller_table(
    "payout",
    id_column(),
    Column("account_id", BigInteger, nullable=False),
    Column("external_id", String(200, collation="C"), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("paid_at", At, nullable=False),
    now_column("recorded_at"),
    belongs_to("account", "account_id"),
    UniqueConstraint("external_id", "account_id", "seller_id"),
)

payout_fee = seller_table(
    "payout_fee",
    Column("payout_id", BigInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("kind", String(100), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("order_key", String(200, collation="C"), nullable=False, server_default=""),
    belongs_to("payout", "payout_id"),
    key=("payout_id", "position"),
)
