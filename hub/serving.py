"""The web's worker process: gunicorn's threads, each of which stays with a connection for a moment.

After an answer gunicorn hands the connection back to its main thread, which waits on all of them
and hands it to a thread again with the next request. In a burst the next one is there at once, and
that way round costs a third of what answering it does. So the thread looks first, for as long as
no other connection waits for one.
"""

from __future__ import annotations

from collections import deque
from select import POLLIN, poll
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # no types

#: Milliseconds in which the next request of a burst is there, and how often it is seen meanwhile
#: whether another connection waits.
STAY, LOOK = 20, 5


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: One for each connection that waits for a thread; appending and popping need no lock.
        self._waiting: deque[None] = deque()

    def enqueue_req(self, conn: Any) -> None:
        self._waiting.append(None)
        super().enqueue_req(conn)

    def handle(self, conn: Any) -> Any:
        """True where the connection is kept, as gunicorn answers it."""
        self._waiting.pop()
        kept = super().handle(conn)
        while kept is True and self._speaks_on(conn):
            kept = super().handle(conn)
        return kept

    def _speaks_on(self, conn: Any) -> bool:
        if conn.parser.unreader.buf.getvalue():
            return False  # it has said more already, which gunicorn sees to
        ready = poll()
        ready.register(conn.sock, POLLIN)
        for _ in range(0, STAY, LOOK):
            if self._waiting or not self.alive:
                return False
            if ready.poll(LOOK):
                return True
        return False
