"""``run.json``: what runs from a home, so that commands in another terminal find it."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

from servers.process import alive

NAME = "run.json"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Running:
    """``pid`` is the process whose end ends all of it. ``loopback`` lists host:port, by commas."""

    database_url: str = ""
    migration_database_url: str = ""
    redis_url: str = ""
    web_url: str = ""
    loopback: str = ""
    pid: int = field(default_factory=os.getpid)
    started_at: str = field(default_factory=_now)


def save(home: Path, running: Running) -> None:
    """Write it in one step: a reader sees the old file or the new one."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{NAME}.", dir=home)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(running), file, indent=2)
        file.write("\n")
    os.replace(name, home / NAME)


def load(home: Path) -> Running | None:
    """What runs from this home, or nothing: also where the file outlived its process."""
    try:
        found = json.loads((home / NAME).read_text(encoding="utf-8"))
        known = {each.name for each in fields(Running)}
        running = Running(**{key: value for key, value in found.items() if key in known})
        return running if "pid" in found and alive(int(running.pid)) else None
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def clear(home: Path) -> None:
    """Remove it, unless another process has put its own there since."""
    running = load(home)
    if running is None or running.pid == os.getpid():
        (home / NAME).unlink(missing_ok=True)
