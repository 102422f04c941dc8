"""One page of one of Vendure's order lists, and the lists that a walk goes through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.errors import ProtocolError
from connectors.fields import Unreadable
from connectors.vendure import mapping
from connectors.vendure.client import Client
from connectors.vendure.money import Node, precision
from connectors.vendure.paging import Place, text
from connectors.vendure.queries import Operation

PLACED = "orderPlacedAt"
CHANGED = "updatedAt"


@dataclass(frozen=True, slots=True)
class OrderList:
    """``fixed`` is its filter, ``by`` the time it is sorted by, the oldest first."""

    operation: Operation
    by: str
    fixed: Mapping[str, Any]
    rows: int

    def options(self, place: Place, rows: int, until: datetime | None) -> dict[str, Any]:
        """``between`` has both its ends in. It begins where ``after`` would: to SQLite, which keeps
        whole seconds as shorter text, a second lies before itself with a fraction of nothing."""
        bounds: dict[str, Any] = {"after": text(place.bound)}
        if until is not None:
            bounds = {"between": {"start": text(place.bound), "end": text(until)}}
        # Carts are listed too, and drafts, which are not ``active``.
        bought = {"active": {"eq": False}, "state": {"notIn": list(mapping.CARTS)}}
        return {
            "skip": place.asked,
            "take": rows,
            "sort": {self.by: "ASC"},
            "filter": {**bought, **self.fixed, self.by: bounds},
        }


@dataclass(frozen=True, slots=True)
class Rows:
    """A page as it came. ``keys`` are the times and ids of those that tell them; ``more``: the page
    is full."""

    nodes: tuple[Any, ...]
    keys: tuple[tuple[datetime, str], ...]
    more: bool
    precision: int

    def fresh(self, place: Place) -> list[Any]:
        """Those that the page before had not."""
        known = set(place.tail)
        return [one for one in self.nodes if _id(one) not in known]


def read(
    client: Client, listed: OrderList, place: Place, rows: int, until: datetime | None = None
) -> Rows:
    options = listed.options(place, rows, until)
    data = client.run(listed.operation, {"options": options})
    nodes, total = page(data, "orders")
    keys = [(_time(one, listed.by), _id(one)) for one in nodes]
    told = tuple((moment, key) for moment, key in keys if moment is not None and key)
    place.check(told)
    more = len(nodes) >= rows
    if total is not None and nodes and place.asked >= total:
        raise ProtocolError("the list goes on beyond its end", code="page_repeated")
    if more and not told:
        raise ProtocolError("a page of orders without times", code="bad_page")
    return Rows(tuple(nodes), told, more, places(data))


def page(data: Mapping[str, Any], name: str) -> tuple[list[Any], int | None]:
    """A list's items as they came, and how many it has in all where it says."""
    try:
        listed = Node(data).part(name)
        found = listed.data.get("items")
        if not isinstance(found, list):
            raise Unreadable(listed.at("items"), "is not a list")
        return found, listed.whole("totalItems")
    except Unreadable as error:
        raise ProtocolError(f"not a page of {name}: {error}", code="bad_page") from error


def places(data: Mapping[str, Any]) -> int:
    """The shop's decimal places of money."""
    try:
        return precision(data)
    except Unreadable as error:
        raise ProtocolError(f"the shop's settings: {error}", code="bad_record") from error


def _id(node: object) -> str:
    try:
        return Node(node).key("id")
    except Unreadable:
        return ""


def _time(node: object, name: str) -> datetime | None:
    try:
        return Node(node).time(name)
    except Unreadable:
        return None
