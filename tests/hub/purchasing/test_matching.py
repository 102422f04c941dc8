"""What a supplier bills against what was ordered and what came."""

from __future__ import annotations

import pytest

from hub.purchasing.matching import Agreed, Billed, Tolerance, mismatches

AGREED = {1: Agreed(500, received=100, returned=10), 2: Agreed(100, received=5, returned=0)}


def found(*lines: Billed, total: int = 10**9, price: int = 0, units: int = 0) -> list[str]:
    return mismatches(lines, AGREED, Tolerance(price, units), total=total)


def test_what_agrees_may_be_paid_and_so_may_what_is_less() -> None:
    assert found(Billed(1, 90, 500)) == []
    assert found(Billed(1, 50, 450), Billed(2, 5, 100)) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (Billed(1, 90, 501), "501 a unit is billed, 500 was agreed"),
        (Billed(1, 91, 500), "91 units are billed, 90 were received and kept"),
    ],
)
def test_dearer_or_more_than_came_does_not_agree(line: Billed, said: str) -> None:
    [reason] = found(line)

    assert said in reason


def test_within_the_tolerance_it_agrees() -> None:
    assert found(Billed(1, 94, 510), price=2, units=5) == []
    assert len(found(Billed(1, 95, 511), price=2, units=5)) == 2


def test_a_total_below_its_lines_does_not_agree_one_above_has_freight() -> None:
    assert found(Billed(2, 5, 100), total=600) == []
    assert found(Billed(2, 5, 100), total=499) == ["the total is 499, its lines come to 500"]


def test_units_on_another_invoice_count() -> None:
    agreed = {1: Agreed(500, received=100, returned=0, billed=60)}

    assert mismatches([Billed(1, 40, 500)], agreed, Tolerance(), total=20_000) == []
    assert mismatches([Billed(1, 41, 500)], agreed, Tolerance(), total=20_500) != []
