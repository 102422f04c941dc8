"""A disk that is full: what does not fit is refused and leaves nothing behind, the process lives,
and once there is room again the same call goes through."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hub.api.repeats import HEADER
from hub.secrets import Keyring
from hub.seller import create_seller
from servers import accounts
from servers.postgres import PORT, Postgres
from tests.builders import World, world
from tests.database import opened
from tests.rig import Rig
from tests.web import Speaker, as_owner

SMALL, LARGER = "32m", "64m"
UNITS = 1_000
#: More than fill what is left of the last page of every table.
MOST_CALLS = 600


@contextmanager
def small_disk() -> Iterator[Path]:
    """A file system of its own that the servers' account may write to, and nothing else fills."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk takes root")
    account = accounts.for_servers()
    folder = Path(tempfile.mkdtemp(prefix="hub-disk-"))
    options = f"size={SMALL},uid={account.uid},gid={account.gid},mode=700"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False
    )
    try:
        if mounted.returncode:
            pytest.skip("this machine lets nobody mount")
        yield folder
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


def root_of(postgres: Postgres, name: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(
        host=str(postgres.place.run), port=PORT, user="postgres", dbname=name, autocommit=True
    )


@pytest.fixture
def disk(servers: Rig, template_database: str) -> Iterator[Path]:
    """The database ``hub_small`` lies on it."""
    if servers.postgres is None:
        pytest.skip("needs a PostgreSQL of our own")
    with ExitStack() as stack:
        folder = stack.enter_context(small_disk())
        root = stack.enter_context(root_of(servers.postgres))
        root.execute(f"CREATE TABLESPACE small LOCATION '{folder}'".encode())
        stack.callback(root.execute, b"DROP TABLESPACE small")
        create = f"CREATE DATABASE hub_small OWNER hub_owner TEMPLATE {template_database}"
        root.execute(f"{create} TABLESPACE small".encode())
        stack.callback(root.execute, b"DROP DATABASE hub_small WITH (FORCE)")
        yield folder


@pytest.fixture
def shop(servers: Rig, disk: Path, keyring: Keyring) -> Iterator[World]:
    with opened(servers.app_url("hub_small")) as database:
        yield world(database, create_seller(database, "Anna"), keyring, {"TENT": UNITS})


def fill(servers: Rig) -> None:
    """Write until nothing more fits: by ever smaller pieces, as a full disk has no last page."""
    assert servers.postgres is not None
    with root_of(servers.postgres, "hub_small") as connection:
        connection.execute(b"CREATE TABLE filler (page text)")
        connection.execute(b"ALTER TABLE filler ALTER page SET STORAGE PLAIN")
        for rows in (512, 64, 8, 1):
            while fits(connection, rows):
                pass


def fits(connection: psycopg.Connection, rows: int) -> bool:
    pages = "INSERT INTO filler SELECT repeat('x', 7000) FROM generate_series(1, %s)"
    try:
        connection.execute(pages, (rows,))
    except psycopg.errors.DiskFull:
        return False
    return True


def count(owner: Speaker, number: int) -> Any:
    line = {"sku": "TENT", "location": "MAIN", "change": -1}
    body = {"key": f"count {number}", "reason": "stocktake" * 20, "lines": [line]}
    return owner.post("/stock/adjustments", body, headers={HEADER: f"k{number}"})


def test_a_full_disk_refuses_what_does_not_fit_and_takes_it_once_there_is_room(
    servers: Rig, disk: Path, shop: World
) -> None:
    owner = as_owner(shop.database, shop.keyring, shop.seller_id)
    assert count(owner, 0).status_code == 200
    fill(servers)

    taken = 1
    while (answer := count(owner, taken)).status_code == 200:
        taken += 1
        assert taken < MOST_CALLS
    refused = answer

    assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    assert owner.get("/stock/TENT").status_code == 200
    assert shop.level("TENT") == UNITS - taken
    shop.check()

    subprocess.run(["mount", "-o", f"remount,size={LARGER}", str(disk)], check=True)
    assert count(owner, taken).status_code == 200
    assert shop.level("TENT") == UNITS - taken - 1
    shop.check()
