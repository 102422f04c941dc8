"""How a simulated channel tells of changes: signed posts, repeated, disordered and lost on demand.

Eight failures in a row and the subscription is gone, as at Shopify: nothing says so to anyone.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import count
from threading import Condition, Thread
from time import monotonic
from urllib.parse import urlsplit

from connectors.simulators.faults import WEBHOOKS, Fault, Faults

CONNECT_SECONDS = 1.0
TOTAL_SECONDS = 5.0
FAILURES_ALLOWED = 8


@dataclass(frozen=True, slots=True)
class Post:
    """One webhook: on a retry it goes out again byte for byte."""

    subscription: str
    topic: str
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    attempt: int = 1


class Deliveries:
    """The channel's outgoing queue. ``dropped`` hears of a subscription that failed too often.

    ``log`` keeps the last posts with the status each got (0: no answer)."""

    def __init__(
        self,
        faults: Faults,
        *,
        backoff: Sequence[float] = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0),
        workers: int = 4,
        dropped: Callable[[str], None] = lambda subscription: None,
    ) -> None:
        self.faults = faults
        self.backoff = tuple(backoff)
        self.workers = workers
        self.dropped = dropped
        self.log: deque[tuple[Post, int]] = deque(maxlen=10_000)
        self.failures: Counter[str] = Counter()
        self._due: list[tuple[float, int, Post]] = []
        self._number = count()
        self._busy = 0
        self._wake = Condition()
        self._thread: Thread | None = None

    def send(self, post: Post, forged: Mapping[str, str]) -> None:
        """Queue a post. ``forged`` are the headers to use if chance wants a bad signature."""
        fault = self.faults.draw(post.topic, WEBHOOKS)
        if fault is Fault.WEBHOOK_LOST:
            return
        if fault is Fault.WEBHOOK_BAD_SIGNATURE:
            post = Post(post.subscription, post.topic, post.url, forged, post.body)
        wait = {Fault.WEBHOOK_LATE: self.faults.late, Fault.WEBHOOK_REORDER: 0.3}
        delay = wait.get(fault, 0.0) if fault else 0.0
        self._queue(post, delay)
        if fault is Fault.WEBHOOK_DUPLICATE:
            self._queue(post, delay)

    def start(self) -> None:
        with self._wake:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="webhooks", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        with self._wake:
            thread, self._thread = self._thread, None
            self._due.clear()
            self._wake.notify_all()
        if thread is not None:
            thread.join(TOTAL_SECONDS + 1)

    def drain(self, timeout: float = 10.0) -> bool:
        """Wait until nothing is left to deliver; False if it took longer."""
        until = monotonic() + timeout
        with self._wake:
            while (self._due or self._busy) and self._thread is not None:
                left = until - monotonic()
                if left <= 0:
                    return False
                self._wake.wait(min(left, 0.1))
            return True

    def _queue(self, post: Post, delay: float) -> None:
        with self._wake:
            if self._thread is None:
                return
            heapq.heappush(self._due, (monotonic() + delay, next(self._number), post))
            self._wake.notify_all()

    def _run(self) -> None:
        with ThreadPoolExecutor(self.workers, thread_name_prefix="webhook") as pool:
            while True:
                with self._wake:
                    if self._thread is None:
                        return
                    wait = self._due[0][0] - monotonic() if self._due else 1.0
                    if wait > 0 or self._busy >= 4 * self.workers:
                        self._wake.wait(max(min(wait, 1.0), 0.01))
                        continue
                    post = heapq.heappop(self._due)[2]
                    self._busy += 1
                pool.submit(self._deliver, post)

    def _deliver(self, post: Post) -> None:
        try:
            status = _post(post)
            self.log.append((post, status))
            if 200 <= status < 300:
                self.failures.pop(post.subscription, None)
            else:
                self._failed(post)
        finally:
            with self._wake:
                self._busy -= 1
                self._wake.notify_all()

    def _failed(self, post: Post) -> None:
        self.failures[post.subscription] += 1
        if self.failures[post.subscription] >= FAILURES_ALLOWED:
            del self.failures[post.subscription]
            self.dropped(post.subscription)
        elif post.attempt <= len(self.backoff):
            again = Post(
                post.subscription, post.topic, post.url, post.headers, post.body, post.attempt + 1
            )
            self._queue(again, self.backoff[post.attempt - 1])


def _post(post: Post) -> int:
    """The status answered, 0 for none."""
    address = urlsplit(post.url)
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    connection = kind(address.hostname or "", address.port, timeout=CONNECT_SECONDS)
    try:
        connection.connect()
        connection.sock.settimeout(TOTAL_SECONDS)
        path = address.path or "/"
        target = f"{path}?{address.query}" if address.query else path
        connection.request("POST", target, post.body, dict(post.headers))
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()
