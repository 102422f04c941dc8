"""A Valkey of our own on a socket of this machine: it listens to no network.

It holds nothing that the database does not know better; keeping it over restarts only saves time.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from servers import accounts, binaries, marker, place, process
from servers.errors import ServersError, StartFailed
from servers.marker import Release
from servers.place import Place

START_SECONDS = 60.0
STOP_SECONDS = 15.0
LAST_COMMON_REDIS = (7, 2)  # Valkey was forked from it; later Redis files are not for Valkey
SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "maxmemory-policy": "noeviction",
    "save": "",
    "daemonize": "no",
}
LASTING = {"appendonly": "yes", "appendfsync": "everysec"}
THROWAWAY = {"appendonly": "no"}
REMEDY = (
    "Start it with {found}, run BGSAVE and copy dump.rdb to a server that reads it, or install "
    "{found} again. Nothing is lost if {data} is moved away: queues refill from the database."
)


class Valkey:
    """One server for one home. ``options`` are settings of the server, over ours."""

    def __init__(
        self, home: Path, *, throwaway: bool = False, options: Mapping[str, str] | None = None
    ) -> None:
        self.home = home
        self.throwaway = throwaway
        self.options = {**SETTINGS, **(THROWAWAY if throwaway else LASTING), **(options or {})}
        self._place: Place | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> Place:
        if self._place is None:
            raise ServersError("Valkey is not started: call start() first")
        return self._place

    @property
    def pid(self) -> int:
        if self._process is None:
            raise ServersError("Valkey is not started: call start() first")
        return self._process.pid

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"unix://{self.socket}?db=0"

    @property
    def socket(self) -> Path:
        return self.place.run / "valkey.sock"

    def start(self) -> None:
        """Start it. Only from the main thread."""
        if self._process is not None:
            return
        account = accounts.for_servers()
        program = binaries.valkey(account)
        self._place = place.take("valkey", self.home, account, throwaway=self.throwaway)
        try:
            self.place.directory(self.place.data)
            marker.check(self.place.data, program.release, _may_open, REMEDY)
            self._launch(program.executable)
            self.place.write(self.place.data / marker.NAME, marker.text(program.release))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        if self._process is not None:
            process.stop(self._process, signal.SIGTERM, STOP_SECONDS)
            self._process = None
        if self._place is not None:
            self._place.release()
            self._place = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _launch(self, executable: Path) -> None:
        here = self.place
        where = {"unixsocket": str(self.socket), "dir": str(here.data)}
        settings = {**self.options, **where}
        log = here.open_log()
        start = here.log.stat().st_size
        try:
            self._process = process.spawn(
                [
                    executable,
                    *(part for key, value in settings.items() for part in (f"--{key}", value)),
                ],
                user=here.account,
                stop_signal=signal.SIGTERM,
                env=binaries.ENVIRONMENT,
                stdout=log,
                pass_fds=here.locks,
                cwd=Path("/"),  # the server's account can enter it
            )
        finally:
            os.close(log)
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self.socket):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StartFailed("Valkey", here.log, here.log_tail(start))
            time.sleep(0.02)


def _answers(path: Path) -> bool:
    """Whether it takes commands; while it still reads its file it says LOADING."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _may_open(found: Release, present: Release) -> bool:
    if found.server == present.server:
        return found.version <= present.version
    return present.server == "Valkey" and found.version[:2] <= LAST_COMMON_REDIS
