"""Orders, receipts, judgements, returns in any order, and twice, against a model of them."""

from __future__ import annotations

from dataclasses import dataclass
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

from hub.db import Database
from hub.errors import Conflict, InvalidInput
from hub.purchasing import amending
from hub.purchasing.amending import Change, LineChange
from hub.purchasing.returning import Back
from hub.secrets import Keyring
from hub.seller import create_seller
from tests.builders import line, order
from tests.buying import CLERK, TODAY, Buyer, buyer

SKUS = ("TENT", "LAMP")
skus = st.sampled_from(SKUS)
units = st.integers(1, 8)


@dataclass
class Bought:
    """A line by the book: what is awaited is what was wanted less what came and was given up."""

    wanted: int
    over: int
    dropped: int = 0
    good: int = 0
    doubtful: int = 0
    bad: int = 0
    gone: int = 0
    taken: bool = False

    @property
    def came(self) -> int:
        return self.good + self.doubtful + self.bad

    @property
    def room(self) -> int:
        return (self.wanted - self.dropped) * (100 + self.over) // 100 - self.came

    @property
    def missing(self) -> int:
        return max(0, self.wanted - self.dropped - self.came)


@dataclass
class Book:
    """An order with one line for each SKU."""

    lines: dict[str, Bought]
    over: bool = False

    @property
    def state(self) -> str:
        if self.over:
            return "closed"
        if not any(one.came for one in self.lines.values()):
            return "confirmed"
        done = not any(one.missing for one in self.lines.values())
        return "received" if done else "part_received"


class BuyingMachine(RuleBasedStateMachine):
    """``database`` is given by the test; every example is a seller of its own."""

    database: Database
    keyring: Keyring

    @initialize()
    def open_shop(self) -> None:
        seller = create_seller(self.database, "Machine")
        self.buys: Buyer = buyer(self.database, seller, self.keyring, dict.fromkeys(SKUS, 0))
        self.books: dict[int, Book] = {}
        self.sold = dict.fromkeys(SKUS, 0)
        self.sent: list[tuple[int, Any, str]] = []
        self.doubts: list[tuple[int, int, str]] = []
        self.numbers = count(1)

    @rule(wanted=st.dictionaries(skus, units, min_size=1), over=st.sampled_from([0, 50]))
    def order(self, wanted: dict[str, int], over: int) -> None:
        number = self.buys.order(wanted, over_percent=over)
        self.books[number] = Book({sku: Bought(n, over) for sku, n in wanted.items()})

    @rule(sku=skus, quantity=units)
    def sell(self, sku: str, quantity: int) -> None:
        self.buys.shop.take(order(f"{next(self.numbers)}", line("a", f"v-{sku}", quantity)))
        self.sold[sku] += quantity

    def _some_line(self, data: st.DataObject) -> tuple[int, str, Bought]:
        number = data.draw(st.sampled_from(sorted(self.books)))
        sku = data.draw(st.sampled_from(sorted(self.books[number].lines)))
        return number, sku, self.books[number].lines[sku]

    @precondition(lambda self: self.books)
    @rule(
        data=st.data(),
        quantity=units,
        bad=st.integers(0, 3),
        verdict=st.sampled_from(["", "", "inspect", "reject"]),
        anyhow=st.booleans(),
    )
    def receive(
        self, data: st.DataObject, quantity: int, bad: int, verdict: str, anyhow: bool
    ) -> None:
        number, sku, one = self._some_line(data)
        bad = min(bad, quantity)
        counted = self.buys.counted(number, sku, quantity, defects=bad, verdict=verdict)
        key = f"r{next(self.numbers)}"
        if self.books[number].over:
            with pytest.raises(Conflict):
                self.buys.receive(number, counted, key=key, accept_over=anyhow)
            return
        if quantity > one.room and not anyhow:
            with pytest.raises(InvalidInput):
                self.buys.receive(number, counted, key=key)
            return

        receipt = self.buys.receive(number, counted, key=key, accept_over=anyhow)

        good = quantity - bad
        one.good += good if not verdict else 0
        one.doubtful += good if verdict == "inspect" else 0
        one.bad += quantity if verdict == "reject" else bad
        self.sent.append((number, counted, key))
        if verdict == "inspect" and good:
            self.doubts.append((receipt.receipt_id, number, sku))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def receive_again(self, data: st.DataObject) -> None:
        number, counted, key = data.draw(st.sampled_from(self.sent))

        assert not self.buys.receive(number, counted, key=key).new

    @precondition(lambda self: self.doubts)
    @rule(data=st.data())
    def judge(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.doubts) - 1))
        receipt, number, sku = self.doubts.pop(place)
        left = self.buys.shop.ask(
            "SELECT inspecting FROM receipt_line WHERE receipt_id = :it", it=receipt
        )[0][0]
        good = data.draw(st.integers(0, left))
        bad = data.draw(st.integers(0 if good else 1, left - good))

        self.buys.judge(receipt, good, bad)

        one = self.books[number].lines[sku]
        one.doubtful -= good + bad
        one.good += good
        one.bad += bad
        if good + bad < left:
            self.doubts.append((receipt, number, sku))

    @precondition(lambda self: self.books)
    @rule(data=st.data())
    def send_back(self, data: st.DataObject) -> None:
        number, sku, one = self._some_line(data)
        line_id = self.buys.lines(number)[sku].id
        here = one.bad - one.gone
        if not here:
            with pytest.raises(InvalidInput):
                self.buys.send_back(number, Back(line_id, 1))
            return
        some = data.draw(st.integers(1, here))

        made = self.buys.send_back(number, Back(line_id, some))

        assert made.expected_credit == 500 * some
        one.gone += some

    @precondition(lambda self: self.books)
    @rule(data=st.data())
    def give_up_some(self, data: st.DataObject) -> None:
        number, sku, one = self._some_line(data)
        if self.books[number].state not in {"confirmed", "part_received"} or not one.missing:
            return
        some = data.draw(st.integers(1, one.missing))
        change = Change(lines=[LineChange(self.buys.lines(number)[sku].id, cancel=some)])
        version = self.buys.get(number).version

        self.buys.run(lambda tx: amending.amend(tx, CLERK, number, version, change, TODAY))

        one.dropped += some

    @precondition(lambda self: self.books)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.books)))
        book = self.books[number]
        if book.state not in {"part_received", "received"}:
            with pytest.raises(Conflict):
                self.buys.step(number, "close")
            return

        self.buys.step(number, "close")

        for one in book.lines.values():
            one.dropped += one.missing
        book.over = True

    @invariant()
    def the_ledger_is_the_book(self) -> None:
        for number, book in self.books.items():
            found = {
                sku: (one.quantity, one.cancelled, one.accepted, one.inspecting, one.rejected,
                      one.returned, one.open)
                for sku, one in self.buys.lines(number).items()
            }  # fmt: skip
            assert found == {
                sku: (o.wanted, o.dropped, o.good, o.doubtful, o.bad, o.gone, o.missing)
                for sku, o in book.lines.items()
            }
            assert self.buys.get(number).state == book.state
        for sku in SKUS:
            lines = [book.lines[sku] for book in self.books.values() if sku in book.lines]
            good = sum(one.good for one in lines)
            held = min(good, self.sold[sku])
            levels = dict(self.buys.shop.ask(
                "SELECT l.state, sum(l.quantity)::int FROM level l JOIN product p"
                " ON p.id = l.product_id WHERE p.sku = :sku AND l.quantity > 0 GROUP BY 1",
                sku=sku,
            ))  # fmt: skip
            expected = {
                1: good - held,
                2: held,
                3: sum(one.doubtful for one in lines),
                5: sum(one.bad - one.gone for one in lines),
            }
            assert levels == {state: n for state, n in expected.items() if n}
        self.buys.shop.check()


def play(database: Database, keyring: Keyring, examples: int, steps: int) -> None:
    BuyingMachine.database, BuyingMachine.keyring = database, keyring
    run_state_machine_as_test(
        BuyingMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )


def test_buying_agrees_with_its_model(database: Database, keyring: Keyring) -> None:
    play(database, keyring, 8, 12)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_buying_agrees_with_its_model_for_long(database: Database, keyring: Keyring) -> None:
    play(database, keyring, 300, 40)
