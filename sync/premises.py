"""A whole installation on this machine: the two servers, the schema, the Procfile's processes.

Whatever is started here ends with this process, however it ends.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from honcho.environ import parse_procfile

from hub import migrating
from hub.config import CHECKOUT, Settings, environment, settings
from hub.logs import logger
from hub.secrets import create_key_file
from servers import process, state
from servers.postgres import Postgres
from servers.valkey import Valkey
from sync.carrier import Carrier

log = logger(__name__)

DATABASE = "hub"
STOP_SECONDS = 20.0
#: Started by hand or by the release step, not kept running.
NOT_KEPT = ("release",)


class Stoppable(Protocol):
    def stop(self) -> None: ...


Running = TypeVar("Running", bound=Stoppable)


class Premises:
    """``given`` are the user's settings: servers they name are used, the others are embedded.

    ``fresh``: throwaway servers with nothing in them, gone at the end.
    """

    def __init__(self, given: Settings, *, fresh: bool = False, database: str = DATABASE) -> None:
        self.given = given
        self.fresh = fresh
        self.database = database
        self.home = given.home
        self._stack = ExitStack()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._environment: dict[str, str] = {}
        self.log_folder = self.home / "log"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_processes()
        self._stack.close()

    def _start(self) -> None:
        app_url, owner_url = self.given.database_url, self.given.migration_database_url
        redis_url = self.given.redis_url
        if not app_url:
            server = self._stack.enter_context(Postgres(self.home, throwaway=self.fresh))
            if self.database not in server.databases():
                server.create_database(self.database)
            app_url, owner_url = (
                server.url("hub", self.database),
                server.url("hub_owner", self.database),
            )
        if not redis_url:
            valkey = self._stack.enter_context(Valkey(self.home, throwaway=self.fresh))
            redis_url = valkey.url
        self.home.mkdir(parents=True, exist_ok=True)
        if not self.given.secret_keys:
            create_key_file(self.home)
        migrating.upgrade(owner_url, app_url)
        self._environment = {
            **environment(),
            "DATABASE_URL": app_url,
            "MIGRATION_DATABASE_URL": owner_url,
            "REDIS_URL": redis_url,
            "HUB_HOME": str(self.home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        }

    @property
    def settings(self) -> Settings:
        """What the processes started here see."""
        return settings(self._environment)

    def keep(self, thing: Running) -> Running:
        """Stop it with the rest."""
        self._stack.callback(thing.stop)
        return thing

    def carrier(self) -> Carrier:
        carrier = Carrier.of(self.settings)
        self._stack.callback(carrier.close)
        return carrier

    def configure(self, **values: str) -> None:
        self._environment.update(values)

    def open_web(self) -> str:
        """A listening socket of our own choosing, handed to the web process: no port to collide."""
        listening = self._stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        listening.set_inheritable(True)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self.configure(HUB_WEB_FD=str(listening.fileno()), HUB_PUBLIC_URL=url)
        return url

    def announce(self) -> None:
        """Let ``hub`` in another terminal find all this."""
        found = self.settings
        running = state.Running(
            database_url=found.database_url,
            migration_database_url=found.migration_database_url,
            redis_url=found.redis_url,
            web_url=found.public_url,
            loopback=",".join(sorted(found.loopback)),
        )
        state.save(self.home, running)
        self._stack.callback(state.clear, self.home)

    def start_processes(self, only: Collection[str] = ()) -> None:
        """Start what the Procfile names, each with a log of its own."""
        self.log_folder.mkdir(parents=True, exist_ok=True)
        procfile = parse_procfile((CHECKOUT / "Procfile").read_text())
        for name, line in procfile.processes.items():
            if name not in NOT_KEPT and (not only or name in only):
                self._spawn(name, line)

    def _spawn(self, name: str, line: str) -> None:
        web = self._environment.get("HUB_WEB_FD")
        with open(self.log_folder / f"{name}.log", "ab") as output:
            self._children[name] = process.spawn(
                ["/bin/sh", "-c", f"exec {line}"],
                stop_signal=signal.SIGTERM,
                env=self._environment,
                stdout=output,
                pass_fds=[int(web)] if web and name == "web" else [],
                cwd=CHECKOUT,
            )

    def pid(self, name: str) -> int:
        return self._children[name].pid

    def left(self) -> dict[str, int]:
        """Processes that have ended though nobody asked them to: name → exit code."""
        return {
            name: child.returncode
            for name, child in self._children.items()
            if child.poll() is not None
        }

    def stop_processes(self) -> None:
        for child in self._children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children.values():
            process.stop(child, signal.SIGTERM, max(0.1, deadline - time.monotonic()))
        self._children.clear()
