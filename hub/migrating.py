"""Bringing a database to this version's tables, as the role that owns them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, make_url, text

from hub.db import APP_ROLE, create
from hub.errors import Misconfigured

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


def head() -> str:
    return ScriptDirectory.from_config(configuration()).get_current_head() or ""


def current(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""


def is_behind(revision: str) -> bool:
    """Whether a database lacks tables of this version. One that a newer version has migrated does
    not: a migration leaves the version before it working, so that both run during an upgrade."""
    return not revision or revision in _passed()


@cache
def _passed() -> frozenset[str]:
    """The revisions before the newest. They do not change while a process runs."""
    script = ScriptDirectory.from_config(configuration())
    return frozenset(one.revision for one in script.walk_revisions()) - {head()}


def upgrade(owner_url: str, app_url: str) -> str:
    """Create the application role where it is missing, migrate, and let the application's login
    act as that role. Answers the revision. The whole upgrade is one transaction."""
    engine = create(owner_url, role="", pool=1, name="hub-migrate", isolation="READ COMMITTED")
    try:
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            _app_role(connection)
            config = configuration()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            _let_in(connection, make_url(app_url).username or "")
            return current(connection)
    finally:
        engine.dispose()


def _app_role(connection: Connection) -> None:
    known = connection.execute(
        text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = :name"),
        {"name": APP_ROLE},
    ).scalar()
    if known is None:
        connection.execute(text(f"CREATE ROLE {APP_ROLE} NOLOGIN"))
    elif known:
        raise Misconfigured(f"role {APP_ROLE} may bypass row security; it must not")


def _let_in(connection: Connection, login: str) -> None:
    if not login:
        return
    member = connection.execute(
        text("SELECT pg_has_role(:login, :role, 'SET')"), {"login": login, "role": APP_ROLE}
    ).scalar()
    if not member:
        quoted = connection.dialect.identifier_preparer.quote(login)
        connection.execute(text(f"GRANT {APP_ROLE} TO {quoted} WITH INHERIT FALSE, SET TRUE"))
