"""Failpoints: nothing to those who run without them, and one blow each to those who have them."""

from __future__ import annotations

import ast
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hub.config import environment
from hub.errors import Misconfigured, Unavailable
from hub.failpoints import (
    CHARGED,
    FREEZE,
    KILL,
    LOSE,
    POINTS,
    STRUCK,
    VARIABLE,
    Charges,
    _armed,
    reached,
)
from servers import process
from tests.pump import eventually

ROOT = Path(__file__).resolve().parents[2]
REACHES = "from hub.failpoints import reached\nreached('push.answered')\nprint('went on')"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in (CHARGED, STRUCK):
        (tmp_path / part).mkdir()
    return tmp_path


def charge(folder: Path, point: str, deed: str) -> None:
    (folder / CHARGED / point).write_text(deed)


def struck(folder: Path) -> list[str]:
    return [one.name.partition("@")[0] for one in (folder / STRUCK).iterdir()]


def run(folder: Path | None) -> subprocess.CompletedProcess[str]:
    """A process that reaches a point."""
    named = {VARIABLE: str(folder)} if folder else {}
    return subprocess.run(
        [sys.executable, "-c", REACHES],
        env={**environment(), **named},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def called() -> list[str]:
    """The points that the code reaches."""
    found = []
    for package in ("hub", "sync"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr == "reached"
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == "failpoints"
                ):
                    found.append(ast.literal_eval(node.args[0]))
    return found


def test_every_point_is_in_the_code_and_every_one_in_the_code_is_explained() -> None:
    assert set(called()) == set(POINTS)
    assert all(POINTS.values())


def test_a_process_that_was_not_armed_passes_every_point() -> None:
    reached("push.answered")

    done = run(None)

    assert done.stdout == "went on\n"
    assert done.stderr == ""


def test_an_armed_process_says_so_and_dies_where_it_was_charged(folder: Path) -> None:
    charge(folder, "push.answered", KILL)

    done = run(folder)

    assert done.returncode == -signal.SIGKILL
    assert "failpoints are armed" in done.stderr
    assert struck(folder) == ["push.answered"]


def test_a_charge_goes_off_once(folder: Path) -> None:
    charge(folder, "push.answered", LOSE)
    charges = Charges(folder)

    with pytest.raises(Unavailable):
        charges.reached("push.answered")
    charges.reached("push.answered")

    assert struck(folder) == ["push.answered"]


def test_only_the_point_that_is_charged_goes_off(folder: Path) -> None:
    charge(folder, "push.asking", KILL)

    assert run(folder).stdout == "went on\n"
    assert struck(folder) == []


def test_who_is_frozen_goes_on_when_told_to(folder: Path) -> None:
    charge(folder, "push.answered", FREEZE)
    child = process.spawn(
        [sys.executable, "-c", REACHES],
        stop_signal=signal.SIGKILL,
        env={**environment(), VARIABLE: str(folder)},
        stdout=subprocess.PIPE,
    )
    stat = Path(f"/proc/{child.pid}/stat")

    eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", 20, "it stops", 0.02)
    child.send_signal(signal.SIGCONT)

    told, _ = child.communicate(timeout=20)
    assert told.endswith(b"went on\n")


def test_a_directory_that_was_not_made_for_it_is_refused(tmp_path: Path) -> None:
    assert _armed({}) is None
    with pytest.raises(Misconfigured):
        _armed({VARIABLE: str(tmp_path)})
