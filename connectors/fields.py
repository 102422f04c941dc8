"""Reading a parsed answer field by field: the value in our types, or what is wrong and where.

Every channel's mapping reads through :class:`Record` or a subclass of it, so that one bad field
makes one :class:`~connectors.records.BadRecord` that names it, and nothing half-read goes further.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar, Self, TypeVar

from connectors.amounts import exponent, minor_units
from connectors.records import BadRecord

T = TypeVar("T")

#: More units than any order line or shelf holds; keeps quantities inside the database's integer.
MOST_UNITS = 1_000_000_000
#: The end of the year 9999: later is no Unix time in seconds.
LATEST = 253_402_300_799
#: Digits of the longest text that is read as a number.
LONGEST_NUMBER = 20


class Unreadable(ValueError):
    """One field of a record breaks the channel's contract."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Record:
    """A JSON object and where it stands, so that a complaint names ``lines.0.quantity``.

    Missing and null are the same. All methods raise :class:`Unreadable`. Channels that now and then
    write whole numbers as text set ``numbers_as_text``.
    """

    numbers_as_text: ClassVar[bool] = False

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

    # -- objects and lists ---------------------------------------------------------------------

    def part(self, name: str) -> Self:
        """An object that must be there."""
        return type(self)(self.data.get(name), self.at(name))

    def optional(self, name: str) -> Self | None:
        return self.part(name) if self.has(name) else None

    def part_or_empty(self, name: str) -> Self:
        """An object whose absence is as good as an empty one."""
        return type(self)(self.data.get(name) or {}, self.at(name))

    def parts(self, name: str) -> list[Self]:
        """A list of objects that must be there."""
        found = self.data.get(name)
        if not isinstance(found, list):
            raise Unreadable(self.at(name), "missing" if found is None else "is not a list")
        return [type(self)(one, f"{self.at(name)}.{i}") for i, one in enumerate(found)]

    def parts_if_any(self, name: str) -> list[Self]:
        """A list of objects that may be missing."""
        return self.parts(name) if self.data.get(name) else []

    # -- text ----------------------------------------------------------------------------------

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
            raise Unreadable(self.at(name), "holds half a character")
        return found

    def key(self, name: str) -> str:
        """A required id as text, whether it comes as a number or as text."""
        found = self.data.get(name)
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        return self.text(name)

    # -- numbers -------------------------------------------------------------------------------

    def units(self, name: str, *, least: int = 0, otherwise: int | None = None) -> int:
        """A whole number of units; ``otherwise`` where it is missing, None = it must be there."""
        found = self.whole(name)
        if found is None:
            if otherwise is None:
                raise Unreadable(self.at(name), "missing")
            return otherwise
        if not least <= found <= MOST_UNITS:
            raise Unreadable(self.at(name), f"{found} is not between {least} and {MOST_UNITS}")
        return found

    def whole(self, name: str) -> int | None:
        """A whole number; None where it is missing."""
        found = self.data.get(name)
        if self.numbers_as_text and isinstance(found, str):
            if not found:
                return None
            if found.isascii() and found.removeprefix("-").isdecimal():
                found = int(found[:LONGEST_NUMBER])
        if found is None:
            return None
        if not isinstance(found, int) or isinstance(found, bool):
            raise Unreadable(self.at(name), f"{found!r} is not a whole number")
        return found

    def truth(self, name: str, *, otherwise: bool | None = None) -> bool:
        """``otherwise`` where it is missing, None = it must be there."""
        found = self.data.get(name)
        if found is None and otherwise is not None:
            return otherwise
        if not isinstance(found, bool):
            raise Unreadable(self.at(name), "is not true or false")
        return found

    # -- time ----------------------------------------------------------------------------------

    def time(self, name: str, *, zone: tzinfo | None = None) -> datetime:
        """ISO 8601, as aware UTC. ``zone``: where a time without one is meant."""
        found = self.text(name)
        try:
            moment = datetime.fromisoformat(found)
        except ValueError:
            raise Unreadable(self.at(name), f"{found!r} is not a time") from None
        if moment.tzinfo is None:
            if zone is None:
                raise Unreadable(self.at(name), f"{found!r} has no time zone")
            moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)

    def optional_time(self, name: str, *, zone: tzinfo | None = None) -> datetime | None:
        return self.time(name, zone=zone) if self.words(name) else None

    def unix_time(self, name: str) -> datetime:
        found = self.optional_unix_time(name)
        if found is None:
            raise Unreadable(self.at(name), "missing")
        return found

    def optional_unix_time(self, name: str) -> datetime | None:
        """Unix seconds; 0 is how a moment that has not come is told."""
        found = self.whole(name)
        if not found:
            return None
        if not 0 < found <= LATEST:
            raise Unreadable(self.at(name), f"{found} is not a time in Unix seconds")
        return datetime.fromtimestamp(found, UTC)

    # -- money ---------------------------------------------------------------------------------

    def currency(self, name: str) -> str:
        code = self.text(name).upper()
        try:
            exponent(code)
        except ValueError as error:
            raise Unreadable(self.at(name), str(error)) from None
        return code

    def amount(self, name: str, currency: str, *, least: int = 0) -> int:
        """Minor units of a decimal in major units, written as text or as a number."""
        found = self.data.get(name)
        if found is None or found == "":
            raise Unreadable(self.at(name), "missing")
        try:
            value = minor_units(found, currency)
        except ValueError as error:
            raise Unreadable(self.at(name), str(error)) from None
        if value < least:
            raise Unreadable(self.at(name), f"{found} is negative" if not least else "is too low")
        return value

    def optional_amount(self, name: str, currency: str) -> int:
        return 0 if self.data.get(name) in (None, "") else self.amount(name, currency)


def identity(item: object, *names: str) -> str:
    """What an item goes by, for the record of what was wrong with it: the first of ``names`` ("id"
    where none is said) that it has; "" where it has none."""
    found = [item.get(name) for name in names or ("id",)] if isinstance(item, Mapping) else []
    keys = [one for one in found if isinstance(one, str | int) and not isinstance(one, bool)]
    return next((str(one) for one in keys if one != ""), "")


def each(
    items: Iterable[Any], read: Callable[[Any], T], *names: str
) -> tuple[tuple[T, ...], tuple[BadRecord, ...]]:
    """What could be read, and what could not with the reason: a bad one stops no other. ``names``
    as for :func:`identity`."""
    good: list[T] = []
    bad: list[BadRecord] = []
    for item in items:
        try:
            good.append(read(item))
        except Unreadable as error:
            bad.append(BadRecord(identity(item, *names), error.field, error.reason, item))
    return tuple(good), tuple(bad)
