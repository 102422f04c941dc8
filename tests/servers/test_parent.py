"""Servers end with the process that started them, however that one ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import process
from servers.postgres import Postgres
from tests.rig import REPOSITORY


@contextmanager
def parent(home: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, int]]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.parent", str(home)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with child:
        try:
            assert child.stdout is not None
            yield child, json.loads(child.stdout.readline())
        finally:
            child.kill()


def gone(pids: dict[str, int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(process.alive(pid) for pid in pids.values()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_kill_9_takes_both_servers_along_and_loses_nothing(home: Path) -> None:
    with parent(home) as (child, pids):
        assert all(process.alive(pid) for pid in pids.values())
        child.kill()

        with Postgres(home) as next_one:  # at once: it waits for the last to end
            assert next_one.databases() == ["kept"]
        assert gone(pids, 5)


def test_ctrl_c_reaches_the_parent_only(home: Path) -> None:
    with parent(home) as (child, pids):
        os.killpg(child.pid, signal.SIGINT)

        assert child.stdout is not None
        assert child.stdout.readline() == "still up\n"
        assert all(os.getsid(pid) == pid for pid in pids.values())
