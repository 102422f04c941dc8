"""Whether a delivery is good, and how its units divide."""

from __future__ import annotations

import pytest

from hub.purchasing.quality import Plan, SamplingStep, judge

#: Lots of 51 to 500 at general level II, AQL 2.5: ISO 2859-1 tables 1 and 2-A.
TABLE = Plan((SamplingStep(51, 13, 1, 2), SamplingStep(151, 32, 2, 3), SamplingStep(281, 50, 3, 4)))
DOUBTFUL = Plan((SamplingStep(1, 8, 0, 3),))


@pytest.mark.parametrize(
    ("quantity", "sampled", "defects", "verdict", "divided"),
    [
        (100, 13, 1, "accept", (99, 0, 1)),
        (100, 13, 2, "reject", (0, 0, 100)),
        (200, 32, 2, "accept", (198, 0, 2)),
        (200, 20, 0, "inspect", (0, 200, 0)),
        (200, 3, 3, "reject", (0, 0, 200)),
        (20, 0, 0, "accept", (20, 0, 0)),
    ],
)
def test_the_table_says_what_becomes_of_a_lot(
    quantity: int, sampled: int, defects: int, verdict: str, divided: tuple[int, int, int]
) -> None:
    found = judge(quantity, sampled, defects, TABLE)

    assert found.verdict == verdict
    assert (found.accepted, found.inspecting, found.rejected) == divided


def test_between_accepting_and_rejecting_somebody_must_look() -> None:
    found = judge(40, 8, 2, DOUBTFUL)

    assert (found.verdict, found.inspecting, found.rejected) == ("inspect", 38, 2)
    assert found.reason == "2 bad of 8 looked at: between 0 and 3"


def test_a_sample_is_never_more_than_the_lot() -> None:
    assert judge(5, 5, 0, DOUBTFUL).verdict == "accept"


def test_a_share_is_looked_at_where_there_is_no_table() -> None:
    plan = Plan(sample_percent=10, defect_percent=10)

    assert judge(95, 9, 0, plan).verdict == "inspect"
    assert judge(95, 10, 1, plan).verdict == "accept"
    assert judge(95, 10, 2, plan).verdict == "reject"


def test_without_a_plan_what_is_good_is_taken() -> None:
    found = judge(10, 3, 3, Plan())

    assert (found.accepted, found.rejected) == (7, 3)


def test_a_person_who_tells_the_verdict_is_believed() -> None:
    found = judge(100, 0, 0, TABLE, "accept", "from the works we trust")

    assert (found.accepted, found.reason) == (100, "from the works we trust")
