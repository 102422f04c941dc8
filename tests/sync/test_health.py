"""A channel that keeps failing is left alone, and is found to be well again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from connectors.errors import AuthError, RejectedError, TransientError
from connectors.simulators.server import Simulator
from hub.channels import accounts, flows, resuming
from hub.db import Transaction
from sync import pull, push, reconcile
from sync.retry import BREAKS, FIRST_PROBE, LONGEST, PROBE, react
from tests.pump import World

T = TypeVar("T")

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


def test_an_account_that_wants_a_person_is_held_and_what_waits_is_not_put_off() -> None:
    reactions = [react(AuthError("revoked"), attempts) for attempts in range(1, 12)]

    assert {one.health for one in reactions} == {flows.REAUTHORISE}
    assert {one.rows_delay for one in reactions} == {0}
    assert [one.hold for one in reactions] == [one.delay for one in reactions]
    assert FIRST_PROBE == reactions[0].hold < reactions[1].hold < reactions[-1].hold == PROBE


def command(world: World, act: Callable[[Transaction], T]) -> T:
    return world.carrier.database.command(world.seller_id, act)


def refuse(world: World, simulator: Simulator) -> None:
    simulator.faults.rate = {"unauthorized": 1.0}
    world.adjust("MUG", 1)
    world.pump()
    world.later()  # each flow has tried


def test_an_account_whose_token_is_refused_is_not_asked_until_a_person_has_acted(
    world: World,
) -> None:
    north = world.shops["north"]
    refuse(world, north)
    before = asked(north)

    world.adjust("MUG", 1)
    world.pump()
    world.later(FIRST_PROBE / 4)
    push.push(world.carrier, world.seller_id, world.accounts["north"])  # as if it were rung
    reconcile.check(world.carrier, world.seller_id, world.accounts["north"])

    assert asked(north) == before
    assert world.conflicts() == {"auth_expired": 1}
    assert world.shown("MUG")["south"] == world.available("MUG")


def test_a_new_authorisation_ends_what_the_refusals_held(world: World) -> None:
    north = world.shops["north"]
    refuse(world, north)
    north.faults.clear()

    command(world, lambda tx: resuming.reset(tx, world.accounts["north"]))
    world.pump()

    assert world.shown("MUG")["north"] == world.available("MUG")


@pytest.mark.parametrize("flow", [flows.PUSH, flows.CHECK, flows.OUTBOX])
def test_a_refusal_of_before_the_new_authorisation_says_nothing_of_it(
    world: World, flow: str
) -> None:
    account_id = world.accounts["north"]
    before = world.carrier.at_work(world.seller_id, account_id)
    command(world, lambda tx: resuming.reset(tx, account_id))

    refused = react(AuthError("revoked"), 1)
    command(world, lambda tx: pull.fared_badly(tx, before, flow, refused))

    assert world.flow("north", flow).health == "healthy"
    assert world.conflicts() == {}
    now = world.carrier.at_work(world.seller_id, account_id)
    command(world, lambda tx: pull.fared_badly(tx, now, flow, refused))
    assert world.flow("north", flow).health == flows.REAUTHORISE
    assert world.conflicts() == {"auth_expired": 1}


def test_a_pull_that_was_refused_before_the_new_authorisation_has_lost_its_lease(
    world: World,
) -> None:
    account_id = world.accounts["north"]
    lease = command(world, lambda tx: flows.claim(tx, account_id, flows.PULL, 60.0))
    assert lease is not None
    command(world, lambda tx: resuming.reset(tx, account_id))

    pull.failed(world.carrier, world.seller_id, lease, AuthError("revoked"))

    assert world.flow("north", flows.PULL).health == "healthy"
    assert world.conflicts() == {}
    world.pump()
    assert world.flow("north", flows.PULL).last_ok_at is not None


def test_what_was_to_be_read_back_before_a_pause_is_read_back_after_it(world: World) -> None:
    account = {"a": world.accounts["north"]}
    world.set_mode("north", accounts.PAUSED)
    told = "UPDATE listing SET confirmed_version = 0, check_at = now(), checks_left = 1"
    world.query(f"{told} WHERE account_id = :a RETURNING id", **account)
    reconcile.check(world.carrier, world.seller_id, account["a"])  # and nothing may be asked

    world.set_mode("north", accounts.LIVE)
    world.pump()

    left = "SELECT count(*) FROM listing WHERE account_id = :a AND confirmed_version < sent_version"
    assert world.query(left, **account) == [(0,)]
