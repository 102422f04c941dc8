"""Work done together: by whom, for whom, and whose failure it is."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from time import sleep

import pytest

from hub.channels.gathering import Gathering


class Workshop:
    """Doubles numbers; the first time only once it is told to, so that others come meanwhile."""

    def __init__(self, most: int = 64) -> None:
        self.batches: list[list[int]] = []
        self.busy = Event()
        self.go = Event()
        self.gathering = Gathering(self.work, most)

    def work(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        if not self.busy.is_set():
            self.busy.set()
            assert self.go.wait(10)
        if 13 in items:
            raise LookupError("thirteen")
        return [ValueError(f"{one} is less than nothing") if one < 0 else 2 * one for one in items]

    def together(self, *items: int) -> list[Future[int]]:
        """Have 1 done, and while that is under way have these come."""
        with ThreadPoolExecutor(len(items) + 1) as crew:
            crew.submit(self.gathering.serve, 1)
            assert self.busy.wait(10)
            made = [crew.submit(self.gathering.serve, item) for item in items]
            while len(self.gathering._waiting) < len(items):
                sleep(0.001)
            self.go.set()
        return made


def test_what_comes_alone_is_done_at_once() -> None:
    shop = Workshop()
    shop.go.set()

    done = [shop.gathering.serve(2), shop.gathering.serve(3)]

    assert (done, shop.batches) == ([4, 6], [[2], [3]])


def test_what_comes_while_another_is_at_work_is_done_together() -> None:
    shop = Workshop()

    done = shop.together(2, 3, 4)

    assert [one.result() for one in done] == [4, 6, 8]
    assert [sorted(batch) for batch in shop.batches] == [[1], [2, 3, 4]]


def test_no_more_are_done_together_than_allowed() -> None:
    shop = Workshop(most=2)

    done = shop.together(2, 3, 4, 5, 6)

    assert [one.result() for one in done] == [4, 6, 8, 10, 12]
    assert [len(batch) for batch in shop.batches] == [1, 2, 2, 1]


def test_an_error_is_raised_where_it_belongs_and_the_others_are_done() -> None:
    shop = Workshop()

    good, bad, other = shop.together(2, -3, 4)

    assert (good.result(), other.result()) == (4, 8)
    with pytest.raises(ValueError, match="less than nothing"):
        bad.result()


def test_work_that_fails_for_all_is_done_for_each_alone() -> None:
    shop = Workshop()

    good, bad, other = shop.together(2, 13, 4)

    assert (good.result(), other.result()) == (4, 8)
    with pytest.raises(LookupError):
        bad.result()
    assert shop.gathering.serve(5) == 10
