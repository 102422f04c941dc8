"""Faults on demand: what real channels do to their callers on a bad day, when asked to.

Either queued, for the next matching request, or by seeded chance. ``counts`` says how many of
each were really injected, so that a campaign can show that it tested what it claims.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import Random
from threading import Lock


class Fault(StrEnum):
    """``*_before``: the request had no effect; ``*_after``: it had, and the caller is not told."""

    RATE_LIMITED = "rate_limited"  # 429 with Retry-After
    THROTTLED = "throttled"  # the channel's own form of the same
    UNAUTHORIZED = "unauthorized"  # 401
    FORBIDDEN = "forbidden"  # 403
    ERROR_BEFORE = "error_before"  # 5xx
    ERROR_AFTER = "error_after"
    TIMEOUT_BEFORE = "timeout_before"  # silence past the caller's deadline, then closed
    TIMEOUT_AFTER = "timeout_after"
    LATE = "late"  # silence; takes effect seconds later, perhaps after newer writes
    CUT_BEFORE = "cut_before"  # the connection is closed without an answer
    CUT_AFTER = "cut_after"
    TRUNCATED = "truncated"  # takes effect; the body stops half way
    WRONG_BODY = "wrong_body"  # takes effect; HTML with status 200
    WRONG_JSON = "wrong_json"  # takes effect; JSON of some other shape
    PAGE_REPEATED = "page_repeated"  # a list answers its first page again, for every cursor
    CURSOR_EXPIRED = "cursor_expired"
    WEBHOOK_DUPLICATE = "webhook_duplicate"
    WEBHOOK_REORDER = "webhook_reorder"
    WEBHOOK_LOST = "webhook_lost"
    WEBHOOK_LATE = "webhook_late"
    WEBHOOK_BAD_SIGNATURE = "webhook_bad_signature"


ANY_REQUEST = frozenset(
    {
        Fault.RATE_LIMITED,
        Fault.THROTTLED,
        Fault.UNAUTHORIZED,
        Fault.FORBIDDEN,
        Fault.ERROR_BEFORE,
        Fault.ERROR_AFTER,
        Fault.TIMEOUT_BEFORE,
        Fault.TIMEOUT_AFTER,
        Fault.CUT_BEFORE,
        Fault.CUT_AFTER,
        Fault.TRUNCATED,
        Fault.WRONG_BODY,
        Fault.WRONG_JSON,
    }
)
WRITES = ANY_REQUEST | {Fault.LATE}
WEBHOOKS = frozenset(fault for fault in Fault if fault.startswith("webhook_"))


@dataclass(slots=True)
class _Queued:
    kind: Fault
    left: int
    where: str


class Faults:
    """``where`` is a channel's operation (or webhook topic), "" any. Seconds: ``hang`` how long a
    silent answer holds the line, ``late`` after how long a late write (or webhook) takes effect,
    ``clock_skew`` how far the shop's clock runs ahead, ``index_lag`` how long a changed order is
    missing from lists."""

    def __init__(self, seed: int = 0, *, hang: float = 2.0, late: float = 3.0) -> None:
        self.rate: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        self.hang = hang
        self.late = late
        self.retry_after = "1"
        self.clock_skew = 0.0
        self.index_lag = 0.0
        self._random = Random(seed)  # noqa: S311 - chance for tests, not for secrets
        self._queue: list[_Queued] = []
        self._lock = Lock()

    def next(self, kind: str, times: int = 1, where: str = "") -> None:
        """Let the next ``times`` matching requests fail in this way. ValueError if unknown."""
        with self._lock:
            self._queue.append(_Queued(Fault(kind), times, where))

    def draw(self, where: str, among: Collection[Fault]) -> Fault | None:
        """What befalls this request, if anything; counted."""
        with self._lock:
            kind = self._queued(where, among) or self._chance(among)
            if kind is not None:
                self.counts[kind] += 1
            return kind

    def clear(self) -> None:
        """From now on behave; the counts stay."""
        with self._lock:
            self._queue.clear()
            self.rate = {}
        self.clock_skew = self.index_lag = 0.0

    @property
    def skew(self) -> timedelta:
        return timedelta(seconds=self.clock_skew)

    def _queued(self, where: str, among: Collection[Fault]) -> Fault | None:
        for waiting in self._queue:
            if waiting.kind in among and waiting.where in ("", where):
                waiting.left -= 1
                if waiting.left <= 0:
                    self._queue.remove(waiting)
                return waiting.kind
        return None

    def _chance(self, among: Collection[Fault]) -> Fault | None:
        for name, chance in self.rate.items():
            kind = Fault(name)
            if kind in among and self._random.random() < chance:
                return kind
        return None
