"""Anything in any order, and twice: the ledger against an independent model of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from connectors.records import ChannelOrder, OrderStatus
from hub.aftersales.returns import CameBack, Refunded, record_refund
from hub.db import Database, Transaction
from hub.errors import InsufficientStock
from hub.sales import fulfilment
from hub.secrets import Keyring
from hub.seller import create_seller
from tests.builders import NOON, World, line, order, world

SKUS = ("TENT", "LAMP")
skus = st.sampled_from(SKUS)
keys = st.sampled_from(["1", "2", "3"])
units = st.integers(1, 6)
lines_wanted = st.dictionaries(skus, st.tuples(units, st.integers(0, 2)), min_size=1)


@dataclass
class ModelLine:
    """A line by the book: what it wants, holds, waits for, has had."""

    sku: str
    quantity: int = 0
    allocated: int = 0
    claimed: int = 0
    shipped: int = 0
    cancelled: int = 0
    returned: int = 0
    waiting_since: int = 0
    ever_filled: bool = False

    def release(self) -> int:
        back, self.allocated, self.claimed = self.allocated, 0, 0
        return back


@dataclass
class Model:
    available: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SKUS, 5))
    inspection: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SKUS, 0))
    orders: dict[str, dict[str, ModelLine]] = field(default_factory=dict)
    ticks: Iterator[int] = field(default_factory=lambda: count(1))

    def take(self, key: str, wanted: dict[str, tuple[int, int]], cancelled: bool) -> None:
        """Let go first, then ask: the whole order in one step."""
        known = self.orders.setdefault(key, {})
        asks: list[tuple[ModelLine, int]] = []
        for sku in [*wanted, *(sku for sku in known if sku not in wanted)]:
            one = known.setdefault(sku, ModelLine(sku))
            quantity, off = wanted.get(sku, (one.quantity, one.quantity))
            one.quantity = max(quantity, one.shipped)
            off = one.quantity if cancelled else min(off, one.quantity)
            one.cancelled = min(off, one.quantity - one.shipped)
            more = one.quantity - one.shipped - one.cancelled - one.allocated - one.claimed
            self._let_go(one, max(0, -more))
            asks.append((one, max(0, more)))
        for one, more in asks:
            got = min(more, self.available[one.sku])
            self.available[one.sku] -= got
            one.allocated += got
            if more > got:
                self._wait(one, more - got)

    def _let_go(self, one: ModelLine, less: int) -> None:
        unwaited = min(one.claimed, less)
        one.claimed -= unwaited
        if unwaited and not one.claimed and not one.ever_filled:
            one.waiting_since = 0
        one.allocated -= less - unwaited
        self.available[one.sku] += less - unwaited

    def _wait(self, one: ModelLine, more: int) -> None:
        one.claimed += more
        one.waiting_since = one.waiting_since or next(self.ticks)

    def fill(self) -> int:
        filled = 0
        waiting = [one for lines in self.orders.values() for one in lines.values() if one.claimed]
        for one in sorted(waiting, key=lambda one: one.waiting_since):
            got = min(one.claimed, self.available[one.sku])
            one.claimed -= got
            one.allocated += got
            one.ever_filled |= got > 0
            self.available[one.sku] -= got
            filled += got
        return filled

    def ship(self, key: str) -> int:
        gone = 0
        for one in self.orders[key].values():
            gone += one.allocated
            one.shipped += one.allocated
            one.allocated = 0
        return gone

    def offer(self, sku: str) -> int:
        lines = [one for order in self.orders.values() for one in order.values()]
        waiting = sum(one.claimed for one in lines if one.sku == sku)
        return max(0, self.available[sku] - waiting)


class LedgerMachine(RuleBasedStateMachine):
    """``database`` is given by the test; every example is a seller of its own."""

    database: Database
    keyring: Keyring

    @initialize()
    def open_shop(self) -> None:
        seller = create_seller(self.database, "Machine")
        self.shop: World = world(self.database, seller, self.keyring, dict.fromkeys(SKUS, 5))
        self.model = Model()
        self.numbers = count(1)
        self.told: list[ChannelOrder] = []
        self.refunds: list[Any] = []

    @rule(sku=skus, change=st.integers(-6, 6).filter(bool), twice=st.booleans())
    def adjust(self, sku: str, change: int, twice: bool) -> None:
        key = f"adjust {next(self.numbers)}"
        if self.model.available[sku] + change < 0:
            with pytest.raises(InsufficientStock):
                self.shop.adjust(key, sku, change)
            return
        for _ in range(1 + twice):
            self.shop.adjust(key, sku, change)
        self.model.available[sku] += change

    @rule(key=keys, wanted=lines_wanted, cancelled=st.sampled_from([False, False, False, True]))
    def take_in(self, key: str, wanted: dict[str, tuple[int, int]], cancelled: bool) -> None:
        whole = {sku: (quantity, min(off, quantity)) for sku, (quantity, off) in wanted.items()}
        lines = [line(sku, f"v-{sku}", n, cancelled=off) for sku, (n, off) in whole.items()]
        status = OrderStatus.CANCELLED if cancelled else OrderStatus.CONFIRMED
        version = order(key, *lines, at=next(self.numbers), status=status)

        taken = self.shop.take(version)

        assert taken.new + taken.changed == 1
        self.told.append(version)
        self.model.take(key, whole, cancelled)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def take_in_again(self, data: st.DataObject) -> None:
        old = data.draw(st.sampled_from(self.told))

        taken = self.shop.take(old)

        assert (taken.new, taken.changed, taken.unchanged) == (0, 0, 1)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def ship(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model.orders)))
        ids = [self.shop.order_id(key)]

        gone = self.shop.database.command(
            self.shop.seller_id, lambda tx: fulfilment.ship_allocated(tx, ids)
        )

        assert gone == self.model.ship(key)

    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        shipped = [
            (key, sku)
            for key, lines in sorted(self.model.orders.items())
            for sku, one in sorted(lines.items())
            if one.shipped > one.returned
        ]
        if not shipped:
            return
        key, sku = data.draw(st.sampled_from(shipped))
        one = self.model.orders[key][sku]
        quantity = data.draw(st.integers(1, one.shipped - one.returned))
        sellable = data.draw(st.integers(0, quantity))
        fact = Refunded(
            self.shop.account_id, f"r{next(self.numbers)}", "EUR", 500, NOON,
            self.shop.order_id(key),
        )  # fmt: skip
        goods = [CameBack(self._line_id(key, sku), self.shop.location_id, quantity, sellable)]

        assert self._refund(fact, goods)

        self.refunds.append((fact, goods))
        one.returned += quantity
        self.model.available[sku] += sellable
        self.model.inspection[sku] += quantity - sellable

    @precondition(lambda self: self.refunds)
    @rule(data=st.data())
    def give_back_again(self, data: st.DataObject) -> None:
        fact, goods = data.draw(st.sampled_from(self.refunds))

        assert not self._refund(fact, goods)

    def _refund(self, fact: Refunded, goods: list[CameBack]) -> bool:
        def work(tx: Transaction) -> bool:
            return record_refund(tx, fact, goods)[1]

        return self.shop.database.command(self.shop.seller_id, work)

    def _line_id(self, key: str, sku: str) -> int:
        found = self.shop.ask(
            "SELECT l.id FROM order_line l JOIN sales_order o ON o.id = l.order_id"
            " WHERE o.external_id = :key AND l.external_id = :sku",
            key=key,
            sku=sku,
        )
        return int(found[0][0])

    @rule()
    def derive(self) -> None:
        filled = self.shop.derive()
        assert filled == self.model.fill()

        assert self.shop.derive() == 0
        shown = dict(self.shop.ask("SELECT sku, desired_quantity FROM listing"))
        assert shown == {sku: self.model.offer(sku) for sku in SKUS}

    @invariant()
    def the_ledger_is_the_model(self) -> None:
        levels = self.shop.ask(
            "SELECT p.sku, l.state, l.quantity FROM level l JOIN product p ON p.id = l.product_id"
            " WHERE l.state IN (1, 3) AND l.quantity > 0"
        )
        expected = {
            **{(sku, 1): n for sku, n in self.model.available.items() if n},
            **{(sku, 3): n for sku, n in self.model.inspection.items() if n},
        }
        assert {row[:2]: row[2] for row in levels} == expected
        found = self.shop.ask(
            "SELECT o.external_id, l.external_id, l.quantity, l.allocated, l.claimed, l.shipped,"
            " l.cancelled, l.returned FROM order_line l JOIN sales_order o ON o.id = l.order_id"
        )
        assert {row[:2]: row[2:] for row in found} == {
            (key, sku): (
                one.quantity, one.allocated, one.claimed, one.shipped, one.cancelled, one.returned
            )
            for key, lines in self.model.orders.items()
            for sku, one in lines.items()
        }  # fmt: skip
        self.shop.check()


def play(database: Database, keyring: Keyring, examples: int, steps: int) -> None:
    LedgerMachine.database, LedgerMachine.keyring = database, keyring
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )


def test_the_ledger_agrees_with_its_model(database: Database, keyring: Keyring) -> None:
    play(database, keyring, 60, 20)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_the_ledger_agrees_with_its_model_for_long(database: Database, keyring: Keyring) -> None:
    play(database, keyring, 1_000, 60)
