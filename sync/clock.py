"""The clock: hears the rings, sweeps for what no ring told, fires what is scheduled.

Any number may run; one leads, by an advisory lock that its connection holds. It sweeps at every
(re)connect, since rings in between are lost. It keeps no truth: what it queues are hints.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event

import psycopg
from sqlalchemy import make_url, text
from sqlalchemy.exc import SQLAlchemyError

from hub import failpoints
from hub.db import APP_ROLE, CHANNEL, FOUND_OUT, KEEPALIVE, Database
from hub.errors import HubError
from hub.heartbeat import beat
from hub.logs import logger
from hub.slots import take_slot
from sync.lanes import LONG
from sync.queues import FORGET, FULL, LANE_OF, STOCK, VERIFY, Queues, member

log = logger(__name__)

LEADER = 7_381_190_001
#: Rings of one topic within this many seconds become one job, and one more at the end.
QUIET = 0.02
#: A job asked for this recently is not asked for again by a sweep.
PATIENCE = 2.0
BEAT = 5.0
#: A leader that says nothing for so many seconds leads no more, be it frozen or its host cut off:
#: the server ends its session, and its lock with it. So it says something every so often.
SILENCE, WORD = 8, 2.0
MOST = 500
LONGEST_RING = 60
NIGHTLY = (VERIFY, FORGET)

Topic = tuple[str, int, int]


@dataclass(slots=True)
class Bell:
    """Coalesces rings: the first goes out at once, the rest of a burst as one at its end."""

    sent: dict[Topic, float] = field(default_factory=dict)
    waiting: dict[Topic, float] = field(default_factory=dict)

    def ring(self, topic: Topic, now: float) -> bool:
        """True: send it now. False: it goes out when :meth:`due` says."""
        last = self.sent.get(topic)
        if last is not None and now - last < QUIET:
            self.waiting.setdefault(topic, last + QUIET)
            return False
        self.sent[topic] = now
        return True

    def later(self, topic: Topic, at: float) -> None:
        """Not due yet, but before the next sweep: it goes out at its time."""
        self.waiting[topic] = min(self.waiting.get(topic, at), at)

    def next_in(self, now: float) -> float:
        """Seconds until the next one must go out."""
        return max(0.0, min(self.waiting.values(), default=now + 60.0) - now)

    def due(self, now: float) -> list[Topic]:
        ready = [topic for topic, at in self.waiting.items() if at <= now]
        for topic in ready:
            del self.waiting[topic]
            self.sent[topic] = now
        return ready

    def recently(self, topic: Topic, now: float) -> bool:
        return now - self.sent.get(topic, -1e9) < PATIENCE

    def forget(self, now: float) -> None:
        if len(self.sent) > 10_000:
            self.sent = {t: at for t, at in self.sent.items() if now - at < PATIENCE}


def parse(payload: str) -> Topic | None:
    """``seller:stock`` or ``seller:flow:account``; anything else is nobody's ring."""
    parts = payload.split(":")
    if len(payload) > LONGEST_RING or len(parts) not in {2, 3} or parts[1] not in LANE_OF:
        return None
    if not parts[0].isdecimal() or (len(parts) == 3 and not parts[2].isdecimal()):
        return None
    return parts[1], int(parts[0]), int(parts[2]) if len(parts) == 3 else 0


class Clock:
    """``sweep_seconds`` bounds what a lost ring costs."""

    def __init__(
        self, url: str, database: Database, queues: Queues, sweep_seconds: float, stop: Event
    ) -> None:
        self.url = url
        self.database = database
        self.queues = queues
        self.sweep_seconds = sweep_seconds
        self.stop = stop
        self.bell = Bell()
        #: Where tracing is on: what rang last, by its traceparent. A job that serves several
        #: requests stands in the trace of one of them.
        self.causes: dict[Topic, str] = {}

    def run(self) -> None:
        """Until told to stop. A lost database or Redis is waited for."""
        pause = 0.05
        while not self.stop.is_set():
            try:
                self._lead()
                pause = 0.05
            except (psycopg.Error, SQLAlchemyError, HubError) as error:
                log.warning("clock waits for the database", error=type(error).__name__)
                self.stop.wait(pause)
                pause = min(pause * 2, 2.0)

    def _lead(self) -> None:
        with listener(self.url) as connection:
            connection.execute(f"SET idle_session_timeout = '{SILENCE}s'")
            leading = connection.execute("SELECT pg_try_advisory_lock(%s)", (LEADER,)).fetchone()
            if not leading or not leading[0]:
                self.stop.wait(1.0)
                return
            connection.execute(f"LISTEN {CHANNEL}")
            log.info("clock leads")
            next_sweep = next_beat = next_word = 0.0
            while not self.stop.is_set():
                now = time.monotonic()
                if now >= next_sweep:
                    self.sweep(now)
                    next_sweep = now + self.sweep_seconds
                if now >= next_beat:
                    beat(self.database, "clock", queues=self.queues.depths())
                    next_beat = now + BEAT
                if now >= next_word:
                    connection.execute("SELECT 1")
                    next_word = now + WORD
                soonest = min(next_sweep, next_beat, next_word)
                wait = min(self.bell.next_in(now), soonest - now)
                for notice in connection.notifies(timeout=max(wait, 0.001), stop_after=1):
                    self.hear(notice.payload)
                for topic in self.bell.due(time.monotonic()):
                    self._send(topic)

    def hear(self, payload: str) -> None:
        ring, _, cause = payload.partition("|")
        topic = parse(ring)
        if topic and cause and len(self.causes) < MOST:
            self.causes[topic] = cause
        if topic and self.bell.ring(topic, time.monotonic()):
            failpoints.reached("clock.heard")
            self._send(topic)

    def _send(self, topic: Topic, lane: str = "") -> None:
        self.queues.enqueue(*topic, cause=self.causes.pop(topic, ""), lane=lane)

    def sweep(self, now: float) -> int:
        """Ask for everything that is due and was not asked for lately, each in the lane it is in;
        answers how many jobs."""
        began = time.monotonic()
        depths = self.queues.depths()
        room = {lane: 0 if depth is None else FULL - depth for lane, depth in depths.items()}
        long = self.queues.long() if any(room.values()) else frozenset()
        sent = 0
        for topic, due_in in work_within(self.database, self.sweep_seconds):
            if due_in > 0:
                # Not a moment too soon: what is leased until then cannot be had before.
                self.bell.later(topic, now + time.monotonic() - began + due_in)
                continue
            lane = LONG if member(*topic) in long else LANE_OF[topic[0]]
            if room[lane] <= 0:
                continue
            if self.bell.recently(topic, now) and depths[lane]:
                continue
            room[lane] -= 1
            self.bell.sent[topic] = now
            self._send(topic, lane)
            sent += 1
            failpoints.reached("clock.sweeping")
        self.bell.forget(now)
        self.nightly(self.today())
        return sent

    def today(self) -> datetime:
        return datetime.now(UTC)

    def nightly(self, now: datetime) -> None:
        """Three in the morning, UTC, for everybody, once."""
        slot = now.replace(hour=3, minute=0, second=0, microsecond=0)
        if not slot <= now < slot + timedelta(hours=1):
            return
        for topic in NIGHTLY:
            if take_slot(self.database, topic, slot):
                with self.database.across_sellers() as connection:
                    sellers = connection.execute(text("SELECT seller_id FROM hub_sellers()"))
                    for seller_id in sellers.scalars():
                        self.queues.enqueue(topic, int(seller_id))


def work_within(database: Database, ahead: float) -> list[tuple[Topic, float]]:
    """What is due within ``ahead`` seconds by the rows of all sellers, and in how many."""
    with database.across_sellers() as connection:
        changed = connection.execute(
            text("SELECT seller_id FROM hub_changed_sellers(:most)"), {"most": MOST}
        )
        found = [((STOCK, int(seller_id), 0), 0.0) for seller_id in changed.scalars()]
        due = connection.execute(
            text("SELECT flow, seller_id, account_id, due_in FROM hub_due(:most, :ahead)"),
            {"most": MOST, "ahead": ahead},
        )
        for name, seller_id, account_id, due_in in due:
            found.append(((str(name), int(seller_id), int(account_id)), float(due_in)))
    return found


def due_work(database: Database) -> list[Topic]:
    """What is due now."""
    return [topic for topic, due_in in work_within(database, 0.0) if due_in <= 0]


def listener(url: str) -> psycopg.Connection:
    """A plain connection of its own: LISTEN and the leader's lock live as long as it does."""
    parsed = make_url(url).set(drivername="postgresql")
    return psycopg.connect(
        parsed.render_as_string(hide_password=False),
        autocommit=True,
        application_name="hub-clock",
        options=f"-c role={APP_ROLE} -c timezone=UTC {FOUND_OUT}",
        connect_timeout=5,
        **KEEPALIVE,
    )
