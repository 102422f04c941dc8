"""A resource of Google's, which leaves out what is empty, false or zero, and writes money in units
and nanos."""

from __future__ import annotations

from connectors.amounts import from_units_nanos
from connectors.fields import Record, Unreadable


class Resource(Record):
    def currency(self, name: str) -> str:
        """Of a Money, which always names it."""
        return Record.currency(self.part_or_empty(name), "currencyCode")

    def money(self, name: str, currency: str) -> int:
        """Minor units of a Money; 0 where it is missing. Not negative, and in no other currency."""
        if not self.has(name):
            return 0
        found = self.part(name)
        if found.text("currencyCode") != currency:
            raise Unreadable(found.at("currencyCode"), f"is not {currency}")
        try:
            value = from_units_nanos(
                found.data.get("units", "0"), found.data.get("nanos", 0), currency
            )
        except ValueError as error:
            raise Unreadable(self.at(name), str(error)) from None
        if value < 0:
            raise Unreadable(self.at(name), "is negative")
        return value
