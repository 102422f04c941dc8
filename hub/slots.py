"""Scheduled work fires once per slot, however many clocks run. Belongs to the installation."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, String, Table, delete, func, text
from sqlalchemy.dialects.postgresql import insert

from hub.db import At, Database, metadata, now_column

clock_slot = Table(
    "clock_slot",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("slot", At, primary_key=True),
    now_column("fired_at"),
)


def take_slot(database: Database, name: str, slot: datetime) -> bool:
    """True for the one that gets to fire it."""
    statement = insert(clock_slot).values(name=name, slot=slot).on_conflict_do_nothing()
    with database.across_sellers() as connection:
        fired = connection.execute(statement.returning(clock_slot.c.slot)).first()
        old = clock_slot.c.fired_at < func.now() - text("interval '90 days'")
        connection.execute(delete(clock_slot).where(old))
    return fired is not None
