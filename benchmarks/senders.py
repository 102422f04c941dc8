"""Who posts a burst of webhooks: many connections kept open, one thread, as little work as can be.

Sender and servers share the machine, so whatever is spent here is missing there: requests are bytes
that were made before, and an answer is read no further than its status and length.
"""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic, perf_counter, thread_time

PATIENCE = 30.0
#: Posts on one connection. Whoever answers least takes the next one: that is how work is shared out
#: between the web processes, and a channel keeps none open for ever.
EACH = 50
LENGTH = b"content-length:"


@dataclass(slots=True)
class Burst:
    """What came of the posts, one for one: the status and the seconds until it was whole."""

    statuses: list[int]
    waits: list[float]
    seconds: float = 0.0
    cpu: float = 0.0
    again: int = 0


@dataclass(slots=True)
class Line:
    """One connection and the post it waits for."""

    socket: socket.socket
    number: int = -1
    began: float = 0.0
    got: bytes = field(default=b"")
    sent: int = 0


def post(address: tuple[str, int], posts: Sequence[bytes], connections: int) -> Burst:
    """Post them all; each connection sends its next when the last was answered. One that the server
    closes is opened again and its post repeated, as every channel does."""
    made = Burst([0] * len(posts), [0.0] * len(posts))
    waiting = deque(range(len(posts)))
    with selectors.DefaultSelector() as ready:
        began, cpu = perf_counter(), thread_time()
        busy, deadline = min(connections, len(posts)), monotonic() + PATIENCE
        for _ in range(busy):
            _next(_open(ready, address), posts, waiting)
        while busy:
            assert monotonic() < deadline, f"{len(waiting)} posts are left"
            for key, _ in ready.select(1.0):
                line = key.data
                if not _read(line):
                    made.again += 1
                    _send(_reopen(ready, line, address), posts)
                elif (status := _status(line.got)) is not None:
                    made.statuses[line.number] = status
                    made.waits[line.number] = perf_counter() - line.began
                    deadline = monotonic() + PATIENCE
                    if line.sent >= EACH and waiting:
                        line = _reopen(ready, line, address)
                    busy -= not _next(line, posts, waiting)
        made.seconds, made.cpu = perf_counter() - began, thread_time() - cpu
        for line in [key.data for key in ready.get_map().values()]:
            line.socket.close()
    return made


def _open(ready: selectors.BaseSelector, address: tuple[str, int]) -> Line:
    made = socket.create_connection(address, PATIENCE)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line = Line(made)
    ready.register(made, selectors.EVENT_READ, line)
    return line


def _reopen(ready: selectors.BaseSelector, gone: Line, address: tuple[str, int]) -> Line:
    ready.unregister(gone.socket)
    gone.socket.close()
    line = _open(ready, address)
    line.number, line.began = gone.number, gone.began
    return line


def _next(line: Line, posts: Sequence[bytes], waiting: deque[int]) -> bool:
    """Send the next post; False when there is none."""
    if not waiting:
        return False
    line.number = waiting.popleft()
    line.began = perf_counter()
    _send(line, posts)
    return True


def _send(line: Line, posts: Sequence[bytes]) -> None:
    line.got = b""
    line.sent += 1
    line.socket.sendall(posts[line.number])


def _read(line: Line) -> bool:
    try:
        found = line.socket.recv(65_536)
    except ConnectionError:
        return False
    line.got += found
    return bool(found)


def _status(got: bytes) -> int | None:
    """The status of an answer that is whole."""
    head, separator, body = got.partition(b"\r\n\r\n")
    if not separator:
        return None
    head = head.lower()
    at = head.index(LENGTH) + len(LENGTH)
    length = int(head[at : (head + b"\r\n").index(b"\r\n", at)])
    return int(head[9:12]) if len(body) >= length else None
