"""Which processes are alive, as rows: a status page needs no Redis. Belongs to the installation."""

from __future__ import annotations

import os
import socket
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Integer, String, Table, delete, func, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert

from hub.db import Database, metadata, now_column

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("host", String(100), primary_key=True),
    Column("pid", Integer, primary_key=True),
    Column("details", JSONB, nullable=False, server_default="{}"),
    Column("beats", BigInteger, nullable=False, server_default="1"),
    now_column("started_at"),
    now_column("beat_at"),
)


class Beat(NamedTuple):
    kind: str
    host: str
    pid: int
    age: float
    details: dict[str, Any]


def beat(database: Database, kind: str, **details: Any) -> None:
    statement = insert(heartbeat).values(
        kind=kind, host=socket.gethostname()[:100], pid=os.getpid(), details=details
    )
    statement = statement.on_conflict_do_update(
        index_elements=["kind", "host", "pid"],
        set_={
            "details": statement.excluded.details,
            "beat_at": func.now(),
            "beats": heartbeat.c.beats + 1,
        },
    )
    with database.across_sellers() as connection:
        connection.execute(statement)
        connection.execute(
            delete(heartbeat).where(heartbeat.c.beat_at < func.now() - text("interval '1 day'"))
        )


def beats(database: Database) -> list[Beat]:
    """Newest first; ``age`` in seconds by the database's clock."""
    age = func.extract("epoch", func.now() - heartbeat.c.beat_at)
    columns = (heartbeat.c.kind, heartbeat.c.host, heartbeat.c.pid, age, heartbeat.c.details)
    with database.across_sellers() as connection:
        found = connection.execute(select(*columns).order_by(heartbeat.c.kind, age))
        return [
            Beat(kind, host, pid, float(old), details) for kind, host, pid, old, details in found
        ]
