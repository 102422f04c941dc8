"""Work that many threads want done at once is done together, by one of them. Knows no table.

Whoever comes while another is at work waits; when that one is done, the first of those that wait
works for all of them. Alone there is nobody to wait for; the more come, the less each costs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from threading import Lock
from time import sleep
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
#: In one go.
MOST = 64
#: Seconds to wait for more once several have come at once: those just served are soon back with the
#: next. Whoever comes alone waits for nobody.
LINGER = 0.008


class _Stage(Enum):
    WAITS = "waits"
    DONE = "done"
    #: The work failed for all of them together: whose fault it is shows when each is alone.
    ALONE = "alone"


class _Ticket(Generic[Item, Outcome]):
    __slots__ = ("called", "item", "outcome", "stage")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.stage = _Stage.WAITS
        self.outcome: Outcome | Exception | None = None
        self.called = Lock()
        self.called.acquire()


class Gathering(Generic[Item, Outcome]):
    """``work`` answers what became of each item, in their order: an outcome, or the error that its
    own thread is to raise. What it raises itself is nobody's outcome."""

    def __init__(
        self, work: Callable[[Sequence[Item]], Sequence[Outcome | Exception]], most: int = MOST
    ) -> None:
        self._work = work
        self._most = most
        self._guard = Lock()
        self._busy = False
        self._crowded = False
        self._waiting: deque[_Ticket[Item, Outcome]] = deque()

    def serve(self, item: Item) -> Outcome:
        """Have it done, with whatever else waits; answers once it is."""
        ticket: _Ticket[Item, Outcome] = _Ticket(item)
        with self._guard:
            self._waiting.append(ticket)
            waits = self._busy
            self._busy = True
        if waits:
            ticket.called.acquire()
        if ticket.stage is _Stage.WAITS:
            self._lead()
        outcome = self._work([item])[0] if ticket.stage is _Stage.ALONE else ticket.outcome
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[return-value]  # a ticket that is done has its outcome

    def _lead(self) -> None:
        """Work for the first of those that wait, oneself among them, and call the next to lead."""
        if self._crowded:
            sleep(LINGER)
        with self._guard:
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            self._crowded = len(batch) > 1
        try:
            self._work_for(batch)
        finally:
            for ticket in batch:
                ticket.called.release()
            with self._guard:
                if self._waiting:
                    self._waiting[0].called.release()
                else:
                    self._busy = False

    def _work_for(self, batch: Sequence[_Ticket[Item, Outcome]]) -> None:
        for ticket in batch:
            ticket.stage = _Stage.ALONE
        try:
            found = self._work([ticket.item for ticket in batch])
        except Exception:  # noqa: BLE001  # each works alone now, and raises what is its own
            return
        for ticket, outcome in zip(batch, found, strict=True):
            ticket.outcome = outcome
            ticket.stage = _Stage.DONE
