"""The best supplier of a product for a need by a day, and why each stands where it does. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

from hub.purchasing.measures import Facts, lead_days, rounded
from hub.purchasing.prices import PriceList, Quote, Rate, in_own_currency, quote


@dataclass(frozen=True, slots=True)
class Need:
    """So many units of a product, to be here by a day."""

    product_id: int
    quantity: int
    by: date


@dataclass(frozen=True, slots=True)
class Candidate:
    """A supplier who lists the product; ``facts`` from past orders, where there are any."""

    supplier_id: int
    name: str
    lists: Sequence[PriceList]
    facts: Facts


@dataclass(frozen=True, slots=True)
class Choice:
    """``quantity`` as it can be ordered; ``cost`` of it all in the seller's minor units, None where
    no rate is known. ``in_time``: expected here by the day."""

    supplier_id: int
    name: str
    quantity: int
    unit_price: int
    currency: str
    cost: int | None
    arrives: date | None
    in_time: bool
    enough: bool
    reasons: tuple[str, ...] = field(default=())


def rank(
    need: Need, candidates: Iterable[Candidate], rates: Mapping[str, Rate], today: date
) -> list[Choice]:
    """Who is in time and delivers enough goes first, then what a good unit costs (dearer where
    more of it is bad), then who comes first."""
    found = [_weigh(need, one, rates, today) for one in candidates]
    return [choice for _, choice in sorted(found, key=lambda pair: pair[0])]


_Key = tuple[bool, bool, bool, Fraction, date, int]


def _weigh(
    need: Need, one: Candidate, rates: Mapping[str, Rate], today: date
) -> tuple[_Key, Choice]:
    offer = quote(one.lists, need.quantity, today)
    said = list(offer.reasons)
    arrives = _arrival(offer, one.facts, today, said)
    in_time = arrives is not None and arrives <= need.by
    if arrives is not None:
        said.append(f"expected {arrives}, {'by' if in_time else 'after'} {need.by}")
    terms = offer.terms
    currency = terms.currency if terms else ""
    cost = in_own_currency(offer.total, rates.get(currency)) if offer.quantity else None
    if offer.quantity and cost is None:
        said.append(f"what {currency} is worth is not known: its cost cannot be compared")
    per_good = _per_good_unit(offer, cost, one.facts, said)
    enough = offer.quantity >= need.quantity
    choice = Choice(
        one.supplier_id,
        one.name,
        offer.quantity,
        offer.unit_price,
        currency,
        cost,
        arrives,
        in_time,
        enough,
        tuple(said),
    )
    usable = per_good is not None
    key = (not offer.quantity, not (in_time and enough), not usable)
    return (*key, per_good or Fraction(0), arrives or date.max, one.supplier_id), choice


def _arrival(offer: Quote, facts: Facts, today: date, said: list[str]) -> date | None:
    """Promised lead time, or mean and spread of what it was, where that is longer."""
    if offer.terms is None or not offer.quantity:
        return None
    promised = offer.terms.lead_days
    known = lead_days(facts)
    if known is None:
        said.append(f"{promised} days of lead time promised, none delivered yet")
        return today + timedelta(days=promised)
    mean, spread = known
    usual = int((mean + spread).to_integral_value(ROUND_CEILING))
    said.append(
        f"{promised} days of lead time promised; it took {rounded(mean)} days"
        f" with a spread of {rounded(spread)}"
    )
    return today + timedelta(days=max(promised, usual))


def _per_good_unit(
    offer: Quote, cost: int | None, facts: Facts, said: list[str]
) -> Fraction | None:
    """What a unit that is not bad costs."""
    if cost is None or not offer.quantity:
        return None
    judged = facts.accepted + facts.rejected
    # A supplier of whom nothing is known is taken to be good: somebody must try it.
    good = Fraction(facts.accepted, judged) if judged else Fraction(1)
    if not good:
        said.append(f"all {judged} units judged were bad")
        return None
    per = Fraction(cost, offer.quantity) / good
    shown = rounded(Decimal(per.numerator) / per.denominator)
    said.append(f"{cost} for {offer.quantity} units, {_percent(good)} % good = {shown} a good unit")
    return per


def _percent(share: Fraction) -> Decimal:
    return rounded(Decimal(100 * share.numerator) / share.denominator)
