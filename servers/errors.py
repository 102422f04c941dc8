"""What starting a server of our own may raise. Each message says what to do.

ServersError
├── NoProgram        no server program was found; names the three ways to give one
├── NoAccount        the operating system has no account the server could run as
├── AlreadyRunning   another process runs the servers of this home
├── WrongVersion     the data belongs to a version this program must not open
├── StartFailed      the server did not come up; carries the end of its log
└── WrongThread      started from a thread whose end would take the server along
"""

from __future__ import annotations

from pathlib import Path


class ServersError(Exception):
    """Root of the tree."""


class NoProgram(ServersError):
    def __init__(self, server: str, ways: tuple[str, str, str]) -> None:
        first, second, third = ways
        super().__init__(
            f"no {server} to run. Three ways to give one: {first}; {second}; or {third}."
        )
        self.server = server
        self.ways = ways


class NoAccount(ServersError):
    pass


class AlreadyRunning(ServersError):
    def __init__(self, server: str, home: Path, pid: int) -> None:
        who = f"process {pid} already runs" if pid else "a process that is ending still holds"
        super().__init__(
            f"{who} {server} of {home}. Use that one, stop it first, "
            "or name another home with HUB_HOME."
        )
        self.server = server
        self.home = home
        self.pid = pid


class WrongVersion(ServersError):
    """``found`` wrote the data; ``present`` is the program at hand."""

    def __init__(self, data: Path, found: str, present: str, remedy: str) -> None:
        super().__init__(f"{data} was written by {found}; {present} must not open it. {remedy}")
        self.data = data
        self.found = found
        self.present = present


class StartFailed(ServersError):
    def __init__(self, server: str, log: Path, tail: str) -> None:
        super().__init__(f"{server} did not start. The end of its log, {log}:\n{tail}")
        self.server = server
        self.log = log
        self.tail = tail


class WrongThread(ServersError):
    pass
