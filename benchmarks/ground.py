"""The servers that benchmarks run on, and databases to run in.

PostgreSQL with fsync, as in production. Autovacuum is off: it would come and go between passes;
what is filled is vacuumed and analysed once, and nothing is analysed while it is empty (a foreign
key's plan made then scans the parent for ever). Templates are kept between runs, under names that
carry a fingerprint of what made them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import shop
from benchmarks.harness import note
from hub import migrating
from hub.db import Database, create
from servers.postgres import PORT, Postgres
from servers.valkey import Valkey

HERE = Path(__file__).resolve().parent
MAKERS = ("fill.py", "rows.py", "shop.py", "../migrations/versions/*.py")
OPTIONS = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "autovacuum": "off",
}
SUPERUSER = "postgres"
ALLOCATED_LEVELS = """
INSERT INTO level (seller_id, product_id, location_id, lot_id, state, quantity)
SELECT seller_id, product_id, location_id, lot_id, 2, 0 FROM level"""
Build = Callable[["Ground", str], None]


def fingerprint() -> str:
    """Of the schema and of everything that fills a template."""
    files = sorted(file for pattern in MAKERS for file in HERE.glob(pattern))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]


@dataclass(frozen=True)
class Ground:
    postgres: Postgres
    valkey: Valkey
    home: Path

    def app_url(self, name: str) -> str:
        return self.postgres.url("hub", name)

    @contextmanager
    def app(self, name: str, pool: int = 5) -> Iterator[Database]:
        """The database as the application sees it: its own login, its role, row security."""
        engine = create(self.app_url(name), pool=pool, name="bench")
        try:
            yield Database(engine)
        finally:
            engine.dispose()

    def superuser(self, name: str, *, autocommit: bool = False) -> psycopg.Connection:
        """Whom no policy binds: the floors."""
        return psycopg.connect(
            host=str(self.postgres.place.run),
            port=PORT,
            user=SUPERUSER,
            dbname=name,
            autocommit=autocommit,
        )

    @contextmanager
    def copy(self, template: str) -> Iterator[str]:
        """The name of a copy of a template, dropped afterwards."""
        name = f"copy_of_{template}"
        self.postgres.drop_database(name)
        self._create(name, template)
        try:
            yield name
        finally:
            self.postgres.drop_database(name)

    def template(self, kind: str, build: Build, *, base: str = "template1") -> str:
        """The name of a kept database; ``build`` fills a copy of ``base`` where there is none.

        It gets its name when it is whole: one cut short is never taken for it.
        """
        name = f"{kind}_{fingerprint()}"
        if name in self.postgres.databases():
            return name
        note(f"making the database {name}")
        for other in self.postgres.databases():
            if other.startswith((f"{kind}_", "making_")):
                self.postgres.drop_database(other)
        self._create(f"making_{kind}", base)
        build(self, f"making_{kind}")
        with self.superuser(SUPERUSER, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE making_{kind} RENAME TO {name}".encode())
        return name

    def empty(self) -> str:
        """A migrated database without rows."""

        def migrate(ground: Ground, name: str) -> None:
            migrating.upgrade(ground.postgres.url("hub_owner", name), ground.app_url(name))

        return self.template("empty", migrate)

    def shops(self, *, products: int, shops: int) -> str:
        """A seller whose every product is in stock and in every shop, and was sold before: its
        allocated level is there, at nought."""

        def build(ground: Ground, name: str) -> None:
            with ground.app(name) as database:
                shop.furnish(database, products=products, shops=shops)
            with ground.superuser(name, autocommit=True) as boss:
                boss.execute(ALLOCATED_LEVELS)
                boss.execute("VACUUM (ANALYZE) product, level, listing, offer")

        return self.template(f"shops_{products}_{shops}", build, base=self.empty())

    def _create(self, name: str, template: str) -> None:
        """Copied file by file: a copy through the log would write gigabytes of it."""
        statement = f"CREATE DATABASE {name} OWNER hub_owner TEMPLATE {template} STRATEGY file_copy"
        with self.superuser(SUPERUSER, autocommit=True) as connection:
            connection.execute(statement.encode())


def after_commit(database: Database, call: Callable[[], None]) -> None:
    """Have this called whenever a COMMIT has come back, before anything else goes on."""
    commit = database.engine.dialect.do_commit

    def noted(connection: Any) -> None:
        commit(connection)
        call()

    setattr(database.engine.dialect, "do_commit", noted)  # noqa: B010  # no method of ours to mypy


@contextmanager
def ground(home: Path) -> Iterator[Ground]:
    """Start both servers, and stop them again. Only from the main thread."""
    with Postgres(home, options=OPTIONS) as postgres, Valkey(home) as valkey:
        yield Ground(postgres, valkey, home)
