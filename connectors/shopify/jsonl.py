"""The file of a bulk operation, piece by piece: a row for each order, its lines in rows after it.

https://shopify.dev/docs/api/usage/bulk-operations/queries: a row with ``__parentId`` belongs to the
order of that id; grouped, it follows it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.answers import parse_json
from connectors.errors import ProtocolError

PARENT = "__parentId"
ENDED = {"hasNextPage": False, "endCursor": None}


@dataclass(slots=True)
class _Group:
    """An order and its lines as they came, and where it begins in the piece."""

    start: int
    order: object
    lines: list[object] = field(default_factory=list)

    def node(self) -> object:
        """As the paged list shows it."""
        if not isinstance(self.order, Mapping):
            return self.order
        return {**self.order, "lineItems": {"pageInfo": ENDED, "nodes": self.lines}}


def orders(piece: bytes, *, ended: bool, most: int) -> tuple[list[Any], int]:
    """The whole orders of a piece, ``most`` at the most, and how many of its bytes they took.

    Where the file goes on behind the piece, its last order may have more lines there, and waits.
    A row that is no JSON spoils the order it stands under, and no other.
    """
    groups: list[_Group] = []
    used = 0
    for start, row in _rows(piece, ended=ended):
        read = _read(row)
        child = isinstance(read, Mapping) and PARENT in read or isinstance(read, str)
        if child and groups:
            groups[-1].lines.append(_line(read, groups[-1].order))
        elif len(groups) == most:
            used = start
            break
        else:
            groups.append(_Group(start, read))
        used = start + len(row)
    else:
        if not ended and groups:
            used = groups.pop().start
    return [one.node() for one in groups], used


def _rows(piece: bytes, *, ended: bool) -> Iterator[tuple[int, bytes]]:
    """Rows with their line ends, and where they begin; half a row only at the file's end."""
    start = 0
    while start < len(piece):
        end = piece.find(b"\n", start) + 1
        if not end and not ended:
            return
        row = piece[start : end or len(piece)]
        if row.strip():
            yield start, row
        start += len(row)


def _read(row: bytes) -> object:
    try:
        return parse_json(row, any_text=True)
    except ProtocolError:
        return row.decode("utf-8", "replace")


def _line(row: object, order: object) -> object:
    """A line without the mark of its order; None, which no mapping takes, where it is another's."""
    key = order.get("id") if isinstance(order, Mapping) else None
    if not isinstance(row, Mapping) or row.get(PARENT) != key:
        return None
    return {name: value for name, value in row.items() if name != PARENT}
