"""Bulkheads: a channel that hangs holds a few threads of each worker, never the worker.

Each process sees for itself how long its calls are under way, by channel and by host. Where none
is answered, only a few at a time still ask; others are told when to come again, one after the
other, as by a budget. A quick answer, and all may come. Nothing is shared between processes, so
nothing can be lost or wrong for others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from math import inf
from threading import Lock
from time import monotonic

from connectors.errors import TransientError

#: Seconds after which a call that is not answered is noticed; after which it counts as slow.
NOTICED, SLOW = 0.05, 1.0
#: Seconds for which a slow answer is remembered, where no quick one has come since.
MEMORY = 30.0
#: Calls under way at a time, in this process, at a host that is slow; at a channel all of whose
#: hosts are.
HOST_SHARE, CHANNEL_SHARE = 4, 8
#: Who is sent away comes again after so many seconds, each a little after the one before.
SOON, APART, LATEST = 2.0, 0.5, 300.0
MOST_PLACES = 10_000


@dataclass(slots=True)
class Place:
    """A channel, or a host of one, as its calls show it. Times by the caller's clock."""

    share: int
    calls: dict[int, float] = field(default_factory=dict)
    quick_at: float = -inf
    slow_at: float = -inf
    turn: float = -inf

    def hangs(self, now: float, seconds: float) -> bool:
        """A call is under way for so long, and none has been answered quickly since it began: one
        that is stuck among many that are not says nothing of the place."""
        return any(self.quick_at < since <= now - seconds for since in self.calls.values())

    def slow(self, now: float) -> bool:
        remembered = self.slow_at > self.quick_at and now - self.slow_at < MEMORY
        return remembered or self.hangs(now, SLOW)

    def full(self, now: float) -> bool:
        return len(self.calls) >= self.share and self.slow(now)

    def come_again(self, now: float) -> float:
        """In how many seconds: the next turn of those that were sent away."""
        self.turn = min(max(self.turn, now + SOON) + APART, now + LATEST)
        return self.turn - now

    def answered(self, call: int, now: float) -> None:
        if now - self.calls.pop(call) < SLOW:
            self.quick_at, self.turn = now, -inf
        else:
            self.slow_at = now


class Crowd:
    """The calls of this process. Thread-safe."""

    def __init__(self) -> None:
        self._places: dict[str, Place] = {}
        self._numbers = count()
        self._lock = Lock()

    def begin(self, channel: str, host: str) -> int:
        """A call's number. Raises TransientError(throttled) where enough wait there already."""
        with self._lock:
            now = self.now()
            places = self._at(channel, host)
            for place in places:
                if place.full(now):
                    wait = place.come_again(now)
                    message = "the channel does not answer, and enough of us wait there already"
                    raise TransientError(message, code="crowded", retry_after=wait, throttled=True)
            number = next(self._numbers)
            for place in places:
                place.calls[number] = now
            return number

    def end(self, channel: str, host: str, number: int) -> None:
        with self._lock:
            for place in self._at(channel, host):
                place.answered(number, self.now())

    def keeps_waiting(self, channel: str, host: str) -> bool:
        """Whoever calls there now had better not be waited for."""
        with self._lock:
            now, places = self.now(), self._at(channel, host)
            return any(one.slow(now) or one.hangs(now, NOTICED) for one in places)

    def slow(self, channel: str, host: str) -> bool:
        with self._lock:
            return any(one.slow(self.now()) for one in self._at(channel, host))

    def now(self) -> float:
        return monotonic()

    def _at(self, channel: str, host: str) -> tuple[Place, Place]:
        if len(self._places) > MOST_PLACES:
            self._places = {name: one for name, one in self._places.items() if one.calls}
        whole = self._places.setdefault(channel, Place(CHANNEL_SHARE))
        return whole, self._places.setdefault(f"{channel} {host}", Place(HOST_SHARE))
