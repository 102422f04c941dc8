"""In how many seconds a change reaches its channel: the arithmetic, and what it is fed with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from hub.channels import accounts, flows, pacing, pushing
from hub.channels.pushing import Answer
from hub.channels.reaching import Estimate, Pace, Terms, estimate, said
from hub.db import Database, Transaction
from hub.secrets import Keyring
from tests.builders import World, world
from tests.hub.channels.steps import claim, due_again, push, run, sell

WELL = Pace("live", "healthy", waiting=0, rate=25.0, latency=0.4, held=0.0)
BATCH = Terms(batch=50, calls=2.0)


def after(**changes: object) -> Estimate:
    return estimate(WELL._replace(**changes), BATCH)


class TestTheArithmetic:
    def test_where_little_waits_a_change_takes_what_changes_usually_take(self) -> None:
        assert after().seconds == after(waiting=50).seconds == 0.4

    def test_what_waits_goes_first_at_the_rate_the_channel_has_been_taking(self) -> None:
        one = after(waiting=350)

        assert one.seconds == 12.4
        assert one.because == "a change takes 0.4 s; 350 offers wait, 25.0 go out a second"
        assert said("Shopify", one) == "your change reaches Shopify in about 12 s"

    def test_a_channel_that_is_left_alone_is_waited_for(self) -> None:
        one = after(health="failing", held=40.0)

        assert one.seconds == 40.4
        assert "pushes are failing, tried again in 40 s" in one.because

    @pytest.mark.parametrize("changes", [{"mode": "paused"}, {"health": "reauthorise"}])
    def test_where_nothing_is_written_no_time_is_told(self, changes: dict[str, str]) -> None:
        one = after(**changes)

        assert one.seconds is None
        assert said("Shopify", one).startswith("your change does not reach Shopify: ")

    @pytest.mark.parametrize(
        ("terms", "seconds"),
        [(Terms(50, 0.5), 40.5), (Terms(50, 100.0), 10.5), (Terms(50, None), 10.5)],
    )
    def test_what_has_not_been_measured_is_supposed_within_the_declared_budget(
        self, terms: Terms, seconds: float
    ) -> None:
        one = estimate(WELL._replace(waiting=1_050, rate=None, latency=0.5), terms)

        assert one.seconds == seconds
        assert "we suppose" in one.because


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    made = world(database, seller, keyring, {"TENT": 10})
    made.derive()
    return made


def measured(shop: World) -> Pace:
    found = run(shop, lambda tx: pacing.pace(tx, shop.account_id, [pushing.pushable()]))
    assert found is not None
    return found


def claimed_before(shop: World, seconds: float) -> pushing.Due:
    """The one due listing, claimed so many seconds ago."""
    (due,) = claim(shop)
    assert due.claimed_at is not None
    return due._replace(claimed_at=due.claimed_at - timedelta(seconds=seconds))


class TestTheMeasure:
    def test_nothing_is_measured_before_anything_was_taken(self, shop: World) -> None:
        assert measured(shop) == Pace("live", "healthy", 1, None, None, 0.0)

    def test_what_the_channel_takes_is_measured_where_it_is_recorded(self, shop: World) -> None:
        due = claimed_before(shop, 1.0)

        run(shop, lambda tx: pushing.record(tx, shop.account_id, [Answer(due, "accepted")]))

        now = measured(shop)
        assert now.waiting == 0
        assert now.rate is not None
        assert now.latency is not None
        assert 0 < now.latency < 60

    def test_the_rate_is_that_of_a_batch_since_it_was_claimed(self, shop: World) -> None:
        due = claimed_before(shop, 4.0)

        run(shop, lambda tx: pushing.record(tx, shop.account_id, [Answer(due, "accepted")]))

        assert measured(shop).rate == pytest.approx(1 / 4, rel=0.2)

    def test_an_account_that_rests_does_not_grow_slow(self, shop: World) -> None:
        push(shop)
        rested = "UPDATE account_pace SET rate = 100, measured_at = now() - interval '1 hour'"
        run(shop, lambda tx: tx.execute(text(rested)))
        sell(shop, 1, "1")

        push(shop)

        rate = measured(shop).rate
        assert rate is not None
        assert rate > 90

    @pytest.mark.parametrize("outcome", ["retry", "rejected", "unknown"])
    def test_what_was_not_taken_measures_nothing(self, shop: World, outcome: str) -> None:
        (due,) = claim(shop)

        run(shop, lambda tx: pushing.record(tx, shop.account_id, [Answer(due, outcome)]))

        assert measured(shop).rate is None

    def test_a_second_try_does_not_count_as_what_a_change_takes(self, shop: World) -> None:
        claim(shop)
        due_again(shop)

        push(shop)

        assert measured(shop).latency is None

    def test_pushes_that_are_left_alone_are_waited_for(self, shop: World) -> None:
        def fails(tx: Transaction) -> None:
            flows.note(tx, shop.account_id, flows.PUSH, "failing", "no answer")
            flows.hold(tx, shop.account_id, flows.PUSH, 30.0)

        run(shop, fails)

        now = measured(shop)
        assert now.health == "failing"
        assert 25 < now.held <= 30

    def test_what_a_paused_account_would_be_told_still_waits(self, shop: World) -> None:
        run(shop, lambda tx: accounts.set_mode(tx, shop.account_id, "paused"))

        assert (measured(shop).mode, measured(shop).waiting) == ("paused", 1)
