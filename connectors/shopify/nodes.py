"""Reading a GraphQL node field by field: the value in our types, or what is wrong and where."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.amounts import minor_units

#: More units than any order line or shelf holds; keeps quantities inside the database's integer.
MOST_UNITS = 1_000_000_000


class Unreadable(ValueError):
    """One field of a record breaks the channel's contract."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Node:
    """A JSON object and where it stands, so that a complaint names ``lineItems.0.quantity``."""

    def __init__(self, data: object, path: str = "") -> None:
        if not isinstance(data, Mapping):
            reason = "missing" if data is None else "is not an object"
            raise Unreadable(path or "record", reason)
        self.data: Mapping[str, Any] = data
        self.path = path

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def node(self, name: str) -> Node:
        return Node(self.data.get(name), self.at(name))

    def optional(self, name: str) -> Node | None:
        return None if self.data.get(name) is None else self.node(name)

    def nodes(self, name: str) -> list[Node]:
        found = self.data.get(name)
        if not isinstance(found, list):
            raise Unreadable(self.at(name), "is not a list")
        return [Node(one, f"{self.at(name)}.{i}") for i, one in enumerate(found)]

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
        if "\x00" in found:
            raise Unreadable(self.at(name), "holds a NUL byte")
        if any("\ud800" <= letter <= "\udfff" for letter in found):
            raise Unreadable(self.at(name), "holds half a surrogate pair")
        return found

    def units(self, name: str, *, least: int = 0) -> int:
        found = self.data.get(name)
        if found is None:
            raise Unreadable(self.at(name), "missing")
        if not isinstance(found, int) or isinstance(found, bool):
            raise Unreadable(self.at(name), f"{found!r} is not a whole number")
        if not least <= found <= MOST_UNITS:
            raise Unreadable(self.at(name), f"{found} is not between {least} and {MOST_UNITS}")
        return found

    def truth(self, name: str) -> bool:
        found = self.data.get(name)
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
        return None if self.data.get(name) is None else self.time(name)

    def amount(self, name: str, currency: str) -> int:
        """Minor units of a money string that is not negative."""
        found = self.data.get(name)
        if found is None:
            raise Unreadable(self.at(name), "missing")
        try:
            value = minor_units(found, currency)
        except ValueError as error:
            raise Unreadable(self.at(name), str(error)) from None
        if value < 0:
            raise Unreadable(self.at(name), f"{found} is negative")
        return value

    def shop_money(self, name: str, currency: str) -> int:
        """Of a MoneyBag, the amount in the shop's own currency; 0 where the bag may be null."""
        bag = self.optional(name)
        return bag.node("shopMoney").amount("amount", currency) if bag is not None else 0
