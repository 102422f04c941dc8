"""Who waits steps aside: a worker takes the next job while one waits for its channel.

A job runs in a thread of its own. As long as it gets on, its worker has no other; once it waits for
an answer, or takes its time, it goes on beside, and the worker takes the next. So a channel that
hangs costs the others a moment, once: from then on it is known, and who calls there steps aside at
once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from threading import Condition, Thread
from time import monotonic

from hub.logs import logger
from sync.crowding import NOTICED, Crowd
from sync.lanes import kept_waiting

log = logger(__name__)

#: Jobs beside the one that a worker holds. Threads that wait, most of them.
ROOM = 64
#: Seconds after which a job steps aside though it waits for nobody.
HELD = 1.0
#: Seconds between looks at a job that says nothing.
LOOK = 0.02


def steps_aside(held: float, waited: float, beside: int, *, known: bool) -> bool:
    """``held``: seconds since the job began; ``waited``: since its oldest call did; ``beside``: how
    many have stepped aside already; ``known``: it calls where others are kept waiting."""
    return beside < ROOM and (known or waited >= NOTICED or held >= HELD)


class Errand:
    """One job under way: what it waits for, and how it ended. ``changed`` guards the rest."""

    def __init__(self) -> None:
        self.changed = Condition()
        self.calls: dict[int, tuple[str, str, float]] = {}
        self.over = False
        self.error: BaseException | None = None

    def told(self, number: int, channel: str, host: str) -> None:
        with self.changed:
            self.calls[number] = (channel, host, monotonic())
            self.changed.notify_all()

    def answered(self, number: int) -> None:
        with self.changed:
            self.calls.pop(number, None)

    def finish(self, error: BaseException | None) -> None:
        with self.changed:
            self.over, self.error = True, error
            self.changed.notify_all()


_errand: ContextVar[Errand | None] = ContextVar("errand", default=None)


class Counter:
    """Where a worker's jobs are served, one after the other, and step aside."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self._beside: set[Errand] = set()
        self._left = Condition()

    @property
    def beside(self) -> int:
        return len(self._beside)

    def serve(self, work: Callable[[], object]) -> bool:
        """True when the work is done; its error is raised. False when it goes on beside."""
        errand, began = Errand(), monotonic()
        context = copy_context()
        context.run(_errand.set, errand)
        Thread(target=context.run, args=(self._run, errand, work), daemon=True).start()
        with errand.changed:
            while not errand.over:
                if self._may_leave(errand, began):
                    with self._left:
                        self._beside.add(errand)
                    return False
                errand.changed.wait(LOOK)
        if errand.error is not None:
            raise errand.error
        return True

    def _may_leave(self, errand: Errand, began: float) -> bool:
        now = monotonic()
        waited = max((now - since for _, _, since in errand.calls.values()), default=0.0)
        known = any(self.crowd.keeps_waiting(*where) for *where, _ in errand.calls.values())
        return steps_aside(now - began, waited, self.beside, known=known)

    def _run(self, errand: Errand, work: Callable[[], object]) -> None:
        error: BaseException | None = None
        try:
            work()
        except BaseException as caught:  # noqa: BLE001  # raised again by whom it is served
            error = caught
        errand.finish(error)
        with self._left:
            aside = errand in self._beside
            self._beside.discard(errand)
            self._left.notify_all()
        if aside and error is not None:
            log.error("a job that had stepped aside failed", error=type(error).__name__)

    def rest(self, seconds: float) -> bool:
        """Wait for those beside, so long at most; False where some are still there. They are done
        again when their leases run out."""
        with self._left:
            return self._left.wait_for(lambda: not self._beside, seconds)

    @contextmanager
    def waiting(self, channel: str, host: str, account_id: int = 0) -> Iterator[None]:
        """A call is under way there. Raises TransientError where enough wait there already."""
        if self.crowd.slow(channel, host):
            kept_waiting(account_id)
        number = self.crowd.begin(channel, host)
        errand = _errand.get()
        if errand is not None:
            errand.told(number, channel, host)
        try:
            yield
        finally:
            self.crowd.end(channel, host, number)
            if self.crowd.slow(channel, host):
                kept_waiting(account_id)
            if errand is not None:
                errand.answered(number)


#: This process' one.
COUNTER = Counter(Crowd())
