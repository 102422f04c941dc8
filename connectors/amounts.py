"""Reading money as channels write it: strings, JSON numbers, units and nanos, amount and divisor.

All answer integer minor units. Binary floats never take part: channel JSON is parsed with
``parse_float=Decimal`` (:func:`connectors.http.parse_json`). Minor units come from ISO 4217, not
from locale data, which differs for a dozen currencies.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import cache

from iso4217 import Currency

#: Larger amounts than this are a fault, not a sale; also keeps them inside a bigint.
LARGEST = 10**15


@cache
def exponent(currency: str) -> int:
    """Decimal places of a currency: 2 for EUR, 0 for JPY, 3 for KWD. ValueError if unknown."""
    try:
        places = Currency(currency).exponent
    except ValueError as error:
        raise ValueError(f"unknown currency {currency!r}") from error
    if places is None:
        raise ValueError(f"currency {currency!r} has no minor unit")
    return places


def minor_units(amount: object, currency: str) -> int:
    """``"19.99"``, ``Decimal``, ``int`` → minor units. Extra places must be zeros.

    Raises ValueError for NaN, infinities, floats, finer fractions than the currency has, and
    amounts beyond :data:`LARGEST`.
    """
    value = _decimal(amount).scaleb(exponent(currency))
    if value != value.to_integral_value():
        raise ValueError(f"amount {amount!r} is finer than {currency} allows")
    return _bounded(int(value), amount)


def rounded_minor_units(amount: object, currency: str) -> int:
    """As :func:`minor_units`, rounding half to even: for channels that send computed fractions."""
    value = _decimal(amount).scaleb(exponent(currency))
    return _bounded(int(value.to_integral_value(ROUND_HALF_EVEN)), amount)


def from_units_nanos(units: object, nanos: object, currency: str) -> int:
    """Google's Money: whole units as text, billionths as an integer."""
    return rounded_minor_units(_decimal(units) + _decimal(nanos).scaleb(-9), currency)


def from_divisor(amount: object, divisor: object, currency: str) -> int:
    """Etsy's Money: 1250 over 100 = 12.50."""
    by = _decimal(divisor)
    if by <= 0:
        raise ValueError(f"divisor {divisor!r} is not positive")
    return minor_units(_decimal(amount) / by, currency)


def _decimal(amount: object) -> Decimal:
    if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
        raise ValueError(f"amount {amount!r} is not a decimal number")
    try:
        value = Decimal(amount)
    except InvalidOperation as error:
        raise ValueError(f"amount {amount!r} is not a decimal number") from error
    if not value.is_finite() or value.adjusted() > 18:
        raise ValueError(f"amount {amount!r} is out of range")
    return value


def _bounded(value: int, amount: object) -> int:
    if abs(value) > LARGEST:
        raise ValueError(f"amount {amount!r} is out of range")
    return value
