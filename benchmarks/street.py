"""Shops for the fairness benchmark: one that tells what it was asked for, one of ordinary speed,
one that hangs. All accept every stock write; they are threads of this process."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from threading import Thread
from time import perf_counter
from typing import BinaryIO

from benchmarks.storefront import ANSWER, listen

#: What a product is known by in a request (benchmarks.shop).
ITEM = re.compile(rb"gid://shopify/InventoryItem/(\d+)")
Asked = Callable[[int, float], None]


class Door:
    """A shop's server. ``asked`` hears of each product, and when the request for it was whole;
    answers take ``seconds``, for ever where that is None."""

    def __init__(
        self, *, seconds: float | None = 0.0, asked: Asked = lambda product, at: None
    ) -> None:
        self.seconds = seconds
        self.asked = asked
        self._listening = listen()
        self.address = "127.0.0.1:{1}".format(*self._listening.getsockname())
        Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            Thread(target=self._speak, args=(connection,), daemon=True).start()

    def _speak(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, connection.makefile("rb", 1 << 17) as lines:
            try:
                while lines.readline():
                    self._answer(connection, lines.read(_length(lines)))
            except OSError:
                return  # the caller has given up

    def _answer(self, connection: socket.socket, body: bytes) -> None:
        at = perf_counter()
        if self.seconds is None:
            connection.recv(1)  # until the caller gives up
            raise OSError("the caller has given up")
        if self.seconds:
            time.sleep(self.seconds)
        else:
            for product in {int(found) for found in ITEM.findall(body)}:
                self.asked(product, at)
        connection.sendall(ANSWER)

    def stop(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


def _length(lines: BinaryIO) -> int:
    length = 0
    while (line := lines.readline()) not in {b"\r\n", b""}:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return length
