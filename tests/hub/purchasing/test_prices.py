"""Which price holds for a quantity on a day, and how it says so."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.purchasing.prices import PriceList, Rate, Tier, in_own_currency, ordered, quote
from tests.buying import day

TIERS = (Tier(1, 500), Tier(100, 450), Tier(1_000, 400))
JUNE = day("2026-06-01")


def terms(**changes: Any) -> PriceList:
    values = {"currency": "EUR", "valid_from": day("2026-01-01"), "tiers": TIERS}
    return PriceList(1, 7, **{**values, **changes})


@pytest.mark.parametrize(
    ("wanted", "price"), [(1, 500), (99, 500), (100, 450), (999, 450), (1_000, 400)]
)
def test_the_highest_tier_that_is_reached_holds(wanted: int, price: int) -> None:
    found = quote([terms()], wanted, JUNE)

    assert (found.quantity, found.unit_price) == (wanted, price)


def test_what_is_wanted_is_raised_to_the_minimum_and_to_whole_packs() -> None:
    found = quote([terms(minimum=50, pack=12)], 7, JUNE)

    assert found.quantity == 60
    assert "7 is raised to the minimum of 50" in found.reasons
    assert "50 is raised to 60, whole packs of 12" in found.reasons


def test_no_more_than_the_most_they_sell_is_ordered() -> None:
    found = quote([terms(maximum=100, pack=12)], 500, JUNE)

    assert (found.quantity, found.unit_price) == (96, 500)
    assert any("100 is the most" in reason for reason in found.reasons)


def test_packs_that_do_not_fit_between_minimum_and_maximum_are_no_offer() -> None:
    found = quote([terms(minimum=10, maximum=11, pack=12)], 1, JUNE)

    assert found.quantity == 0


def test_of_lists_that_hold_the_one_that_began_last_goes_first() -> None:
    newer = terms(valid_from=day("2026-05-01"), tiers=(Tier(1, 480),), id=2)

    found = quote([newer, terms(id=1)], 10, JUNE)

    assert (found.unit_price, found.terms) == (480, newer)
    assert found.reasons[0] == "the list that holds since 2026-05-01 goes before 1 older"


@pytest.mark.parametrize(
    "changes",
    [{"valid_from": day("2026-06-02")}, {"valid_until": day("2026-05-31")}],
    ids=["not yet", "no more"],
)
def test_a_list_out_of_its_time_is_none(changes: dict[str, Any]) -> None:
    found = quote([terms(**changes)], 10, JUNE)

    assert (found.quantity, found.terms) == (0, None)
    assert found.reasons == ("no price list holds on 2026-06-01",)


def test_it_says_where_more_would_cost_less() -> None:
    found = quote([terms()], 95, JUNE)

    assert found.total == 47_500
    assert "100 units would cost less altogether: 450 each" in found.reasons


@given(
    wanted=st.integers(1, 5_000),
    minimum=st.integers(1, 500),
    pack=st.integers(1, 60),
    span=st.none() | st.integers(0, 2_000),
)
def test_what_is_quoted_can_be_ordered(
    wanted: int, minimum: int, pack: int, span: int | None
) -> None:
    maximum = None if span is None else minimum + span

    found = quote([terms(minimum=minimum, pack=pack, maximum=maximum)], wanted, JUNE)

    if found.quantity:
        assert found.quantity >= minimum
        assert found.quantity % pack == 0
        assert maximum is None or found.quantity <= maximum
        assert found.quantity >= wanted or found.quantity + pack > (maximum or 0)


@pytest.mark.parametrize(
    ("minor", "rate", "own"),
    [(100, Rate(1, 1), 100), (101, Rate(1, 2), 51), (333, Rate(92, 100), 306), (5, None, None)],
)
def test_another_currency_is_worth_its_rate_half_up(
    minor: int, rate: Rate | None, own: int | None
) -> None:
    assert in_own_currency(minor, rate) == own


def test_tiers_rise() -> None:
    assert ordered(TIERS)
    assert not ordered((Tier(10, 1), Tier(10, 2)))
    assert not ordered(())
