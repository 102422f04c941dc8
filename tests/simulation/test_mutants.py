"""Each safeguard is needed: with it taken away, the simulation finds what breaks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.rig import REPOSITORY, Rig
from tests.simulation.campaign import Outcome, campaign
from tests.simulation.mutants import MUTANTS

#: Those that a few seeds catch, and the seed to begin with; the others are for the soak.
QUICK = {
    "cursor-first": 1,
    "endless-lease": 0,
    "made-due-meanwhile": 6,
    "no-order-key": 0,
    "no-posting-key": 0,
    "no-read-back": 0,
    "no-sweep": 0,
    "older-version-accepted": 8,
    "push-settled-early": 5,
    "silent-posting": 0,
    "stale-tried-blindly": 1,
    "unknown-is-done": 11,
}
FEW = 30
MOST = 2_000


def caught(servers: Rig, mutant: str, seeds: range) -> list[str]:
    """What the first seed that notices says; nothing where none of them does."""
    found: list[str] = []

    def told(one: Outcome) -> bool:
        found.extend(one.violations)
        return not found

    campaign(servers, seeds, told, mutant=mutant)
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("mutant", "first"), QUICK.items())
def test_a_missing_safeguard_is_noticed_soon(clocked_servers: Rig, mutant: str, first: int) -> None:
    assert caught(clocked_servers, mutant, range(first, first + FEW)) != []


@pytest.mark.soak
@pytest.mark.parametrize("mutant", sorted(MUTANTS))
def test_every_missing_safeguard_is_noticed(clocked_servers: Rig, mutant: str) -> None:
    assert caught(clocked_servers, mutant, range(MOST)) != []


def test_the_table_of_mutants_is_whole() -> None:
    page = (REPOSITORY / Path("docs") / "reliability.md").read_text()

    named = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))

    assert named == set(MUTANTS)
