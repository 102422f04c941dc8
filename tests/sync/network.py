"""Hosts of their own on this machine: network namespaces at one bridge, each with the hub's
processes. A host whose end is taken off the bridge is cut off: no packet comes or goes, and nobody
is told. Linux, as root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hub.config import environment
from servers import process
from tests.pump import World
from tests.sync.cable import Cable

BRIDGE = "hub-bridge"
NET = "10.77.0"
#: Where the servers and the shops are.
CENTRE = f"{NET}.1"
#: Started again where they have left, as a Procfile's runner does.
STAFF = ("clock", "worker --lane live", "worker --lane bulk")


def possible() -> bool:
    return process.LINUX and os.geteuid() == 0 and shutil.which("ip") is not None


def _ip(*words: str) -> None:
    found = shutil.which("ip") or "ip"
    subprocess.run([found, *words], check=True, capture_output=True)  # noqa: S603  # words of this module


@dataclass
class Host:
    """One host: its namespace, its address, its processes."""

    number: int
    home: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"hub-host-{self.number}"

    @property
    def address(self) -> str:
        return f"{NET}.{10 + self.number}"

    @property
    def end(self) -> str:
        """Its end at the bridge."""
        return f"hub-veth-{self.number}"

    def build(self) -> None:
        _ip("netns", "add", self.name)
        _ip("link", "add", self.end, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("eth0", "lo"):
            _ip("-n", self.name, "link", "set", device, "up")
        _ip("link", "set", self.end, "up")
        self.join()

    def remove(self) -> None:
        """Its end as well: a namespace lingers as long as a connection in it does."""
        for words in (("link", "delete", self.end), ("netns", "delete", self.name)):
            with suppress(subprocess.CalledProcessError):
                _ip(*words)

    def cut(self) -> None:
        _ip("link", "set", self.end, "nomaster")

    def join(self) -> None:
        _ip("link", "set", self.end, "master", BRIDGE)

    def start(self, name: str, command: Sequence[str], settings: dict[str, str]) -> None:
        with (self.home / f"{self.name} {name.split()[0]}.log").open("ab") as log:
            self.running[name] = process.spawn(
                [shutil.which("ip") or "ip", "netns", "exec", self.name, sys.executable, *command],
                stop_signal=signal.SIGKILL,
                env={**environment(), **settings},
                stdout=log,
            )

    def keep(self, settings: dict[str, str]) -> None:
        """Start what is not there, and what has left."""
        for name in STAFF:
            child = self.running.get(name)
            if child is None or child.poll() is not None:
                self.start(name, ["-m", "hub.cli", *name.split()], settings)

    def stop(self) -> None:
        for child in self.running.values():
            process.stop(child, signal.SIGKILL, 15)


@contextmanager
def bridged(count: int, home: Path) -> Iterator[list[Host]]:
    """Hosts with nothing on them yet."""
    with ExitStack() as stack:
        with suppress(subprocess.CalledProcessError):
            _ip("link", "delete", BRIDGE)
        _ip("link", "add", BRIDGE, "type", "bridge")
        stack.callback(_ip, "link", "delete", BRIDGE)
        _ip("address", "add", f"{CENTRE}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        hosts = [Host(number, home) for number in range(count)]
        for host in hosts:
            host.remove()  # what a run that was killed has left
            stack.callback(host.remove)
            stack.callback(host.stop)
            host.build()
        yield hosts


@contextmanager
def shops_reached(world: World, hosts: Sequence[Host]) -> Iterator[None]:
    """The shops listen on loopback: so every host has them on its own, by way of the bridge."""
    with ExitStack() as stack:
        local = [one.address for one in world.shops.values()]
        there = [address.replace("127.0.0.1", CENTRE) for address in local]
        for here, shop in zip(there, local, strict=True):
            stack.enter_context(Cable(here, shop))
        pairs = [part for pair in zip(local, there, strict=True) for part in pair]
        for host in hosts:
            host.start("shops", ["-m", "tests.sync.cable", *pairs], {})
        yield
