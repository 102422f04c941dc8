"""The carriers' own clocks, locks and budgets, on simulated time.

What sync reads from the machine's clock or waits for is given the simulation's; the lock of an
account's tokens is one of the database, and who waits for it is set aside like any statement.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import psycopg
from redis import Redis

from connectors.base import Limit
from sync import budgets, carrier, pull
from sync.renewing import Tokens
from tests.simulation.clocked import Clock, driver
from tests.simulation.scheduler import Scheduler

#: What is looked at once an hour is here once in so many seconds.
HOUR = 250.0


class Time:
    """Stands for the module: what sleeps lets time pass."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def monotonic(self) -> float:
        return self.clock.seconds

    def sleep(self, seconds: float) -> None:
        self.clock.seconds = round(self.clock.seconds + seconds, 3)


class Session:
    """A session for one lock. It is given up when the work ends, however it does."""

    def __init__(self, connection: psycopg.Connection, scheduler: Scheduler) -> None:
        self.connection = connection
        self.scheduler = scheduler

    def execute(self, statement: str, values: Any) -> None:
        self.scheduler.statement(self.connection.info.backend_pid)
        self.connection.execute(statement, values)
        self.scheduler.answered()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.execute("SELECT pg_advisory_unlock_all()")
        self.connection.close()


class Counted(budgets.Shared):
    """The budget that all share, by the simulation's clock."""

    def __init__(self, redis: Redis, key: str, limit: Limit, clock: Clock) -> None:
        self._clock = clock
        super().__init__(redis, key, limit)

    @property
    def now(self) -> str:
        return f"{self._clock.seconds:.6f}"

    @now.setter
    def now(self, given: str) -> None:
        """It is what the clock says."""


@contextmanager
def given(clock: Clock, scheduler: Scheduler) -> Iterator[None]:
    """While it lasts, sync lives in the simulation's time."""
    simulated = Time(clock)

    class Watched(Tokens):
        def _session(self) -> Any:
            url = self.database.engine.url.render_as_string(hide_password=False)
            return Session(driver(url), scheduler)

    swaps: list[tuple[Any, str, Any]] = [
        (budgets, "time", simulated),
        (carrier, "Tokens", Watched),
        (pull, "HOURLY", HOUR),
    ]
    for name, module in list(sys.modules.items()):
        if name.startswith("sync."):
            if getattr(module, "monotonic", None) is time.monotonic:
                swaps.append((module, "monotonic", simulated.monotonic))
            if getattr(module, "sleep", None) is time.sleep:
                swaps.append((module, "sleep", simulated.sleep))
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in swaps]
    for owner, name, value in swaps:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)
