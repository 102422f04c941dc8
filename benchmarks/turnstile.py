"""A channel that counts: what is beyond the account's budget is turned away.

``python -m benchmarks.turnstile requests|points RATE BURST`` prints its port. ``requests``: each
costs one; beyond the budget 429 with Retry-After in whole seconds. ``points``: the query says what
it could cost and what it did; THROTTLED inside HTTP 200, as Shopify has it. ``GET /told`` answers
what has been let in and turned away; ``GET /end`` closes the books, once the first host has
stopped; ``GET /new`` begins anew with a full budget at the next query.
"""

from __future__ import annotations

import json
import socket
import sys
from math import ceil
from threading import Lock, Thread
from time import monotonic

from benchmarks.storefront import listen


class Turnstile:
    """The bucket and its books. ``began``: when the first came."""

    def __init__(self, kind: str, rate: float, burst: float) -> None:
        self.kind = kind
        self.rate = rate
        self.burst = burst
        self.lock = Lock()
        self.anew()

    def anew(self) -> None:
        self.level = self.burst
        self.at = self.began = self.ended = 0.0
        self.used = 0.0
        self.let_in = self.turned_away = 0

    def come(self, asked: float, paid: float) -> bool:
        """Whether one is let in, which takes what it did cost."""
        now = monotonic()
        if not self.began:
            self.at = self.began = now
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        if asked > self.level:
            self.turned_away += 1
            return False
        self.level -= paid
        self.used += 0 if self.ended else paid
        self.let_in += 1
        return True

    def told(self, path: str) -> bytes:
        """The budget that there was up to the end, or to now, and what became of it."""
        if path == "/new":
            self.anew()
        elif path == "/end":
            self.ended = self.ended or monotonic()
        seconds = (self.ended or monotonic()) - self.began if self.began else 0.0
        books = {
            "budget": self.burst + self.rate * seconds,
            "used": self.used,
            "let_in": self.let_in,
            "turned_away": self.turned_away,
        }
        return _answer(200, json.dumps(books).encode())

    def answer(self, path: str) -> bytes:
        """``/asked/paid`` is a query; the rest is for the one who measures."""
        with self.lock:
            if path in {"/told", "/end", "/new"}:
                return self.told(path)
            asked, paid = (float(part) for part in path[1:].split("/"))
            let_in = self.come(asked, paid)
            if self.kind == "points":
                return _answer(200, self._points(asked, paid, let_in=let_in))
            if let_in:
                return _answer(200, b"{}")
            wait = ceil((asked - self.level) / self.rate)
            return _answer(429, b"{}", f"Retry-After: {wait}\r\n")

    def _points(self, asked: float, paid: float, *, let_in: bool) -> bytes:
        status = {
            "maximumAvailable": self.burst,
            "currentlyAvailable": int(self.level),
            "restoreRate": self.rate,
        }
        cost = {
            "requestedQueryCost": asked,
            "actualQueryCost": paid if let_in else None,
            "throttleStatus": status,
        }
        refusal = [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]
        said = {"data": {}} if let_in else {"errors": refusal}
        return json.dumps({**said, "extensions": {"cost": cost}}).encode()


def _answer(status: int, body: bytes, headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status} .\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def serve(listening: socket.socket, turnstile: Turnstile) -> None:
    while True:
        connection, _ = listening.accept()
        Thread(target=_serve, args=(connection, turnstile), daemon=True).start()


def _serve(connection: socket.socket, turnstile: Turnstile) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb") as lines:
        while first := lines.readline():
            while lines.readline() not in {b"\r\n", b""}:
                pass
            connection.sendall(turnstile.answer(first.split()[1].decode("ascii")))


if __name__ == "__main__":
    opened = listen()
    print(opened.getsockname()[1], flush=True)
    sys.stdout.close()
    serve(opened, Turnstile(sys.argv[1], float(sys.argv[2]), float(sys.argv[3])))
