"""What a supplier charges for a quantity on a day, and why: pure decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class Tier(NamedTuple):
    from_quantity: int
    unit_price: int


class Rate(NamedTuple):
    """So many of the seller's minor units is one minor unit of another currency."""

    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class PriceList:
    """A supplier's terms for one product from a day on. Prices are minor units of ``currency``."""

    supplier_id: int
    product_id: int
    currency: str
    valid_from: date
    tiers: tuple[Tier, ...]
    valid_until: date | None = None
    supplier_code: str = ""
    minimum: int = 1
    maximum: int | None = None
    pack: int = 1
    lead_days: int = 0
    id: int = 0


@dataclass(frozen=True, slots=True)
class Quote:
    """``quantity`` is what can be ordered, which may be more (minimum, pack) or less (maximum)
    than was wanted; 0 where there is no price. ``reasons`` say how it came about."""

    quantity: int
    unit_price: int
    reasons: tuple[str, ...]
    terms: PriceList | None = None

    @property
    def total(self) -> int:
        return self.quantity * self.unit_price


def quote(lists: Iterable[PriceList], wanted: int, on: date) -> Quote:
    """The price that holds: of the lists valid that day the one that began last, and in it the
    highest tier that the orderable quantity reaches."""
    valid = [one for one in lists if holds(one, on)]
    if not valid:
        return Quote(0, 0, (f"no price list holds on {on}",))
    terms = max(valid, key=lambda one: (one.valid_from, one.id))
    said = [f"the list that holds since {terms.valid_from}"]
    if len(valid) > 1:
        said[0] += f" goes before {len(valid) - 1} older"
    quantity = _orderable(terms, wanted, said)
    reached = [tier for tier in terms.tiers if tier.from_quantity <= quantity]
    if not reached:
        said.append(f"it has no price for {quantity} units")
        return Quote(0, 0, tuple(said), terms)
    tier = max(reached)
    said.append(
        f"{quantity} units reach the tier from {tier.from_quantity}: {tier.unit_price} each"
    )
    said += _cheaper(terms, quantity, tier)
    return Quote(quantity, tier.unit_price, tuple(said), terms)


def holds(one: PriceList, on: date) -> bool:
    return one.valid_from <= on and (one.valid_until is None or on <= one.valid_until)


def _orderable(terms: PriceList, wanted: int, said: list[str]) -> int:
    """Raised to the minimum and to whole packs, lowered to the maximum; 0 where that is no order.
    The first tier is a minimum too."""
    first = min((tier.from_quantity for tier in terms.tiers), default=1)
    least = max(terms.minimum, first)
    quantity = max(wanted, least)
    if quantity > wanted:
        said.append(f"{wanted} is raised to the minimum of {least}")
    packed = -(-quantity // terms.pack) * terms.pack
    if packed > quantity:
        said.append(f"{quantity} is raised to {packed}, whole packs of {terms.pack}")
    if terms.maximum is None or packed <= terms.maximum:
        return packed
    most = terms.maximum // terms.pack * terms.pack
    said.append(f"{packed} is lowered to {most}: {terms.maximum} is the most they sell at once")
    return most if most >= least else 0


def _cheaper(terms: PriceList, quantity: int, tier: Tier) -> Iterable[str]:
    """A higher tier at which more units cost less altogether."""
    for other in sorted(terms.tiers):
        units = -(-other.from_quantity // terms.pack) * terms.pack
        allowed = terms.maximum is None or units <= terms.maximum
        if units > quantity and allowed and units * other.unit_price < quantity * tier.unit_price:
            yield f"{units} units would cost less altogether: {other.unit_price} each"
            return


def ordered(tiers: Sequence[Tier]) -> bool:
    """Whether tiers rise, each from its own quantity."""
    starts = [tier.from_quantity for tier in tiers]
    return bool(starts) and all(low < high for low, high in zip(starts, starts[1:], strict=False))


def in_own_currency(minor: int, rate: Rate | None) -> int | None:
    """An amount in the seller's minor units, half a unit rounded up; None where no rate is known,
    which is not 0."""
    if rate is None:
        return None
    return (2 * minor * rate.numerator + rate.denominator) // (2 * rate.denominator)
