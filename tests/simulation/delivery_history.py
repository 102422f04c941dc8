"""What happened at two shops, as versions of their orders in time: made from a seed, never changed.

A history without contention has, of each product, either more units than anybody wants or exactly
one line that wants it: then who gets what does not depend on who comes first. A contended one has
every line after the same few units; nothing is shipped in it: what could be depends on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count, pairwise
from random import Random

from connectors.records import ChannelOrder, OrderLine, OrderStatus
from tests.builders import line, order

SHOPS = ("north", "south")
PLENTY = ("MUG", "APRON", "BOARD")
#: Its listings are linked while the orders come; those of ODD never are.
LATE, ODD = "LATE", "ODD"
SCARCE = tuple(f"RARE-{n}" for n in range(8))
WANTED_BY_ALL = ("LAMP", "TENT")
#: The shops' index may lag by less than every pull reads again.
OVERLAP = timedelta(minutes=10)
STATUSES = (OrderStatus.UNPAID, OrderStatus.HELD, OrderStatus.CONFIRMED)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one order. A list of orders shows it from ``listed_at`` on, a fetch at once.
    ``twin``: another version of the order bears the same time."""

    shop: str
    order: ChannelOrder
    listed_at: datetime
    twin: bool = False

    @property
    def at(self) -> datetime:
        return self.order.updated_at


@dataclass(frozen=True, slots=True)
class GoodsBack:
    """A refund with goods of one shipped line; ``sellable`` of them are good."""

    shop: str
    order_key: str
    line_key: str
    quantity: int
    sellable: int


@dataclass(frozen=True, slots=True)
class History:
    """One act or two: between them everything that is allocated is shipped, and in the second goods
    come ``back``. ``stock`` is what each location opens with, ``arrivals`` what comes later."""

    acts: tuple[tuple[Version, ...], ...]
    stock: dict[str, dict[str, int]]
    arrivals: dict[str, int]
    contended: bool
    back: tuple[GoodsBack, ...] = ()

    @property
    def skus(self) -> list[str]:
        return sorted({sku for units in self.stock.values() for sku in units})

    def last_lines(self) -> set[tuple[str, str, str]]:
        """(shop, order, line) of what the shops say in the end."""
        last = {(one.shop, one.order.external_id): one.order for act in self.acts for one in act}
        return {(*key, one.external_id) for key, sold in last.items() for one in sold.lines}


@dataclass
class _Line:
    sku: str
    quantity: int
    cancelled: int = 0
    shipped: int = 0


@dataclass
class _Order:
    """An order as its buyer and the shop's staff change their minds."""

    shop: str
    key: str
    placed_at: datetime
    lines: dict[str, _Line] = field(default_factory=dict)
    status: OrderStatus = OrderStatus.CONFIRMED
    made: Iterator[int] = field(default_factory=lambda: count(1))

    def says(self, at: datetime, *, unreadable: bool = False) -> ChannelOrder:
        lines = [self._line(key, one) for key, one in sorted(self.lines.items())]
        if unreadable:
            lines[0] = replace(lines[0], quantity=0)
        return order(
            self.key,
            *lines,
            status=self.status,
            channel_status=self.status.value.upper(),
            total=sum(one.total for one in lines),
            placed_at=self.placed_at,
            updated_at=at,
        )

    def _line(self, key: str, one: _Line) -> OrderLine:
        return line(
            key,
            f"v-{one.sku}",
            one.quantity,
            sku=one.sku,
            total=500 * one.quantity,
            cancelled=one.cancelled,
            shipped=one.shipped,
        )


class _Writer:
    def __init__(self, rng: Random, began: datetime, *, contended: bool) -> None:
        self.rng = rng
        self.began = began
        self.at = began
        self.contended = contended
        self.scarce = list(SCARCE)
        self.orders: list[_Order] = []
        self.keys = {shop: count(1) for shop in SHOPS}

    def act(self, steps: int) -> tuple[Version, ...]:
        versions: list[Version] = []
        for _ in range(steps):
            self.at += timedelta(seconds=self.rng.randint(1, 900))
            if not self.orders or self.rng.random() < 0.45:
                versions.append(self._version(self._placed()))
            else:
                versions += self._changed(self.rng.choice(self.orders))
        versions.sort(key=lambda one: one.at)
        return _marked(versions)

    def _version(self, one: _Order, *, unreadable: bool = False) -> Version:
        lag = self.rng.choice((0, 0, 0, self.rng.randint(1, 540)))
        listed_at = self.at + timedelta(seconds=lag)
        return Version(one.shop, one.says(self.at, unreadable=unreadable), listed_at)

    def _placed(self) -> _Order:
        shop = self.rng.choice(SHOPS)
        made = _Order(shop, str(next(self.keys[shop])), self.at)
        for _ in range(self.rng.randint(1, 3)):
            self._add_line(made)
        if not self.contended and self.rng.random() < 0.1:
            # Placed before the shop was connected, and part of it shipped.
            made.placed_at = self.began - timedelta(days=10)
            for one in made.lines.values():
                one.shipped = self.rng.randint(0, one.quantity)
        self.orders.append(made)
        return made

    def _add_line(self, one: _Order) -> None:
        one.lines[str(next(one.made))] = _Line(self._wanted(), self.rng.randint(1, 5))

    def _wanted(self) -> str:
        if self.contended:
            return self.rng.choice((*WANTED_BY_ALL, *WANTED_BY_ALL, LATE))
        if self.scarce and self.rng.random() < 0.3:
            return self.scarce.pop()
        return self.rng.choice((*PLENTY, *PLENTY, LATE, ODD))

    def _changed(self, one: _Order) -> list[Version]:
        """One change; now and then after a version that cannot be read, or two in one second."""
        made = []
        chance = self.rng.random()
        if chance < 0.1:
            made.append(self._version(one, unreadable=True))
            self.at += timedelta(seconds=30)
        self._change(one)
        made.append(self._version(one))
        if chance > 0.85:
            self._change(one)
            made.append(self._version(one))
        return made

    def _change(self, one: _Order) -> None:
        change = self.rng.choice((self._units, self._units, self._cancel_units, self._add_line,
                                  self._drop_line, self._cancel, self._status))  # fmt: skip
        change(one)

    def _any_line(self, one: _Order) -> _Line:
        return one.lines[self.rng.choice(sorted(one.lines))]

    def _units(self, one: _Order) -> None:
        changed = self._any_line(one)
        less_or_more = self.rng.choice((-2, -1, 1, 2, 4))
        changed.quantity = max(1, changed.shipped, changed.quantity + less_or_more)
        changed.cancelled = min(changed.cancelled, changed.quantity - changed.shipped)

    def _cancel_units(self, one: _Order) -> None:
        changed = self._any_line(one)
        changed.cancelled = self.rng.randint(0, changed.quantity - changed.shipped)

    def _drop_line(self, one: _Order) -> None:
        there = [key for key, sold in sorted(one.lines.items()) if not sold.shipped]
        if len(one.lines) > 1 and there:
            del one.lines[self.rng.choice(there)]

    def _cancel(self, one: _Order) -> None:
        """Cancelled, and sometimes taken back."""
        back = one.status == OrderStatus.CANCELLED
        one.status = OrderStatus.CONFIRMED if back else OrderStatus.CANCELLED

    def _status(self, one: _Order) -> None:
        if one.status != OrderStatus.CANCELLED:
            one.status = self.rng.choice(STATUSES)

    def back(self) -> tuple[GoodsBack, ...]:
        """Goods that come back of lines of the first act: of one product in plenty, so that as many
        have been shipped as the line asked for."""
        found = []
        for one in self.orders:
            for key, sold in one.lines.items():
                asked = sold.quantity - sold.cancelled
                live = one.status != OrderStatus.CANCELLED and sold.sku in PLENTY
                if live and asked and self.rng.random() < 0.2:
                    units = self.rng.randint(1, asked)
                    good = self.rng.randint(0, units)
                    found.append(GoodsBack(one.shop, one.key, key, units, good))
        return tuple(found)


def _marked(versions: Sequence[Version]) -> tuple[Version, ...]:
    """Twins are told by their equal times."""
    twins = {
        (a.shop, a.order.external_id, a.at)
        for a, b in pairwise(versions)
        if (a.shop, a.order.external_id, a.at) == (b.shop, b.order.external_id, b.at)
    }
    marks = [(one.shop, one.order.external_id, one.at) in twins for one in versions]
    return tuple(replace(one, twin=mark) for one, mark in zip(versions, marks, strict=True))


def write(seed: object, began: datetime, steps: int, *, contended: bool = False) -> History:
    """The history of a seed, in so many steps. ``began`` comes after the shops are connected."""
    rng = Random(f"history {seed}")
    writer = _Writer(rng, began, contended=contended)
    if contended:
        few = {sku: rng.randint(2, 9) for sku in (*WANTED_BY_ALL, LATE)}
        stock = {"MAIN": few, "EAST": {sku: rng.randint(0, 5) for sku in few}}
        arrivals = {WANTED_BY_ALL[0]: rng.randint(1, 9)}
        return History((writer.act(steps),), stock, arrivals, contended)
    units = {**dict.fromkeys((*PLENTY, LATE, ODD), 10_000)}
    units |= {sku: rng.randint(0, 6) for sku in SCARCE}
    arrivals = {sku: rng.randint(1, 6) for sku in SCARCE[::2]}
    if rng.random() < 0.5:
        return History((writer.act(steps),), {"MAIN": units}, arrivals, contended)
    first = writer.act(steps * 2 // 3)
    back = writer.back()
    return History((first, writer.act(steps // 3)), {"MAIN": units}, arrivals, contended, back)
