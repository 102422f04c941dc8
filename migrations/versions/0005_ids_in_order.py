"""Row ids in the order they are asked for: no session keeps some for later.

Pages are read by id, the oldest first; a row that came later with a smaller id would be passed over.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER SEQUENCE row_id CACHE 1")


def downgrade() -> None:
    raise NotImplementedError("a ledger is not taken back: restore the backup made before")
