"""Barrow's words → the hub's records. Pure: no I/O, no clock, so every rule here has a plain test.

A record that cannot be read is a :class:`BadRecord`: it is kept and looked at, and the rest of its
page goes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from connectors.amounts import minor_units
from connectors.records import (
    BadRecord,
    Buyer,
    ChannelOrder,
    Listing,
    ListingState,
    OrderLine,
    OrderStatus,
    PushOutcome,
    PushResult,
    RemoteStock,
    ShopInfo,
)

T = TypeVar("T")
Given = Mapping[str, Any]

#: Barrow's word for where a sale stands. A word that is not here is a bad record, not a guess.
STATES = {
    "reserved": OrderStatus.UNPAID,
    "paid": OrderStatus.CONFIRMED,
    "handed over": OrderStatus.SHIPPED,
    "called off": OrderStatus.CANCELLED,
}
RESULTS = {
    "set": PushOutcome.ACCEPTED,
    "changed": PushOutcome.STALE,
    "refused": PushOutcome.REJECTED,
    "unknown": PushOutcome.GONE,
}


class Unreadable(ValueError):
    """A field is missing, or of another kind than Barrow promises."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


def each(
    given: Iterable[Given], read: Callable[[Given], T]
) -> tuple[tuple[T, ...], tuple[BadRecord, ...]]:
    good, bad = [], []
    for one in given:
        try:
            good.append(read(one))
        except Unreadable as error:
            bad.append(BadRecord(str(one.get("id", "")), error.field, error.reason, one))
    return tuple(good), tuple(bad)


def stall(given: Given) -> ShopInfo:
    return ShopInfo(
        external_id=text(given, "stall"),
        name=text(given, "name"),
        currency=text(given, "currency"),
        server_time=moment(given, "time"),
    )


def listing(given: Given, currency: str) -> Listing:
    return Listing(
        external_id=text(given, "id"),
        sku=text(given, "sku"),
        title=text(given, "title"),
        quantity=whole(given, "units"),
        state=ListingState.ACTIVE if given.get("open") else ListingState.ENDED,
        barcode=text(given, "barcode"),
        price=money(given, "price", currency),
        currency=currency,
    )


def order(given: Given) -> ChannelOrder:
    currency = text(given, "currency")
    state = text(given, "state")
    if state not in STATES:
        raise Unreadable("state", f"is {state[:40]!r}, which is new")
    return ChannelOrder(
        external_id=text(given, "id"),
        number=text(given, "number"),
        status=STATES[state],
        channel_status=state,
        currency=currency,
        total=money(given, "total", currency),
        placed_at=moment(given, "placed"),
        updated_at=moment(given, "changed"),
        lines=tuple(line(one, currency) for one in items(given, "lines")),
        buyer=Buyer(name=text(given, "buyer")),
        cancelled_at=moment(given, "called_off") if given.get("called_off") else None,
        raw=given,
    )


def line(given: Given, currency: str) -> OrderLine:
    units, price = whole(given, "units"), money(given, "price", currency)
    return OrderLine(
        external_id=text(given, "id"),
        listing_key=text(given, "goods"),
        sku=text(given, "sku"),
        title=text(given, "title"),
        quantity=units,
        unit_price=price,
        total=units * price,
        cancelled=whole(given, "taken_off"),
    )


def stock(given: Given) -> RemoteStock:
    if given.get("units") is None:
        return RemoteStock(text(given, "goods"), None, gone=True)
    return RemoteStock(text(given, "goods"), whole(given, "units"))


def result(given: Given) -> PushResult:
    word = text(given, "result")
    outcome = RESULTS.get(word, PushOutcome.UNKNOWN)
    current = None if given.get("units") is None else whole(given, "units")
    return PushResult(text(given, "goods"), outcome, current, word)


# -- fields ---------------------------------------------------------------------------------------


def text(given: Given, name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise Unreadable(name, "is no text")
    return value


def whole(given: Given, name: str) -> int:
    value = given.get(name)
    if type(value) is not int:
        raise Unreadable(name, "is no whole number")
    return value


def money(given: Given, name: str, currency: str) -> int:
    try:
        return minor_units(text(given, name), currency)
    except ValueError as error:
        raise Unreadable(name, "is no amount") from error


def moment(given: Given, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text(given, name)).astimezone(UTC)
    except ValueError as error:
        raise Unreadable(name, "is no time") from error


def items(given: Given, name: str) -> list[Given]:
    value = given.get(name)
    if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
        raise Unreadable(name, "is no list")
    return value
