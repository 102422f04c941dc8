"""Plays one listing of the model to its end: two workers, one channel that misbehaves, one seed.

Workers are generators that stop wherever a process may: after each transaction and each answer of
the channel. The seed says who goes on, who dies, when time passes, what is sold and what is lost.
Then all faults end, and the channel must come to show the last offer within bounded time.

A worker that was stopped longer than ``STALLED`` past its lease is dead. One that wakes sooner may
still send its old number: the second look is there to find that.
"""

from __future__ import annotations

from collections.abc import Generator
from random import Random

from tests.simulation import model
from tests.simulation.model import LATE_APPLY, LEASE, LOOK_IN, NEVER, ROUND, Due, Rules

Steps = Generator[None, None, None]

STEPS = 36
#: Lease, late write and all looks of the last push are over well within this; the round is not.
QUIET = 1_200
MOST_TURNS = 300
STALLED = 3 * LATE_APPLY


class Broken(AssertionError):
    """Something that must always hold did not."""


class Play:
    """``shown`` is the channel's number, ``stock`` what the hub could sell by its own ledger,
    ``sales`` those at the channel that the hub has not heard of, ``late`` writes under way."""

    __slots__ = (
        "births",
        "compares",
        "dirty",
        "faults",
        "flows",
        "holder",
        "late",
        "listing",
        "now",
        "random",
        "rules",
        "sales",
        "shown",
        "stock",
        "workers",
    )

    def __init__(self, seed: int, rules: Rules) -> None:
        self.random = Random(seed).random
        self.rules = rules
        self.listing = model.Listing()
        self.flows = model.Flows()
        self.now = 0
        self.stock = self.upto(9)
        self.shown = self.upto(9)
        self.compares = self.random() < 0.5
        self.listing.remote = self.shown if self.random() < 0.5 else None
        self.dirty = True
        self.faults = True
        self.sales: list[tuple[int, int]] = []
        self.late: list[tuple[int, int, int | None]] = []
        self.workers: list[Steps | None] = [None, None]
        self.births = [0, 0]
        self.holder = -NEVER

    def upto(self, most: int) -> int:
        return int(self.random() * (most + 1))

    # -- the channel ---------------------------------------------------------------------------

    def passes(self, seconds: int) -> None:
        self.now += seconds
        if self.late:
            for landing in sorted(one for one in self.late if one[0] <= self.now):
                self.late.remove(landing)
                self.lands(landing[1], landing[2])

    def lands(self, quantity: int, expected: int | None) -> bool:
        if self.compares and expected is not None and expected != self.shown:
            return False
        self.shown = quantity
        return True

    def later(self, quantity: int, expected: int | None) -> None:
        self.late.append((self.now + 1 + self.upto(LATE_APPLY - 2), quantity, expected))

    def write(self, due: Due) -> tuple[str, int | None]:
        """(outcome, the number it tells)"""
        expected = due.remote if self.compares else None
        chance = self.random() if self.faults else 1.0
        if chance > 0.35:
            if not self.lands(due.quantity, expected):
                return ("stale", self.shown)
            if chance < 0.4:  # applied twice
                self.later(due.quantity, expected)
            return ("accepted", due.quantity)
        if chance > 0.25:  # lost
            return ("unknown", None)
        if chance > 0.15:  # applied now or later, and nobody says so
            self.later(due.quantity, expected)
            return ("unknown", None)
        if chance > 0.1:
            self.lands(due.quantity, expected)
            return ("unknown", None)
        return ("transient", None) if chance > 0.05 else ("rejected", None)

    def sells(self) -> None:
        units = min(self.shown, 1 + self.upto(1))
        if units:
            self.passes(1)  # no sale and no look happen at once
            self.shown -= units
            self.sales.append((units, self.now))

    # -- the hub -------------------------------------------------------------------------------

    def learn(self) -> None:
        """A pull, or a webhook: every sale so far, in one transaction."""
        if self.sales:
            units = sum(one[0] for one in self.sales)
            model.note_sold(self.listing, units, self.sales[-1][1])
            self.stock -= units
            self.sales.clear()
            self.dirty = True

    def derive(self) -> None:
        if self.dirty:
            self.dirty = False
            offer = max(0, self.stock)
            model.derive(self.listing, self.flows, offer, self.now, LOOK_IN, self.rules)

    def explains(self) -> bool:
        """A pull and a derivation, unless the channel does not answer or another pulls."""
        if self.faults and self.random() < 0.2:
            return False
        self.learn()
        self.derive()
        return True

    def claim(self) -> Due | None:
        due = model.claim(self.listing, self.now, LEASE)
        if due is not None:
            if self.now < self.holder:
                raise Broken("two workers hold one lease")
            self.holder = self.now + LEASE
        return due

    def give_back(self, due: Due) -> None:
        if due.token == self.listing.token:
            self.holder = -NEVER

    def push(self) -> Steps:
        """sync.push.push"""
        one = self.listing
        while (due := self.claim()) is not None:
            yield
            if due.remote == due.quantity:
                outcome, current = "accepted", None
            elif self.compares and due.remote is None:
                outcome, current = "stale", self.shown
            else:
                outcome, current = self.write(due)
            yield
            if outcome == "transient":
                self.give_back(due)
                model.release(one, due, self.now, 2 * due.attempts)
                yield
                break
            if outcome == "stale" and current == due.quantity:
                outcome = "accepted"
            retry_in = min(300, due.attempts)
            if outcome == "stale":
                if not self.explains():
                    outcome = "moved"
                elif due.attempts < 3:
                    retry_in = 0
                yield
            self.answer(due, outcome, current, retry_in)
            yield
        model.settle((one,), self.flows)

    def answer(self, due: Due, outcome: str, current: int | None, retry_in: int) -> None:
        self.give_back(due)
        wait, rules = self.rules.wait, self.rules
        model.record(self.listing, due, outcome, current, self.now, wait, retry_in, rules)

    def check(self) -> Steps:
        """sync.reconcile.check"""
        one, wait = self.listing, self.rules.wait
        model.look_at_all((one,), self.flows, self.now, ROUND)
        while (check := model.claim_check(one, self.now, LEASE)) is not None:
            yield
            seen = self.shown if self.rules.read_back else check.quantity
            if self.faults and self.random() < 0.1:
                model.look_again(one, self.now, 4)
                yield
                break
            yield
            if seen == check.quantity:
                model.confirm(one, check, seen, self.now, 5 * wait)
            elif self.explains():
                yield
                model.correct(one, self.flows, check, seen, self.now, wait)
            else:
                model.look_again(one, self.now, wait)
            yield
        self.passes(1)  # the next round comes when this one is more than a round old
        model.settle_checks((one,), self.flows, self.now)

    # -- the play ------------------------------------------------------------------------------

    def runs(self, number: int) -> None:
        """A worker goes on; one without work takes what is due."""
        worker = self.workers[number]
        if worker is None:
            flows = self.flows
            if flows.push <= self.now:
                worker = self.push()
            elif flows.check <= self.now:
                worker = self.check()
            else:
                return
            self.workers[number] = worker
            self.births[number] = self.now
        if self.now > self.births[number] + LEASE + STALLED:
            self.workers[number] = None
            return
        if next(worker, worker) is worker:
            self.workers[number] = None

    def step(self) -> None:
        chance = self.random()
        if chance < 0.5:
            self.runs(chance < 0.3)
        elif chance < 0.68:
            self.passes(1 + self.upto(7))
        elif chance < 0.76:
            self.sells()
        elif chance < 0.84:
            self.stock += self.upto(2) - 1 if chance < 0.81 else self.upto(8) - 4
            self.dirty = True
        elif chance < 0.92:
            self.derive()
        elif chance < 0.95:
            self.learn()
        elif chance < 0.98:
            self.workers[chance < 0.965] = None
        else:
            self.passes(LEASE + self.upto(STALLED))

    def to_the_end(self, until: int) -> None:
        """Nothing goes wrong any more. Time goes from one due moment to the next."""
        flows = self.flows
        for _ in range(MOST_TURNS):
            self.learn()
            self.derive()
            busy = False
            for number in (0, 1):
                if self.workers[number] is not None or min(flows.push, flows.check) <= self.now:
                    self.runs(number)
                    busy = True
            if busy:
                continue
            ahead = min(flows.push, flows.check, *(one[0] for one in self.late))
            if ahead > until:
                self.passes(until - self.now)
                return
            self.passes(ahead - self.now)
        raise Broken("still at work: this never ends")

    def watch(self, before: tuple[int, int, int]) -> tuple[int, int, int]:
        one, flows = self.listing, self.flows
        seen = (one.desired, one.sent, one.confirmed)
        if seen != before:
            if seen[0] < before[0] or seen[1] < before[1] or seen[2] < before[2]:
                raise Broken(f"the record went back from {before} to {seen}")
            if not seen[2] <= seen[1] <= seen[0]:
                raise Broken(f"confirmed, sent, desired out of order: {seen}")
        if one.sent < one.desired and flows.push > max(self.now + LEASE, one.next_at):
            raise Broken("a push is due and nobody will be woken for it")
        if one.check_at < NEVER and min(flows.check, flows.push) == NEVER:
            raise Broken("a read-back is due and nobody will be woken for it")
        return seen

    def converged(self) -> None:
        one = self.listing
        if self.shown != max(0, self.stock):
            raise Broken(f"the channel shows a wrong number: {self.shown} of {self.stock}")
        if not one.offer == one.told == self.shown:
            raise Broken(f"the record is wrong: offered {one.offer}, told {one.told}")
        if not one.desired == one.sent == one.confirmed or one.check_at != NEVER:
            raise Broken("the end is not confirmed")


def play(seed: int, rules: Rules = model.RULES, steps: int = STEPS) -> None:
    """Raises Broken."""
    one = Play(seed, rules)
    seen = (0, 0, 0)
    for _ in range(steps):
        one.step()
        seen = one.watch(seen)
    one.faults = False
    one.to_the_end(one.now + QUIET)
    one.watch(seen)
    one.converged()
    if seed % 16 == 0:
        # Somebody writes at the channel, and nothing tells: within two rounds it is found.
        one.shown += 1
        one.to_the_end(one.now + 2 * ROUND + QUIET)
        one.converged()
