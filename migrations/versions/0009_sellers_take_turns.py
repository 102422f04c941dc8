"""Sellers take turns in what is due: one with thousands of rows does not fill the clock's sweep."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

#: Each seller's oldest first, then each seller's second. Only so many are looked at that the sweep
#: after a long silence stays short. What is leased is due when its lease ends, and not before.
DUE = """
CREATE OR REPLACE FUNCTION hub_due(most integer, ahead double precision)
RETURNS TABLE (seller_id bigint, account_id bigint, flow text, due_in double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT d.seller_id, d.account_id, d.flow, d.due_in
      FROM (SELECT o.seller_id, o.account_id, o.flow::text AS flow, o.next_at,
                   extract(epoch FROM o.due_at - now())::double precision AS due_in,
                   row_number() OVER (PARTITION BY o.seller_id ORDER BY o.next_at) AS turn
              FROM (SELECT f.seller_id, f.account_id, f.flow, f.next_at,
                           greatest(f.next_at, f.lease_until) AS due_at
                      FROM public.flow f
                     WHERE f.next_at <= now() + make_interval(secs => ahead)
                       AND f.lease_until < now() + make_interval(secs => ahead)
                     ORDER BY f.next_at LIMIT most * 100) o) d
     ORDER BY d.turn, d.next_at LIMIT most
$$
"""
CHANGED = """
CREATE OR REPLACE FUNCTION hub_changed_sellers(most integer) RETURNS TABLE (seller_id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT c.seller_id FROM public.stock_change c
     GROUP BY c.seller_id ORDER BY min(c.id) LIMIT most
$$
"""


def upgrade() -> None:
    op.execute(DUE)
    op.execute(CHANGED)


def downgrade() -> None:
    raise NotImplementedError("a ledger is not taken back: restore the backup made before")
