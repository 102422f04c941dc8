"""Each safeguard is needed: with it taken away, the simulation finds what breaks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.rig import REPOSITORY, Rig
from tests.simulation.campaign import Outcome, campaign
from tests.simulation.mutants import MUTANTS

#: Those that the first few seeds catch: the others are for the soak.
QUICK = (
    "cursor-first",
    "endless-lease",
    "made-due-meanwhile",
    "no-order-key",
    "no-posting-key",
    "no-read-back",
    "no-sweep",
    "older-version-accepted",
    "push-settled-early",
    "silent-posting",
    "stale-tried-blindly",
    "unknown-is-done",
)
FEW = 30
MOST = 2_000


def caught(servers: Rig, mutant: str, within: int) -> list[str]:
    """What the first seed that notices says; nothing where none of them does."""
    found: list[str] = []

    def told(one: Outcome) -> bool:
        found.extend(one.violations)
        return not found

    campaign(servers, range(within), told, mutant=mutant)
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", QUICK)
def test_a_missing_safeguard_is_noticed_soon(clocked_servers: Rig, mutant: str) -> None:
    assert caught(clocked_servers, mutant, FEW) != []


@pytest.mark.soak
@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_every_missing_safeguard_is_noticed(clocked_servers: Rig, mutant: str) -> None:
    assert caught(clocked_servers, mutant, MOST) != []


def test_the_table_of_mutants_is_whole() -> None:
    page = (REPOSITORY / Path("docs") / "reliability.md").read_text()

    named = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))

    assert named == set(MUTANTS)
