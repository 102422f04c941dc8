"""A shop's HTTP server that accepts every stock write at once: what is left is our own time.

In this process, to say when a request came in; or as one of its own (``python -m
benchmarks.storefront``, which prints its port), so that it shares as little as it can.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from threading import Thread
from time import perf_counter

GROUP = {"createdAt": "2026-01-01T00:00:00Z", "reason": "correction", "referenceDocumentUri": None}
BODY = json.dumps(
    {"data": {"inventorySetQuantities": {"inventoryAdjustmentGroup": GROUP, "userErrors": []}}}
).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(BODY)
) + BODY
Heard = Callable[[float], None]


def listen() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=64)


def serve(listening: socket.socket, heard: Heard = lambda at: None) -> None:
    """Until the socket is closed. ``heard`` is told when each request was whole."""
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        Thread(target=_answer, args=(connection, heard), daemon=True).start()


def _answer(connection: socket.socket, heard: Heard) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb", 1 << 17) as lines:
        while lines.readline():
            length = 0
            while (line := lines.readline()) not in {b"\r\n", b""}:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            lines.read(length)
            heard(perf_counter())
            connection.sendall(ANSWER)


class Storefront:
    """A server in threads of this process."""

    def __init__(self, heard: Heard = lambda at: None) -> None:
        self._listening = listen()
        self.address = "127.0.0.1:{1}".format(*self._listening.getsockname())
        Thread(target=serve, args=(self._listening, heard), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def stop(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


if __name__ == "__main__":
    opened = listen()
    print(opened.getsockname()[1], flush=True)
    sys.stdout.close()
    serve(opened)
