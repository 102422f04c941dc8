"""A record of WooCommerce's: PHP's idea of JSON, times in GMT without saying so, computed money."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import connectors.fields
from connectors.amounts import rounded_minor_units
from connectors.fields import Unreadable

#: How the database writes a time that has not come.
NEVER = "0000-00-00"


class Record(connectors.fields.Record):
    """PHP writes ``[]`` for an empty object and ``false`` for what there is not; plug-ins turn
    text into numbers and numbers into text."""

    numbers_as_text = True

    def words(self, name: str) -> str:
        found = self.data.get(name)
        if found is False or found == []:
            return ""
        if isinstance(found, int | Decimal) and not isinstance(found, bool):
            return str(found)
        return super().words(name)

    def whole(self, name: str) -> int | None:
        found = self.data.get(name)
        if isinstance(found, Decimal) and found == found.to_integral_value():
            return int(found)
        return super().whole(name)

    def gmt(self, name: str) -> datetime:
        """A ``*_gmt`` time, which carries no zone."""
        return self.time(name, zone=UTC)

    def optional_gmt(self, name: str) -> datetime | None:
        return None if self.words(name).startswith(NEVER) else self.optional_time(name, zone=UTC)

    def money(self, name: str, currency: str, *, least: int = 0) -> int:
        """Minor units; finer fractions, of shops that keep more places, are rounded."""
        found = self.data.get(name)
        if found is None or found == "":
            raise Unreadable(self.at(name), "missing")
        try:
            value = rounded_minor_units(found, currency)
        except ValueError as error:
            raise Unreadable(self.at(name), str(error)) from None
        if value < least:
            raise Unreadable(self.at(name), f"{found} is too low")
        return value

    def optional_money(self, name: str, currency: str) -> int:
        return 0 if self.data.get(name) in (None, "", False) else self.money(name, currency)
