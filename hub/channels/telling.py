"""What a channel can be told after a sale: values, and how they stand in the outbox. Pure.

A payload is written when a thing happens and read when it is told, by a later version of this code
perhaps: it is checked on the way out of the row, and what cannot be read is refused, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

SHIP, CANCEL, REFUND = "ship", "cancel", "refund"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a channel takes, by its declaration. ``partial``: some units may go before the rest;
    ``corrects``: another carrier or number later; ``cancels_lines``: units of lines are taken
    off, not only whole orders."""

    ship: bool = False
    cancel: bool = False
    refund: bool = False
    partial: bool = True
    corrects: bool = True
    cancels_lines: bool = False


@dataclass(frozen=True, slots=True)
class Units:
    """So many units of a line, by the channel's own id of it."""

    line_key: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """Goods that left. ``key`` is ours and stays the same when it is corrected."""

    order_key: str
    key: str
    carrier: str
    tracking_number: str
    tracking_url: str
    shipped_at: datetime
    lines: tuple[Units, ...]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Units that will not be sent. Without ``lines``: the whole order."""

    order_key: str
    key: str
    reason: str
    lines: tuple[Units, ...]


@dataclass(frozen=True, slots=True)
class PayBack:
    """Money to be given back, in minor units."""

    order_key: str
    key: str
    amount: int
    currency: str
    reason: str
    asked_at: datetime
    lines: tuple[Units, ...]


Thing = Parcel | Withdrawal | PayBack
KIND_OF: Mapping[type[Thing], str] = {Parcel: SHIP, Withdrawal: CANCEL, PayBack: REFUND}


class Unreadable(Exception):
    """The payload is none that this version of the hub reads. Says which field."""


def dump(thing: Thing) -> dict[str, Any]:
    """As a row keeps it."""
    plain = {name: getattr(thing, name) for name in thing.__slots__}
    plain["lines"] = [[one.line_key, one.quantity] for one in thing.lines]
    return {name: v.isoformat() if isinstance(v, datetime) else v for name, v in plain.items()}


def load(kind: str, payload: Mapping[str, Any]) -> Thing:
    """Raises Unreadable."""
    try:
        return _READERS[kind](payload)
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"{kind}: {type(error).__name__}: {error}") from error


def _parcel(given: Mapping[str, Any]) -> Parcel:
    return Parcel(
        _text(given, "order_key"),
        _text(given, "key"),
        _text(given, "carrier"),
        _text(given, "tracking_number"),
        _text(given, "tracking_url"),
        datetime.fromisoformat(given["shipped_at"]),
        _lines(given["lines"]),
    )


def _withdrawal(given: Mapping[str, Any]) -> Withdrawal:
    return Withdrawal(
        _text(given, "order_key"),
        _text(given, "key"),
        _text(given, "reason"),
        _lines(given["lines"]),
    )


def _pay_back(given: Mapping[str, Any]) -> PayBack:
    return PayBack(
        _text(given, "order_key"),
        _text(given, "key"),
        _whole(given["amount"]),
        _text(given, "currency"),
        _text(given, "reason"),
        datetime.fromisoformat(given["asked_at"]),
        _lines(given["lines"]),
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Thing]] = {
    SHIP: _parcel,
    CANCEL: _withdrawal,
    REFUND: _pay_back,
}


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is not text")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a number is not whole, or below nothing")
    return value


def _lines(given: Sequence[Sequence[Any]]) -> tuple[Units, ...]:
    return tuple(Units(str(key), _whole(quantity)) for key, quantity in given)
