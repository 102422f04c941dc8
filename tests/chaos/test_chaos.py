"""Nothing is lost, doubled, oversold or wrong, whoever dies or freezes at whatever step.

An everyday round or two, and the long campaign: ``make soak ARGS=tests/chaos``, or
``python -m tests.chaos --seed S --minutes M``, which prints its figures.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hub.failpoints import POINTS
from tests.chaos.figures import Figures
from tests.chaos.rounds import Day, play_day
from tests.chaos.schedule import Plan

Tell = Callable[[str, str], None]
DAYS, ROUNDS = 6, 25


def day(home: Path, seed: int, rounds: int, plan: Plan) -> Day:
    *_, last = play_day(home, seed, rounds, plan)
    assert isinstance(last, Day)
    return last


@pytest.mark.timeout(240)
def test_after_everybody_was_struck_nothing_is_lost_doubled_or_oversold(
    tmp_path: Path, record_property: Tell
) -> None:
    figures = Figures()

    figures.add(day(tmp_path, 301, 1, Plan(15.0, 10, 20)))

    record_property("told", f"chaos (seed 301): {figures.says()}")
    assert figures.stories == []
    assert (figures.missing, figures.doubled, figures.oversold, figures.wrong) == (0, 0, 0, 0)
    assert figures.process.total() >= 10
    assert figures.purchases > 50


@pytest.mark.soak
def test_a_long_campaign_is_no_different_and_hits_every_failpoint(
    tmp_path: Path, record_property: Tell
) -> None:
    figures = Figures()

    for seed in range(DAYS):
        home = tmp_path / str(seed)
        home.mkdir()
        figures.add(day(home, seed, ROUNDS, Plan()))

    record_property("told", figures.table())
    assert figures.stories == []
    assert (figures.missing, figures.doubled, figures.oversold, figures.wrong) == (0, 0, 0, 0)
    assert set(figures.hits) == set(POINTS)
    assert figures.faults >= 10_000
