"""The database: tables that belong to a seller, and the one transaction.

``transaction(seller)`` sets the seller for the length of the transaction; the policies of every
seller's table filter by it, so a query that forgets the seller sees nothing of another. The
process' login may only act as ``hub_app``, which owns nothing. After COMMIT, on the same
connection, the transaction rings: inside it a NOTIFY would serialise every commit of the cluster.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    DateTime,
    Engine,
    Executable,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    PrimaryKeyConstraint,
    Result,
    Table,
    TableValuedAlias,
    bindparam,
    cast,
    column,
    create_engine,
    func,
    literal,
    text,
)
from sqlalchemy import (
    Sequence as DatabaseSequence,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine.interfaces import IsolationLevel
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from hub import failpoints, tracing
from hub.arrays import KINDS, ArrayText
from hub.errors import Misconfigured, Unavailable

log = logging.getLogger(__name__)
T = TypeVar("T")

APP_ROLE = "hub_app"
CHANNEL = "hub_ring"
#: A host that vanishes says nothing. Its sessions here, and ours there, are found out within ten
#: seconds, idle, asking or waiting for an answer: so long its locks stay. (Nothing of this counts
#: on a Unix socket, whose other end is this host.)
KEEPALIVE: Mapping[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 2,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 6_000,
}
FOUND_OUT = (
    "-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
    " -c tcp_user_timeout=6000 -c client_connection_check_interval=2000"
)
#: serialization_failure, deadlock_detected, lock_not_available: the command is simply run again.
RETRIED = frozenset({"40001", "40P01", "55P03"})

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
#: One sequence numbers every row, so that a page's ids come in one statement.
row_id = DatabaseSequence("row_id", metadata=metadata, cache=1)
NEXT_IDS = text("SELECT nextval('row_id') FROM generate_series(1, :count)")

At = DateTime(timezone=True)


def id_column() -> Column[int]:
    return Column("id", BigInteger, server_default=row_id.next_value(), nullable=False)


def now_column(name: str) -> Column[Any]:
    return Column(name, At, nullable=False, server_default=func.now())


def seller_table(
    name: str, *items: SchemaItem, key: Sequence[str] = ("id",), fill: int = 0
) -> Table:
    """A table whose every row belongs to a seller: the seller leads its key and its policies.

    ``fill`` < 100 leaves room in each page so that updates of unindexed columns stay on it (HOT).
    """
    # A composite key to a parent row proves the seller; a second check would cost every row.
    rooted = any(isinstance(item, ForeignKeyConstraint) for item in items)
    root = [] if rooted else [ForeignKey("seller.id", ondelete="RESTRICT")]
    owner = Column("seller_id", BigInteger, *root, nullable=False)
    options: dict[str, Any] = {"postgresql_with": {"fillfactor": fill}} if fill else {}
    return Table(
        name,
        metadata,
        owner,
        *items,
        PrimaryKeyConstraint("seller_id", *key),
        info={"seller": True},
        **options,
    )


def belongs_to(table: str, *columns: str, key: Sequence[str] = ("id",)) -> ForeignKeyConstraint:
    """A foreign key that carries the seller: another seller's id is simply not there."""
    return ForeignKeyConstraint(
        ["seller_id", *columns], [f"{table}.seller_id", *(f"{table}.{name}" for name in key)]
    )


Kind = TypeEngine[Any] | type[TypeEngine[Any]]


#: The seller, in statements that are built once and run for all of them: building one costs as
#: much as running it. :meth:`Transaction.params` gives it its value.
SELLER = bindparam("seller", type_=BigInteger)


def array(name: str, kind: Kind) -> ColumnElement[Any]:
    """A list bound as ``p_<name>``."""
    made = kind if isinstance(kind, type) else type(kind)
    for parent, written in KINDS:
        if issubclass(made, parent):
            return bindparam(f"p_{name}", type_=ArrayText(written))
    return bindparam(f"p_{name}", type_=ARRAY(kind))


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """The column is one of a list bound as ``p_<name>``."""
    return column == func.any(array(name, column.type))


def rows(*columns: tuple[str, Kind]) -> TableValuedAlias:
    """``unnest`` of one array per column, to insert, update or join a whole set in one statement.

    The arrays are bound as ``p_<name>``. Types are explicit: psycopg would choose int2[] or int4[]
    by value, and each shape would be a new prepared statement.
    """
    arrays = [array(name, kind) for name, kind in columns]
    shape = [column(name, kind) for name, kind in columns]
    return (
        func.unnest(*arrays).table_valued(*shape, name="u", joins_implicitly=True).render_derived()
    )


def params(**columns: Sequence[Any]) -> dict[str, Any]:
    """The values for :func:`rows`."""
    return {f"p_{name}": list(values) for name, values in columns.items()}


class Transaction:
    """One seller's open transaction. ``ring`` is heard after COMMIT, never before."""

    def __init__(self, connection: Connection, seller_id: int) -> None:
        self.connection = connection
        self.seller_id = seller_id
        self.rings: set[str] = set()
        self._reserved: list[int] = []
        self.seller = cast(literal(seller_id), BigInteger)

    def execute(self, statement: Executable, values: Any = None) -> Result[*tuple[Any, ...]]:
        return self.connection.execute(statement, values)

    def change(self, statement: Executable, values: Any = None) -> int:
        """Execute and answer how many rows it touched."""
        result = self.connection.execute(statement, values)
        return result.rowcount if isinstance(result, CursorResult) else 0

    def params(self, **columns: Sequence[Any]) -> dict[str, Any]:
        """The values for a statement with :data:`SELLER`, :func:`rows` and :func:`among`."""
        return {"seller": self.seller_id, **params(**columns)}

    def reserve(self, count: int) -> None:
        """Fetch the row ids that :meth:`ids` will be asked for, all at once."""
        self._reserved = self.ids(count)

    def ids(self, count: int) -> list[int]:
        """Fresh row ids, before the rows are written."""
        if count <= len(self._reserved):
            taken, self._reserved = self._reserved[:count], self._reserved[count:]
            return taken
        return list(self.connection.execute(NEXT_IDS, {"count": count}).scalars())

    def ring(self, topic: str) -> None:
        self.rings.add(f"{self.seller_id}:{topic}")


def create(
    url: str,
    *,
    role: str = APP_ROLE,
    pool: int = 5,
    name: str = "hub",
    isolation: IsolationLevel = "AUTOCOMMIT",
) -> Engine:
    """An engine whose sessions act as ``role`` and have limits on everything that can hang.

    ``isolation`` is the driver's: :class:`Database` opens its transactions itself. Whoever uses
    ``engine.begin()`` wants ``"READ COMMITTED"``.
    """
    if not url:
        raise Misconfigured("no database: set DATABASE_URL, or run `make demo` for an embedded one")
    # A process that is frozen in a transaction, its host alive, holds its locks no longer either.
    limits = (
        "-c statement_timeout=15000 -c lock_timeout=5000 -c jit=off "
        f"-c idle_in_transaction_session_timeout=8000 -c timezone=UTC {FOUND_OUT}"
    )
    # Every index leads with the seller: reading a whole table is never right for the application.
    # A fresh installation's planner does not know that yet: foreign-key checks planned while a
    # parent had one row would read all of it, for as long as the session lives.
    options = f"{limits} -c enable_seqscan=off -c role={role}" if role else limits
    return create_engine(
        url,
        isolation_level=isolation,
        hide_parameters=True,
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=5,
        pool_pre_ping=False,
        pool_recycle=1800,
        connect_args={
            "options": options,
            "application_name": name,
            "connect_timeout": 5,
            **KEEPALIVE,
        },
    )


def sql_state(error: BaseException) -> str:
    if isinstance(error, DBAPIError) and isinstance(error.orig, psycopg.Error):
        return error.orig.sqlstate or ""
    return ""


def _worth_retrying(error: BaseException) -> bool:
    return sql_state(error) in RETRIED


class Database:
    """The one door to the database for web, workers, clock and commands."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def transaction(self, seller_id: int) -> Iterator[Transaction]:
        """Commit at the end, roll back on any error, then ring. Raises Unavailable (503)."""
        with self._connection() as connection:
            with connection.begin():
                connection.exec_driver_sql(f"BEGIN; {set_seller(seller_id)}")
                transaction = Transaction(connection, seller_id)
                yield transaction
                failpoints.reached("database.commit")
            failpoints.reached("database.committed")
            _ring(connection, transaction.rings)

    def glance(self, seller_id: int, reading: str) -> list[tuple[Any, ...]]:
        """What one reading finds, in one round trip: statements that come in one message are one
        transaction to the database. Plain text; nothing but the hub's own numbers belongs in it."""
        with self._connection() as connection:
            told = connection.exec_driver_sql(f"{set_seller(seller_id)}; {reading}").cursor
            if told is None:
                raise Unavailable("the database gave no answer; try again shortly")
            while told.nextset():
                pass
            return [tuple(row) for row in told.fetchall()]

    @contextmanager
    def across_sellers(self) -> Iterator[Connection]:
        """A transaction with no seller: it sees installation tables and the listed functions."""
        with self._connection() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN")
            yield connection

    def command(self, seller_id: int, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a transaction, again from the start if the database had to choose a
        loser (deadlock, serialisation, lock timeout), five times at most."""
        for attempt in Retrying(
            stop=stop_after_attempt(5),
            wait=wait_random_exponential(multiplier=0.02, max=0.5),
            retry=retry_if_exception(_worth_retrying),
            reraise=True,
        ):
            with attempt, self.transaction(seller_id) as transaction:
                result = work(transaction)
        return result

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            connection = self.engine.connect()
        except (OperationalError, PoolTimeout) as error:
            raise Unavailable("the database does not answer; try again shortly") from error
        with connection:
            yield connection


def set_seller(seller_id: int) -> str:
    """The statement that makes a transaction the seller's. Plain text, so that it goes out with
    BEGIN: a round trip less for every transaction."""
    return f"SELECT set_config('app.seller', '{int(seller_id)}', true)"


RING = "SELECT pg_notify(%s, topic) FROM unnest(%s::text[]) AS topic"


def _ring(connection: Connection, rings: set[str]) -> None:
    """Best effort: the rows are committed, and a lost ring costs one sweep."""
    if not rings:
        return
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        return
    try:
        cause = tracing.carried()
        heard = [f"{ring}|{cause}" if cause else ring for ring in sorted(rings)]
        driver.execute(RING, (CHANNEL, heard))
    except psycopg.Error:
        log.warning("ring lost; the sweep will find the work")
        connection.invalidate()


def jitter(seconds: float) -> float:
    """Between half and one and a half of it, so that retries do not march in step."""
    return seconds * (0.5 + random.random())  # noqa: S311  # spreads load, guards nothing
