"""Workers: one queue each, restarted when they leave.

RQ's ``SimpleWorker`` runs jobs in its own process, so the application is imported once and the
database stays connected (a fork per job costs 20 ms). It exits when Redis dies in mid-job and
stays away; the supervisor here starts it again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from threading import Event, Thread
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from sqlalchemy.exc import SQLAlchemyError

from hub import metrics
from hub.config import Settings, environment
from hub.errors import HubError
from hub.heartbeat import beat
from hub.logs import logger
from servers import process
from sync import lanes, queues
from sync.aside import COUNTER
from sync.carrier import process_carrier
from sync.exposing import expose

log = logger(__name__)

BEAT = 5.0
#: Seconds a worker that is told to stop has for its job; one that is cut off is done again.
STOP_SECONDS = 20.0
#: Seconds of them for jobs that have stepped aside, once there is no other.
REST_SECONDS = 5.0
#: The processor goes to live work first.
NICE = {lanes.LIVE: 0, lanes.LONG: 5, lanes.BULK: 10}
#: Seconds that one call waits for a job (RQ takes 15 more). Redis gives the next job to whoever has
#: waited longest: one that has vanished is given none for longer than this.
WAIT = 5
#: Seconds between looks for a Redis that is away.
AWAY = 0.2


class Worker(SimpleWorker):
    """Waits for a lost Redis in short steps (RQ's own go up to a minute)."""

    max_connection_wait_time = 2.0


def work(settings: Settings, lane: str, stop: Event) -> None:
    """Run one worker on one queue until it is told to stop."""
    os.nice(NICE[lane])
    carrier = process_carrier()
    connection = queues.connect(settings, patient=True)
    _wait_for(connection)
    queue = Queue(queues.lane_name(settings, lane), connection=connection, serializer="json")
    worker = Worker(
        [queue],
        connection=connection,
        serializer="json",
        worker_ttl=WAIT + 15,
        job_monitoring_interval=10,
        log_job_description=False,
    )
    Thread(target=_beat, args=(lane, stop), daemon=True).start()
    try:
        worker.work(logging_level="WARNING")
    finally:
        stop.set()
        rested = COUNTER.rest(REST_SECONDS)
        carrier.close()
        if not rested:
            os._exit(0)  # who hangs would hold the process up; what they had is taken up by others


def _wait_for(connection: Redis) -> None:
    """A worker that starts while Redis is away waits for it: leaving again would cost the next
    start's seconds, over and over. SIGTERM still ends it at once."""
    while True:
        try:
            connection.ping()
        except RedisError:
            time.sleep(AWAY)
        else:
            return


def _beat(lane: str, stop: Event) -> None:
    """Say we are alive, from a thread: a long job is not a dead worker."""
    while not stop.is_set():
        try:
            beat(process_carrier().database, "worker", lane=lane)
        except (HubError, SQLAlchemyError):
            log.warning("no heartbeat: the database is away")
        stop.wait(BEAT)


class Supervisor:
    """Keeps one process per entry of ``lanes`` running; SIGTERM to it stops them all."""

    def __init__(self, lanes: Sequence[str], settings: Settings) -> None:
        self.lanes = list(lanes)
        self.settings = settings
        self.environment = environment()
        self.stopping = False
        self._children: dict[int, tuple[str, subprocess.Popen[bytes], float]] = {}

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        if self.settings.metrics_bind:
            self._expose()
        for slot, lane in enumerate(self.lanes):
            self._start(slot, lane)
        while not self.stopping:
            time.sleep(0.1)
            for slot, (lane, child, started) in list(self._children.items()):
                if child.poll() is not None and time.monotonic() - started > 0.5:
                    log.warning("worker left; starting it again", lane=lane, code=child.returncode)
                    self._start(slot, lane)
        for _, child, _ in self._children.values():
            process.stop(child, signal.SIGTERM, STOP_SECONDS)

    def _start(self, slot: int, lane: str) -> None:
        child = process.spawn(
            [sys.executable, "-m", "hub.cli", "worker", "--lane", lane],
            stop_signal=signal.SIGTERM,
            env=self.environment,
            stdout=None,
        )
        self._children[slot] = (lane, child, time.monotonic())

    def _expose(self) -> None:
        folder = str(metrics.open_folder(self.settings.home, "worker"))
        expose(self.settings.metrics_bind, self.settings.metrics_token, folder)
        self.environment[metrics.FOLDER_VARIABLE] = folder

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True


def staff(settings: Settings) -> list[str]:
    """The lane of each process on a host."""
    found = {
        lanes.LIVE: settings.live_workers,
        lanes.LONG: settings.long_workers,
        lanes.BULK: settings.bulk_workers,
    }
    return [lane for lane, count in found.items() for _ in range(count)]
