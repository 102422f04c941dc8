"""A channel that keeps failing is left alone, and is found to be well again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.errors import AuthError, RejectedError, TransientError
from connectors.simulators.server import Simulator
from hub.channels import accounts, flows
from sync import push
from sync.retry import BREAKS, LONGEST, PROBE, react
from tests.pump import World

#: Longer than any pause.
LONG = 500.0


@pytest.fixture
def world(open_world: Callable[..., World]) -> World:
    return open_world()


def breaks_down(world: World, name: str) -> Simulator:
    """Every request of a shop fails, and has failed so often that it is left alone."""
    found = world.shops[name]
    found.faults.rate = {"error_before": 1.0}
    world.query(
        "UPDATE flow SET attempts = :n WHERE account_id = :a RETURNING flow",
        n=BREAKS + 3,
        a=world.accounts[name],
    )
    world.adjust("MUG", 1)
    world.pump()
    world.later()  # what was written is read back
    assert world.flow(name, flows.CHECK).attempts > BREAKS
    return found


def asked(simulator: Simulator) -> int:
    return sum(simulator.requests.values())


def test_a_channel_that_keeps_failing_is_not_asked_however_much_changes(world: World) -> None:
    north = breaks_down(world, "north")
    before = asked(north)

    for _ in range(3):
        world.adjust("MUG", 1)
        world.pump()
        push.push(world.carrier, world.seller_id, world.accounts["north"])  # as if it were rung

    assert asked(north) == before
    assert world.shown("MUG")["south"] == world.available("MUG") == 14


def test_people_see_what_is_wrong_and_when_it_is_tried_again(world: World) -> None:
    breaks_down(world, "north")
    world.adjust("MUG", 1)
    world.pump()

    for name in (flows.PULL, flows.PUSH, flows.CHECK):
        held = world.query(
            "SELECT lease_until FROM flow"
            " WHERE account_id = :a AND flow = :f AND lease_until > now()",
            a=world.accounts["north"],
            f=name,
        )
        assert held == [(world.flow("north", name).next_at,)]
    state = world.flow("north", flows.CHECK)
    assert (state.health, bool(state.last_error)) == ("failing", True)


def test_the_first_try_that_succeeds_opens_it_for_all(world: World) -> None:
    north = breaks_down(world, "north")
    north.faults.clear()

    world.later(LONG)
    world.later(LONG)

    assert world.flow("north", flows.PUSH).health == "healthy"
    world.agrees()


def test_a_person_who_resumes_the_account_does_not_wait(world: World) -> None:
    north = breaks_down(world, "north")
    north.faults.clear()

    world.set_mode("north", accounts.PAUSED)
    world.set_mode("north", accounts.LIVE)
    world.pump()

    assert world.shown("MUG")["north"] == world.available("MUG")


@pytest.mark.parametrize("error", [TransientError("no answer"), RejectedError("no")])
def test_pauses_grow_and_end(error: TransientError) -> None:
    holds = [react(error, attempts).hold for attempts in range(1, 40)]

    assert not any(holds[: BREAKS - 1])
    assert all(holds[BREAKS - 1 :])
    assert max(holds[:8]) < max(holds[12:]) <= LONGEST


def test_being_too_fast_breaks_nothing() -> None:
    assert react(TransientError("slow down", retry_after=3, throttled=True), 50).hold == 0


def test_an_account_that_wants_a_person_is_not_taken_for_broken() -> None:
    reaction = react(AuthError("revoked"), 50)

    assert (reaction.health, reaction.delay, reaction.hold) == (flows.REAUTHORISE, PROBE, 0)
