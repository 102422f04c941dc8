"""What intake takes: the shape of a channel's order, and the check at the door.

These are protocols, not classes: the channels' frozen records have this shape, and the hub need
not know channels. Amounts are minor units of the order's currency; times are aware.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from hub.errors import InvalidInput
from hub.money import exponent

LARGEST_UNITS = 1_000_000_000
LARGEST_AMOUNT = 10**15
MOST_LINES = 10_000
STATUSES = frozenset(
    {"unpaid", "held", "confirmed", "part_shipped", "shipped", "delivered", "signed", "cancelled"}
)


class IncomingLine(Protocol):
    @property
    def external_id(self) -> str: ...
    @property
    def listing_key(self) -> str: ...
    @property
    def sku(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def unit_price(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def cancelled(self) -> int: ...
    @property
    def shipped(self) -> int: ...


class IncomingBuyer(Protocol):
    @property
    def external_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def address(self) -> Mapping[str, str]: ...


class IncomingOrder(Protocol):
    @property
    def external_id(self) -> str: ...
    @property
    def number(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def channel_status(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def total(self) -> int: ...
    @property
    def placed_at(self) -> datetime: ...
    @property
    def updated_at(self) -> datetime: ...
    @property
    def fulfilled_by_channel(self) -> bool: ...
    @property
    def test(self) -> bool: ...
    @property
    def lines(self) -> Sequence[IncomingLine]: ...
    @property
    def buyer(self) -> IncomingBuyer: ...
    @property
    def raw(self) -> Mapping[str, Any]: ...


def check(order: IncomingOrder) -> None:
    """Raises InvalidInput naming the field, for anything a ledger must not hold."""
    _text("external_id", order.external_id, 200, empty=False)
    _text("number", order.number, 100)
    _text("channel_status", order.channel_status, 100)
    if order.status not in STATUSES:
        raise InvalidInput("status", f"{str(order.status)!r} is no status of an order")
    exponent(order.currency)
    _amount("total", order.total)
    for name, at in (("placed_at", order.placed_at), ("updated_at", order.updated_at)):
        if at.tzinfo is None or not 2000 <= at.year < 2100:
            raise InvalidInput(name, f"{at.isoformat()} is no time with a zone this century")
    if not 1 <= len(order.lines) <= MOST_LINES:
        raise InvalidInput("lines", f"an order has 1 to {MOST_LINES} lines, not {len(order.lines)}")
    seen: set[str] = set()
    for number, line in enumerate(order.lines):
        _line(f"lines[{number}]", line)
        if line.external_id in seen:
            raise InvalidInput(f"lines[{number}].external_id", f"{line.external_id!r} comes twice")
        seen.add(line.external_id)


def _line(where: str, line: IncomingLine) -> None:
    _text(f"{where}.external_id", line.external_id, 200, empty=False)
    _text(f"{where}.listing_key", line.listing_key, 200)
    _text(f"{where}.sku", line.sku, 255)
    _text(f"{where}.title", line.title, 500)
    _units(f"{where}.quantity", line.quantity, least=1)
    _units(f"{where}.cancelled", line.cancelled)
    _units(f"{where}.shipped", line.shipped)
    if line.cancelled > line.quantity:
        raise InvalidInput(f"{where}.cancelled", "is more than was ordered")
    _amount(f"{where}.unit_price", line.unit_price)
    _amount(f"{where}.total", line.total)


def _text(field: str, value: str, longest: int, *, empty: bool = True) -> None:
    if not isinstance(value, str) or (not value and not empty):
        raise InvalidInput(field, "must be text and not empty")
    if len(value) > longest:
        raise InvalidInput(field, f"is longer than {longest} characters")
    if "\0" in value:
        raise InvalidInput(field, "holds a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidInput(field, "holds half of a surrogate pair") from None


def _units(field: str, value: int, least: int = 0) -> None:
    if type(value) is not int:
        raise InvalidInput(field, f"must be a whole number of units, not {value!r}")
    if not least <= value <= LARGEST_UNITS:
        raise InvalidInput(field, f"must be {least} to {LARGEST_UNITS}, not {value}")


def _amount(field: str, value: int) -> None:
    if type(value) is not int or abs(value) > LARGEST_AMOUNT:
        raise InvalidInput(field, f"must be whole minor units within ±{LARGEST_AMOUNT}")


def content_hash(order: IncomingOrder) -> bytes:
    """16 bytes that are equal exactly when nothing the hub keeps of the order has changed."""
    lines = [
        (
            line.external_id,
            line.listing_key,
            line.sku,
            line.title,
            line.quantity,
            line.unit_price,
            line.total,
            line.cancelled,
            line.shipped,
        )
        for line in order.lines
    ]
    kept = (order.number, order.status, order.channel_status, order.currency, order.total, lines)
    return hashlib.blake2b(repr(kept).encode(), digest_size=16).digest()
