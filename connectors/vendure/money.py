"""Vendure's money: whole numbers in units of its own precision, two places for every currency.

A shop's MoneyStrategy may say otherwise, and tells it as ``moneyStrategyPrecision``. So 100000 is
1,000.00 dollars and also 1,000 yen. Pure.
https://docs.vendure.io/reference/typescript-api/money/money-strategy
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from connectors.amounts import LARGEST, exponent
from connectors.fields import Record, Unreadable

PRECISION = 2
MOST_PRECISE = 8


def precision(data: Mapping[str, Any]) -> int:
    """Of an answer that tells it; two places where it does not. Raises Unreadable."""
    settings = Record(data).part_or_empty("globalSettings")
    found = settings.part_or_empty("serverConfig")
    places = found.units("moneyStrategyPrecision", otherwise=PRECISION)
    if places > MOST_PRECISE:
        raise Unreadable(found.at("moneyStrategyPrecision"), f"{places} places")
    return places


@dataclass(frozen=True, slots=True)
class Scale:
    """Between a currency's minor units and what Vendure keeps."""

    currency: str
    precision: int = PRECISION

    def minor(self, kept: int) -> int:
        """Rounded half to even where Vendure is finer than the currency, as with yen."""
        value = Decimal(kept).scaleb(exponent(self.currency) - self.precision)
        return int(value.to_integral_value(ROUND_HALF_EVEN))

    def kept(self, minor: int) -> int:
        """ValueError where the currency is finer than Vendure."""
        value = Decimal(minor).scaleb(self.precision - exponent(self.currency))
        if value != value.to_integral_value():
            raise ValueError(f"{minor} minor units of {self.currency} are finer than the shop")
        return int(value)


class Node(Record):
    """A GraphQL node of Vendure's."""

    def money(self, name: str, scale: Scale, *, otherwise: int | None = None) -> int:
        """Minor units; may be negative (a discount). None = it must be there."""
        found = self.whole(name)
        if found is None:
            if otherwise is None:
                raise Unreadable(self.at(name), "missing")
            return otherwise
        if abs(found) > LARGEST:
            raise Unreadable(self.at(name), f"{found} is out of range")
        return scale.minor(found)
