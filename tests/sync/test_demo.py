"""The demo as a person runs it: it shows progress, and leaves no process behind however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from servers import accounts, place
from servers.process import alive
from tests.rig import REPOSITORY

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc to find processes"),
]
HUB = Path(sys.executable).with_name("hub")


def running(home: Path) -> dict[int, str]:
    """Every living process that was started for this home: pid → command line."""
    found = {}
    wanted = f"HUB_HOME={home}".encode()
    account = accounts.named(accounts.for_servers())
    bases = [str(place.base_of(server, home, account)) for server in ("postgres", "valkey")]
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            # PostgreSQL writes its title over its environment, but names its data directory.
            ours = wanted in (folder / "environ").read_bytes().split(b"\0")
            if (ours or any(base in line for base in bases)) and alive(int(folder.name)):
                found[int(folder.name)] = line
        except OSError:
            continue
    return found


@contextmanager
def demo(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    named = {"DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "HUB_SECRET_KEYS"}
    environment = {name: value for name, value in os.environ.items() if name not in named}
    process = subprocess.Popen(
        [HUB, "demo", *arguments],
        env={**environment, "HUB_HOME": str(home), "PYTHONUNBUFFERED": "1"},
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def wait_for(process: subprocess.Popen[str], words: str, seconds: float = 90) -> list[str]:
    lines: list[str] = []
    deadline = time.monotonic() + seconds
    assert process.stdout is not None
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        if not line:
            break
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"{words!r} was never said:\n{''.join(lines)}")


def gone(home: Path, seconds: float = 40) -> dict[int, str]:
    deadline = time.monotonic() + seconds
    while (left := running(home)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    account = accounts.named(accounts.for_servers())
    for server in ("postgres", "valkey"):
        shutil.rmtree(place.base_of(server, tmp_path / "home", account), ignore_errors=True)


def test_killed_without_warning_it_leaves_no_process_behind(home: Path) -> None:
    with demo(home) as process:
        wait_for(process, "all three are live")
        before = running(home)

        process.send_signal(signal.SIGKILL)

        assert any("postgres" in line for line in before.values())
        assert any("worker" in line for line in before.values())
        assert gone(home) == {}


def test_interrupted_it_settles_shows_the_table_and_leaves_no_process_behind(home: Path) -> None:
    with demo(home) as process:
        wait_for(process, "all three are live")
        time.sleep(1.0)

        process.send_signal(signal.SIGINT)
        said = "".join(wait_for(process, "result:", 120))
        process.wait(60)

        assert process.returncode == 0
        assert "What was synced" in said
        assert "hub verify: clean" in said
        assert gone(home) == {}
