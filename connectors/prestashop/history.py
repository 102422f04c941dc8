"""What became of orders, from their history of states and their credit slips. Pure.

A row that cannot be read is passed over: it says less, and stops no order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from connectors.fields import Unreadable
from connectors.prestashop.fields import Row
from connectors.prestashop.localtime import ShopClock
from connectors.prestashop.mapping import moment
from connectors.prestashop.states import States

T = TypeVar("T")


class Step(NamedTuple):
    """An order came to a state."""

    number: int
    order: str
    state: str
    at: datetime


class Given(NamedTuple):
    """Money was given back for units of a line."""

    order: str
    at: datetime
    line: str
    units: int


def standing(orders: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The state of each order, by its id."""
    return dict(_readable(orders, lambda row: (row.key("id"), row.link("current_state"))))


def links(rows: Iterable[Mapping[str, Any]], name: str) -> set[str]:
    """The ids that rows name in a column."""
    return {one for one in _readable(rows, lambda row: row.link(name)) if one.isdecimal()}


def refunded(details: Iterable[Mapping[str, Any]]) -> set[str]:
    """The orders of which units were refunded."""

    def read(row: Row) -> str:
        return row.link("id_order") if row.link("product_quantity_refunded") else ""

    return {one for one in _readable(details, read) if one}


def steps(rows: Iterable[Mapping[str, Any]], clock: ShopClock) -> list[Step]:
    """The oldest first."""

    def read(row: Row) -> Step:
        at = moment(row, "date_add", clock)
        return Step(row.number("id"), row.key("id_order"), row.link("id_order_state"), at)

    return sorted(_readable(rows, read))


def sent_at(taken: Iterable[Step], states: States) -> dict[str, datetime]:
    """When each order was first said to be shipped."""
    found: dict[str, datetime] = {}
    for step in taken:
        if states.has_shipped(step.state):
            found.setdefault(step.order, step.at)
    return found


def ended_at(taken: Iterable[Step], now: Mapping[str, str]) -> dict[str, datetime]:
    """When each order came to the state it has now."""
    return {step.order: step.at for step in taken if step.state == now.get(step.order)}


def given(slips: Iterable[Mapping[str, Any]], clock: ShopClock) -> list[Given]:
    def read(row: Row) -> list[Given]:
        order, at = row.key("id_order"), moment(row, "date_add", clock)
        details = row.part_or_empty("associations").parts_if_any("order_slip_details")
        return [
            Given(order, at, one.key("id_order_detail"), one.units("product_quantity"))
            for one in details
        ]

    return [one for found in _readable(slips, read) for one in found]


def off(given_back: Iterable[Given], sent: Mapping[str, datetime]) -> dict[str, int]:
    """Units by line that were refunded before their order was sent."""
    units: dict[str, int] = {}
    for one in given_back:
        if one.order in sent and one.at < sent[one.order]:
            units[one.line] = units.get(one.line, 0) + one.units
    return units


def _readable(rows: Iterable[Mapping[str, Any]], read: Callable[[Row], T]) -> Iterator[T]:
    for one in rows:
        try:
            yield read(Row(one))
        except Unreadable:
            continue
