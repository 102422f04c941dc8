"""A PostgreSQL of our own on a socket of this machine: it listens to no network.

Roles: ``hub_owner`` owns the databases and migrates them; ``hub`` owns nothing and is what the
application runs as; ``postgres`` is the superuser. All three are open to the account that started
the server, by peer authentication, and to nobody else.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from servers import accounts, binaries, marker, place, process
from servers.errors import AlreadyRunning, ServersError, StartFailed
from servers.marker import Release
from servers.place import Place

PORT = "5432"  # names the socket; said in every URL, since PGPORT may say otherwise
START_SECONDS = 120.0
STOP_SECONDS = 30.0
ROLES = {"hub_owner": "CREATEROLE CREATEDB", "hub": "NOCREATEROLE NOCREATEDB"}
SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "dynamic_shared_memory_type": "mmap",  # containers give /dev/shm 64 MB
    "shared_buffers": "256MB",
    "max_connections": "200",
    "autovacuum_naptime": "10s",  # a fresh installation's plans are poor until tables are analysed
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_error_verbosity": "terse",  # DETAIL would quote rows, with what is secret in them
}
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
REMEDY = (
    "Start it with {found} and save it there (pg_dumpall -h SOCKETDIR -U postgres > all.sql), "
    "move {data} away, start again and load the file with psql. Or install {found} again."
)


class Postgres:
    """One server for one home. ``options`` are settings of the server, over ours."""

    def __init__(
        self, home: Path, *, throwaway: bool = False, options: Mapping[str, str] | None = None
    ) -> None:
        self.home = home
        self.throwaway = throwaway
        self.options = {**SETTINGS, **(THROWAWAY if throwaway else {}), **(options or {})}
        self._place: Place | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> Place:
        if self._place is None:
            raise ServersError("PostgreSQL is not started: call start() first")
        return self._place

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServersError("PostgreSQL is not started: call start() first")
        return self._process.pid

    def start(self) -> None:
        """Start it, making the data directory at the first time. Only from the main thread."""
        if self._process is not None:
            return
        account = accounts.named(accounts.for_servers())
        program = binaries.postgres(account)
        self._place = place.take("postgres", self.home, account, throwaway=self.throwaway)
        try:
            self._prepare(program)
            self._launch(program.executable.with_name("postgres"))
            self.place.write(self.place.data / marker.NAME, marker.text(program.release))
            self._make_roles()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is kept."""
        if self._process is not None:
            process.stop(self._process, signal.SIGINT, STOP_SECONDS)
            self._process = None
        if self._place is not None:
            self._place.release()
            self._place = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def url(self, role: str, database: str) -> str:
        """For SQLAlchemy."""
        return f"postgresql+psycopg://{role}@/{database}?host={self.place.run}&port={PORT}"

    def databases(self) -> list[str]:
        with self._superuser() as connection:
            rows = connection.execute(
                "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
                " ORDER BY datname"
            ).fetchall()
        return [str(row[0]) for row in rows]

    def create_database(self, name: str, *, template: str = "template1") -> None:
        """A database of ``hub_owner``, as a copy of ``template``, which nobody may be using. By
        files: where no disk is waited for, that takes half the time of a copy through the log."""
        statement = sql.SQL("CREATE DATABASE {} OWNER hub_owner TEMPLATE {} STRATEGY FILE_COPY")
        with self._superuser() as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def drop_database(self, name: str) -> None:
        """Remove it with all in it, if it exists, ending its sessions."""
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self._superuser() as connection:
            connection.execute(statement.format(sql.Identifier(name)))

    def _superuser(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.place.run), port=PORT, user="postgres", dbname="postgres", autocommit=True
        )

    def _prepare(self, program: binaries.Program) -> None:
        """A data directory this program may open, with our rules on who may log in."""
        data = self.place.data
        if data.exists():
            marker.check(data, program.release, _may_open, REMEDY)
            self._forget_dead_postmaster()
        else:
            self._initialise(program)
        self.place.write(data / "pg_hba.conf", "local all all peer map=hub\n")
        roles = ("postgres", *ROLES)
        name = accounts.named(accounts.caller()).name
        self.place.write(
            data / "pg_ident.conf", "".join(f'hub "{name}" {role}\n' for role in roles)
        )

    def _initialise(self, program: binaries.Program) -> None:
        """Made under another name, so that one cut short is never taken for a whole one."""
        unfinished = self.place.base / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        args: list[str | Path] = [
            program.executable, "-D", unfinished, "-U", "postgres", "-E", "UTF8",
            "--auth=peer", "--data-checksums", "--no-instructions",
            *_locale(program.release),
            *(["--no-sync"] if self.throwaway else []),
        ]  # fmt: skip
        start = self._log_size()
        child = self._spawn(args, signal.SIGKILL)
        if child.wait():
            raise StartFailed("initdb", self.place.log, self.place.log_tail(start))
        self.place.write(unfinished / marker.NAME, marker.text(program.release))
        unfinished.rename(self.place.data)

    def _launch(self, executable: Path) -> None:
        settings = [part for item in self.options.items() for part in ("-c", "=".join(item))]
        start = self._log_size()
        args: list[str | Path] = [
            executable,
            "-D",
            self.place.data,
            "-k",
            self.place.run,
            *settings,
        ]
        self._process = self._spawn(args, signal.SIGINT)
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StartFailed("PostgreSQL", self.place.log, self.place.log_tail(start))
            time.sleep(0.02)

    def _spawn(self, args: list[str | Path], sig: signal.Signals) -> subprocess.Popen[bytes]:
        here = self.place
        log = here.open_log()
        try:
            return process.spawn(
                args,
                user=here.account,
                stop_signal=sig,
                env=binaries.ENVIRONMENT,
                stdout=log,
                pass_fds=here.locks,
                cwd=Path("/"),  # the server's account can enter it
            )
        finally:
            os.close(log)

    def _log_size(self) -> int:
        return self.place.log.stat().st_size if self.place.log.exists() else 0

    def _ready(self) -> bool:
        """What pg_ctl looks at: the last line the server writes to its pid file."""
        lines = _pid_file(self.place.data)
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _forget_dead_postmaster(self) -> None:
        """After kill -9 the pid file stays, and its number may be a zombie's or another program's,
        which PostgreSQL would take for a server. We hold the lock that every one of its processes
        inherits, so ours are gone; what is left to rule out is one started by hand."""
        data = self.place.data
        lines = _pid_file(data)
        if not lines:
            return
        pid = int(lines[0])
        if process.alive(pid) and str(data) in _command(pid):
            raise AlreadyRunning("postgres", self.home, pid)
        (data / "postmaster.pid").unlink(missing_ok=True)

    def _make_roles(self) -> None:
        with self._superuser() as connection:
            present = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            for role, rights in ROLES.items():
                if role not in present:
                    statement = f"CREATE ROLE {role} LOGIN NOSUPERUSER {rights}"
                    connection.execute(statement.encode())


def _locale(release: Release) -> list[str]:
    """Byte order for sorting, Unicode for letters; the built-in provider needs no OS locale."""
    if release.version >= (17,):
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8" if process.LINUX else "--locale=C"]


def _may_open(found: Release, present: Release) -> bool:
    return found.version[0] == present.version[0] and found.version <= present.version


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
