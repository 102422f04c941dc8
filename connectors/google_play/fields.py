"""Reading a resource field by field: the value in our types, or what is wrong and where.

Google leaves out what is empty, false or zero, so most fields may be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.amounts import exponent, from_units_nanos

MOST_UNITS = 1_000_000_000


class Unreadable(ValueError):
    """One field of a record breaks the channel's contract."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Resource:
    """A JSON object and where it stands, so that a complaint names ``lineItems.0.total``."""

    def __init__(self, data: object, path: str = "") -> None:
        if not isinstance(data, Mapping):
            reason = "missing" if data is None else "is not an object"
            raise Unreadable(path or "record", reason)
        self.data: Mapping[str, Any] = data
        self.path = path

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        return self.data.get(name) is not None

    def part(self, name: str) -> Resource:
        """An object that may be missing, which is as good as an empty one."""
        return Resource(self.data.get(name) or {}, self.at(name))

    def parts(self, name: str) -> list[Resource]:
        found = self.data.get(name) or []
        if not isinstance(found, list):
            raise Unreadable(self.at(name), "is not a list")
        return [Resource(one, f"{self.at(name)}.{i}") for i, one in enumerate(found)]

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

    def units(self, name: str, *, otherwise: int) -> int:
        found = self.data.get(name, otherwise)
        if not isinstance(found, int) or isinstance(found, bool):
            raise Unreadable(self.at(name), f"{found!r} is not a whole number")
        if not 0 <= found <= MOST_UNITS:
            raise Unreadable(self.at(name), f"{found} is not between 0 and {MOST_UNITS}")
        return found

    def truth(self, name: str) -> bool:
        found = self.data.get(name, False)
        if not isinstance(found, bool):
            raise Unreadable(self.at(name), "is not true or false")
        return found

    def time(self, name: str) -> datetime:
        found = self.text(name)
        try:
            moment = datetime.fromisoformat(found)
        except ValueError:
            raise Unreadable(self.at(name), f"{found!r} is not a time") from None
        if moment.tzinfo is None:
            raise Unreadable(self.at(name), f"{found!r} has no time zone")
        return moment.astimezone(UTC)

    def optional_time(self, name: str) -> datetime | None:
        return self.time(name) if self.has(name) else None

    def currency(self, name: str) -> str:
        """Of a Money, which always names it."""
        code = self.part(name).text("currencyCode")
        try:
            exponent(code)
        except ValueError as error:
            raise Unreadable(self.at(name), str(error)) from None
        return code

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
