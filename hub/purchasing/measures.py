"""A supplier's scorecard: every figure with the arithmetic it came from. Pure; no floats."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

DAY = 86_400
PERCENT, DAYS, HOURS = "%", "days", "hours"


@dataclass(frozen=True, slots=True)
class Facts:
    """Sums over the orders sent to a supplier in a span of time. Seconds are whole."""

    supplier_id: int
    orders: int = 0
    due: int = 0
    on_time: int = 0
    deliveries: int = 0
    lead_seconds: int = 0
    lead_squares: int = 0
    awaited: int = 0
    filled: int = 0
    accepted: int = 0
    rejected: int = 0
    received: int = 0
    returned: int = 0
    first_prices: int = 0
    last_prices: int = 0
    answers: int = 0
    answer_seconds: int = 0


class Measure(NamedTuple):
    """``value`` None: there is nothing to tell it from."""

    name: str
    value: Decimal | None
    unit: str
    how: str


def scorecard(of: Facts) -> list[Measure]:
    return [
        _share("on_time_share", of.on_time, of.due, "units came by their day", "that were due"),
        *_lead_time(of),
        _share("fill_rate", of.filled, of.awaited, "units came", "of orders that are complete"),
        _share("defect_rate", of.rejected, of.accepted + of.rejected, "units", "judged were bad"),
        _trend(of),
        _share("return_rate", of.returned, of.received, "units", "received were sent back"),
        _answer(of),
    ]


def _share(name: str, part: int, whole: int, what: str, which: str) -> Measure:
    if not whole:
        return Measure(name, None, PERCENT, f"no units {which}")
    value = rounded(Decimal(100 * part) / whole)
    how = f"{part} of {whole} {what} {which}" if what == "units" else f"{part} of {whole} {what}"
    return Measure(name, value, PERCENT, f"{how} = {value} %")


def _lead_time(of: Facts) -> list[Measure]:
    if not of.deliveries:
        nothing = "nothing has been delivered"
        return [
            Measure("lead_time_mean", None, DAYS, nothing),
            Measure("lead_time_spread", None, DAYS, nothing),
        ]
    total, mean, spread = (rounded(value) for value in _lead(of))
    how = f"{total} days from sent to received over {of.deliveries} deliveries = {mean} days"
    root = f"standard deviation of {of.deliveries} deliveries around {mean} days = {spread} days"
    return [
        Measure("lead_time_mean", mean, DAYS, how),
        Measure("lead_time_spread", spread, DAYS, root),
    ]


def _lead(of: Facts) -> tuple[Decimal, Decimal, Decimal]:
    """Days altogether, their mean, and their standard deviation (of all, not of a sample)."""
    mean = Decimal(of.lead_seconds) / of.deliveries
    variance = max(Decimal(0), Decimal(of.lead_squares) / of.deliveries - mean * mean)
    return Decimal(of.lead_seconds) / DAY, mean / DAY, variance.sqrt() / DAY


def lead_days(of: Facts) -> tuple[Decimal, Decimal] | None:
    """Mean and spread of the days from sent to received; None where nothing came yet."""
    if not of.deliveries:
        return None
    _, mean, spread = _lead(of)
    return mean, spread


def _trend(of: Facts) -> Measure:
    if not of.first_prices:
        return Measure("price_trend", None, PERCENT, "no product was ordered twice")
    value = rounded(Decimal(100 * of.last_prices) / of.first_prices - 100)
    how = (
        f"what was ordered last costs {of.last_prices}, at the first prices {of.first_prices}"
        f" = {value:+} %"
    )
    return Measure("price_trend", value, PERCENT, how)


def _answer(of: Facts) -> Measure:
    if not of.answers:
        return Measure("time_to_answer", None, HOURS, "no order was confirmed")
    total = rounded(Decimal(of.answer_seconds) / 3_600)
    value = rounded(Decimal(of.answer_seconds) / 3_600 / of.answers)
    how = f"{total} hours from sent to confirmed over {of.answers} orders = {value} hours"
    return Measure("time_to_answer", value, HOURS, how)


def rounded(value: Decimal) -> Decimal:
    """To a tenth, half up."""
    return value.quantize(Decimal("0.1"), ROUND_HALF_UP)
