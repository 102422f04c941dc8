"""What is running, where, and what is wrong."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from hub import migrating
from hub.channels.clocks import MEANS_SOMETHING, TOO_FAR, apart
from hub.config import Settings
from hub.db import Database, create
from hub.errors import HubError
from hub.health.figures import furthest_clock
from hub.heartbeat import Beat, beats
from hub.secrets import Keyring
from servers import accounts, binaries
from servers.errors import ServersError
from sync import queues
from sync.lanes import LANES

STALE = 20.0


class Finding(NamedTuple):
    good: bool
    what: str
    said: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Each thing looked at, in the order a person would; never raises for what it finds."""
    yield Finding(sys.version_info >= (3, 11), "python", sys.version.split()[0])
    yield _tried("user", _user)
    yield _tried("home", lambda: str(settings.home))
    yield _tried("secret keys", lambda: _keys(settings))
    yield _tried("embedded PostgreSQL", _postgres_program)
    yield _tried("embedded Valkey", _valkey_program)
    if not settings.database_url:
        yield Finding(False, "database", "none: set DATABASE_URL, or run `make demo`")
        return
    database = Database(create(settings.database_url, role="", pool=1, name="hub-doctor"))
    try:
        yield from _database(database, settings)
    finally:
        database.engine.dispose()
    yield _tried("redis", lambda: _redis(settings))
    yield from _processes(settings)


def _tried(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(True, what, look())
    except (HubError, ServersError, RedisError, OSError) as error:
        return Finding(False, what, str(error))


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise OSError(
            f"uid {os.getuid()} has no passwd entry: the embedded PostgreSQL cannot start; "
            "set DATABASE_URL, or add the entry"
        ) from None


def _keys(settings: Settings) -> str:
    ring = Keyring.load(settings.secret_keys, settings.home)
    return f"newest is {ring.newest!r}"


def _postgres_program() -> str:
    found = binaries.postgres(accounts.for_servers())
    return str(found.release)


def _valkey_program() -> str:
    found = binaries.valkey(accounts.for_servers())
    return str(found.release)


def _database(database: Database, settings: Settings) -> Iterator[Finding]:
    where = make_url(settings.database_url).render_as_string(hide_password=True)
    try:
        with database.across_sellers() as connection:
            version = connection.execute(text("SHOW server_version")).scalar()
            yield Finding(True, "database", f"{where}, PostgreSQL {version}")
            mighty = connection.execute(
                text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
            ).scalar()
            owns = connection.execute(
                text("SELECT count(*) FROM pg_tables WHERE tableowner = current_user"
                     " AND schemaname = 'public'")
            ).scalar()  # fmt: skip
            good = not mighty and not owns
            said = "owns nothing" if good else (
                "owns the tables or may bypass row security: give DATABASE_URL a login of its own "
                "and name the owner in MIGRATION_DATABASE_URL"
            )  # fmt: skip
            yield Finding(good, "application login", said)
    except (HubError, OSError, SQLAlchemyError) as error:
        said = error.message if isinstance(error, HubError) else type(error).__name__
        yield Finding(False, "database", f"{where}: {said}")
        return
    yield _schema(settings)


def _schema(settings: Settings) -> Finding:
    """As the application's role: its login alone may not even read how far the schema is."""
    database = Database(create(settings.database_url, pool=1, name="hub-doctor"))
    try:
        with database.across_sellers() as connection:
            mine = migrating.current(connection)
    except (HubError, SQLAlchemyError):
        mine = ""
    finally:
        database.engine.dispose()
    newest = migrating.head()
    said = f"at {mine or 'nothing'}, newest is {newest}"
    return Finding(mine == newest, "schema", said + ("" if mine == newest else ": migrate"))


def _redis(settings: Settings) -> str:
    connection = queues.connect(settings)
    version = connection.info("server").get("redis_version", "?")
    policy = connection.config_get("maxmemory-policy").get("maxmemory-policy", "?")
    if policy != "noeviction":
        raise OSError(f"maxmemory-policy is {policy}: must be noeviction, or jobs vanish")
    depths = queues.Queues(settings, connection).depths()
    return f"{version}, waiting jobs {depths}"


def _processes(settings: Settings) -> Iterator[Finding]:
    database = Database(create(settings.database_url, pool=1, name="hub-doctor"))
    try:
        alive = [one for one in beats(database) if one.age < STALE]
        furthest = furthest_clock(database)
    except (HubError, SQLAlchemyError) as error:
        said = error.message if isinstance(error, HubError) else "cannot be read: migrate first"
        yield Finding(False, "processes", said)
        return
    finally:
        database.engine.dispose()
    for kind, lanes in (("clock", ("",)), ("worker", LANES)):
        for lane in lanes:
            found = [b for b in alive if b.kind == kind and b.details.get("lane", "") == lane]
            said = ", ".join(f"{b.host} pid {b.pid}" for b in found) or "none is running"
            yield Finding(bool(found), f"{kind} {lane}".strip(), said)
    yield _host_clocks(alive)
    said = f"at most {furthest:.0f} s from ours"
    yield Finding(furthest <= TOO_FAR, "channels' clocks", said)


def _host_clocks(alive: Sequence[Beat]) -> Finding:
    """Due times are the database's; what channels sign is held against the host's clock."""
    off = {one.host: one.ahead for one in alive if abs(one.ahead) > MEANS_SOMETHING}
    said = ", ".join(f"{host} is {apart(ahead)} the database" for host, ahead in off.items())
    return Finding(not off, "hosts' clocks", said or "agree with the database's")
