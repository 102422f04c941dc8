"""What a channel has told and cannot tell otherwise, kept between the jobs of one process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any

#: Answers kept of one account, each some kilobytes at most; a process may hold a hundred accounts.
MOST = 200


class Remembered:
    """One account's. Losing it costs requests and nothing else: the oldest use is forgotten first.
    Thread-safe; what it gives out must not be changed."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Any:
        """None where it is not known (any more). The key names all that the answer depends on."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def keep(self, key: Hashable, answer: Any) -> None:
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > self.most:
                self._answers.popitem(last=False)
