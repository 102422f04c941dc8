"""How accounts fare: webhooks that never came, clocks that differ, the pace of pushes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.rights import protect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

#: Read by the function below, which runs as the owner of the tables.
COUNTED = ("account_clock", "webhook_tally")

#: Beside hub_figures(): no seller, no account. Hours that began in the last three are lately; an
#: account goes unheard where more than one change in five, of ten at least, came without its
#: webhook.
VITALS = """
CREATE FUNCTION hub_vitals()
RETURNS TABLE (figure text, label text, amount bigint, oldest double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    WITH lately AS (
        SELECT t.seller_id, t.account_id, sum(t.changes) AS changes, sum(t.lost) AS lost
          FROM public.webhook_tally t
         WHERE t.hour > now() - interval '3 hours'
         GROUP BY t.seller_id, t.account_id
    )
    SELECT 'changes', '', coalesce(sum(l.changes), 0)::bigint, NULL::double precision
      FROM lately l
    UNION ALL
    SELECT 'lost', '', coalesce(sum(l.lost), 0)::bigint, NULL FROM lately l
    UNION ALL
    SELECT 'unheard', '', count(*), NULL
      FROM lately l WHERE l.changes >= 10 AND l.lost * 5 > l.changes
    UNION ALL
    SELECT 'clocks', '', count(*), max(abs(c.ahead))
      FROM public.account_clock c WHERE c.seen_at > now() - interval '1 day'
$$;
"""


def upgrade() -> None:
    _unheard()
    _webhook_tally()
    _account_clock()
    _account_pace()
    for table in COUNTED:
        op.execute(f"CREATE POLICY for_lookup ON {table} FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(VITALS)
    op.execute("REVOKE ALL ON FUNCTION hub_vitals() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION hub_vitals() TO hub_app")


def _unheard() -> None:
    op.create_table(
        "unheard",
        _number("seller_id"),
        _number("account_id"),
        sa.Column("order_key", sa.String(length=200, collation="C"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        _now("found_at"),
        _of_account("unheard"),
        sa.PrimaryKeyConstraint("seller_id", "account_id", "order_key", name=op.f("pk_unheard")),
    )
    protect("unheard")
    op.create_index("ix_webhook_received", "webhook", ["seller_id", "account_id", "received_at"])


def _webhook_tally() -> None:
    op.create_table(
        "webhook_tally",
        _number("seller_id"),
        _number("account_id"),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lost", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("lost_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "lost_order", sa.String(length=200, collation="C"), server_default="", nullable=False
        ),
        sa.CheckConstraint("slot BETWEEN 0 AND 23", name=op.f("ck_webhook_tally_slot")),
        sa.CheckConstraint(
            "lost BETWEEN 0 AND changes", name=op.f("ck_webhook_tally_lost_of_changes")
        ),
        _of_account("webhook_tally"),
        sa.PrimaryKeyConstraint("seller_id", "account_id", "slot", name=op.f("pk_webhook_tally")),
    )
    op.create_index("ix_webhook_tally_hour", "webhook_tally", ["hour"])
    protect("webhook_tally")


def _account_clock() -> None:
    op.create_table(
        "account_clock",
        _number("seller_id"),
        _number("account_id"),
        sa.Column("ahead", sa.Double(), nullable=False),
        sa.Column("host", sa.String(length=100), nullable=False),
        _now("seen_at"),
        _of_account("account_clock"),
        sa.PrimaryKeyConstraint("seller_id", "account_id", name=op.f("pk_account_clock")),
    )
    protect("account_clock")


def _account_pace() -> None:
    op.create_table(
        "account_pace",
        _number("seller_id"),
        _number("account_id"),
        sa.Column("rate", sa.Double(), nullable=True),
        sa.Column("latency", sa.Double(), nullable=True),
        _now("measured_at"),
        _of_account("account_pace"),
        sa.PrimaryKeyConstraint("seller_id", "account_id", name=op.f("pk_account_pace")),
        postgresql_with={"fillfactor": 50},
    )
    protect("account_pace")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _now(name: str) -> sa.Column[object]:
    now = sa.text("now()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=now, nullable=False)


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["seller_id", "account_id"],
        ["account.seller_id", "account.id"],
        name=op.f(f"fk_{table}_seller_id_account_id"),
    )


def downgrade() -> None:
    raise NotImplementedError("a ledger is not taken back: restore the backup made before")
