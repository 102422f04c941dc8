"""Whatever goes wrong, in whatever order: what must hold does. ``python -m tests.simulation`` runs
more seeds, and any of them again."""

from __future__ import annotations

import pytest

from tests.rig import Rig
from tests.simulation import campaign
from tests.simulation.campaign import Outcome, Totals
from tests.simulation.world import Bench

#: As many as the suite has time for; a seed that once found a bug stays.
SEEDS = (*range(12), 94, 104)
FAULTS = 300


def play(servers: Rig, seeds: range | tuple[int, ...]) -> tuple[Totals, list[str]]:
    """The totals, and what was broken: seed and violation."""
    broken: list[str] = []

    def told(one: Outcome) -> bool:
        broken.extend(f"seed {one.seed}: {violation}" for violation in one.violations)
        return True

    return campaign.campaign(servers, seeds, told), broken


@pytest.mark.timeout(600)
def test_what_must_hold_does_whatever_goes_wrong(clocked_servers: Rig) -> None:
    totals, broken = play(clocked_servers, SEEDS)

    assert broken == []
    assert totals.seeds == len(SEEDS)
    assert totals.faults.total() > FAULTS  # a run that injected none is no proof


@pytest.mark.timeout(300)
def test_a_seed_plays_again_exactly_as_it_did(bench: Bench) -> None:
    first = campaign.run(bench, 1)
    other = campaign.run(bench, 8)

    again = campaign.run(bench, 1)

    assert again.story == first.story
    assert again.trace == first.trace != other.trace


@pytest.mark.soak
def test_ten_thousand_seeds(clocked_servers: Rig) -> None:
    totals, broken = play(clocked_servers, range(10_000))

    print(totals.says())
    assert broken == []
