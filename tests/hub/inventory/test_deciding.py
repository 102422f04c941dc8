"""Availability and allocation: pure decisions, held to their laws."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hub.inventory.allocating import Decision, Demand, Share, allocate
from hub.inventory.availability import Rule, offer
from hub.inventory.ledger import LevelKey, Levels
from hub.inventory.models import State

units = st.integers(0, 1_000)
places = st.dictionaries(st.integers(1, 4), units, max_size=4)
rules = st.builds(
    Rule,
    safety_stock=units,
    share_percent=st.integers(0, 100),
    buffer=st.integers(0, 50),
    cap=st.none() | units,
    end_when_below=st.integers(0, 20),
)


def test_a_listing_offers_what_there_is_less_what_is_kept_back() -> None:
    rule = Rule(safety_stock=3, share_percent=50, buffer=1, cap=6)

    made = offer({1: 12, 2: 8}, 2, rule)

    assert made.quantity == 6
    assert made.derivation["available"] == {"1": 12, "2": 8}


def test_a_share_is_rounded_down() -> None:
    assert offer({1: 5}, 0, Rule(share_percent=50)).quantity == 2


def test_below_its_floor_a_listing_shows_none() -> None:
    assert offer({1: 3}, 0, Rule(end_when_below=4)).quantity == 0
    assert offer({1: 4}, 0, Rule(end_when_below=4)).quantity == 4


@given(places, units, rules)
def test_an_offer_is_never_negative_nor_above_its_cap_nor_what_there_is(
    available: dict[int, int], waiting: int, rule: Rule
) -> None:
    made = offer(available, waiting, rule)

    assert 0 <= made.quantity <= sum(available.values())
    assert rule.cap is None or made.quantity <= rule.cap


@given(places, units, rules, st.integers(0, 100))
def test_more_stock_never_offers_less(
    available: dict[int, int], waiting: int, rule: Rule, more: int
) -> None:
    richer = {**available, 9: more}

    assert offer(richer, waiting, rule).quantity >= offer(available, waiting, rule).quantity


@given(places, units, rules)
def test_an_offer_can_be_worked_out_again_from_its_derivation(
    available: dict[int, int], waiting: int, rule: Rule
) -> None:
    why = offer(available, waiting, rule).derivation

    stored = {int(place): count for place, count in why["available"].items()}
    again = offer(stored, why["waiting"], Rule(**why["rule"]))

    assert again.derivation == why


demands = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 8)), max_size=8).map(
    lambda found: [Demand(n, product, wanted) for n, (product, wanted) in enumerate(found)]
)
stocks = st.dictionaries(
    st.tuples(st.integers(1, 3), st.integers(1, 3)), st.integers(0, 10), max_size=9
)


def levels_of(stock: dict[tuple[int, int], int]) -> Levels:
    return Levels({LevelKey(*key, State.AVAILABLE): count for key, count in stock.items()})


def promised(decision: Decision) -> Counter[tuple[int, int]]:
    total: Counter[tuple[int, int]] = Counter()
    for share in decision.shares:
        total[share.product_id, share.location_id] += share.quantity
    return total


@given(demands, stocks, st.permutations([1, 2, 3]))
def test_no_more_is_promised_than_there_is(
    wanted: list[Demand], stock: dict[tuple[int, int], int], order: list[int]
) -> None:
    decision = allocate(wanted, levels_of(stock), order)

    for key, count in promised(decision).items():
        assert count <= stock.get(key, 0)


@given(demands, stocks, st.permutations([1, 2, 3]))
def test_every_unit_wanted_is_promised_or_short(
    wanted: list[Demand], stock: dict[tuple[int, int], int], order: list[int]
) -> None:
    decision = allocate(wanted, levels_of(stock), order)

    told = Counter({demand.line_id: demand.quantity for demand in decision.short})
    for share in decision.shares:
        told[share.line_id] += share.quantity
    assert told == Counter({demand.line_id: demand.quantity for demand in wanted})
    assert all(share.quantity > 0 for share in decision.shares)


@given(demands, stocks)
def test_nothing_is_short_while_a_location_has_some(
    wanted: list[Demand], stock: dict[tuple[int, int], int]
) -> None:
    decision = allocate(wanted, levels_of(stock), [1, 2, 3])

    left = {key: count - promised(decision)[key] for key, count in stock.items()}
    for demand in decision.short:
        assert not any(left.get((demand.product_id, place), 0) for place in (1, 2, 3))


@given(demands, stocks)
def test_the_levels_decided_on_are_left_as_they_were(
    wanted: list[Demand], stock: dict[tuple[int, int], int]
) -> None:
    levels = levels_of(stock)

    allocate(wanted, levels, [1, 2, 3])

    assert levels == levels_of(stock)


def test_a_location_that_has_all_goes_before_nearer_ones_that_would_split() -> None:
    levels = levels_of({(1, 1): 2, (1, 2): 5})

    assert allocate([Demand(7, 1, 4)], levels, [1, 2]).shares == (Share(7, 1, 2, 4),)


def test_where_no_location_has_all_it_is_split_in_their_order() -> None:
    levels = levels_of({(1, 1): 2, (1, 2): 3})

    decision = allocate([Demand(7, 1, 6)], levels, [1, 2])

    assert decision.shares == (Share(7, 1, 1, 2), Share(7, 1, 2, 3))
    assert decision.short == (Demand(7, 1, 1),)


def test_a_location_that_does_not_serve_the_account_gives_nothing() -> None:
    decision = allocate([Demand(7, 1, 1)], levels_of({(1, 3): 9}), [1, 2])

    assert decision.shares == ()
    assert replace(decision, short=()) == Decision((), ())
