"""A migration that is killed half-way leaves the tables as they were, and is simply run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from hub import migrating
from hub.config import environment
from hub.db import create
from tests.hub.test_upgrade import Shape, shape
from tests.pump import eventually
from tests.rig import Rig

NAME = "hub_killed"
MIGRATE = "import sys; from hub import migrating; migrating.upgrade(*sys.argv[1:])"
WAITS = (
    "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'alembic_version'::regclass"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def old(servers: Rig, template_database: str) -> Iterator[Engine]:
    """A database at the oldest revision."""
    servers.create_database(NAME)
    url = servers.owner_url(NAME)
    engine = create(url, role="", name="test-killed", isolation="READ COMMITTED")
    config = migrating.configuration()
    first = list(ScriptDirectory.from_config(config).walk_revisions())[-1]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, first.revision)
    yield engine
    engine.dispose()
    (servers.postgres or servers).drop_database(NAME)


def tables(engine: Engine) -> tuple[str, Shape]:
    with engine.begin() as connection:
        return migrating.current(connection), shape(connection)


def test_a_migration_that_is_killed_half_way_has_done_nothing_and_runs_again(
    servers: Rig, old: Engine
) -> None:
    before = tables(old)
    owner_url, app_url = servers.owner_url(NAME), servers.app_url(NAME)
    plain = owner_url.replace("postgresql+psycopg", "postgresql", 1)

    with psycopg.connect(plain) as holder:
        # A step's tables are changed before its number is written: there it stops.
        holder.execute("LOCK TABLE alembic_version IN SHARE MODE")
        with subprocess.Popen(
            [sys.executable, "-c", MIGRATE, owner_url, app_url], env=environment()
        ) as migrating_process:
            eventually(lambda: bool(holder.execute(WAITS).fetchall()), 30, "it is half-way", 0.02)
            os.kill(migrating_process.pid, signal.SIGKILL)
        holder.rollback()
        eventually(lambda: not holder.execute(WAITS).fetchall(), 20, "its session ends", 0.02)
        holder.rollback()

    assert tables(old) == before
    assert migrating.is_behind(before[0])
    assert migrating.upgrade(owner_url, app_url) == migrating.head()
    assert not migrating.is_behind(tables(old)[0])
