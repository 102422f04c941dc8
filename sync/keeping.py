"""Keeping leases: taken for seconds, and extended for as long as the job that holds them runs here.

A process that was killed, or whose host was cut off, extends nothing: after one short lease its
work is taken up. One that was frozen finds its token replaced, and its answers are refused. So a
lease is patience and nothing else; what keeps two workers apart is the token.

Most jobs are over before their first extension and cost nothing. No lease is kept of a job that has
ended: it is let go before it is given back, and the statements extend nothing that was given back.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from hub.channels import checking, leases, outbox, pushing
from hub.channels.flows import Lease
from hub.channels.leases import FlowHeld, LookHeld, RowHeld
from hub.db import Database, Transaction
from hub.errors import HubError
from hub.logs import logger

log = logger(__name__)

#: Seconds that every lease is taken for: what the work of a dead worker waits at most.
LEASE = 5.0
#: A lease is extended when it was held for so long; twice in vain, and it still is ours.
PERIOD = 1.6
#: Seconds between looks for leases that are to be extended.
LOOK = 0.5
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """What a lease is on: how one that is held is told from others, and the statement that extends
    many of them."""

    held: Callable[[T], Hashable]
    extend: Callable[[Transaction, Sequence[Any], float], int]


FLOW: Kind[Lease] = Kind(
    lambda lease: FlowHeld(lease.account_id, lease.flow, lease.token), leases.extend_flows
)
PUSHES: Kind[pushing.Due] = Kind(lambda due: RowHeld(due.id, due.token), leases.extend_pushes)
TELLINGS: Kind[outbox.Due] = Kind(lambda due: RowHeld(due.id, due.token), leases.extend_tellings)
LOOKS: Kind[checking.Check] = Kind(
    lambda check: LookHeld(check.id, check.sent_version), leases.extend_looks
)


@dataclass(eq=False, slots=True)
class Holding(Generic[T]):
    """What one job holds of one kind, each since when."""

    seller_id: int
    kind: Kind[T]
    _lock: Lock = field(default_factory=Lock)
    _since: dict[Hashable, float] = field(default_factory=dict)

    def take(self, held: Iterable[T], since: float) -> None:
        """These were claimed then, by :func:`time.monotonic`."""
        with self._lock:
            self._since.update((self.kind.held(one), since) for one in held)

    def let_go(self, held: Iterable[T]) -> None:
        """These are about to be given back, or their answers recorded."""
        with self._lock:
            for one in held:
                self._since.pop(self.kind.held(one), None)

    def held_since(self, then: float) -> set[Hashable]:
        with self._lock:
            return {one for one, since in self._since.items() if since <= then}

    def extended(self, which: Iterable[Hashable], now: float) -> None:
        with self._lock:
            self._since.update((one, now) for one in which if one in self._since)


class Keeper:
    """One per process. Keeps nothing by itself until it is :meth:`start`-ed: a job that is over
    within one lease needs nobody."""

    def __init__(self, database: Database, *, period: float = PERIOD, look: float = LOOK) -> None:
        self.database = database
        self.period = period
        self.look = look
        self._holdings: set[Holding[Any]] = set()
        self._lock = Lock()
        self._stop = Event()
        self._wanted = False
        self._thread: Thread | None = None

    @contextmanager
    def holding(self, seller_id: int, kind: Kind[T], *held: T) -> Iterator[Holding[T]]:
        """Keep what a job holds until it leaves, and what it takes meanwhile."""
        made: Holding[T] = Holding(seller_id, kind)
        made.take(held, monotonic())
        with self._lock:
            self._holdings.add(made)
            if self._wanted and self._thread is None:
                self._thread = Thread(target=self._run, name="keeper", daemon=True)
                self._thread.start()
        try:
            yield made
        finally:
            with self._lock:
                self._holdings.discard(made)

    def keep(self, held_for: float | None = None) -> int:
        """One round: extend every lease that was held for so many seconds (or for a period), with
        one statement for each seller and kind; answers how many were still ours."""
        then = monotonic() - (self.period if held_for is None else held_for)
        with self._lock:
            holdings = list(self._holdings)
        by_seller: dict[int, list[Holding[Any]]] = {}
        for one in holdings:
            if one.held_since(then):
                by_seller.setdefault(one.seller_id, []).append(one)
        return sum(self._keep(seller, by_seller[seller], then) for seller in sorted(by_seller))

    def _keep(self, seller_id: int, holdings: Sequence[Holding[Any]], then: float) -> int:
        held: dict[Kind[Any], set[Hashable]] = {}
        for one in holdings:
            held.setdefault(one.kind, set()).update(one.held_since(then))

        def extend(tx: Transaction) -> int:
            return sum(kind.extend(tx, _in_order(held[kind]), LEASE) for kind in held)

        kept = self.database.command(seller_id, extend)
        now = monotonic()
        for one in holdings:
            one.extended(held[one.kind], now)
        return kept

    def start(self) -> None:
        """From now on a thread keeps what is held; it starts with the first of it."""
        self._wanted = True

    def _run(self) -> None:
        while not self._stop.wait(self.look):
            try:
                self.keep()
            except (HubError, SQLAlchemyError) as error:
                log.warning("leases are not extended", error=type(error).__name__)

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(LOOK)


def _in_order(held: Iterable[Any]) -> list[Any]:
    return sorted(held)
