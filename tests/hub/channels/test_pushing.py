"""Pushing offers: once claimed, never backwards, never forgotten."""

from __future__ import annotations

import pytest

from hub.channels import accounts, flows, listings, pushing, vitals
from hub.db import Database
from hub.errors import StaleVersion
from hub.secrets import Keyring
from tests.builders import World, listing, world
from tests.hub.channels.steps import (
    answer,
    checks,
    claim,
    due_again,
    push,
    retry_in,
    run,
    sell,
    settle,
    shown,
)


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    made = world(database, seller, keyring, {"TENT": 10})
    made.derive()
    run(made, lambda tx: flows.set_next(tx, made.account_id, flows.CHECK, None))
    return made


def test_a_new_offer_is_claimed_with_what_the_connector_needs(shop: World) -> None:
    (due,) = claim(shop)

    assert (due.external_id, due.quantity, due.attempts) == ("v-TENT", 10, 1)


def test_what_is_claimed_is_not_claimed_again_until_its_lease_ends(shop: World) -> None:
    (first,) = claim(shop)
    assert claim(shop) == []

    due_again(shop)
    (second,) = claim(shop)

    assert second.token == first.token + 1


def test_an_accepted_offer_is_no_longer_due_and_is_to_be_read_back(shop: World) -> None:
    push(shop, check_in=0)

    assert claim(shop) == []
    now = shown(shop)
    assert (now.last_pushed, now.channel_now, now.sent_version) == (10, 10, now.desired_version)
    assert len(checks(shop)) == 1


def test_a_worker_that_wakes_late_records_nothing_over_its_follower(shop: World) -> None:
    (late,) = claim(shop)
    sell(shop, 3, "1")
    due_again(shop)
    (follower,) = claim(shop)
    answer(shop, follower, "accepted")

    answer(shop, late, "accepted")

    assert shown(shop).last_pushed == 7
    shop.check()


def test_an_offer_that_changed_during_its_push_is_pushed_again(shop: World) -> None:
    (due,) = claim(shop)
    sell(shop, 3, "1")

    answer(shop, due, "accepted")

    (again,) = claim(shop)
    assert again.quantity == 7


@pytest.mark.parametrize(
    ("outcome", "sent"),
    [("accepted", True), ("unknown", True), ("stale", False), ("moved", False),
     ("rejected", False), ("retry", False), ("gone", False)],
)  # fmt: skip
def test_only_what_may_have_reached_the_channel_counts_as_sent(
    shop: World, outcome: str, sent: bool
) -> None:
    (due,) = claim(shop)

    answer(shop, due, outcome, current=4)

    assert (shown(shop).last_pushed == 10) is sent


def test_a_timeout_leaves_the_channels_number_unknown_and_has_it_read(shop: World) -> None:
    (due,) = claim(shop)

    answer(shop, due, "unknown", check_in=0)

    assert shown(shop).channel_now is None
    assert len(checks(shop)) == 1


def test_a_stale_push_learns_the_channels_number_and_is_tried_with_it(shop: World) -> None:
    (due,) = claim(shop)

    answer(shop, due, "stale", current=4, retry_in=0)

    (again,) = claim(shop)
    assert again.remote_quantity == 4


def test_a_number_that_moves_again_and_again_is_no_failure(shop: World) -> None:
    for outcome in ("stale", "moved") * 6:
        (due,) = claim(shop)
        answer(shop, due, outcome, current=4)
        due_again(shop)

    (due,) = claim(shop)

    assert due.attempts == pushing.MOVES + 1
    answer(shop, due, "rejected")
    assert retry_in(shop) < pushing.LONGEST_BACKOFF / 10


def test_an_attempt_that_was_none_is_not_counted(shop: World) -> None:
    for _ in range(5):
        dues = claim(shop)
        run(shop, lambda tx, dues=dues: pushing.release_leases(tx, dues, 0.0, "", tried=False))

    (due,) = claim(shop)

    assert due.attempts == 1


def test_refusals_come_slower_and_the_third_tells_a_person(shop: World) -> None:
    pauses = []
    for _ in range(3):
        (due,) = claim(shop)
        answer(shop, due, "rejected", code="too_many", message="no")
        pauses.append(retry_in(shop))
        conflicts = shop.conflicts()
        due_again(shop)

    assert pauses[0] < pauses[1] < pauses[2] <= pushing.LONGEST_BACKOFF
    assert conflicts == {"stock_rejected": 1}
    assert shown(shop).last_error == "rejected: too_many no"


def test_an_offer_that_is_accepted_at_last_closes_the_conflict(shop: World) -> None:
    for _ in range(3):
        (due,) = claim(shop)
        answer(shop, due, "rejected")
        due_again(shop)

    push(shop)

    assert shop.conflicts() == {}
    assert shown(shop).last_error == ""


def test_a_listing_that_is_gone_ends_and_a_person_is_told(shop: World) -> None:
    (due,) = claim(shop)

    answer(shop, due, "gone")
    due_again(shop)

    assert claim(shop) == []
    assert shop.conflicts() == {"listing_gone": 1}
    assert settle(shop)["push"] is None


def test_a_listing_that_ended_with_a_read_back_open_leaves_no_work_behind(shop: World) -> None:
    push(shop, check_in=0)
    sell(shop, 1, "1")
    (due,) = claim(shop)

    answer(shop, due, "gone")

    assert checks(shop) == []
    assert settle(shop)["check"] is None


def test_listings_given_back_are_tried_again_when_said(shop: World) -> None:
    dues = claim(shop)

    run(shop, lambda tx: pushing.release_leases(tx, dues, 30, "the shop is away"))

    assert claim(shop) == []
    assert 25 < retry_in(shop) <= 30
    assert shown(shop).last_error == "the shop is away"


def test_settling_says_when_the_next_push_and_read_back_are_due(shop: World) -> None:
    assert settle(shop)["push"] is True

    push(shop, check_in=30)

    assert settle(shop)["push"] is None
    assert settle(shop)["check"] is False


def test_the_state_of_a_flow_can_be_read_while_a_push_waits(shop: World) -> None:
    settle(shop)

    found = run(shop, lambda tx: vitals.states(tx, shop.account_id))

    assert {one.flow for one in found} == set(flows.FLOWS)


@pytest.mark.parametrize("mode", ["shadow", "paused"])
def test_nothing_is_claimed_of_an_account_that_is_not_live(shop: World, mode: str) -> None:
    run(shop, lambda tx: accounts.set_mode(tx, shop.account_id, mode))

    assert claim(shop) == []


def test_a_paused_listing_is_pushed_when_it_is_resumed(shop: World) -> None:
    push(shop)
    now = shown(shop)
    paused = run(
        shop, lambda tx: listings.set_paused(tx, now.id, True, expected_version=now.version)
    )
    sell(shop, 3, "1")
    assert claim(shop) == []
    assert settle(shop)["push"] is None

    run(shop, lambda tx: listings.set_paused(tx, now.id, False, expected_version=paused.version))
    shop.derive()

    assert shop.ask("SELECT next_at <= now() FROM flow WHERE flow = 'push'") == [(True,)]
    assert [due.quantity for due in claim(shop)] == [7]


def test_a_listing_somebody_else_changed_first_is_not_changed(shop: World) -> None:
    now = shown(shop)

    with pytest.raises(StaleVersion):
        run(shop, lambda tx: listings.set_paused(tx, now.id, True, expected_version=99))


def test_a_listing_that_returns_to_the_channel_is_pushed_again(shop: World) -> None:
    push(shop)
    save(shop, state="ended")
    sell(shop, 3, "1")
    assert settle(shop)["push"] is None

    save(shop, state="active")

    assert shop.ask("SELECT next_at <= now() FROM flow WHERE flow = 'push'") == [(True,)]
    assert [due.quantity for due in claim(shop)] == [7]


def save(shop: World, state: str) -> None:
    found = [listing("v-TENT", "TENT", state=state)]
    run(shop, lambda tx: listings.save_listings(tx, shop.account_id, found))
