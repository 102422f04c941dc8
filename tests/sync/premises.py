"""An installation of real processes, to be killed: servers, web, clock and workers.

The shops and their buyers are in this process, so that no kill takes what they remember.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from hub import migrating
from hub.config import environment
from hub.db import Database
from hub.heartbeat import beats
from hub.secrets import Keyring
from hub.seller import create_seller
from servers import accounts, binaries, process
from servers.postgres import Postgres
from servers.valkey import Valkey
from tests import pump
from tests.database import opened
from tests.pump import World

KEYS = "test:" + base64.b64encode(b"t" * 32).decode()


@dataclass
class Premises:
    """Servers, a world, and the processes that carry for it; those kept are started again."""

    postgres: Postgres
    valkey: Valkey
    world: World
    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        return self.world.database

    def start(self, name: str) -> None:
        """A process by its command; a number at its end tells two of a kind apart."""
        command = name.rstrip("0123456789 ").split()
        door = self.settings.get("HUB_WEB_FD")
        with (self.home / f"{command[0]}.log").open("ab") as log:
            self.running[name] = process.spawn(
                [sys.executable, "-m", "hub.cli", *command],
                stop_signal=signal.SIGTERM,
                env={**environment(), **self.settings},
                stdout=log,
                pass_fds=[int(door)] if door and name == "web" else [],
            )

    def open_the_web(self, listening: socket.socket) -> None:
        """From now on the shops' webhooks come to a real web process, at the address they know."""
        address = urlsplit(self.world.doorway.url)
        self.world.doorway.__exit__()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.hostname, address.port))
        listening.listen(128)
        self.settings |= {"HUB_WEB_FD": str(listening.fileno()), "HUB_WEB_PROCESSES": "1"}

    def kill(self, name: str) -> None:
        """With all that it has started, and no time for last words."""
        os.killpg(self.running[name].pid, signal.SIGKILL)
        self.running[name].wait()

    def keep(self) -> None:
        """What a Procfile's runner does: start again what has left."""
        for name, child in list(self.running.items()):
            if child.poll() is not None:
                self.start(name)

    def stop(self) -> None:
        for child in self.running.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self.running.values():
            process.stop(child, signal.SIGTERM, 15)

    def kill_redis(self) -> None:
        os.kill(self.valkey.pid, signal.SIGKILL)
        assert self.valkey._process is not None
        self.valkey._process.wait()

    def restore_redis(self) -> None:
        """Empty, at the same address."""
        self.valkey._launch(binaries.valkey(accounts.for_servers()).executable)

    def crash_database(self) -> None:
        """Immediate stop: no transaction is finished, no session is told."""
        os.kill(self.postgres.pid, signal.SIGQUIT)
        assert self.postgres._process is not None
        self.postgres._process.wait(30)

    def restore_database(self) -> None:
        program = binaries.postgres(accounts.named(accounts.for_servers()))
        self.postgres._forget_dead_postmaster()
        self.postgres._launch(program.executable.with_name("postgres"))

    def alive(self, kind: str, lane: str = "") -> set[int]:
        """Processes of a kind that say they run and do."""
        found = [one for one in beats(self.database) if one.kind == kind]
        return {
            one.pid
            for one in found
            if one.details.get("lane", "") == lane and process.alive(one.pid)
        }

    def logs(self) -> str:
        return "\n".join(one.read_text()[-3_000:] for one in self.home.glob("*.log"))


@contextmanager
def premises(home: Path, **options: object) -> Iterator[Premises]:
    with ExitStack() as stack:
        # What is committed must be there after a crash, or nobody could tell what was lost.
        durable = {"synchronous_commit": "on"}
        postgres = stack.enter_context(Postgres(home, throwaway=True, options=durable))
        valkey = stack.enter_context(Valkey(home, throwaway=True))
        postgres.create_database("hub")
        app_url = postgres.url("hub", "hub")
        migrating.upgrade(postgres.url("hub_owner", "hub"), app_url)
        database = stack.enter_context(opened(app_url))
        keyring = Keyring.parse(KEYS)
        seller_id = create_seller(database, "Anna's Outdoor Shop", "GBP")
        world = stack.enter_context(
            pump.world(database, keyring, seller_id, home, **options)  # type: ignore[arg-type]
        )
        made = Premises(postgres, valkey, world, home)
        made.settings = {
            "DATABASE_URL": app_url,
            "REDIS_URL": valkey.url,
            "HUB_HOME": str(home),
            "HUB_LOOPBACK": ",".join(one.address for one in world.shops.values()),
            "HUB_SECRET_KEYS": KEYS,
            "HUB_PUBLIC_URL": world.doorway.url,
            "HUB_READBACK_SECONDS": "0.5",
            "HUB_PULL_SECONDS": "3",
            "HUB_SWEEP_SECONDS": "0.5",
            "HUB_LOG_LEVEL": "WARNING",
        }
        stack.callback(made.stop)
        yield made
