"""Who waits for stock that comes: served by the trade above, which hands in how."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from hub.db import Transaction


class Waiters(NamedTuple):
    """``lock`` takes the documents that wait for products, so that they come before the products
    in the order of locks; ``serve`` gives them what there is, the oldest promise first, and answers
    the units that found an owner."""

    lock: Callable[[Transaction, Sequence[int]], object]
    serve: Callable[[Transaction, Sequence[int]], int]
