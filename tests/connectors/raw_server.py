"""A server that misbehaves to the byte: each connection is played by the next of its scripts."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Thread
from typing import Self

Play = Callable[[socket.socket, "RawServer"], None]


class RawServer:
    """Listens on 127.0.0.1. The last script plays for every later connection, too."""

    def __init__(self, *scripts: Play | bytes, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopping = Event()
        self._scripts: Sequence[Play | bytes] = scripts
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [Thread(target=self._listen)]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        # close() alone leaves a thread blocked in accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def read(self, connection: socket.socket) -> bool:
        """One whole request, kept. False when the client is gone."""
        got = b""
        while b"\r\n\r\n" not in got:
            piece = connection.recv(65536)
            if not piece:
                return False
            got += piece
        head, _, body = got.partition(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return True

    def _listen(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(10)
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            thread = Thread(target=self._play, args=(connection, script))
            self._threads.append(thread)
            thread.start()

    def _play(self, connection: socket.socket, script: Play | bytes) -> None:
        with connection, suppress(OSError):
            if self._tls is not None:
                with self._tls.wrap_socket(connection, server_side=True) as secured:
                    self._answer(secured, script)
            else:
                self._answer(connection, script)

    def _answer(self, connection: socket.socket, script: Play | bytes) -> None:
        if not isinstance(script, bytes):
            script(connection, self)
        elif self.read(connection):
            connection.sendall(script)


def answer(
    status: int = 200, body: bytes = b"{}", *, length: int | None = None, **headers: str
) -> bytes:
    """An answer's bytes; ``retry_after="3"`` makes the header ``retry-after: 3``."""
    lines = [f"HTTP/1.1 {status} Word", "Connection: close"]
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def drip(before: bytes, piece: bytes, every: float) -> Play:
    """Sends ``before``, then ``piece`` again and again: no read ever times out."""

    def play(connection: socket.socket, server: RawServer) -> None:
        server.read(connection)
        connection.sendall(before)
        while not server.stopping.wait(every):
            connection.sendall(piece)

    return play


def silent(connection: socket.socket, server: RawServer) -> None:
    """Accepts, reads, never answers."""
    while not server.stopping.is_set() and connection.recv(65536):
        pass
