"""Money: integer minor units with a currency. Never a float, never two currencies in one sum."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from iso4217 import Currency

from hub.errors import InvalidInput


@cache
def exponent(currency: str) -> int:
    """Decimal places of an ISO 4217 currency. InvalidInput names an unknown one."""
    try:
        places = Currency(currency).exponent
    except ValueError:
        places = None
    if places is None:
        raise InvalidInput("currency", f"{currency!r} is not a currency with minor units")
    return int(places)


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """``Money(1999, "EUR")`` is €19.99; ``str()`` writes "19.99 EUR"."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise InvalidInput("currency", f"{self.currency} and {other.currency} do not add up")
        return Money(self.minor + other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __str__(self) -> str:
        return f"{Decimal(self.minor).scaleb(-exponent(self.currency))} {self.currency}"
