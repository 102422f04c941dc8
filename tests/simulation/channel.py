"""A simulated channel: its true stock, its buyers' orders, its webhooks, and effects that come
late, twice or not at all. Everything it does is drawn from the seed.

Three kinds, as real ones differ: ``compare`` takes stock only from who knows its number and answers
a known key as before, ``plain`` takes any number, ``told`` has no list of orders, only webhooks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connectors.records import (
    ChannelOrder,
    OrderLine,
    OrderStatus,
    PushOutcome,
    PushResult,
    StockOffer,
)
from tests.simulation.clocked import EPOCH, TICK, Clock
from tests.simulation.faults import Dice

KINDS = ("compare", "plain", "told")
#: A write that timed out lands within this many seconds; a straggler by the second read-back.
LATE_APPLY = 20.0
STRAGGLER = 90.0
#: The order list lags by less than what a walk reads again.
LAG = 240.0
OVERLAP = timedelta(seconds=300)


@dataclass(frozen=True)
class Version:
    """An order as it was from ``order.updated_at`` on; the list shows it from ``visible_at`` on."""

    order: ChannelOrder
    visible_at: float


@dataclass(frozen=True)
class Refusal:
    """A refused write: the number told, the orders of the listing that could be read then, and
    the lines of it that the hub had."""

    expected: int
    current: int
    readable: frozenset[str]
    known: frozenset[str]


@dataclass(frozen=True)
class Letter:
    """A webhook on its way."""

    event_id: str
    body: bytes
    tries: int = 0


@dataclass
class Shop:
    name: str
    kind: str
    clock: Clock
    dice: Dice
    border: Callable[[str], None] = lambda kind: None
    note: Callable[[str], None] = lambda line: None
    known: Callable[[Shop, str], Collection[str]] = lambda shop, key: ()
    hid_a_sale: Callable[[Shop, str, Refusal], None] = lambda shop, key, refused: None
    stock: dict[str, int] = field(default_factory=dict)
    orders: dict[str, list[Version]] = field(default_factory=dict)
    outbox: list[Letter] = field(default_factory=list)
    late: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    answers: dict[str, PushResult] = field(default_factory=dict)
    refusals: dict[str, Refusal] = field(default_factory=dict)
    read_since: dict[str, set[int]] = field(default_factory=dict)
    #: It sends webhooks; one without a list of orders never stops to.
    subscribed: bool = True
    webhook_url: str = ""
    _numbers: int = 0

    # -- what buyers and the shop's own staff do ---------------------------------------------------

    def buy(self, wanted: Sequence[tuple[str, int]]) -> str | None:
        """An order for what the shop shows to have; None where it shows too little."""
        basket = [(key, units) for key, units in wanted if self.stock[key] >= units]
        if not basket:
            return None
        for key, units in basket:
            self.stock[key] -= units
        number = self._next()
        at = self.clock.tick()
        lines = tuple(
            OrderLine(f"{number}-{index}", key, key, "A thing", units, 500, 500 * units)
            for index, (key, units) in enumerate(basket)
        )
        order = ChannelOrder(
            f"{self.name}-{number}", f"#{number}", OrderStatus.CONFIRMED, "paid", "EUR",
            sum(line.total for line in lines), at, at, lines, raw={"number": number},
        )  # fmt: skip
        self._save(order)
        return order.external_id

    def edit(self, key: str, index: int, quantity: int) -> None:
        """Change what a line orders, as far as the shop has it; fewer units come back."""
        order = self.newest(key)
        line = order.lines[index]
        more = min(quantity - line.quantity, self.stock[line.listing_key])
        kept = quantity >= line.shipped and line.quantity + more > 0
        if order.status is OrderStatus.CANCELLED or not more or line.cancelled or not kept:
            return
        self.give_back(line.listing_key, -more)
        changed = replace(line, quantity=line.quantity + more)
        self.change(replace(order, lines=_with(order, index, changed)))

    def take_off(self, key: str, index: int) -> None:
        """Cancel one line's units."""
        order = self.newest(key)
        line = order.lines[index]
        if order.status is OrderStatus.CANCELLED or line.cancelled or line.shipped:
            return
        self.give_back(line.listing_key, line.quantity)
        changed = replace(line, cancelled=line.quantity)
        self.change(replace(order, lines=_with(order, index, changed)))

    def cancel(self, key: str) -> None:
        order = self.newest(key)
        if order.status is OrderStatus.CANCELLED or any(line.shipped for line in order.lines):
            return
        for line in order.lines:
            self.give_back(line.listing_key, line.quantity - line.cancelled)
        self.change(replace(order, status=OrderStatus.CANCELLED, channel_status="cancelled"))

    def change(self, order: ChannelOrder) -> None:
        """An order is another now."""
        self._save(replace(order, updated_at=self.clock.tick()))

    def give_back(self, key: str, units: int) -> None:
        """Less than none where an order takes more."""
        self.stock[key] += units

    def newest(self, key: str) -> ChannelOrder:
        return self.orders[key][-1].order

    def _save(self, order: ChannelOrder) -> None:
        lag = self.dice.between(1.0, LAG) if self.dice.hit("order listed late") else 0.0
        version = Version(order, self.clock.seconds + lag)
        self.orders.setdefault(order.external_id, []).append(version)
        self.tell("order", order.external_id)

    # -- webhooks ----------------------------------------------------------------------------------

    def tell(self, topic: str, key: str) -> None:
        """Send a webhook, or forget to: channels without a list must not."""
        must = self.kind == "told" and topic == "order"
        if not must and (not self.subscribed or self.dice.hit("webhook lost")):
            return
        if not must and self.dice.hit("webhook names no order"):
            key = ""
        event_id = f"{self.name}-event-{self._next()}"
        body = json.dumps({"event_id": event_id, "topic": topic, "key": key}).encode()
        copies = 2 if self.dice.hit("webhook doubled") else 1
        self.outbox.extend([Letter(event_id, body)] * copies)

    # -- what the hub reads and writes -------------------------------------------------------------

    def listed(self) -> list[ChannelOrder]:
        """The order list: of each order the newest version it shows by now, oldest change first."""
        found = []
        for versions in self.orders.values():
            shown = [one.order for one in versions if one.visible_at <= self.clock.seconds]
            found += shown[-1:]
        return sorted(found, key=lambda order: (order.updated_at, order.external_id))

    def listed_by(self, moment: datetime, key: str) -> set[str]:
        """Orders that no walk could miss that came as far as this: they were listed at once."""
        newest = {one.external_id: one for one in self.listed()}
        return {
            version.order.external_id
            for versions in self.orders.values()
            for version in versions
            if version.order is newest.get(version.order.external_id)
            and version.visible_at <= seconds_of(version.order.updated_at) + TICK
            and (version.order.updated_at, version.order.external_id) <= (moment, key)
        }

    def fetched(self, keys: Sequence[str]) -> list[ChannelOrder]:
        """Orders by key: as they are, or (from a replica) as the list shows them."""
        if self.kind != "told" and self.dice.hit("old version fetched"):
            return [order for order in self.listed() if order.external_id in keys]
        return [self.newest(key) for key in keys if key in self.orders]

    def read(self, key: str) -> int:
        self.read_since.setdefault(key, set()).add(self.stock[key])
        self.note(f"{key} is read: {self.stock[key]}")
        return self.stock[key]

    def write(self, offer: StockOffer, *, heard: bool = True) -> PushResult:
        """Once per key where the channel promises that. ``heard``: somebody waits for the answer,
        and a refusal tells a number."""
        if self.kind == "plain":
            return self._set(offer, heard)
        if offer.idempotency_key not in self.answers:
            self.answers[offer.idempotency_key] = self._set(offer, heard)
        return self.answers[offer.idempotency_key]

    def _set(self, offer: StockOffer, heard: bool) -> PushResult:
        current = self.stock[offer.key]
        compared = self.kind == "compare" and offer.expected is not None
        if self.kind == "compare" and offer.expected not in (None, current):
            # A refusal that shows the number wanted counts as accepted: the hub asks no further.
            if heard and current != offer.quantity:
                self.refusals[offer.key] = self._refusal(offer.key, offer.expected)
            self.note(f"{offer.key} refuses {offer.quantity}: is {current}, not {offer.expected}")
            return PushResult(offer.key, PushOutcome.STALE, current, "stale")
        self._unread(offer, compared)
        self.note(f"{offer.key} goes from {current} to {offer.quantity}")
        self.stock[offer.key] = offer.quantity
        return PushResult(offer.key, PushOutcome.ACCEPTED, offer.quantity)

    def _refusal(self, key: str, expected: int) -> Refusal:
        readable = frozenset(
            order.external_id
            for order in self.listed()
            if any(line.listing_key == key for line in order.lines)
        )
        return Refusal(expected, self.stock[key], readable, frozenset(self.known(self, key)))

    def _unread(self, offer: StockOffer, compared: bool) -> None:
        """A number that only a refusal told is written over: its orders had better be read."""
        refused = self.refusals.pop(offer.key, None)
        read = self.read_since.pop(offer.key, set())
        learned = refused is not None and refused.current == offer.expected
        if refused and compared and learned and refused.current not in read:
            self.hid_a_sale(self, offer.key, refused)

    def later(self, delay: float, act: Callable[[], object]) -> None:
        self.late.append((self.clock.seconds + delay, self._next(), act))

    def settle(self) -> None:
        """What was to land by now lands."""
        due = sorted(one for one in self.late if one[0] <= self.clock.seconds)
        self.late = [one for one in self.late if one[0] > self.clock.seconds]
        for _, _, act in due:
            self.note("a late write lands")
            act()

    def change_by_hand(self, key: str, quantity: int) -> None:
        """Somebody writes a number into the shop, and no event tells."""
        self.stock[key] = quantity

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


def _with(order: ChannelOrder, index: int, line: OrderLine) -> tuple[OrderLine, ...]:
    return (*order.lines[:index], line, *order.lines[index + 1 :])


def seconds_of(moment: datetime) -> float:
    return (moment - EPOCH).total_seconds()
