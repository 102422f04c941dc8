"""Where one server keeps its data, log and socket, whose they are, and who holds them now.

As root the data lies under /var/lib/storefront-hub, in a directory named after the home: the
account that runs the server can usually not reach the home, and gets no right to it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from servers.accounts import Account
from servers.binaries import SYSTEM
from servers.errors import AlreadyRunning
from servers.process import alive

RUN_PREFIX = "hubrun-"
LOG_LIMIT = 10_000_000
HANDOVER_SECONDS = 40.0  # how long a server may take to end after its parent was killed
YOUNG_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """``locks`` are open files whose lock lasts as long as we or the server hold them."""

    account: Account
    base: Path
    run: Path
    locks: tuple[int, ...]
    throwaway: bool

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def log(self) -> Path:
        return self.base / "server.log"

    def write(self, path: Path, text: str) -> None:
        """A new file of the server's account, never one it may have put a link in place of."""
        unfinished = path.with_name(f"{path.name}.new")
        unfinished.unlink(missing_ok=True)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchown(file.fileno(), self.account.uid, self.account.gid)
            file.write(text)
        unfinished.replace(path)

    def directory(self, path: Path) -> None:
        if not path.exists():
            path.mkdir(mode=0o700)
            os.chown(path, self.account.uid, self.account.gid)

    def open_log(self) -> int:
        """Opened by us for the server to write to; one earlier log is kept when it grows large."""
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)

    def log_tail(self, start: int = 0, lines: int = 20) -> str:
        try:
            with self.log.open("rb") as file:
                file.seek(max(start, self.log.stat().st_size - 20_000))
                text = file.read().decode(errors="replace")
        except OSError as error:
            return str(error)
        return "\n".join(text.splitlines()[-lines:])

    def release(self) -> None:
        """Let go of it. The lock ends with the last process of the server, which after a crash
        may be later: so it is closed, not unlocked, and no longer names us as the holder."""
        shutil.rmtree(self.run, ignore_errors=True)
        for lock in self.locks:
            os.ftruncate(lock, 0)
            os.close(lock)


def take(server: str, home: Path, account: Account, *, throwaway: bool) -> Place:
    """Claim the place of a server, or raise AlreadyRunning."""
    locks: list[int] = []
    try:
        if not throwaway:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            locks.append(_lock(server, home))
        sweep(account)
        run, run_lock = _run_directory(account)
        locks.append(run_lock)
        base = run if throwaway else _base(server, home, account)
    except BaseException:
        for lock in locks:
            os.close(lock)
        raise
    return Place(account, base, run, tuple(locks), throwaway)


def base_of(server: str, home: Path, account: Account) -> Path:
    """Where the data of a home is kept."""
    if not account.foreign:
        return home / server
    name = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
    return SYSTEM / name / server


def _base(server: str, home: Path, account: Account) -> Path:
    base = base_of(server, home, account)
    if account.foreign:
        for directory in (SYSTEM, base.parent):
            if not directory.exists():
                directory.mkdir(exist_ok=True)
                directory.chmod(0o755)
    if not base.exists():
        base.mkdir(mode=0o700)
        os.chown(base, account.uid, account.gid)
    return base


def _lock(server: str, home: Path) -> int:
    """Hold the home's lock. The server inherits it, so it also tells of one that outlives us."""
    handle = os.open(home / f"{server}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + HANDOVER_SECONDS
    while not _locked(handle):
        holder = int(os.pread(handle, 20, 0).strip() or b"0")
        if (holder and alive(holder)) or time.monotonic() > deadline:
            os.close(handle)
            raise AlreadyRunning(server, home, holder)
        time.sleep(0.05)
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _temporary() -> Path:
    """A socket's path may have 104 characters, which many a TMPDIR leaves no room for."""
    short = Path("/tmp")  # noqa: S108 (mkdtemp makes a private directory in it)
    return short if os.access(short, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def _run_directory(account: Account) -> tuple[Path, int]:
    run = Path(tempfile.mkdtemp(prefix=RUN_PREFIX, dir=_temporary()))
    lock = os.open(run / "lock", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    _locked(lock)
    os.chown(run, account.uid, account.gid)
    return run, lock


def sweep(account: Account, older: float = YOUNG_SECONDS) -> None:
    """Remove what killed processes left. Young directories may not have their lock yet."""
    for run in _temporary().glob(f"{RUN_PREFIX}*"):
        with suppress(OSError):
            found = run.lstat()
            young = time.time() - found.st_mtime < older
            if young or found.st_uid != account.uid or not stat.S_ISDIR(found.st_mode):
                continue
            handle = os.open(run / "lock", os.O_RDWR | os.O_NOFOLLOW)
            try:
                if _locked(handle):
                    shutil.rmtree(run, ignore_errors=True)
            finally:
                os.close(handle)
