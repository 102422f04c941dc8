"""A channel shows another number than it was told: which side is believed, and what follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.channels import accounts, checking, flows, listings, offers
from hub.channels.checking import Seen
from hub.db import Database, Transaction
from hub.errors import Conflict, InvalidInput
from hub.inventory.availability import Rule
from hub.inventory.availability import offer as decide
from hub.inventory.products import add_location
from hub.resolution.drifting import nearest_total
from hub.sales.drifts import report_drift
from hub.secrets import Keyring
from tests.builders import World, stocked, world
from tests.hub.channels.steps import checks, claim, look_now, push, sell, shown
from tests.hub.resolution.steps import as_told, conflict, preview, resolve, rows, run


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    """Ten tents, shown and confirmed."""
    made = world(database, seller, keyring, {"TENT": 10})
    made.derive()
    push(made, check_in=0)
    run(made, lambda tx: checking.confirm(tx, [Seen(checks_of(made, tx), 10)], 0))
    run(made, lambda tx: flows.set_next(tx, made.account_id, flows.CHECK, None))
    return made


def checks_of(shop: World, tx: Transaction) -> checking.Check:
    (found,) = checking.claim_checks(tx, shop.account_id, 10, 60)
    return found


def shows(shop: World, units: int) -> None:
    """It is read back and found to show that number."""
    look_now(shop)
    (check,) = checks(shop)
    seen = [Seen(check, units)]

    def judge(tx: Transaction) -> None:
        if checking.agrees(seen[0]):
            checking.confirm(tx, seen, 0)
        else:
            report_drift(tx, shop.account_id, checking.correct(tx, shop.account_id, seen, 0))

    run(shop, judge)


def test_what_nothing_explains_is_told_with_all_three_sides(shop: World) -> None:
    shop.adjust("more", "TENT", 1)

    shows(shop, 55)

    one = conflict(shop, "stock_drift")
    sides = [one.evidence[side] for side in ("base", "hub", "channel")]
    assert sides == [{"confirmed": 10}, {"sent": 10}, {"shown": 55}]
    told = [(event["what"], event["units"]) for event in one.evidence["events"]]
    assert ("adjustment", 1) in told
    assert told[0] == ("sent", 10)


def test_the_hubs_number_goes_out_again_and_the_conflict_closes_when_it_is_shown(
    shop: World,
) -> None:
    shows(shop, 55)

    due = push(shop, check_in=0)
    shows(shop, 10)

    assert due.quantity == 10
    assert conflict(shop, "stock_drift").state == "auto_resolved"


def test_a_write_of_ours_that_landed_late_is_no_drift(shop: World) -> None:
    sell(shop, 3, "1")
    push(shop, check_in=0)

    shows(shop, 10)

    assert shop.conflicts() == {}
    assert [due.quantity for due in claim(shop)] == [7]


def test_the_same_number_long_after_is_drift(shop: World) -> None:
    sell(shop, 3, "1")
    push(shop, check_in=0)
    shop.ask("UPDATE listing SET sent_at = sent_at - interval '1 hour' RETURNING id")

    shows(shop, 10)

    assert shop.conflicts() == {"stock_drift": 1}


def test_a_number_a_newer_offer_will_replace_is_no_drift(shop: World) -> None:
    sell(shop, 3, "1")

    shows(shop, 99)

    assert shop.conflicts() == {}


def test_an_account_that_is_not_live_does_not_drift(shop: World) -> None:
    run(shop, lambda tx: accounts.set_mode(tx, shop.account_id, "shadow"))

    shows(shop, 55)

    assert shop.conflicts() == {}


def test_a_listing_that_is_gone_has_no_number_to_differ(shop: World) -> None:
    shows(shop, 55)
    push(shop, check_in=0)
    look_now(shop)
    (check,) = checks(shop)

    run(shop, lambda tx: checking.correct(tx, shop.account_id, [Seen(check, None, True)], 0))

    assert shop.conflicts() == {"listing_gone": 1}


def test_the_hub_is_believed(shop: World) -> None:
    shows(shop, 55)
    version = shown(shop).desired_version

    done = as_told(shop, "stock_drift", "accept_hub")

    assert done.state == "resolved"
    now = shown(shop)
    assert now.desired_version == version + 1
    history = run(shop, lambda tx: offers.history(tx, now.id))
    assert history[0]["derivation"] == {"again": {"asked_by": "token:1"}}
    assert [due.quantity for due in claim(shop)] == [10]
    shop.check()


@pytest.mark.parametrize("mode", ["shadow", "paused"])
def test_nothing_is_told_to_an_account_that_is_not_live(shop: World, mode: str) -> None:
    shows(shop, 55)
    run(shop, lambda tx: accounts.set_mode(tx, shop.account_id, mode))

    with pytest.raises(Conflict, match="not live"):
        resolve(shop, "stock_drift", "accept_hub")


def test_a_paused_listing_is_not_told_anything(shop: World) -> None:
    shows(shop, 55)
    now = shown(shop)
    run(shop, lambda tx: listings.set_paused(tx, now.id, True, expected_version=now.version))

    with pytest.raises(Conflict, match="paused"):
        resolve(shop, "stock_drift", "accept_hub")


@pytest.mark.parametrize("units", [55, 4])
def test_the_channel_is_believed(shop: World, units: int) -> None:
    shows(shop, units)
    told = preview(shop, "stock_drift", "accept_channel")
    assert rows(told) == {
        "TENT at MAIN, available": (10, units),
        "A thing at shop: shows": (10, units),
    }

    as_told(shop, "stock_drift", "accept_channel", reason="counted by hand")

    assert shop.level("TENT") == units
    assert shop.ask("SELECT note FROM posting WHERE key LIKE 'conflict:%'") == [
        ("counted by hand",)
    ]
    shop.derive()
    assert shown(shop).offer == units
    shop.check()


def test_another_number_may_be_accepted(shop: World) -> None:
    shows(shop, 55)

    as_told(shop, "stock_drift", "accept_channel", units=0, reason="counted by hand")

    assert shop.level("TENT") == 0


def test_believing_the_channel_needs_a_reason(shop: World) -> None:
    shows(shop, 55)

    with pytest.raises(InvalidInput, match="reason"):
        resolve(shop, "stock_drift", "accept_channel")


def test_units_are_taken_where_they_are(shop: World) -> None:
    run(shop, lambda tx: stocked(tx, {"TENT": 5}, "EAST", 200))
    shop.derive()
    push(shop, check_in=0)
    shows(shop, 3)

    as_told(shop, "stock_drift", "accept_channel", reason="counted by hand")

    east = run(shop, lambda tx: add_location(tx, "EAST"))
    left = shop.ask("SELECT quantity FROM level WHERE location_id = :e AND state = 1", e=east)
    assert (shop.level("TENT"), left) == (0, [(3,)])


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (Rule(cap=10), "caps what the listing shows at 10"),
        (Rule(share_percent=0), "0 % of the stock"),
    ],
)
def test_what_the_rule_makes_impossible_is_refused_and_says_why(
    shop: World, rule: Rule, why: str
) -> None:
    shows(shop, 55)
    run(shop, lambda tx: offers.set_rule(tx, shop.account_id, rule))

    with pytest.raises(Conflict, match=why):
        preview(shop, "stock_drift", "accept_channel")
    assert shop.level("TENT") == 10


def test_a_channel_that_shows_only_on_and_off_tells_no_number(shop: World) -> None:
    shows(shop, 55)
    shop.ask("UPDATE account SET stock_mode = 'switch' RETURNING id")

    with pytest.raises(Conflict, match="on and off"):
        preview(shop, "stock_drift", "accept_channel")


RULES = st.builds(
    Rule,
    safety_stock=st.integers(0, 20),
    share_percent=st.integers(0, 100),
    buffer=st.integers(0, 20),
    cap=st.none() | st.integers(0, 50),
    end_when_below=st.integers(0, 20),
)


@given(st.integers(0, 100), st.integers(0, 20), RULES, st.integers(0, 60))
def test_the_total_found_shows_the_number_and_none_nearer_does(
    total: int, waiting: int, rule: Rule, wanted: int
) -> None:
    def shows(units: int) -> int:
        return decide({0: units}, waiting, rule).quantity

    try:
        found = nearest_total(total, waiting, rule, wanted)
    except Conflict:
        assert wanted not in {shows(units) for units in range(300)}
        return
    assert shows(found) == wanted
    if found != total:  # a step nearer is not enough
        assert shows(found + (1 if found < total else -1)) != wanted
