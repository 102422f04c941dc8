"""Workers that are told to leave, or whose words nobody can write down, end what they began.

Workers that are killed: test_processes and test_bad_days.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest
from redis import Redis

from hub.config import Settings, environment, normalised
from servers import process
from sync import queues
from sync.lanes import LIVE
from sync.queues import Queues
from tests.pump import World, eventually
from tests.rig import Rig
from tests.sync.premises import KEYS

#: How long the shop takes for the answer that a worker waits for while it is told to leave.
SLOW = 1.5


@dataclass
class Staff:
    """Workers as real processes for a world of this process, and the queues they read."""

    settings: Settings
    environment: dict[str, str]
    ours: Queues
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def hire(self, words: Path, *command: str) -> subprocess.Popen[bytes]:
        """What it says goes to ``words``."""
        with words.open("ab") as log:
            made = process.spawn(
                [sys.executable, "-m", "hub.cli", *(command or ("worker",))],
                stop_signal=signal.SIGTERM,
                env=self.environment,
                stdout=log,
            )
        self.running.append(made)
        return made


@pytest.fixture
def staff(servers: Rig, database_name: str, world: World, tmp_path: Path) -> Iterator[Staff]:
    url = normalised(servers.app_url(database_name))
    settings = Settings(home=tmp_path, database_url=url, redis_url=servers.redis_url)
    told = {
        "DATABASE_URL": url,
        "REDIS_URL": servers.redis_url,
        "HUB_HOME": str(tmp_path),
        "HUB_LOOPBACK": ",".join(one.address for one in world.shops.values()),
        "HUB_SECRET_KEYS": KEYS,
        "HUB_READBACK_SECONDS": "0",
        "HUB_BULK_WORKERS": "0",
    }
    with queues.connect(settings) as connection:
        made = Staff(settings, {**environment(), **told}, Queues(settings, connection))
        yield made
        for one in made.running:
            process.stop(one, signal.SIGTERM, 10)
        _forget(connection, settings)


def _forget(connection: Redis, settings: Settings) -> None:
    for key in connection.scan_iter(f"*{settings.queue_prefix}*"):
        connection.delete(key)


def test_a_worker_told_to_leave_during_a_push_records_the_answer_before_it_goes(
    world: World, staff: Staff, tmp_path: Path
) -> None:
    north, going = world.shops["north"], Event()
    north.meanwhile(lambda: going.wait(SLOW), "SetStock")
    world.adjust("MUG", -1)
    staff.ours.enqueue(queues.STOCK, world.seller_id)
    asked = north.requests["SetStock"]
    worker = staff.hire(tmp_path / "worker.log")
    eventually(lambda: north.requests["SetStock"] > asked, 40, "it is at the shop", 0.01)

    worker.send_signal(signal.SIGTERM)
    code = worker.wait(30)

    row, writes = world.listing("north", "MUG"), world.writes("north")
    assert code == 0, (tmp_path / "worker.log").read_text()[-3_000:]
    assert row["sent_version"] == row["desired_version"]
    assert world.shown("MUG")["north"] == 9
    world.pump()
    assert world.writes("north") == writes
    world.agrees()


@pytest.mark.parametrize("words", ["full", pytest.param("closed", marks=pytest.mark.soak)])
def test_a_worker_whose_log_cannot_be_written_works_all_the_same(
    world: World, staff: Staff, words: str
) -> None:
    staff.environment["HUB_LOG_LEVEL"] = "DEBUG"
    if words == "closed":
        script = f"exec {sys.executable} -m hub.cli worker --lane live >&- 2>&-"
        worker = process.spawn(
            ["/bin/sh", "-c", script],
            stop_signal=signal.SIGTERM,
            env=staff.environment,
            stdout=None,
        )
        staff.running.append(worker)
    else:
        worker = staff.hire(Path("/dev/full"), "worker", "--lane", "live")
    for units in (1, 2):
        world.adjust("MUG", -1)
        staff.ours.enqueue(queues.STOCK, world.seller_id)
        eventually(
            lambda units=units: set(world.shown("MUG").values()) == {10 - units}, 40, "it carries"
        )

    assert worker.poll() is None
    assert staff.ours.depths()[LIVE] == 0
