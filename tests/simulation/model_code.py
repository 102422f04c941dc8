"""The model and the hub's own statements, driven by the same events, listing by listing.

All of it happens in one transaction, whose now() stands still: time passes when every time in the
database is moved back. So the hub's times are the model's, to the second.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import text

from hub.channels import checking, flows, listings, offers, pushing
from hub.channels.checking import Check, Seen
from hub.channels.pushing import Answer, Due
from hub.db import Transaction
from hub.inventory.adjusting import Adjustment, adjust
from hub.inventory.products import add_location
from hub.secrets import Keyring
from tests.builders import connected, stocked
from tests.simulation import model
from tests.simulation.model import NEVER, ROUND

OPENING = 5
PASSES = (1, 4, 5, 10, 30, 61, 200, ROUND + 1)
OUTCOMES = ("accepted", "accepted", "accepted", "unknown", "stale", "rejected", "retry")
MOST = 10_000
#: All times before are one: those due since ever are told as the epoch, or as minus infinity.
LONG_AGO = -(10**8)
IN = f"greatest(extract(epoch FROM greatest({{0}}, 'epoch') - now()), {LONG_AGO})"
LISTINGS = text(
    "SELECT id, desired_version, desired_quantity, sent_version, sent_quantity, confirmed_version,"
    f" remote_quantity, {IN.format('coalesce(remote_at, created_at)')}, {IN.format('next_at')},"
    " lease_token, attempts, extract(epoch FROM check_at - now()), checks_left, state = 'ended'"
    " FROM listing WHERE account_id = :account ORDER BY id"
)
FLOWS = text(
    f"SELECT flow, CASE WHEN next_at < 'infinity' THEN {IN.format('next_at')} END,"
    " extract(epoch FROM (cursor->>'round')::timestamptz - now())"
    " FROM flow WHERE account_id = :account AND flow IN ('check', 'push') ORDER BY flow"
)
MOVED_BACK = (
    "UPDATE listing SET next_at = next_at - :by, check_at = check_at - :by,"
    " remote_at = remote_at - :by, created_at = created_at - :by WHERE account_id = :account",
    "UPDATE flow SET next_at = next_at - :by WHERE account_id = :account",
    "UPDATE flow SET cursor = jsonb_build_object('round', (cursor->>'round')::timestamptz - :by)"
    " WHERE account_id = :account AND cursor IS NOT NULL",
)


class Pair:
    """An account with listings in the hub, and the same in the model. ``dues`` and ``checks`` are
    what workers hold, some of them long since overtaken."""

    def __init__(self, tx: Transaction, keyring: Keyring, rng: Random, count: int) -> None:
        self.tx = tx
        self.rng = rng
        skus = [f"P{n}" for n in range(count)]
        products = stocked(tx, dict.fromkeys(skus, OPENING))
        self.place = add_location(tx, "MAIN")
        self.account_id = connected(tx, keyring, "shop", {f"v-{sku}": sku for sku in skus})
        rows = tx.execute(
            text("SELECT id, product_id FROM listing WHERE account_id = :a ORDER BY id"),
            {"a": self.account_id},
        )
        self.product_of: dict[int, int] = {row[0]: row[1] for row in rows}
        assert set(self.product_of.values()) == set(products.values())
        self.start: datetime = tx.execute(text("SELECT now()")).scalar_one()
        self.now = 0
        self.models = {number: model.Listing() for number in self.product_of}
        self.flows = model.Flows()
        self.flows.push = self.flows.check = 0  # going live makes them due
        self.stock = dict.fromkeys(self.product_of, OPENING)
        self.dirty = set(self.product_of)
        self.dues: dict[int, list[Due]] = defaultdict(list)
        self.checks: dict[int, list[Check]] = defaultdict(list)
        self.steps = 0

    def step(self) -> str:
        """One event for some of the listings; answers its name."""
        events: tuple[Callable[[], None], ...] = (
            self.time_passes, self.time_passes, self.time_passes, self.stock_changes, self.derive,
            self.derive, self.claim, self.claim, self.answer, self.answer, self.answer,
            self.release, self.settle, self.claim_checks, self.claim_checks, self.judge,
            self.judge, self.sell, self.settle_checks, self.look_at_all,
        )  # fmt: skip
        event = self.rng.choice(events)
        self.steps += 1
        event()
        return event.__name__

    def some(self, share: float) -> list[int]:
        return [number for number in self.models if self.rng.random() < share]

    # -- events --------------------------------------------------------------------------------

    def time_passes(self) -> None:
        seconds = self.rng.choice(PASSES)
        self.now += seconds
        by = timedelta(seconds=seconds)
        for statement in MOVED_BACK:
            self.tx.execute(text(statement), {"by": by, "account": self.account_id})
        for held in self.checks.values():
            held[:] = [one._replace(claimed_at=one.claimed_at - by) for one in held]

    def stock_changes(self) -> None:
        changes = []
        for number in self.some(0.4):
            units = self.rng.randint(0, 8)
            if units != self.stock[number]:
                change = units - self.stock[number]
                changes.append(Adjustment(self.product_of[number], self.place, change))
                self.stock[number] = units
                self.dirty.add(number)
        if changes:
            adjust(self.tx, f"step {self.steps}", changes)

    def derive(self) -> None:
        look_in = self.rng.choice((5, 20))
        changed = offers.take_changes(self.tx).product_ids
        assert set(changed) == {self.product_of[number] for number in self.dirty}
        offers.derive(self.tx, changed, look_in=look_in)
        for number in sorted(self.dirty):
            model.derive(self.models[number], self.flows, self.stock[number], self.now, look_in)
        self.dirty.clear()

    def claim(self) -> None:
        lease = self.rng.choice((30, 60))
        dues = {due.id: due for due in pushing.claim_due(self.tx, self.account_id, MOST, lease)}
        for number, one in self.models.items():
            due, ours = dues.get(number), model.claim(one, self.now, lease)
            assert ours == (due and _due(due)), f"claimed {due}, by the model {ours}"
            if due:
                self.dues[number].append(due)

    def answer(self) -> None:
        answers = []
        for number in self.some(0.4):
            if not self.dues[number]:
                continue
            due = self.dues[number].pop(self.rng.randrange(len(self.dues[number])))
            outcome = self.rng.choice(OUTCOMES) if self.rng.random() > 0.01 else "gone"
            current = self.rng.randint(0, 8) if outcome == "stale" else None
            check_in, retry_in = self.rng.choice((10, 30)), self.rng.choice((0, 5, 90))
            answers.append(
                Answer(
                    due,
                    outcome,
                    current,
                    check_in=float(check_in),
                    retry_in=float(retry_in),
                )
            )
            one = self.models[number]
            model.record(one, _due(due), outcome, current, self.now, check_in, retry_in)
        pushing.record(self.tx, self.account_id, answers)

    def release(self) -> None:
        given_back = []
        for number in self.some(0.2):
            if self.dues[number]:
                due = self.dues[number].pop()
                given_back.append(due)
                model.release(self.models[number], _due(due), self.now, 40)
        pushing.release_leases(self.tx, given_back, 40, "no answer")

    def settle(self) -> None:
        pushing.settle(self.tx, self.account_id)
        model.settle(list(self.models.values()), self.flows)

    def claim_checks(self) -> None:
        found = checking.claim_checks(self.tx, self.account_id, MOST, 60)
        checks = {check.id: check for check in found}
        for number, one in self.models.items():
            check, ours = checks.get(number), model.claim_check(one, self.now, 60)
            assert ours == (check and self._check(check)), f"claimed {check}, by the model {ours}"
            if check:
                self.checks[number].append(check)

    def judge(self) -> None:
        """Agreements are confirmed, differences corrected, and some could not be read."""
        good, odd, silent = [], [], []
        for number in self.some(0.5):
            if not self.checks[number]:
                continue
            check = self.checks[number].pop(self.rng.randrange(len(self.checks[number])))
            one, ours = self.models[number], self._check(check)
            chance = self.rng.random()
            if chance < 0.1:
                silent.append(check)
                model.look_again(one, self.now, 10)
            elif chance < 0.7:
                good.append(Seen(check, check.sent_quantity))
                model.confirm(one, ours, check.sent_quantity, self.now, 50)
            else:
                odd.append(Seen(check, self.rng.randint(0, 8), gone=chance > 0.99))
        checking.confirm(self.tx, good, second_look=50)
        checking.look_again(self.tx, silent, 10)
        checking.correct(self.tx, self.account_id, odd, look_in=10)
        for seen in odd:
            one, ours = self.models[seen.check.id], self._check(seen.check)
            model.correct(one, self.flows, ours, seen.quantity, self.now, 10, gone=seen.gone)

    def sell(self) -> None:
        sales = []
        for number in self.some(0.3):
            units, ago = self.rng.randint(1, 3), self.rng.randint(0, 60)
            at = self.start - timedelta(seconds=ago)
            sales.append(listings.Sold(number, units, at))
            model.note_sold(self.models[number], units, self.now - ago)
        listings.note_sold(self.tx, sales)

    def settle_checks(self) -> None:
        pushing.settle_checks(self.tx, self.account_id)
        flows.make_due(self.tx, flows.CHECK, [self.account_id], after=ROUND)
        model.settle_checks(list(self.models.values()), self.flows, self.now)

    def look_at_all(self) -> None:
        checking.look_at_all(self.tx, self.account_id, ROUND)
        model.look_at_all(list(self.models.values()), self.flows, self.now, ROUND)

    def _check(self, check: Check) -> model.Check:
        ago = int((self.start - check.claimed_at).total_seconds())
        return model.Check(check.sent_version, check.sent_quantity, self.now - ago)

    # -- what both say -------------------------------------------------------------------------

    def in_the_hub(self) -> dict[Any, tuple[Any, ...]]:
        here = {"account": self.account_id}
        found: dict[Any, tuple[Any, ...]] = {
            row[0]: tuple(row[1:]) for row in self.tx.execute(LISTINGS, here)
        }
        return found | {row[0]: tuple(row[1:]) for row in self.tx.execute(FLOWS, here)}

    def in_the_model(self) -> dict[Any, tuple[Any, ...]]:
        found: dict[Any, tuple[Any, ...]] = {
            number: (
                one.desired, one.offer, one.sent, one.told, one.confirmed, one.remote,
                self._in(one.seen_at), self._in(one.next_at), one.token, one.attempts,
                self._in(one.check_at), one.checks_left, one.ended,
            )
            for number, one in self.models.items()
        }  # fmt: skip
        stamped = self.flows.round > -NEVER
        round_at = self._in(self.flows.round) if stamped else None
        found["check"] = (self._in(self.flows.check), round_at)
        found["push"] = (self._in(self.flows.push), None)
        return found

    def _in(self, at: int) -> int | None:
        """Seconds from now; None where it never comes."""
        return max(at - self.now, LONG_AGO) if at < NEVER else None


def _due(due: Due) -> model.Due:
    return model.Due(due.version, due.quantity, due.remote_quantity, due.token, due.attempts)
