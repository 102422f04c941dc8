"""The walls around a seller's table, the same for every table to come."""

from __future__ import annotations

from alembic import op

_SELLER = "nullif(current_setting('app.seller', true), '')::bigint"


def protect(table: str, *, append_only: bool = False) -> None:
    """Rows are seen and written by their seller alone, the table's owner included.

    ``append_only``: the application may add rows and read them, and nobody changes one.
    """
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    rule = f"seller_id = {_SELLER}"
    op.execute(f"CREATE POLICY of_seller ON {table} USING ({rule}) WITH CHECK ({rule})")
    rights = "SELECT, INSERT" if append_only else "SELECT, INSERT, UPDATE, DELETE"
    op.execute(f"GRANT {rights} ON {table} TO hub_app")
    if append_only:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION hub_refuse_change()"
        )
