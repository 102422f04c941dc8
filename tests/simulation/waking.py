"""The clock process and its queue, without Redis: jobs may be doubled, and all forgotten."""

from __future__ import annotations

from collections.abc import Set
from datetime import datetime
from threading import Event

from sync import clock
from sync.clock import Topic
from sync.lanes import LANES
from tests.simulation.clocked import ClockedDatabase
from tests.simulation.faults import Dice

SWEEP = 2.0


class Queue:
    """What the clock asked for and no worker has taken."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self.jobs: list[Topic] = []

    def enqueue(
        self, topic: str, seller_id: int, account_id: int = 0, *, cause: str = "", lane: str = ""
    ) -> bool:
        copies = 2 if self.dice.hit("job run twice") else 1
        self.jobs.extend([(topic, seller_id, account_id)] * copies)
        return True

    def depths(self) -> dict[str, int | None]:
        return dict.fromkeys(LANES, len(self.jobs))

    def long(self) -> Set[str]:
        """There is one lane here, in which nobody goes before another."""
        return frozenset()


class Waking(clock.Clock):
    """The hub's own clock, on simulated time. A new one has heard nothing."""

    def __init__(self, database: ClockedDatabase, queue: Queue) -> None:
        super().__init__("", database, queue, SWEEP, Event())  # type: ignore[arg-type]
        self.time = database.clock
        self._batch: list[Topic] | None = None

    def hear(self, payload: str) -> None:
        topic = clock.parse(payload)
        if topic and self.bell.ring(topic, self.time.seconds):
            self._send(topic)

    def ripe(self) -> None:
        """Send what has waited for its moment."""
        for topic in self.bell.due(self.time.seconds):
            self._send(topic)

    def look(self) -> None:
        """Sweep. What is due at one moment comes in no order, so it gets one here."""
        self._batch = []
        self.sweep(self.time.seconds)
        batch, self._batch = self._batch, None
        for topic in sorted(batch):
            self._send(topic)

    def _send(self, topic: Topic, lane: str = "") -> None:
        if self._batch is None:
            super()._send(topic, lane)
        else:
            self._batch.append(topic)

    def nightly(self, now: datetime) -> None:
        """It goes by the real clock, and has tests of its own."""

    def _nightly(self) -> None:
        self.nightly(self.time.now)
