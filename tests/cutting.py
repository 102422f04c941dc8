"""A line between a client and a server that can be cut at the worst moment: the server has done
what it was asked, and its answer is lost."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Self


class Line:
    """Passes bytes between Unix sockets: clients come to ``path``, the server is at ``server``.

    Once :meth:`cut_after` has been called, the next message that holds ``mark`` (after so many of
    them) still reaches the server; what it answers does not come back, and the connection ends.
    """

    def __init__(self, path: Path, server: Path, mark: bytes) -> None:
        self.server = server
        self.mark = mark
        self.cuts = 0
        self._passing: int | None = None
        self._lock = Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for one in self._open:
            _end(one)

    def cut_after(self, passing: int = 0) -> None:
        with self._lock:
            self._passing = passing

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self.server))
                self._open += [client, server]
                lost = Event()
                for work in (self._ask, self._answer):
                    Thread(target=work, args=(client, server, lost), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, lost: Event) -> None:
        with suppress(OSError):
            while said := client.recv(65_536):
                if self.mark in said and self._takes_one():
                    lost.set()
                server.sendall(said)
        _end(server)

    def _answer(self, client: socket.socket, server: socket.socket, lost: Event) -> None:
        with suppress(OSError):
            while said := server.recv(65_536):
                if lost.is_set():
                    break
                client.sendall(said)
        _end(client)
        _end(server)

    def _takes_one(self) -> bool:
        with self._lock:
            if self._passing is None:
                return False
            if self._passing:
                self._passing -= 1
                return False
            self._passing = None
            self.cuts += 1
            return True


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
