from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from servers import marker, process
from servers.errors import AlreadyRunning, StartFailed, WrongThread, WrongVersion
from servers.place import RUN_PREFIX
from servers.postgres import Postgres
from tests.rig import Rig


def ask(url: str, statement: str) -> object:
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        result = connection.execute(sa.text(statement))
        return result.scalar() if result.returns_rows else None


def edit_marker(path: Path, version: str) -> None:
    found = json.loads(path.read_text())
    path.write_text(json.dumps({**found, "version": version}))


def test_what_was_committed_survives_a_restart(home: Path) -> None:
    with Postgres(home) as first:
        first.create_database("shop")
        ask(first.url("hub_owner", "shop"), "CREATE TABLE kept AS SELECT 42 AS n")

    with Postgres(home) as second:
        assert second.databases() == ["shop"]
        assert ask(second.url("hub_owner", "shop"), "SELECT n FROM kept") == 42


def test_a_home_is_run_by_one_process_only(home: Path) -> None:
    with Postgres(home), pytest.raises(AlreadyRunning, match=str(os.getpid())) as caught:
        Postgres(home).start()

    assert caught.value.pid == os.getpid()


def test_two_homes_run_side_by_side(home: Path, other_home: Path) -> None:
    with Postgres(home) as one, Postgres(other_home) as other:
        one.create_database("only_here")

        assert other.databases() == []


def test_it_starts_after_a_crash_that_left_its_pid_file(home: Path) -> None:
    first = Postgres(home)
    first.start()
    data = first.place.data
    os.kill(first.pid, signal.SIGKILL)
    first.stop()
    lines = (data / "postmaster.pid").read_text().splitlines()
    # The number now belongs to a living process that is no server, as after a reboot.
    (data / "postmaster.pid").write_text("\n".join([str(os.getppid()), *lines[1:], ""]))

    with Postgres(home) as second:
        assert second.databases() == []


@pytest.mark.parametrize(("version", "why"), [("99.1", "newer"), ("14.2", "older")])
def test_data_of_another_major_version_is_refused(home: Path, version: str, why: str) -> None:
    with Postgres(home) as server:
        data = server.place.data
    edit_marker(data / marker.NAME, version)

    with pytest.raises(WrongVersion, match="pg_dumpall") as caught:
        Postgres(home).start()

    assert caught.value.found == f"PostgreSQL {version}"


def test_a_server_that_does_not_start_shows_its_log(home: Path) -> None:
    with pytest.raises(StartFailed, match="no_such_setting"):
        Postgres(home, options={"no_such_setting": "1"}).start()

    with Postgres(home) as again:
        assert again.databases() == []


def test_servers_are_started_from_the_main_thread_only(home: Path) -> None:
    if not process.LINUX:
        pytest.skip("only Linux ties a child to the thread that started it")
    caught: list[BaseException] = []

    def start() -> None:
        try:
            Postgres(home).start()
        except WrongThread as error:
            caught.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert len(caught) == 1


def test_a_throwaway_leaves_nothing_behind(home: Path) -> None:
    with Postgres(home, throwaway=True) as server:
        run = server.place.run
        assert run.name.startswith(RUN_PREFIX)

    assert not run.exists()
    assert not home.exists()


def test_the_application_role_owns_nothing_and_creates_nothing(servers: Rig) -> None:
    if servers.postgres is None:
        pytest.skip("TEST_DATABASE_URL names a server whose roles are not ours")
    servers.postgres.create_database("roles")
    url = servers.postgres.url("hub", "roles")

    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        ask(url, "CREATE TABLE mine (id int)")
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        ask(url, "CREATE DATABASE mine")
    assert ask(servers.owner_url("roles"), "CREATE TABLE ours (id int)") is None
    servers.postgres.drop_database("roles")
    assert "roles" not in servers.postgres.databases()


def test_it_listens_to_no_network_and_sorts_the_same_everywhere(servers: Rig) -> None:
    if servers.postgres is None:
        pytest.skip("TEST_DATABASE_URL names a server whose settings are not ours")
    url = servers.owner_url("postgres")

    assert ask(url, "SHOW listen_addresses") == ""
    assert ask(url, "SHOW server_encoding") == "UTF8"
    assert ask(url, "SHOW data_checksums") == "on"
    assert ask(url, "SELECT lower('ÄÉ') || (SELECT 'a' > 'B')") == "äétrue"


def test_another_role_gets_no_entry(servers: Rig) -> None:
    if servers.postgres is None:
        pytest.skip("TEST_DATABASE_URL names a server whose roles are not ours")
    url = servers.postgres.url("hub_owner", "postgres")
    ask(url, "CREATE ROLE stranger LOGIN")

    with pytest.raises(psycopg.OperationalError, match="Peer authentication failed"):
        psycopg.connect(url.replace("+psycopg", "").replace("hub_owner", "stranger")).close()
    ask(url, "DROP ROLE stranger")


def test_a_home_whose_server_is_ending_is_waited_for(home: Path) -> None:
    """Its parent was killed a moment ago: the lock is still held, by a pid that is gone."""
    home.mkdir()
    script = (
        "import fcntl, os, sys, time\n"
        "f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX)\n"
        "print('held', flush=True); time.sleep(1)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, home / "postgres.lock"], stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        started = time.monotonic()

        with Postgres(home) as server:
            assert server.databases() == []
        assert time.monotonic() - started > 0.5
