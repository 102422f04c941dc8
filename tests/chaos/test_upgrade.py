"""Upgrading while people buy: workers of the version before go on against the new tables.

The version before is the last one without the newest migration, out of the history of this
checkout. Its processes run their own code, beside those of this version.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep

import pytest

from hub.config import environment
from servers import process
from sync.simulating import Buyers
from tests.chaos.clerk import Clerk
from tests.chaos.reckoning import agreed, idle, lags, reckon
from tests.chaos.rounds import GOODS
from tests.pump import eventually
from tests.sync.premises import Premises, premises

ROOT = Path(__file__).resolve().parents[2]
OLD = ("clock", "worker")
BUYING = 12.0
PATIENCE = 90.0


def git(*arguments: str) -> str:
    """Raises CalledProcessError, FileNotFoundError."""
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def before_the_newest_migration() -> str:
    """The commit that the newest migration was put upon."""
    newest = max((ROOT / "migrations" / "versions").glob("[0-9]*.py"))
    added = git("log", "--diff-filter=A", "--format=%H", "--", str(newest.relative_to(ROOT)))
    return git("rev-parse", f"{added.split()[-1]}^" if added else "HEAD")


@pytest.fixture
def version_before(tmp_path: Path) -> Path:
    """A tree of its own, as that version was checked in."""
    try:
        commit = before_the_newest_migration()
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("needs the history of this checkout, back to before the newest migration")
    tree = tmp_path / "before"
    tree.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "-xf", "-", "-C", str(tree)], input=archive.stdout, check=True)
    return tree


@contextmanager
def running(place: Premises, tree: Path, *commands: str) -> Iterator[None]:
    """Processes of that tree's version."""
    children = []
    with ExitStack() as stack:
        for command in commands:
            log = stack.enter_context((place.home / f"old-{command}.log").open("ab"))
            child = process.spawn(
                [sys.executable, "-m", "hub.cli", command],
                stop_signal=signal.SIGTERM,
                env={**environment(), **place.settings},
                stdout=log,
                cwd=tree,
            )
            stack.callback(process.stop, child, signal.SIGTERM, 20)
            children.append(child)
        yield
        assert [child.poll() for child in children] == [None] * len(children), place.logs()


def while_people_buy(place: Premises, clerk: Clerk, seed: int) -> int:
    shops = {name: one.shop for name, one in place.world.shops.items()}
    buyers = Buyers(shops, pause=0.1, seed=seed)
    until = monotonic() + BUYING
    buyers.start()
    clerk.start()
    while monotonic() < until:
        sleep(0.1)
    buyers.stop()
    clerk.stop()
    return buyers.bought


def settled(place: Premises, clerk: Clerk, who: str) -> None:
    def over() -> bool:
        return clerk.finished() and agreed(place.world) and idle(place.world)

    try:
        eventually(over, PATIENCE, f"{who}: shops and hub agree", 0.3)
    except AssertionError as error:
        raise AssertionError(f"{error}: {lags(place.world)}\n{place.logs()}") from None


@pytest.mark.soak
def test_workers_of_the_version_before_and_new_ones_work_on_the_same_tables(
    tmp_path: Path, version_before: Path, record_property: Callable[[str, str], None]
) -> None:
    with premises(tmp_path, goods=GOODS) as place, socket.socket() as listening:
        place.open_the_web(listening)
        clerk = Clerk(place.world, 5)
        place.start("web")

        with running(place, version_before, *OLD):
            bought = while_people_buy(place, clerk, 1)
            settled(place, clerk, "the version before, alone")
            place.start("clock")
            place.start("worker")
            eventually(lambda: len(place.alive("worker", "live")) > 1, 60, "both are at work")
            bought += while_people_buy(place, clerk, 2)
            settled(place, clerk, "both versions")
            bought += while_people_buy(place, clerk, 3)
        settled(place, clerk, "this version, after the other left in the middle")

        found = reckon(place.world, GOODS, clerk)
        record_property("told", f"upgrade: {bought} purchases, {clerk.done.total()} calls; {found}")
        assert found.clean, found
        assert bought > 100
