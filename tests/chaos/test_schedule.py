"""A seed's schedule: the same again, and everybody's turn."""

from __future__ import annotations

from hub.failpoints import POINTS
from tests.chaos.figures import quantile
from tests.chaos.rounds import CREW
from tests.chaos.schedule import CHARGE, DIRECT, Plan, schedule

PLAN = Plan()


def test_a_seed_repeats_its_schedule_and_another_has_another() -> None:
    assert schedule(7, 3, PLAN, CREW) == schedule(7, 3, PLAN, CREW)
    assert schedule(7, 3, PLAN, CREW) != schedule(7, 4, PLAN, CREW)
    assert schedule(7, 3, PLAN, CREW) != schedule(8, 3, PLAN, CREW)


def test_every_failpoint_is_charged_within_few_rounds() -> None:
    rounds = -(-len(POINTS) // PLAN.charges)

    charged = {
        one.victim
        for number in range(rounds)
        for one in schedule(7, number, PLAN, CREW)
        if one.kind == CHARGE
    }

    assert charged == set(POINTS)


def test_every_process_and_server_is_struck_in_every_way() -> None:
    drawn = [one for number in range(100) for one in schedule(7, number, PLAN, CREW)]

    struck = {(one.kind, one.victim) for one in drawn if one.kind != CHARGE}
    wanted = {(kind, name) for kind, victim in DIRECT for name in CREW.get(victim, (victim,))}
    assert struck == wanted


def test_nobody_is_struck_while_still_lying_there() -> None:
    for number in range(100):
        free: dict[str, float] = {}
        for one in schedule(7, number, PLAN, CREW):
            if one.kind != CHARGE:
                assert one.at >= free.get(one.victim, 0.0)
                free[one.victim] = one.at + one.lasts


def test_a_quantile_is_a_value_that_was_measured() -> None:
    measured = [float(number) for number in range(1, 101)]

    assert quantile(measured, 0.5) == 50.0
    assert quantile(measured, 0.99) == 99.0
    assert quantile([4.0], 0.99) == 4.0
