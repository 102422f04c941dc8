"""How the webservice chooses rows: filters, sorting, limit, display; and how it refuses. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

from connectors.prestashop.storefront import Row

FILTER = re.compile(r"filter\[(\w+)\]")
VALUE = re.compile(r"(.*)\[(.*)\](.*)")
INTERVAL = re.compile(r"([\d.:\-\s]+),([\d.:\-\s]+)")
TIMES = {"date_add", "date_upd"}


class Refused(Exception):
    """The webservice says no. ``code`` None: with an empty body."""

    def __init__(self, status: int, code: int | None, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def filters(query: Mapping[str, str]) -> dict[str, str]:
    found = ((FILTER.fullmatch(name), value) for name, value in query.items())
    return {match.group(1): value for match, value in found if match}


def one_of(query: Mapping[str, str], column: str) -> list[str] | None:
    """The values a filter names one by one; None where it does not."""
    match = VALUE.fullmatch(filters(query).get(column, ""))
    if match is None or match.group(1) or match.group(3) or INTERVAL.fullmatch(match.group(2)):
        return None
    return match.group(2).split("|")


def least(query: Mapping[str, str], column: str) -> str:
    """Where the interval of a filter begins, "" for none."""
    match = VALUE.fullmatch(filters(query).get(column, ""))
    interval = INTERVAL.fullmatch(match.group(2)) if match else None
    return interval.group(1) if interval else ""


def check(query: Mapping[str, str], columns: Collection[str] | None) -> None:
    """Raises Refused for filters and sorts of columns that are not there, or of times unasked.
    ``columns`` None: there is no row to tell which there are."""
    asked = [*filters(query), *(name for name, _ in _sorts(query))]
    for name in asked:
        if name in TIMES and not query.get("date"):
            raise Refused(500, 32, "This filter does not exist")
        if columns is not None and name not in columns:
            raise Refused(400, 32, "This filter does not exist")


def chosen(rows: Iterable[Row], query: Mapping[str, str]) -> list[Row]:
    """Filtered, in order, and within the limit."""
    tests = [(name, _test(value)) for name, value in filters(query).items()]
    found = [row for row in rows if all(fits(row.get(name)) for name, fits in tests)]
    for name, reverse in reversed(_sorts(query)):
        found.sort(key=partial(_row_rank, name=name), reverse=reverse)
    if "limit" in query:
        start, _, count = query["limit"].rpartition(",")
        found = found[int(start or 0) :][: int(count)]
    return found


def shown(row: Row, query: Mapping[str, str], columns: Collection[str]) -> Row:
    """All of a row, some columns, or its id."""
    display = query.get("display")
    if display == "full":
        return row
    if display is None:
        return {"id": row["id"]}
    match = VALUE.fullmatch(display)
    names = match.group(2).split(",") if match else []
    unknown = [name for name in names if name not in columns]
    if unknown or not names:
        raise Refused(400, 35, f'Unable to display this field "{", ".join(unknown)}".')
    return {name: row.get(name, "") for name in names}


def _sorts(query: Mapping[str, str]) -> list[tuple[str, bool]]:
    found = []
    for one in filter(None, query.get("sort", "").strip("[]").split(",")):
        name, _, direction = one.rpartition("_")
        if direction not in ("ASC", "DESC"):
            raise Refused(400, 37, 'The "sort" value has to be formed as "[field_1_DESC]"')
        found.append((name, direction == "DESC"))
    return found


def _test(wanted: str) -> Callable[[Any], bool]:
    """Whether a column's value fits what a filter wants."""
    match = VALUE.fullmatch(wanted)
    if match is None:
        return lambda value: str(value) == wanted
    operator, inside, _ = match.groups()
    interval, bound = INTERVAL.fullmatch(inside), _rank(inside)
    if operator == ">":
        return lambda value: _rank(value) > bound
    if operator == "<":
        return lambda value: _rank(value) < bound
    if interval:
        least, most = _rank(interval.group(1)), _rank(interval.group(2))
        return lambda value: least <= _rank(value) <= most
    named = set(inside.split("|"))
    return lambda value: str(value) in named


def _row_rank(row: Row, name: str) -> tuple[int, int, str]:
    return _rank(row.get(name))


def _rank(value: Any) -> tuple[int, int, str]:
    """Numbers as numbers, before text."""
    text = str(value)
    return (0, int(text), "") if text.isdecimal() else (1, 0, text)
