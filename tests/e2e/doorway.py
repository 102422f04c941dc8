"""A TCP port on loopback that leads to a Unix socket: for programs that speak no other way.

Our PostgreSQL listens on a Unix socket alone and knows who calls by it; whoever comes through here
comes as the process that holds the doorway open.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from types import TracebackType
from typing import Self

CHUNK = 65_536


class Doorway(ThreadingTCPServer):
    """Open while its ``with`` block lasts; ``port`` is where."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, target: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.target = target
        self.port = int(self.server_address[1])

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, args=(0.1,), name="doorway", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self.shutdown()
        self.server_close()


class _Passage(BaseRequestHandler):
    server: Doorway

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as inside:
            inside.connect(str(self.server.target))
            back = Thread(target=_pump, args=(inside, self.request), daemon=True)
            back.start()
            _pump(self.request, inside)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Until the source has no more to say, which is passed on."""
    with suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
