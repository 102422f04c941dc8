"""A cable between a host and a server: cut, it says nothing more, and nobody is told.

What was sent and not yet passed on stays in it, as in a network that comes back; nothing is closed,
in either direction, while it is cut. ``python -m tests.sync.cable HERE THERE …`` lays some.
Addresses are paths of Unix sockets, or host:port.
"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from threading import Event, Thread
from typing import Self

PIECE = 65_536


def _socket(address: str) -> tuple[socket.socket, str | tuple[str, int]]:
    if "/" in address:
        return socket.socket(socket.AF_UNIX), address
    host, _, port = address.rpartition(":")
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made, (host, int(port))


class Cable:
    """From ``here``, where clients come, to ``there``, where the server is."""

    def __init__(self, here: str, there: str) -> None:
        self.there = there
        self._whole = Event()
        self._whole.set()
        self._over = False
        self._open: list[socket.socket] = []
        self._listener, address = _socket(here)
        self._listener.bind(address)
        self._listener.listen(64)

    def __enter__(self) -> Self:
        Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._whole.set()
        self._listener.close()
        for one in self._open:
            _end(one)

    def cut(self) -> None:
        self._whole.clear()

    def join(self) -> None:
        self._whole.set()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._whole.wait()
        server, address = _socket(self.there)
        try:
            server.connect(address)
        except OSError:
            server.close()
            client.close()
            return
        self._open += [client, server]
        for source, target in ((client, server), (server, client)):
            Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while said := source.recv(PIECE):
                self._whole.wait()
                if self._over:
                    break
                target.sendall(said)
        self._whole.wait()
        _end(target)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


if __name__ == "__main__":
    for here, there in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        Cable(here, there).__enter__()
    Event().wait()
