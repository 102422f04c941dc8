"""What a channel's answers show of the clocks: ours against its own.

Every answer carries its Date. Half way between sending and receiving, our clock should have shown
the same. A Date counts whole seconds and an answer takes its time, so that a second or two mean
nothing; what a cache has answered, or what came slowly, says nothing at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import local

from connectors.answers import moment
from connectors.http import Limiter, Response

#: An answer that took longer says too little.
SLOWEST = 2.0
#: A Date is cut to the second: on average it was half a second later.
CUT = 0.5
#: A difference that has changed by no more is the same; it is told again after so many seconds.
SAME, SELDOM = 2.0, 3_600.0


def ahead(sent: float, received: float, headers: Mapping[str, str]) -> float | None:
    """By how many seconds our clock, which showed these times, runs ahead of the answer's."""
    if not 0 <= received - sent <= SLOWEST or headers.get("age", "0").strip() != "0":
        return None
    told = moment(headers.get("date", ""))
    return (sent + received) / 2 - (told.timestamp() + CUT) if told is not None else None


@dataclass(slots=True)
class Told:
    """What was told of an account last. Two threads may both tell: that changes nothing."""

    ahead: float | None = None
    until: float = field(default=0.0)

    def is_news(self, seen: float, now: float) -> bool:
        """``now`` on a clock that nobody sets. True once for each news."""
        if self.ahead is not None and abs(seen - self.ahead) <= SAME and now < self.until:
            return False
        self.ahead, self.until = seen, now + SELDOM
        return True


class Clocked:
    """A limiter that also looks at the clocks, and tells what is new of them."""

    def __init__(
        self,
        limiter: Limiter,
        tell: Callable[[float], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self.limiter = limiter
        self._tell = tell
        self._now = now
        self._told = Told()
        self._asking = local()  # a request is sent and answered by one thread

    def before(self, cost: float) -> None:
        self.limiter.before(cost)
        self._asking.sent = self._now()

    def after(self, response: Response) -> None:
        received = self._now()
        self.limiter.after(response)
        sent = getattr(self._asking, "sent", None)
        if sent is None:
            return
        seen = ahead(sent, received, response.headers)
        if seen is not None and self._told.is_news(seen, time.monotonic()):
            self._tell(seen)
