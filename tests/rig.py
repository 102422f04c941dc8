"""A database server and a queue server to test or measure against: ours, or the ones named.

TEST_DATABASE_URL names a PostgreSQL whose user may create databases; TEST_REDIS_URL a Redis or
Valkey, whose database number is used as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import sql

from servers.postgres import Postgres
from servers.valkey import Valkey

REPOSITORY = Path(__file__).resolve().parent.parent


def shared_data(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the data that is not part of the repository lies, whether or not it is there."""
    return Path(environ.get("HUB_SHARED") or REPOSITORY.parent / "shared").resolve()


@dataclass(frozen=True)
class Rig:
    """``postgres`` and ``valkey`` are None where the environment names servers instead."""

    postgres: Postgres | None
    valkey: Valkey | None
    named_database: str
    named_redis: str

    def owner_url(self, database: str) -> str:
        """As the role that owns the databases and migrates them."""
        return self._url("hub_owner", database)

    def app_url(self, database: str) -> str:
        """As the role of the application. A named server has one user: it acts as the role."""
        return self._url("hub", database)

    @property
    def redis_url(self) -> str:
        return self.valkey.url if self.valkey else self.named_redis

    def create_database(self, name: str, *, template: str = "template1") -> None:
        self._administer("CREATE DATABASE {name} TEMPLATE {template}", name, template)

    def drop_database(self, name: str) -> None:
        self._administer("DROP DATABASE IF EXISTS {name} WITH (FORCE)", name)

    def _url(self, role: str, database: str) -> str:
        if self.postgres:
            return self.postgres.url(role, database)
        named = sa.make_url(self.named_database)
        url = named.set(drivername="postgresql+psycopg", database=database)
        return url.render_as_string(hide_password=False)

    def _administer(self, statement: str, name: str, template: str = "") -> None:
        url = self.owner_url("postgres").replace("postgresql+psycopg", "postgresql", 1)
        names = {"name": sql.Identifier(name), "template": sql.Identifier(template or name)}
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(**names))


@contextmanager
def rig(home: Path, *, throwaway: bool = True) -> Iterator[Rig]:
    """Start what the environment does not name, and stop it again. Only from the main thread."""
    database = os.environ.get("TEST_DATABASE_URL", "")
    redis = os.environ.get("TEST_REDIS_URL", "")
    with ExitStack() as stack:
        postgres = None if database else stack.enter_context(Postgres(home, throwaway=throwaway))
        valkey = None if redis else stack.enter_context(Valkey(home, throwaway=throwaway))
        yield Rig(postgres, valkey, database, redis)
