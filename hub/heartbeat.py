"""Which processes are alive, as rows: a status page needs no Redis. Belongs to the installation.

Each also tells by how much its host's clock runs ahead of the database's: all due times are the
database's, and what channels sign is held against the host's.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    String,
    Table,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from hub.db import Database, metadata, now_column

#: A database that takes longer to tell its time says nothing of the clocks (seconds).
SLOWEST = 1.0

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

    @property
    def ahead(self) -> float:
        """Seconds that its host's clock runs ahead of the database's."""
        return float(self.details.get("ahead", 0.0))


def beat(
    database: Database, kind: str, *, now: Callable[[], float] = time.time, **details: Any
) -> None:
    with database.across_sellers() as connection:
        ahead = _ahead(connection, now)
        _store(connection, kind, details if ahead is None else {**details, "ahead": ahead})


def _ahead(connection: Connection, now: Callable[[], float]) -> float | None:
    """Seconds that this host's clock runs ahead of the database's, seen half way; None where the
    answer took so long that it shows nothing."""
    asked = now()
    told = connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
    came = now()
    return round((asked + came) / 2 - float(told), 3) if 0 <= came - asked <= SLOWEST else None


def _store(connection: Connection, kind: str, details: dict[str, Any]) -> None:
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
