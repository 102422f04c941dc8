"""A simulated shop's desk: parcels, cancellations and refunds that it is told of, and its own.

A thing told twice is counted twice, as at shops without keys; the connector looks first, and a shop
of the kind ``compare`` knows the key by itself. What is refused once for its key stays refused.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from connectors.errors import RejectedError
from connectors.postsale import Cancellation, Parcel, Refund
from connectors.records import ChannelOrder, OrderLine, OrderStatus
from tests.simulation.channel import LAG, Shop


@dataclass(frozen=True)
class Listed:
    """A refund; the list shows it from ``visible_at`` on."""

    refund: Refund
    key: str
    visible_at: float


@dataclass
class Desk:
    shop: Shop
    #: A thing takes effect under a key, for the first time or once more.
    does: Callable[[str], None] = lambda key: None
    doubled: Callable[[str], None] = lambda key: None
    parcels: dict[str, Parcel] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    refunds: list[Listed] = field(default_factory=list)
    #: How often each key took effect.
    done: Counter[str] = field(default_factory=Counter)
    #: Each order's keys and versions in the order in which they were first told.
    told: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    #: Orders whose things are refused until somebody at the shop unlocks them.
    locked: set[str] = field(default_factory=set)

    def hear(self, order_key: str, key: str, number: str = "") -> None:
        """The hub speaks of a thing, whatever becomes of it."""
        name = f"{plain(key)} {number}"
        if name not in self.told[order_key]:
            self.told[order_key].append(name)

    # -- what the hub tells ------------------------------------------------------------------------

    def parcel(self, key: str) -> str:
        """What the shop calls the parcel of this key; "" where it has none."""
        return f"parcel of {key}" if key in self.parcels else ""

    def ship(self, parcel: Parcel) -> str:
        order = self._open(parcel.order_key)
        lines = {line.external_id: line for line in order.lines}
        for one in parcel.lines:
            line = lines.get(one.line_key)
            if line is None or _left(line) < one.quantity:
                raise RejectedError("there is not so much left to send", code="too_many")
        self._does(parcel.parcel_key)
        self.parcels[parcel.parcel_key] = parcel
        sent = {one.line_key: one.quantity for one in parcel.lines}
        shipped = (
            replace(line, shipped=line.shipped + sent.get(line.external_id, 0))
            for line in order.lines
        )
        self.shop.change(replace(order, lines=tuple(shipped)))
        return self.parcel(parcel.parcel_key)

    def correct(self, parcel: Parcel) -> str:
        known = self.parcels[parcel.parcel_key]
        told = replace(known, carrier=parcel.carrier, tracking_number=parcel.tracking_number)
        self.parcels[parcel.parcel_key] = told
        return self.parcel(parcel.parcel_key)

    def cancel(self, given: Cancellation, *, lines: bool) -> None:
        order = self._open(given.order_key)
        if given.lines and not lines:
            raise RejectedError("only whole orders are cancelled", code="whole_only")
        off = {one.line_key: one.quantity for one in given.lines}
        if not given.lines:
            if any(line.shipped for line in order.lines):
                raise RejectedError("some of it has left", code="too_late")
            off = {line.external_id: line.quantity - line.cancelled for line in order.lines}
        if any(_left(line) < off.get(line.external_id, 0) for line in order.lines):
            raise RejectedError("there is not so much left to cancel", code="too_many")
        self._does(given.cancel_key)
        self.cancelled.add(given.cancel_key)
        if not given.lines:
            self.shop.cancel(given.order_key)
            return
        for line in order.lines:
            self.shop.give_back(line.listing_key, off.get(line.external_id, 0))
        less = (
            replace(line, cancelled=line.cancelled + off.get(line.external_id, 0))
            for line in order.lines
        )
        self.shop.change(replace(order, lines=tuple(less)))

    def refunded(self, key: str) -> Refund | None:
        return next((one.refund for one in self.refunds if one.key == key), None)

    def refund(self, asked: Refund) -> Refund:
        """Give money back under the hub's key."""
        self._paid(asked.order_key, asked.amount)
        self._does(asked.external_id)
        return self._give(asked.order_key, asked.amount, asked.external_id)

    # -- what the shop's own people do -------------------------------------------------------------

    def give(self, order_key: str, amount: int) -> bool:
        """The shop's staff gives money back; nobody asked the hub."""
        try:
            self._paid(order_key, amount)
        except RejectedError:
            return False
        self._give(order_key, amount, "")
        return True

    def _give(self, order_key: str, amount: int, key: str) -> Refund:
        number = f"{self.shop.name}-refund-{len(self.refunds) + 1}"
        made = Refund(number, order_key, amount, "EUR", self.shop.clock.tick(), reason="asked")
        late = self.shop.dice.hit("refund listed late")
        lag = self.shop.dice.between(1.0, LAG) if late else 0.0
        self.refunds.append(Listed(made, key, self.shop.clock.seconds + lag))
        self.shop.tell("refund", number)
        return made

    def listed(self, after: datetime) -> list[Refund]:
        """Refunds given after then, as far as the list shows them."""
        now = self.shop.clock.seconds
        found = [one.refund for one in self.refunds if one.visible_at <= now]
        return sorted(
            (one for one in found if one.refunded_at > after),
            key=lambda one: (one.refunded_at, one.external_id),
        )

    def _paid(self, order_key: str, amount: int) -> None:
        order = self._known(order_key)
        given = sum(one.refund.amount for one in self.refunds if one.refund.order_key == order_key)
        if given + amount > order.total:
            raise RejectedError("so much was not paid", code="too_much")

    def _known(self, order_key: str) -> ChannelOrder:
        if order_key not in self.shop.orders:
            raise RejectedError("no such order", code="unknown_order")
        if order_key in self.locked:
            raise RejectedError("the order is locked", code="locked")
        return self.shop.newest(order_key)

    def _open(self, order_key: str) -> ChannelOrder:
        order = self._known(order_key)
        if order.status is OrderStatus.CANCELLED:
            raise RejectedError("the order is cancelled", code="cancelled")
        return order

    def _does(self, key: str) -> None:
        name = plain(key)
        self.done[name] += 1
        self.does(name)
        if self.done[name] > 1:
            self.doubled(name)


def plain(key: str) -> str:
    """What a key stands for: a hub that took another for each try would add to it."""
    return key.partition("~")[0]


def _left(line: OrderLine) -> int:
    return line.quantity - line.cancelled - line.shipped
