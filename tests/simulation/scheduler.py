"""Workers as threads of which exactly one runs at a time.

The baton changes hands at borders only: before BEGIN, before and after COMMIT, around each call of
a channel, and now and then between two statements. Who is next is drawn from the seed, so a run
replays exactly. A worker whose statement waits for another's lock is set aside until that lock is
given up; that it waits is seen in the database, never guessed from the time it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Semaphore, Thread, local
from time import sleep
from typing import Any

#: Where a worker may die. Within a transaction that is the same as dying before its COMMIT.
DEADLY = frozenset({"begin", "commit", "committed", "call", "called"})
#: Seconds a statement may take before it is asked whether it waits for a lock.
PATIENCE, LONGEST = 0.004, 0.128
#: So many times as often does a worker pause before a statement that writes.
BEFORE_WRITES = 2
#: Turns of others that a worker sleeps for.
SLEEP = (10, 90)
#: So often is it the process that sleeps, and not this work of it alone.
FROZEN = 0.5


class Crash(BaseException):
    """kill -9: nobody catches it, and nothing more happens than the end of the session."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How often the baton changes hands at a border, how often between two statements, how often
    who gives it away falls asleep, and how often a worker dies."""

    switch: float = 0.0
    within: float = 0.0
    sleep: float = 0.0
    crash: float = 0.0


@dataclass(eq=False)
class Task:
    """One worker's work. ``pid`` is the backend that it waits for an answer from. ``frozen``: it
    sleeps, and its process with it; ``kept``: that was never so, nor anything like it. ``mortal``:
    it may die at a border. ``notes``: what others keep about it."""

    name: str
    work: Callable[[], None]
    ended: Callable[[BaseException | None], None] = lambda error: None
    go: Semaphore = field(default_factory=lambda: Semaphore(0))
    state: str = "new"
    wakes: int = 0
    pid: int = 0
    error: BaseException | None = None
    frozen: bool = False
    kept: bool = True
    mortal: bool = True
    notes: dict[str, Any] = field(default_factory=dict)


class Scheduler:
    """``waits`` tells whether a backend waits for a lock; ``tell`` is told of every border."""

    def __init__(
        self, random: Random, waits: Callable[[int], bool], tell: Callable[[str], None]
    ) -> None:
        self.random = random
        self.rates = Rates()
        self.tasks: list[Task] = []
        self.turns = 0
        self.crashes = 0
        self.blocked = 0
        self._waits = waits
        self._tell = tell
        self._back = Semaphore(0)
        self._mine = local()

    # -- the conductor's side ----------------------------------------------------------------------

    def start(self, name: str, work: Callable[[], None], **options: Any) -> Task:
        task = Task(name, work, **options)
        self.tasks.append(task)
        return task

    def ready(self, *, asleep: bool = True) -> list[Task]:
        """Who could go on; without those asleep where so asked."""
        able = [task for task in self.tasks if task.state in {"new", "ready"}]
        return able if asleep else [task for task in able if task.wakes <= self.turns]

    def run(self, task: Task) -> None:
        """Hand the baton to a task until it comes back, or its statement waits for a lock."""
        self.turns += 1
        task.frozen = False
        fresh, task.state = task.state == "new", "running"
        if fresh:
            Thread(target=self._act, args=(task,), daemon=True).start()
        else:
            task.go.release()
        patience = PATIENCE
        while not self._back.acquire(timeout=patience):
            if task.pid and self._waits(task.pid):
                task.state = "blocked"
                self.blocked += 1
                self._tell(f"{task.name} waits for a lock")
                break
            patience = min(patience * 2, LONGEST)
        self._settle()

    def finish(self) -> None:
        """Run all there is to its end."""
        while self.tasks:
            ready = self.ready()
            if ready:
                self.run(self.random.choice(ready))
            else:
                sleep(PATIENCE)  # a deadlock: the database chooses a loser
                self._settle()

    def _settle(self) -> None:
        """Let those whose lock has been given up come to their next border; see off the done."""
        for task in self.tasks:
            while task.state == "blocked" and not (task.pid and self._waits(task.pid)):
                sleep(PATIENCE / 8)
        done = [task for task in self.tasks if task.state == "done"]
        self.tasks = [task for task in self.tasks if task.state != "done"]
        for task in done:
            task.ended(task.error)

    def _act(self, task: Task) -> None:
        self._mine.task = task
        try:
            task.work()
        except BaseException as error:  # noqa: BLE001  # handed to the conductor
            task.error = error
        task.state = "done"
        self._back.release()

    # -- the workers' side -------------------------------------------------------------------------

    def border(self, kind: str) -> None:
        """A worker comes to a border: it may die here, or hand the baton on."""
        task = self.current
        if task is None:
            return
        self._tell(f"{task.name} {kind}")
        if task.mortal and kind in DEADLY and self.random.random() < self.rates.crash:
            self.crashes += 1
            self._tell(f"{task.name} dies")
            raise Crash
        if self.random.random() < self.rates.switch:
            self._hand_on(task)

    def statement(self, pid: int, *, writes: bool = False) -> None:
        """A statement is about to be sent. Before one that writes, what it goes by may have been
        read long ago: there more is let happen in between."""
        task = self.current
        if task is None:
            return
        rate = self.rates.within * (BEFORE_WRITES if writes else 1)
        if rate and self.random.random() < rate:
            self._tell(f"{task.name} pauses")
            self._hand_on(task)
        task.pid = pid

    def answered(self) -> None:
        """A statement has been answered: one that had waited for a lock waits for the baton."""
        task = self.current
        if task is None:
            return
        task.pid = 0
        if task.state == "blocked":
            task.state = "ready"
            task.go.acquire()

    @contextmanager
    def calm(self) -> Iterator[None]:
        before, self.rates = self.rates, Rates()
        try:
            yield
        finally:
            self.rates = before

    @property
    def current(self) -> Task | None:
        """Whose thread this is."""
        return getattr(self._mine, "task", None)

    def _hand_on(self, task: Task) -> None:
        """The machine may be slow, or the process stopped: then others do much in between."""
        if self.rates.sleep and self.random.random() < self.rates.sleep:
            task.wakes = self.turns + self.random.randint(*SLEEP)
            task.frozen = self.random.random() < FROZEN
            task.kept &= not task.frozen
            self._tell(f"{task.name} {'is frozen' if task.frozen else 'sleeps'}")
        task.state = "ready"
        self._back.release()
        task.go.acquire()
