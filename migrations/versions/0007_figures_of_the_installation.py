"""One more look across sellers: how much waits, and for how long. It names no seller, no account."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

#: Read by the function below, which runs as the owner of the tables.
COUNTED = ("conflict", "listing", "offer", "outbox", "webhook")

FIGURES = """
CREATE FUNCTION hub_figures()
RETURNS TABLE (figure text, label text, amount bigint, oldest double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    SELECT 'flows_due', f.flow::text, count(*),
           max(extract(epoch FROM now()) - extract(epoch FROM f.next_at))
               FILTER (WHERE f.next_at > 'epoch')::double precision
      FROM public.flow f
     WHERE f.next_at <= now() AND f.lease_until < now()
     GROUP BY f.flow
    UNION ALL
    SELECT 'pushes', '', count(*),
           extract(epoch FROM now() - min(o.derived_at))::double precision
      FROM public.listing l
      JOIN public.account a
        ON a.seller_id = l.seller_id AND a.id = l.account_id AND a.mode = 'live'
      LEFT JOIN public.offer o
        ON o.seller_id = l.seller_id AND o.listing_id = l.id AND o.version = l.desired_version
     WHERE l.sent_version < l.desired_version
       AND l.state = 'active' AND NOT l.paused AND l.product_id IS NOT NULL
    UNION ALL
    SELECT 'readbacks', '', count(*), NULL FROM public.listing l
     WHERE l.check_at IS NOT NULL AND l.confirmed_version < l.sent_version
    UNION ALL
    SELECT 'webhooks', '', count(*),
           extract(epoch FROM now() - min(w.received_at))::double precision
      FROM public.webhook w WHERE w.state = 'new'
    UNION ALL
    SELECT 'outbox', '', count(*),
           extract(epoch FROM now() - min(b.made_at))::double precision
      FROM public.outbox b WHERE b.state IN ('waiting', 'sent')
    UNION ALL
    SELECT 'conflicts', c.kind::text, count(*), NULL
      FROM public.conflict c WHERE c.state IN ('open', 'in_progress') GROUP BY c.kind
    UNION ALL
    SELECT 'accounts', w.health, count(*), NULL
      FROM (SELECT (array['healthy', 'throttled', 'failing', 'reauthorise'])[max(array_position(
                   array['healthy', 'throttled', 'failing', 'reauthorise'], f.health::text))]
                   AS health
              FROM public.flow f
              JOIN public.account a ON a.seller_id = f.seller_id AND a.id = f.account_id
             WHERE a.mode IN ('shadow', 'live')
             GROUP BY f.seller_id, f.account_id) w
     GROUP BY w.health
$$;
"""


def upgrade() -> None:
    for table in COUNTED:
        op.execute(f"CREATE POLICY for_lookup ON {table} FOR SELECT TO CURRENT_USER USING (true)")
    op.execute(FIGURES)
    op.execute("REVOKE ALL ON FUNCTION hub_figures() FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION hub_figures() TO hub_app")


def downgrade() -> None:
    raise NotImplementedError("a ledger is not taken back: restore the backup made before")
