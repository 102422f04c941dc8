"""What a count at the door means for the lines of an order: pure decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from hub.errors import InvalidInput
from hub.purchasing.prices import Rate, in_own_currency
from hub.purchasing.quality import Plan, judge
from hub.purchasing.states import most


class Line(NamedTuple):
    """An order line: what was agreed, and how its units stand."""

    id: int
    position: int
    product_id: int
    supplier_code: str
    quantity: int
    unit_price: int
    unit_cost: int | None
    expected_on: date | None
    received: int
    accepted: int
    rejected: int
    inspecting: int
    cancelled: int
    given_up: int
    returned: int
    over_accepted: bool

    @property
    def kept(self) -> int:
        return self.quantity - self.cancelled

    @property
    def open(self) -> int:
        """Units that are still awaited."""
        return max(0, self.kept - self.received)

    def cost(self, rate: Rate | None) -> int | None:
        """Of a unit, in the seller's currency; None where it is not known."""
        return self.unit_cost if self.unit_cost is not None else in_own_currency(
            self.unit_price, rate
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counted:
    """What a person counted of one line: ``sampled`` of it looked at, ``defects`` found bad.
    ``verdict`` "" leaves it to the sampling plan."""

    line_id: int
    quantity: int
    location_id: int | None = None
    sampled: int = 0
    defects: int = 0
    verdict: str = ""
    reason: str = ""


class Arrived(NamedTuple):
    """One line of a receipt."""

    line_id: int
    product_id: int
    location_id: int
    quantity: int
    accepted: int
    rejected: int
    inspecting: int
    sampled: int
    defects: int
    verdict: str
    reason: str
    unit_cost: int | None
    over: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What an order says of deliveries."""

    location_id: int
    over_percent: int
    rate: Rate | None
    plan: Plan
    accept_over: bool = False


def arrive(lines: Mapping[int, Line], counted: Sequence[Counted], terms: Terms) -> list[Arrived]:
    """What each count becomes. Raises InvalidInput naming the count that cannot be."""
    received = {number: line.received for number, line in lines.items()}
    found = []
    for place, one in enumerate(counted):
        line = lines.get(one.line_id)
        if line is None:
            raise InvalidInput(f"lines[{place}].line_id", "is no line of this order")
        _check(place, one)
        received[line.id] += one.quantity
        allowed = most(line.kept, terms.over_percent)
        over = received[line.id] > allowed
        if over and not terms.accept_over:
            raise InvalidInput(
                f"lines[{place}].quantity",
                f"makes {received[line.id]} units where {allowed} may come; accept_over takes them",
            )
        found.append(_arrived(line, one, terms, over=over))
    return found


def _check(place: int, one: Counted) -> None:
    if one.quantity < 1:
        raise InvalidInput(f"lines[{place}].quantity", "must be 1 or more")
    if not 0 <= one.sampled <= one.quantity:
        raise InvalidInput(f"lines[{place}].sampled", "must be 0 to the quantity counted")
    if not 0 <= one.defects <= one.quantity:
        raise InvalidInput(f"lines[{place}].defects", "must be 0 to the quantity counted")


def _arrived(line: Line, one: Counted, terms: Terms, *, over: bool) -> Arrived:
    seen = max(one.sampled, one.defects)
    said = judge(one.quantity, seen, one.defects, terms.plan, one.verdict, one.reason)
    return Arrived(
        line.id,
        line.product_id,
        one.location_id or terms.location_id,
        one.quantity,
        said.accepted,
        said.rejected,
        said.inspecting,
        seen,
        one.defects,
        said.verdict,
        said.reason[:500],
        line.cost(terms.rate),
        over,
    )
