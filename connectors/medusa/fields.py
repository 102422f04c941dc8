"""Reading Medusa's answers: JSON numbers, with the exact one beside some of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from connectors import fields
from connectors.amounts import rounded_minor_units
from connectors.fields import MOST_UNITS, Unreadable


class Record(fields.Record):
    """Where ``raw_x`` is beside ``x``, it is the exact number: ``{"value": "19.99", …}``."""

    def number(self, name: str, *, otherwise: int | None = None) -> Decimal:
        """``otherwise`` where it is missing, None = it must be there."""
        raw = self.data.get(f"raw_{name}")
        found = raw.get("value") if isinstance(raw, Mapping) else None
        if found is None:
            found = self.data.get(name)
        if found is None and otherwise is not None:
            return Decimal(otherwise)
        if found is None:
            raise Unreadable(self.at(name), "missing")
        if isinstance(found, bool) or not isinstance(found, int | str | Decimal):
            raise Unreadable(self.at(name), "is not a number")
        try:
            value = Decimal(found)
        except InvalidOperation:
            raise Unreadable(self.at(name), f"{found!r} is not a number") from None
        if not value.is_finite() or value.adjusted() > 18:
            raise Unreadable(self.at(name), f"{found!r} is out of range")
        return value

    def count(self, name: str, *, least: int = 0, otherwise: int | None = None) -> int:
        """Units: a whole number, however it is written."""
        value = self.number(name, otherwise=otherwise)
        if value != value.to_integral_value():
            raise Unreadable(self.at(name), f"{value} is not a whole number")
        if not least <= value <= MOST_UNITS:
            raise Unreadable(self.at(name), f"{value} is not between {least} and {MOST_UNITS}")
        return int(value)

    def minor(self, name: str, currency: str, *, otherwise: int | None = 0) -> int:
        """Minor units of an amount that may have been computed, and not rounded: 49.478 dollars."""
        return self.rounded(name, self.number(name, otherwise=otherwise), currency)

    def rounded(self, name: str, amount: Decimal, currency: str) -> int:
        try:
            return rounded_minor_units(amount, currency)
        except ValueError as error:
            raise Unreadable(self.at(name), str(error)) from None
