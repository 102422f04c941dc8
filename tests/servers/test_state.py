from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from servers import state
from servers.state import Running


def test_another_process_finds_what_runs(home: Path) -> None:
    running = Running(database_url="postgresql://a", redis_url="unix:///b", web_url="http://c")

    state.save(home, running)

    assert state.load(home) == running
    assert running.pid == os.getpid()
    assert (home / state.NAME).stat().st_mode & 0o777 == 0o600


def test_a_file_that_outlived_its_process_says_nothing(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass

    state.save(home, Running(pid=child.pid))

    assert state.load(home) is None


def test_no_file_or_a_broken_one_says_nothing(home: Path) -> None:
    assert state.load(home) is None
    home.mkdir()
    (home / state.NAME).write_text("[1")

    assert state.load(home) is None


def test_clearing_leaves_the_file_of_another_process(home: Path) -> None:
    state.save(home, Running(pid=os.getppid()))
    state.clear(home)
    assert state.load(home) is not None

    state.save(home, Running())
    state.clear(home)
    assert state.load(home) is None
    assert list(home.iterdir()) == []
