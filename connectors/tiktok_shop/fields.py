"""Reading a record field by field: the value in our types, or what is wrong and where.

TikTok Shop marks no field as required and leaves out what does not apply.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.amounts import exponent, minor_units

#: More units than any shelf holds; keeps quantities inside the database's integer.
MOST_UNITS = 1_000_000_000
#: The end of the year 9999: later is no Unix time in seconds.
LATEST = 253_402_300_799


class Unreadable(ValueError):
    """One field of a record breaks the channel's contract."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Record:
    """A JSON object and where it stands, so that a complaint names ``line_items.0.sale_price``."""

    def __init__(self, data: object, path: str = "") -> None:
        if not isinstance(data, Mapping):
            reason = "missing" if data is None else "is not an object"
            raise Unreadable(path or "record", reason)
        self.data: Mapping[str, Any] = data
        self.path = path

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def part(self, name: str) -> Record:
        return Record(self.data.get(name), self.at(name))

    def optional(self, name: str) -> Record:
        """An object that may be missing, which is as good as an empty one."""
        return Record(self.data.get(name) or {}, self.at(name))

    def parts(self, name: str) -> list[Record]:
        """A list that may be missing."""
        found = self.data.get(name) or []
        if not isinstance(found, list):
            raise Unreadable(self.at(name), "is not a list")
        return [Record(one, f"{self.at(name)}.{i}") for i, one in enumerate(found)]

    def text(self, name: str) -> str:
        """Required and not empty."""
        found = self.words(name)
        if not found:
            raise Unreadable(self.at(name), "missing")
        return found

    def words(self, name: str) -> str:
        """Text that may be missing. NUL and half surrogates cannot be stored."""
        found = self.data.get(name)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise Unreadable(self.at(name), f"is {type(found).__name__}, not text")
        if any(letter == "\x00" or "\ud800" <= letter <= "\udfff" for letter in found):
            raise Unreadable(self.at(name), "holds a NUL byte or half a character")
        return found

    def units(self, name: str) -> int:
        found = self._whole(name)
        if found is None:
            raise Unreadable(self.at(name), "missing")
        if not -MOST_UNITS <= found <= MOST_UNITS:
            raise Unreadable(self.at(name), f"{found} is out of range")
        return found

    def truth(self, name: str) -> bool:
        found = self.data.get(name, False)
        if not isinstance(found, bool):
            raise Unreadable(self.at(name), "is not true or false")
        return found

    def time(self, name: str) -> datetime:
        found = self.optional_time(name)
        if found is None:
            raise Unreadable(self.at(name), "missing")
        return found

    def optional_time(self, name: str) -> datetime | None:
        """Unix seconds; 0 is how a moment that has not come is told."""
        found = self._whole(name)
        if not found:
            return None
        if not 0 < found <= LATEST:
            raise Unreadable(self.at(name), f"{found} is not a time in Unix seconds")
        return datetime.fromtimestamp(found, UTC)

    def currency(self, name: str) -> str:
        code = self.text(name)
        try:
            exponent(code)
        except ValueError as error:
            raise Unreadable(self.at(name), str(error)) from None
        return code

    def amount(self, name: str, currency: str) -> int:
        """Minor units of a decimal string that is not negative."""
        found = self.data.get(name)
        if found is None or found == "":
            raise Unreadable(self.at(name), "missing")
        try:
            value = minor_units(found, currency)
        except ValueError as error:
            raise Unreadable(self.at(name), str(error)) from None
        if value < 0:
            raise Unreadable(self.at(name), f"{found} is negative")
        return value

    def optional_amount(self, name: str, currency: str) -> int:
        return 0 if self.data.get(name) in (None, "") else self.amount(name, currency)

    def _whole(self, name: str) -> int | None:
        """Whole numbers come as numbers, and now and then as text."""
        found = self.data.get(name)
        if isinstance(found, str) and found.isascii() and found.removeprefix("-").isdecimal():
            found = int(found[:20])
        if found is None or found == "":
            return None
        if not isinstance(found, int) or isinstance(found, bool):
            raise Unreadable(self.at(name), f"{found!r} is not a whole number")
        return found
