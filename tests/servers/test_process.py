from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from servers import process

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def wait_until_dead(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while process.alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not process.alive(pid)


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])

    assert wait_until_dead(child.pid)
    assert child.wait() == 0


def test_a_child_that_will_not_end_is_killed() -> None:
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(flush=True); time.sleep(60)"
    )
    child = process.spawn(
        [sys.executable, "-c", stubborn],
        stop_signal=signal.SIGTERM,
        env={},
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    child.stdout.readline()

    code = process.stop(child, signal.SIGTERM, 0.2)

    child.stdout.close()
    assert code == -signal.SIGKILL


def test_a_process_can_tie_itself_to_its_parent() -> None:
    child = (
        "import os, signal, sys, time; from servers.process import die_with_parent;"
        "die_with_parent(signal.SIGTERM, int(sys.argv[1])); print(os.getpid(), flush=True);"
        "time.sleep(60)"
    )
    parent = (
        "import os, subprocess, sys, time;"
        f"subprocess.Popen([sys.executable, '-c', {child!r}, str(os.getpid())]); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        pid = int(started.stdout.readline())
        started.kill()

        assert wait_until_dead(pid)


def test_without_death_signals_a_watcher_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LINUX", False)
    child = process.spawn(SLEEP, stop_signal=signal.SIGTERM, env={}, stdout=subprocess.DEVNULL)
    watcher = process._watchers[child.pid]
    assert watcher.stdin is not None

    watcher.stdin.close()  # what the kernel does when the parent ends

    assert child.wait(5) == -signal.SIGTERM
    assert watcher.wait(5) == 0
    watcher.stdin = None
    assert process.stop(child, signal.SIGTERM, 1) == -signal.SIGTERM


def test_our_own_process_is_alive() -> None:
    assert process.alive(os.getpid())
