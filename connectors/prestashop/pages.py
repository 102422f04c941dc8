"""Walking through a list by time of change, without ever skipping one. Pure.

The webservice pages by offset, which loses a row whenever an earlier one changes and moves to the
end. So a page begins where the last one ended: at its last second, of which the rows already seen
are left out by their ids. A second that fills a whole page is gone through by ids alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import CursorExpired, ProtocolError
from connectors.fields import Unreadable
from connectors.prestashop.fields import Row
from connectors.prestashop.localtime import following
from connectors.prestashop.resources import between

#: Later than every change, and larger than every id.
LAST = "9999-12-31 23:59:59"
MOST = 10**18

Position = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Place:
    """From ``second`` on, in the shop's own time, beyond the id ``after`` in that second;
    ``alone``: the rest of that second only."""

    second: str
    after: int = 0
    alone: bool = False

    def query(self, count: int, until: str = LAST) -> dict[str, str]:
        """``date=1`` opens the columns of time to filters."""
        found = {
            "display": "full",
            "date": "1",
            "filter[date_upd]": between(self.second, self.second if self.alone else until),
            "sort": "[date_upd_ASC,id_ASC]",
            "limit": f"0,{count}",
        }
        return {**found, "filter[id]": between(self.after + 1, MOST)} if self.alone else found

    def pack(self) -> str:
        return f"{self.second}|{self.after}|{int(self.alone)}"


def unpack(text: str) -> Place:
    try:
        second, after, alone = text.split("|")
        following(second)
        return Place(second, int(after), alone == "1")
    except ValueError as error:
        raise CursorExpired("the walk's token is not ours", code="bad_token") from error


def turn(place: Place, found: Sequence[Any], count: int) -> tuple[list[Any], Place | None]:
    """The rows of a page that were not seen before, and where the next begins, if there is one."""
    placed = [(row, _position(row)) for row in found]
    known = [at for _, at in placed if at is not None]
    if any(_strays(place, at) for at in known):
        raise ProtocolError("the list begins again, or is not filtered", code="page_repeated")
    fresh = [row for row, at in placed if at is None or not _seen(place, at)]
    if len(found) < count:
        return fresh, Place(following(place.second)) if place.alone else None
    if not known:
        raise ProtocolError("no row of a whole page tells when it changed", code="bad_page")
    second, key = known[-1]
    same = second == place.second
    return fresh, Place(second, max(key, place.after) if same else key, alone=same)


def _position(row: Any) -> Position | None:
    """None where the row does not tell; its mapping will complain."""
    try:
        read = Row(row)
        second = read.text("date_upd")
        following(second)
        return second, read.number("id")
    except (Unreadable, ValueError):
        return None


def _strays(place: Place, at: Position) -> bool:
    if place.alone:
        return at[0] != place.second or at[1] <= place.after
    return at[0] < place.second


def _seen(place: Place, at: Position) -> bool:
    return at[0] == place.second and at[1] <= place.after
