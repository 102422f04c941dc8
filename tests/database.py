"""Databases for tests: one migrated template for each worker, a fresh copy for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from sqlalchemy import Engine

from hub import migrating
from hub.db import Database, create
from hub.secrets import Keyring
from hub.seller import create_seller
from tests.rig import Rig

TEMPLATE = "hub_template"
_numbers = count(1)


@contextmanager
def copy_of(servers: Rig, template: str) -> Iterator[str]:
    """The name of a fresh copy, dropped afterwards."""
    name = f"hub_test_{next(_numbers)}"
    servers.create_database(name, template=template)
    try:
        yield name
    finally:
        # The superuser may end sessions that have not quite gone.
        (servers.postgres or servers).drop_database(name)


@contextmanager
def opened(url: str, *, pool: int = 5) -> Iterator[Database]:
    """The database at an address, as the application opens it."""
    engine = create(url, pool=pool, name="test")
    try:
        yield Database(engine)
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def template_database(servers: Rig) -> str:
    """A migrated, empty database that nobody is connected to."""
    servers.create_database(TEMPLATE)
    migrating.upgrade(servers.owner_url(TEMPLATE), servers.app_url(TEMPLATE))
    return TEMPLATE


@pytest.fixture(scope="session")
def shared_database(servers: Rig, template_database: str) -> Iterator[Database]:
    """One database for all tests that look at their own seller only: a copy takes its time."""
    with copy_of(servers, template_database) as name, opened(servers.app_url(name)) as shared:
        yield shared


@pytest.fixture
def database_name(servers: Rig, template_database: str) -> Iterator[str]:
    with copy_of(servers, template_database) as name:
        yield name


@pytest.fixture
def database(servers: Rig, database_name: str) -> Iterator[Database]:
    """A fresh database, as the application's login sees it."""
    with opened(servers.app_url(database_name)) as fresh:
        yield fresh


@pytest.fixture
def wide_database(servers: Rig, database_name: str) -> Iterator[Database]:
    """The same with a connection for each of 64 threads."""
    with opened(servers.app_url(database_name), pool=32) as fresh:
        yield fresh


@pytest.fixture
def owner_engine(servers: Rig, database_name: str) -> Iterator[Engine]:
    """The same database as the role that owns its tables."""
    engine = create(
        servers.owner_url(database_name), role="", name="test-owner", isolation="READ COMMITTED"
    )
    yield engine
    engine.dispose()


@pytest.fixture
def keyring() -> Keyring:
    return Keyring({"test": b"t" * 32})


@pytest.fixture
def seller(database: Database) -> int:
    return create_seller(database, "Anna's Outdoor Shop")


@pytest.fixture
def other_seller(database: Database) -> int:
    return create_seller(database, "Bela's Outdoor Shop")
