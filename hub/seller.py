"""The seller: whom everything belongs to."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, String, Table, insert, text

from hub.db import Database, metadata, now_column, row_id
from hub.errors import InvalidInput

seller = Table(
    "seller",
    metadata,
    Column("id", BigInteger, primary_key=True, server_default=row_id.next_value()),
    Column("name", String(200), nullable=False),
    Column("currency", String(3), nullable=False),
    now_column("created_at"),
    CheckConstraint("length(name) > 0", name="named"),
    info={"seller": True},
)


def create_seller(database: Database, name: str, currency: str = "EUR") -> int:
    """A new seller's id. Its row is written as that seller, so no special right is needed."""
    if not name.strip() or len(name) > 200:
        raise InvalidInput("name", "must have 1 to 200 characters")
    with database.across_sellers() as connection:
        fresh = int(connection.execute(text("SELECT nextval('row_id')")).scalar_one())
    with database.transaction(fresh) as transaction:
        transaction.execute(insert(seller).values(id=fresh, name=name.strip(), currency=currency))
    return fresh
