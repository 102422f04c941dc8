"""What a channel sees is held against what its account is: held, paused, in shadow, told twice.

Each worker's job notes at its start what is held; a request that comes under a hold which stood
then and stands still was not to be made. A worker that began before may end its work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.channels import flows, outbox
from hub.db import Transaction
from tests.simulation.clocked import Clock
from tests.simulation.scheduler import Scheduler, Task

HELD = "SELECT account_id, flow, lease_until FROM flow WHERE seller_id = %(seller)s"
HOLDS = f"{HELD} AND lease_until > %(now)s"
ONE = f"{HOLDS} AND account_id = %(account)s AND flow = %(flow)s"
#: Of these nothing is asked while their account is paused; what else reads is asked by people.
PAUSED = frozenset({flows.PULL, flows.PUSH, flows.CHECK, flows.OUTBOX, flows.REFUNDS})


@dataclass
class Watch:
    """``look`` reads the database, ``broken`` is told what must not be."""

    clock: Clock
    scheduler: Scheduler
    look: Any
    broken: Any
    #: Account → the mode a person gave it and since when, while nobody has released it.
    modes: dict[int, tuple[str, float]] = field(default_factory=dict)
    #: Key of a thing told → until when who told it first had claimed it.
    first: dict[str, bool] = field(default_factory=dict)
    #: Things told twice where a worker had slept past its claim.
    twice: set[str] = field(default_factory=set)

    def begins(self, task: Task, seller_id: int, *, asked: bool) -> None:
        """A job begins. ``asked``: a person wants it, and does not wait."""
        task.notes["began"] = self.clock.seconds
        task.notes["asked"] = asked
        now = self.clock.now
        held = self.look(HOLDS, seller=seller_id, now=now)
        task.notes["held"] = {(row[0], row[1]): row[2] for row in held}

    def asks(self, seller_id: int, account_id: int, what: str, writes: bool) -> None:
        """A request has come to the channel."""
        task = self.scheduler.current
        if task is None or "held" not in task.notes or task.notes["asked"]:
            return
        until: datetime | None = task.notes["held"].get((account_id, what))
        if until is not None and until > self.clock.now:
            values = {"seller": seller_id, "account": account_id, "flow": what}
            now = self.look(ONE, now=self.clock.now, **values)
            if now and now[0][2] == until:
                self.broken(f"no_request_while_held: {task.name} asked for {what}")
        mode, since = self.modes.get(account_id, ("live", 0.0))
        if mode == "live" or task.notes["began"] <= since:
            return
        if writes or (mode == "paused" and what in PAUSED):
            self.broken(f"no_request_while_held: {task.name} asked for {what}, it is {mode}")

    def told(self, key: str) -> None:
        """A thing takes effect at a shop: by who has it still claimed, or by who slept past it?"""
        task = self.scheduler.current
        claims = task.notes.get("claims", {}) if task else {}
        in_time = claims.get(key, -1.0) >= self.clock.seconds
        first = self.first.setdefault(key, in_time)
        if not (first and in_time):
            self.twice.add(key)

    def doubled(self, key: str) -> None:
        if key not in self.twice:
            self.broken("told_once: a thing was done twice by workers that had it claimed")

    @contextmanager
    def claims(self) -> Iterator[None]:
        """While it lasts, each worker's claims of what is to be told are noted."""
        claim = outbox.claim

        def noted(tx: Transaction, account_id: int, limit: int, lease: float) -> list[outbox.Due]:
            dues = claim(tx, account_id, limit, lease)
            task = self.scheduler.current
            if task is not None:
                until = self.clock.seconds + lease
                mine = task.notes.setdefault("claims", {})
                mine.update((str(due.payload["key"]), until) for due in dues)
            return dues

        outbox.claim = noted
        try:
            yield
        finally:
            outbox.claim = claim
