"""Lines that are short: given what is free, relieved of what is missing, or left to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.conflicts import record
from hub.db import Database
from hub.errors import Conflict, InvalidInput
from hub.secrets import Keyring
from tests.builders import World, line, order, world
from tests.hub.resolution.steps import as_told, conflict, preview, resolve, rows, run


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    """Five tents, of which an order wants eight."""
    made = world(database, seller, keyring, {"TENT": 5})
    made.take(order("1", line("a", "v-TENT", 8)))
    return made


def test_the_evidence_says_how_the_line_stands(shop: World) -> None:
    one = conflict(shop, "oversold")

    assert one.evidence["hub"] == {
        "product": shop.products["TENT"],
        "allocated": 5,
        "short": 3,
    }
    assert one.evidence["channel"] == {"units": 8, "cancelled": 0}
    assert "Berta" not in str(one)


def test_what_has_come_goes_to_the_line(shop: World) -> None:
    shop.adjust("delivery", "TENT", 4)
    told = preview(shop, "oversold", "reallocate")
    assert rows(told)["TENT at MAIN, available"] == (4, 1)

    done = as_told(shop, "oversold", "reallocate")

    assert done.state == "resolved"
    assert shop.line("1", "a") == {"quantity": 8, "allocated": 8}
    assert shop.conflicts() == {}
    shop.check()


def test_a_line_that_gets_a_part_goes_on_waiting_for_the_rest(shop: World) -> None:
    shop.adjust("delivery", "TENT", 2)

    done = as_told(shop, "oversold", "reallocate")

    assert done.state == "in_progress"
    assert done.evidence["hub"]["short"] == 1
    assert shop.line("1", "a") == {"quantity": 8, "allocated": 7, "claimed": 1}
    shop.check()


def test_who_waits_longer_is_served_before(shop: World) -> None:
    shop.take(order("2", line("a", "v-TENT", 2)))
    shop.adjust("delivery", "TENT", 3)

    told = preview(shop, "oversold", "reallocate", nth=1)

    assert told.leads_to == "in_progress"
    assert "others are before it" in told.notes[0]


def test_where_nothing_is_free_nothing_is_done(shop: World) -> None:
    with pytest.raises(Conflict, match="nothing is free"):
        resolve(shop, "oversold", "reallocate")
    assert conflict(shop, "oversold").state == "open"


def test_the_missing_units_are_taken_off_the_line(shop: World) -> None:
    done = as_told(shop, "oversold", "cancel_units", reason="the buyer agrees")

    assert done.state == "resolved"
    assert shop.line("1", "a") == {"quantity": 8, "allocated": 5, "cancelled": 3}
    assert shop.ask("SELECT count(*) FROM claim WHERE filled < wanted") == [(0,)]
    shop.check()


def test_a_part_of_them_is_taken_off_and_the_rest_goes_on_waiting(shop: World) -> None:
    done = as_told(shop, "oversold", "cancel_units", units=1, reason="the buyer agrees")

    assert (done.state, done.evidence["hub"]["short"]) == ("in_progress", 2)
    assert shop.line("1", "a") == {"quantity": 8, "allocated": 5, "claimed": 2, "cancelled": 1}
    shop.adjust("delivery", "TENT", 2)
    shop.derive()
    assert conflict(shop, "oversold").state == "auto_resolved"
    shop.check()


@pytest.mark.parametrize("units", [0, 4])
def test_no_more_is_taken_off_than_is_missing(shop: World, units: int) -> None:
    with pytest.raises(InvalidInput, match=r"arguments\.units: must be 1 to 3"):
        resolve(shop, "oversold", "cancel_units", units=units, reason="r")


def test_taking_units_off_needs_a_reason(shop: World) -> None:
    with pytest.raises(InvalidInput, match="reason"):
        resolve(shop, "oversold", "cancel_units")


def test_an_edit_that_still_counts_the_units_does_not_bring_them_back(shop: World) -> None:
    resolve(shop, "oversold", "cancel_units", reason="the buyer agrees")

    shop.take(order("1", line("a", "v-TENT", 8), at=5))

    assert conflict(shop, "oversold").state == "resolved"
    assert shop.line("1", "a") == {"quantity": 8, "allocated": 5, "cancelled": 3}
    shop.check()


def test_a_channel_that_can_be_told_is_told_of_the_units(shop: World) -> None:
    told = preview(shop, "oversold", "cancel_units")
    assert told.notes[0] == "the channel is told to take them off too"

    resolve(shop, "oversold", "cancel_units", reason="the buyer agrees")

    ((kind, payload),) = shop.ask("SELECT kind, payload FROM outbox")
    assert (kind, payload["order_key"], payload["lines"]) == ("cancel", "1", [["a", 3]])


def test_a_line_waits_until_a_day_and_is_then_shown_again(shop: World) -> None:
    day = datetime.now(UTC) + timedelta(days=3)
    done = resolve(shop, "oversold", "wait", until=day)
    assert (done.state, done.dismissed_until) == ("dismissed", day)
    assert shop.line("1", "a")["claimed"] == 3

    shop.ask("UPDATE conflict SET dismissed_until = now() RETURNING id")
    run(shop, record.wake)

    assert conflict(shop, "oversold").state == "open"


def test_a_line_that_waits_and_is_served_needs_nobody(shop: World) -> None:
    resolve(shop, "oversold", "wait", until=datetime.now(UTC) + timedelta(days=3))

    shop.adjust("delivery", "TENT", 3)
    shop.derive()

    assert conflict(shop, "oversold").state == "auto_resolved"


def test_waiting_needs_a_day(shop: World) -> None:
    with pytest.raises(InvalidInput, match=r"arguments\.until: is needed"):
        resolve(shop, "oversold", "wait")
