"""Scorecards with their arithmetic, and who is best for a need."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hub.purchasing.measures import Facts, scorecard
from hub.purchasing.prices import PriceList, Rate, Tier
from hub.purchasing.ranking import Candidate, Need, rank
from tests.buying import day

TODAY = day("2026-06-01")
NEED = Need(7, 100, day("2026-06-30"))
RATES = {"EUR": Rate(1, 1), "USD": Rate(9, 10)}
DAY = 86_400


def candidate(number: int, price: int, *, days: int = 10, **changes: Any) -> Candidate:
    currency = changes.pop("currency", "EUR")
    since = day("2026-01-01")
    terms = PriceList(number, 7, currency, since, (Tier(1, price),), lead_days=days)
    facts = Facts(number, **changes)
    return Candidate(number, f"supplier {number}", [terms], facts)


def order_of(*candidates: Candidate) -> list[int]:
    return [one.supplier_id for one in rank(NEED, candidates, RATES, TODAY)]


def test_the_cheapest_that_is_in_time_is_best() -> None:
    assert order_of(candidate(1, 500), candidate(2, 480), candidate(3, 100, days=60)) == [2, 1, 3]


def test_prices_are_compared_in_the_sellers_own_currency() -> None:
    assert order_of(candidate(1, 500), candidate(2, 550, currency="USD")) == [2, 1]


def test_what_nobody_can_compare_comes_after_what_can_be() -> None:
    found = rank(NEED, [candidate(1, 1, currency="CNY"), candidate(2, 900)], RATES, TODAY)

    assert [one.supplier_id for one in found] == [2, 1]
    assert any("CNY" in reason for reason in found[1].reasons)


def test_bad_units_make_a_cheap_supplier_dear() -> None:
    cheap = candidate(1, 450, accepted=80, rejected=20)

    found = rank(NEED, [cheap, candidate(2, 500)], RATES, TODAY)

    assert [one.supplier_id for one in found] == [2, 1]
    assert "45000 for 100 units, 80.0 % good = 562.5 a good unit" in found[1].reasons


def test_who_was_late_before_is_not_believed() -> None:
    """Promised in 10 days; it took 40 and 20: 30 with a spread of 10."""
    late = candidate(
        1, 400, deliveries=2, lead_seconds=60 * DAY, lead_squares=(40**2 + 20**2) * DAY**2
    )

    found = rank(NEED, [late, candidate(2, 500)], RATES, TODAY)

    assert [one.supplier_id for one in found] == [2, 1]
    assert (found[1].arrives, found[1].in_time) == (day("2026-07-11"), False)


def test_a_supplier_that_sells_no_such_product_today_is_last() -> None:
    gone = Candidate(1, "gone", [], Facts(1))

    found = rank(NEED, [gone, candidate(2, 10**6, days=300)], RATES, TODAY)

    assert [one.supplier_id for one in found] == [2, 1]
    assert (found[1].quantity, found[1].arrives) == (0, None)


def test_a_scorecard_shows_its_arithmetic() -> None:
    facts = Facts(
        1,
        orders=3,
        due=200,
        on_time=182,
        deliveries=2,
        lead_seconds=30 * DAY,
        lead_squares=(10**2 + 20**2) * DAY**2,
        awaited=200,
        filled=190,
        accepted=186,
        rejected=4,
        received=190,
        returned=4,
        first_prices=10_000,
        last_prices=10_500,
        answers=2,
        answer_seconds=36 * 3_600,
    )

    found = {one.name: one for one in scorecard(facts)}

    assert {name: one.value for name, one in found.items()} == {
        "on_time_share": Decimal("91.0"),
        "lead_time_mean": Decimal("15.0"),
        "lead_time_spread": Decimal("5.0"),
        "fill_rate": Decimal("95.0"),
        "defect_rate": Decimal("2.1"),
        "price_trend": Decimal("5.0"),
        "return_rate": Decimal("2.1"),
        "time_to_answer": Decimal("18.0"),
    }
    assert found["on_time_share"].how == "182 of 200 units came by their day = 91.0 %"
    assert found["defect_rate"].how == "4 of 190 units judged were bad = 2.1 %"


def test_of_a_new_supplier_nothing_is_told() -> None:
    assert {one.value for one in scorecard(Facts(1))} == {None}
