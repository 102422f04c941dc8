"""What channels are told after a sale, and what they tell: parcels, cancellations, refunds, payouts."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations.rights import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FLOWS = ("outbox", "refunds", "payouts", "subscriptions")
TOLD = "state IN ('own', 'waiting', 'told', 'refused')"


def upgrade() -> None:
    _sales()
    _refund()
    _outbox()
    _shipment()
    _cancellation()
    _payout()
    _open_flows()


def _sales() -> None:
    op.add_column(
        "sales_order",
        sa.Column(
            "fulfilled_by_channel", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.add_column(
        "order_line",
        sa.Column("withdrawn", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_order_line_withdrawn_not_negative"), "order_line", "withdrawn >= 0"
    )


def _refund() -> None:
    op.add_column(
        "refund", sa.Column("state", sa.String(length=10), server_default="done", nullable=False)
    )
    op.add_column(
        "refund", sa.Column("reason", sa.String(length=500), server_default="", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_refund_state"), "refund", "state IN ('pending', 'done', 'refused')"
    )
    op.create_index("ix_refund_order", "refund", ["order_id", "seller_id"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        *_own(),
        _number("account_id"),
        _number("order_id"),
        _text("kind", 10, collation="C"),
        _number("subject_id"),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("payload", JSONB(), nullable=False),
        _text("state", 10, default="waiting"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("'-infinity'"),
            nullable=False,
        ),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        _text("external_id", 200, collation="C", default=""),
        _text("last_error", 500, default=""),
        _now("made_at"),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('ship', 'cancel', 'refund')", name=op.f("ck_outbox_kind")),
        sa.CheckConstraint(
            "state IN ('waiting', 'sent', 'done', 'refused')", name=op.f("ck_outbox_state")
        ),
        sa.CheckConstraint(
            "(state IN ('waiting', 'sent')) = (done_at IS NULL)",
            name=op.f("ck_outbox_done_when_it_is"),
        ),
        _belongs("outbox", "account_id", "account"),
        _belongs("outbox", "order_id", "sales_order"),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_outbox")),
        sa.UniqueConstraint(
            "subject_id",
            "kind",
            "version",
            "account_id",
            "seller_id",
            name=op.f("uq_outbox_subject_id_kind_version_account_id_seller_id"),
        ),
    )
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["seller_id", "account_id", "order_id", "id"],
        postgresql_where=sa.text("state IN ('waiting', 'sent')"),
    )
    protect("outbox")


def _shipment() -> None:
    op.create_table(
        "shipment",
        *_own(),
        _number("order_id"),
        _number("account_id"),
        _text("key", 40, collation="C"),
        _text("number", 120),
        _text("carrier", 100),
        _text("tracking_number", 200, default=""),
        _text("tracking_url", 500, default=""),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=False),
        _text("external_id", 200, collation="C", default=""),
        _text("state", 10),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _now("made_at"),
        sa.CheckConstraint(TOLD, name=op.f("ck_shipment_state")),
        _belongs("shipment", "order_id", "sales_order"),
        _belongs("shipment", "account_id", "account"),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_shipment")),
    )
    op.create_index("ix_shipment_order", "shipment", ["order_id", "id", "seller_id"])
    protect("shipment")
    _lines("shipment_line", "shipment")


def _cancellation() -> None:
    op.create_table(
        "cancellation",
        *_own(),
        _number("order_id"),
        _number("account_id"),
        _text("key", 40, collation="C"),
        _text("reason", 500),
        _text("state", 10),
        _now("made_at"),
        sa.CheckConstraint(TOLD, name=op.f("ck_cancellation_state")),
        _belongs("cancellation", "order_id", "sales_order"),
        _belongs("cancellation", "account_id", "account"),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_cancellation")),
    )
    op.create_index("ix_cancellation_order", "cancellation", ["order_id", "id", "seller_id"])
    protect("cancellation")
    _lines("cancellation_line", "cancellation")


def _payout() -> None:
    op.create_table(
        "payout",
        *_own(),
        _number("account_id"),
        _text("external_id", 200, collation="C"),
        _text("currency", 3),
        _number("amount"),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        _now("recorded_at"),
        _belongs("payout", "account_id", "account"),
        sa.PrimaryKeyConstraint("seller_id", "id", name=op.f("pk_payout")),
        sa.UniqueConstraint(
            "external_id",
            "account_id",
            "seller_id",
            name=op.f("uq_payout_external_id_account_id_seller_id"),
        ),
    )
    protect("payout")
    op.create_table(
        "payout_fee",
        _number("seller_id"),
        _number("payout_id"),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        _text("kind", 100),
        _number("amount"),
        _text("order_key", 200, collation="C", default=""),
        _belongs("payout_fee", "payout_id", "payout"),
        sa.PrimaryKeyConstraint("seller_id", "payout_id", "position", name=op.f("pk_payout_fee")),
    )
    protect("payout_fee")


def _lines(table: str, of: str) -> None:
    op.create_table(
        table,
        _number("seller_id"),
        _number(f"{of}_id"),
        _number("order_line_id"),
        _number("quantity"),
        sa.CheckConstraint("quantity > 0", name=op.f(f"ck_{table}_some")),
        _belongs(table, f"{of}_id", of),
        _belongs(table, "order_line_id", "order_line"),
        sa.PrimaryKeyConstraint("seller_id", f"{of}_id", "order_line_id", name=op.f(f"pk_{table}")),
    )
    protect(table)


def _open_flows() -> None:
    """Accounts that are connected already have the new flows too. The walls stand for the owner as
    well: they are opened for the one statement, in this very transaction."""
    for table in ("account", "flow"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    for name in FLOWS:
        op.execute(
            "INSERT INTO flow (seller_id, account_id, flow)"
            f" SELECT seller_id, id, '{name}' FROM account ON CONFLICT DO NOTHING"
        )
    for table in ("account", "flow"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _own() -> Sequence[sa.Column[int]]:
    made = sa.text("nextval('row_id')")
    return (
        _number("seller_id"),
        sa.Column("id", sa.BigInteger(), server_default=made, nullable=False),
    )


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _text(
    name: str, length: int, *, collation: str | None = None, default: str | None = None
) -> sa.Column[str]:
    kind = sa.String(length=length, collation=collation)
    return sa.Column(name, kind, server_default=default, nullable=False)


def _now(name: str) -> sa.Column[object]:
    now = sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=now, nullable=False)


def _belongs(table: str, column: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["seller_id", column],
        [f"{parent}.seller_id", f"{parent}.id"],
        name=op.f(f"fk_{table}_seller_id_{column}"),
    )


def downgrade() -> None:
    raise NotImplementedError("a ledger is not taken back: restore the backup made before")
