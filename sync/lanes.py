"""How long a job may keep others waiting: its slice.

A job works for about a slice, and then gives the rest back as due and asks for its next turn, at
the end of a queue. What has turned out to be long goes on in a lane of its own, so that what is
short need not wait behind it. Outside a job nothing is cut: who calls a carrier's function directly
has the whole done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic

LIVE, LONG, BULK = "live", "long", "bulk"
LANES = (LIVE, LONG, BULK)
#: Seconds of a job in each lane. Live ones are short: whatever is behind them is waited for.
SLICES = {LIVE: 0.25, LONG: 1.0, BULK: 1.0}
#: Where that which was cut goes on.
NEXT = {LIVE: LONG, LONG: LONG, BULK: BULK}


@dataclass(slots=True)
class Slice:
    """``cut``: topics and accounts whose work was cut short; ``slow``: accounts whose channel kept
    it waiting. Its threads share it."""

    ends: float
    slow: set[int] = field(default_factory=set)
    cut: set[tuple[str, int]] = field(default_factory=set)

    def spent(self, topic: str, account_id: int, now: float) -> bool:
        if now < self.ends:
            return False
        self.cut.add((topic, account_id))
        return True


_slice: ContextVar[Slice | None] = ContextVar("slice", default=None)


@contextmanager
def sliced(lane: str, seconds: float | None = None) -> Iterator[Slice]:
    """What is done in here ends soon after the lane's slice does, or so many seconds."""
    own = Slice(monotonic() + (SLICES[lane] if seconds is None else seconds))
    token = _slice.set(own)
    try:
        yield own
    finally:
        _slice.reset(token)


def spent(topic: str, account_id: int = 0) -> bool:
    """Whether the caller is to stop here, with something done and something left, which it leaves
    due. Asked between one piece of work and the next, never before the first."""
    running = _slice.get()
    return running is not None and running.spent(topic, account_id, monotonic())


def kept_waiting(account_id: int) -> None:
    """The account's channel is slow: what else is to be done there need not hold up what is not."""
    running = _slice.get()
    if running is not None:
        running.slow.add(account_id)
