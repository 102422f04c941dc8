"""Three-way match: what a supplier bills, against what was ordered and what came. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Billed(NamedTuple):
    line_id: int
    quantity: int
    unit_price: int


class Agreed(NamedTuple):
    """A line by what was ordered and received. ``billed`` units stand on other invoices."""

    unit_price: int
    received: int
    returned: int
    billed: int = 0


class Tolerance(NamedTuple):
    """How much more than agreed may be billed, in percent."""

    price_percent: int = 0
    quantity_percent: int = 0


def mismatches(
    lines: Sequence[Billed],
    agreed: Mapping[int, Agreed],
    tolerance: Tolerance,
    *,
    total: int,
) -> list[str]:
    """What does not agree, in words; nothing: the invoice may be paid. What is cheaper or fewer
    than agreed is no mismatch. The total may be more than the lines (freight, tax), not less."""
    found = []
    summed = sum(one.quantity * one.unit_price for one in lines)
    if total < summed:
        found.append(f"the total is {total}, its lines come to {summed}")
    for one in lines:
        known = agreed[one.line_id]
        dearest = known.unit_price * (100 + tolerance.price_percent) // 100
        if one.unit_price > dearest:
            found.append(
                f"line {one.line_id}: {one.unit_price} a unit is billed,"
                f" {known.unit_price} was agreed (at most {dearest})"
            )
        kept = known.received - known.returned
        most = kept * (100 + tolerance.quantity_percent) // 100
        if known.billed + one.quantity > most:
            found.append(
                f"line {one.line_id}: {known.billed + one.quantity} units are billed,"
                f" {kept} were received and kept (at most {most})"
            )
    return found
