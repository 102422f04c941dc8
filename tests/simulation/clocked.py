"""A database whose now() is the simulation's: time passes when the seed says so.

``sim.now()`` comes before ``pg_catalog.now()`` in the search path of every session, column defaults
and the functions that look across sellers are pointed at it, and each transaction is told the time
it begins at. So due times, leases and defaults follow the simulated clock, never the real one.

Versions that must not go back, and numbers that must be their version's, are watched where they
are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, event, make_url, text

from hub.db import Database, Transaction, create, row_id
from tests.simulation.scheduler import Scheduler

EPOCH = datetime(2031, 1, 6, tzinfo=UTC)
TICK = 0.001
PATH = "sim, pg_catalog, public"
#: Ids come in the order they are asked for, and equally long: texts with ids in them sort alike.
CLOCK = """
CREATE SCHEMA sim;
GRANT USAGE ON SCHEMA sim TO PUBLIC;
CREATE FUNCTION sim.now() RETURNS timestamptz LANGUAGE sql STABLE AS
  $$ SELECT pg_catalog.current_setting('sim.now')::timestamptz $$;
ALTER SEQUENCE row_id CACHE 1 RESTART 1000000000;
CREATE FUNCTION sim.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '%: %', TG_NAME, TG_ARGV[0]; END $$;
CREATE TRIGGER never_backwards BEFORE UPDATE ON listing FOR EACH ROW
  WHEN (NEW.sent_version < OLD.sent_version OR NEW.confirmed_version < OLD.confirmed_version
        OR NEW.desired_version < OLD.desired_version)
  EXECUTE FUNCTION sim.refuse('a listing goes back');
CREATE TRIGGER versions_have_their_numbers BEFORE UPDATE ON listing FOR EACH ROW
  WHEN (NEW.confirmed_version = NEW.sent_version
        AND NEW.confirmed_quantity IS DISTINCT FROM NEW.sent_quantity)
  EXECUTE FUNCTION sim.refuse('what was sent last is confirmed by another number');
CREATE TRIGGER never_backwards BEFORE UPDATE ON sales_order FOR EACH ROW
  WHEN (NEW.source_updated_at < OLD.source_updated_at)
  EXECUTE FUNCTION sim.refuse('an order goes back');
"""
DEFAULTS = """
SELECT format('ALTER TABLE public.%I ALTER %I SET DEFAULT sim.now()', table_name, column_name)
  FROM information_schema.columns WHERE table_schema = 'public' AND column_default = 'now()'
"""
FUNCTIONS = f"""
SELECT format('ALTER FUNCTION %s SET search_path = {PATH}', p.oid::regprocedure)
  FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND prosrc LIKE '%now()%'
"""
#: Paused workers hold their locks for longer than the hub's own limits allow.
SESSION = (
    f"SET search_path = {PATH}; SET lock_timeout = 0; SET statement_timeout = 0;"
    " SET idle_in_transaction_session_timeout = 0"
)
SET_NOW = text("SELECT set_config('sim.now', :now, true)")


class Clock:
    """Seconds since the run began."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @property
    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.seconds)

    def tick(self) -> datetime:
        """A moment later: no two things happen at once."""
        self.seconds = round(self.seconds + TICK, 3)
        return self.now


def driver(url: str) -> psycopg.Connection:
    """A plain connection, which no border sees."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def prepare(owner_url: str) -> None:
    """Give a migrated database the simulated clock."""
    with driver(owner_url) as owner:
        owner.execute(CLOCK)
        for query in (DEFAULTS, FUNCTIONS):
            for (statement,) in owner.execute(query).fetchall():
                owner.execute(statement)


class ClockedDatabase(Database):
    """The hub's own database door, with a border before BEGIN and on both sides of COMMIT. What a
    transaction rings is handed to the simulated clock process."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.clock = Clock()
        self.border: Callable[[str], None] = lambda kind: None
        self.rung: Callable[[set[str]], None] = lambda rings: None

    @contextmanager
    def transaction(self, seller_id: int) -> Iterator[Transaction]:
        self.border("begin")
        with super().transaction(seller_id) as tx:
            # Ids that an earlier run left on the connection would number this one's rows.
            tx.connection.info.pop(row_id.name, None)
            tx.execute(SET_NOW, {"now": self.clock.tick().isoformat()})
            yield tx
            rings, tx.rings = tx.rings, set()
            self.border("commit")
        self.border("committed")
        self.rung(rings)

    def glance(self, seller_id: int, reading: str) -> list[tuple[Any, ...]]:
        with self.transaction(seller_id) as tx:
            return [tuple(row) for row in tx.connection.exec_driver_sql(reading)]

    @contextmanager
    def across_sellers(self) -> Iterator[Connection]:
        self.border("begin")
        with super().across_sellers() as connection:
            connection.execute(SET_NOW, {"now": self.clock.tick().isoformat()})
            yield connection


def opened(app_url: str) -> ClockedDatabase:
    engine = create(app_url, pool=12, name="simulation")

    @event.listens_for(engine, "connect")
    def begin(connection: psycopg.Connection, _: object) -> None:
        connection.execute(SESSION)
        connection.commit()

    return ClockedDatabase(engine)


@contextmanager
def watched(engine: Engine, scheduler: Scheduler) -> Iterator[None]:
    """Let the scheduler see every statement go out and come back."""

    def before(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        raw = connection.connection.driver_connection
        pid = raw.info.backend_pid if isinstance(raw, psycopg.Connection) else 0
        scheduler.statement(pid, writes=not statement.startswith("SELECT"))

    def after(*_: object) -> None:
        scheduler.answered()

    hooks = (
        ("before_cursor_execute", before),
        ("after_cursor_execute", after),
        ("handle_error", after),
    )
    for name, hook in hooks:
        event.listen(engine, name, hook)
    try:
        yield
    finally:
        for name, hook in hooks:
            event.remove(engine, name, hook)
