"""A migration leaves the version before it working: both run while an installation is upgraded.

Migrations come first, then processes are exchanged one by one. So what old statements name must
stay, and what new columns want must come by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from hub import migrating
from hub.cli import main
from hub.db import create
from sync.worker import STOP_SECONDS
from tests.rig import Rig

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = text(
    "SELECT table_name || '.' || column_name, udt_name,"
    " coalesce(character_maximum_length, 0), is_nullable = 'YES', column_default IS NOT NULL"
    " FROM information_schema.columns WHERE table_schema = 'public'"
)
FUNCTIONS = text(
    "SELECT oid::regprocedure::text, pg_get_function_result(oid) FROM pg_proc"
    " WHERE pronamespace = 'public'::regnamespace AND prosecdef"
)


class Column(NamedTuple):
    kind: str
    length: int
    nullable: bool
    default: bool


class Shape(NamedTuple):
    """What statements rely on. ``columns`` by table and name, ``functions`` by signature."""

    columns: dict[str, Column]
    functions: dict[str, str]


def shape(connection: Connection) -> Shape:
    columns = {row[0]: Column(*row[1:]) for row in connection.execute(COLUMNS)}
    return Shape(columns, {row[0]: row[1] for row in connection.execute(FUNCTIONS)})


def breaks(before: Shape, after: Shape) -> list[str]:
    """What an old process would stumble over."""
    tables = {name.partition(".")[0] for name in before.columns}
    found = [f"{one}: changed" for one, told in before.functions.items()
             if after.functions.get(one) != told]  # fmt: skip
    for name, old in before.columns.items():
        new = after.columns.get(name)
        if new is None or new.kind != old.kind or new.length < old.length:
            found.append(f"{name}: gone or narrower")
        elif old.nullable and not new.nullable and not new.default:
            found.append(f"{name}: wanted now")
    for name, new in after.columns.items():
        fresh = name not in before.columns and name.partition(".")[0] in tables
        if fresh and not new.nullable and not new.default:
            found.append(f"{name}: an old statement does not fill it")
    return found


@pytest.fixture
def steps(servers: Rig, template_database: str) -> Iterator[Iterator[tuple[str, Shape]]]:
    """The tables after each migration, the oldest first."""
    servers.create_database("hub_steps")
    engine = create(
        servers.owner_url("hub_steps"), role="", name="test-steps", isolation="READ COMMITTED"
    )

    def walk() -> Iterator[tuple[str, Shape]]:
        config = migrating.configuration()
        script = ScriptDirectory.from_config(config)
        for one in reversed(list(script.walk_revisions())):
            with engine.begin() as connection:
                config.attributes["connection"] = connection
                command.upgrade(config, one.revision)
                yield one.revision, shape(connection)

    yield walk()
    engine.dispose()
    (servers.postgres or servers).drop_database("hub_steps")


def test_no_migration_breaks_the_statements_of_the_version_before_it(
    steps: Iterator[tuple[str, Shape]],
) -> None:
    _, before = next(steps)
    broken = {}
    for revision, after in steps:
        broken[revision] = breaks(before, after)
        before = after

    assert {revision: what for revision, what in broken.items() if what} == {}


def test_a_column_that_old_statements_do_not_fill_is_found() -> None:
    bigint = Column("int8", 0, False, False)
    before = Shape({"move.quantity": bigint, "move.note": Column("varchar", 99, True, False)}, {})
    after = Shape({"move.quantity": bigint, "move.note": Column("varchar", 9, True, False),
                   "move.reason": bigint, "fresh.id": bigint}, {})  # fmt: skip

    assert breaks(before, after) == [
        "move.note: gone or narrower",
        "move.reason: an old statement does not fill it",
    ]


@pytest.mark.parametrize("name", ["web", "worker", "clock"])
def test_a_unit_starts_a_command_that_exists_and_lets_its_workers_leave(name: str) -> None:
    unit = (ROOT / "deploy" / "systemd" / f"hub-{name}.service").read_text()

    started = re.search(r"^ExecStart=\S+/hub (\S+)$", unit, re.MULTILINE)
    patience = re.search(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert started
    assert patience
    assert started[1] in main.commands
    assert int(patience[1]) > STOP_SECONDS
    assert "KillMode=mixed" in unit  # a worker that is told twice drops its job
