"""What a job may take of others' time: its slice, its place in the crowd, when it steps aside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from connectors.errors import TransientError
from sync.aside import HELD, ROOM, Counter, steps_aside
from sync.crowding import (
    APART,
    CHANNEL_SHARE,
    HOST_SHARE,
    LATEST,
    MEMORY,
    NOTICED,
    SLOW,
    SOON,
    Crowd,
    Place,
)
from sync.lanes import LANES, LIVE, LONG, NEXT, SLICES, Slice, sliced, spent
from tests.pump import eventually

# -- slices ---------------------------------------------------------------------------------------


def test_a_slice_is_spent_when_it_ends_and_knows_what_it_cut() -> None:
    one = Slice(ends=10.0)

    before = one.spent("push", 7, 9.9)
    after = one.spent("push", 7, 10.0)

    assert (before, after) == (False, True)
    assert one.cut == {("push", 7)}


def test_outside_a_job_nothing_is_cut_short() -> None:
    assert not spent("push", 7)


def test_a_job_is_cut_short_once_its_slice_is_over_and_not_after_it() -> None:
    with sliced(LIVE, 0.0) as own:
        assert spent("pull", 3)

    assert own.cut == {("pull", 3)}
    assert not spent("pull", 3)


def test_what_is_long_goes_on_where_it_holds_up_nothing_live() -> None:
    assert set(NEXT) == set(SLICES) == set(LANES)
    assert LIVE not in NEXT.values()
    assert SLICES[LIVE] < SLICES[LONG]


# -- the crowd ------------------------------------------------------------------------------------


def place(*since: float, share: int = 2, quick_at: float = 0.0, slow_at: float = -1.0) -> Place:
    """A place with calls under way since then; the last quick answer came at ``quick_at``."""
    return Place(share, dict(enumerate(since)), quick_at, slow_at)


@pytest.mark.parametrize(
    ("one", "slow"),
    [
        (place(), False),
        (place(100.0 - SLOW / 2), False),
        (place(100.0 - SLOW), True),
        (place(100.0 - SLOW, quick_at=99.9), False),
        (place(slow_at=99.0), True),
        (place(slow_at=99.0, quick_at=99.5), False),
        (place(slow_at=100.0 - MEMORY), False),
    ],
    ids=[
        "nobody asks",
        "one has just asked",
        "one is not answered",
        "one is stuck among others that are answered",
        "the last answer was slow",
        "a quick one came since",
        "a slow one is long past",
    ],
)
def test_a_place_is_slow_while_nobody_is_answered_quickly(one: Place, slow: bool) -> None:
    assert one.slow(100.0) is slow


def test_a_place_is_full_only_where_it_is_slow() -> None:
    many = [100.0] * 5

    assert not place(*many).full(100.0)
    assert place(*many).full(100.0 + SLOW)
    assert not place(100.0).full(100.0 + SLOW)


def test_a_quick_answer_opens_a_place_to_all() -> None:
    one = place(90.0, 90.0, 99.9)
    assert one.full(100.0)

    one.answered(2, 100.0)

    assert not one.full(100.0)


def test_those_who_are_sent_away_come_again_one_after_the_other() -> None:
    one = place()

    waits = [one.come_again(100.0) for _ in range(3)]

    assert waits == pytest.approx([SOON + APART, SOON + 2 * APART, SOON + 3 * APART])


def test_nobody_is_sent_away_for_longer_than_the_longest_wait() -> None:
    one = place()

    waits = [one.come_again(100.0) for _ in range(10_000)]

    assert max(waits) == pytest.approx(LATEST)


def test_after_a_quick_answer_the_next_turn_is_soon_again() -> None:
    one = place(100.0)
    for _ in range(50):
        one.come_again(100.0)

    one.answered(0, 100.1)

    assert one.come_again(100.1) == pytest.approx(SOON + APART)


class Town(Crowd):
    """A crowd whose time stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 1_000.0

    def now(self) -> float:
        return self.time


def comes_in(town: Town, *hosts: str) -> int:
    """How many of these calls may be made, one after the other."""
    count = 0
    for host in hosts:
        try:
            town.begin("woocommerce", host)
        except TransientError:
            continue
        count += 1
    return count


def test_at_a_host_that_hangs_only_a_few_wait() -> None:
    town = Town()
    town.begin("woocommerce", "slow.example")
    town.time += SLOW

    assert comes_in(town, *["slow.example"] * 10) == HOST_SHARE - 1
    assert comes_in(town, "other.example") == 1


def test_at_a_channel_none_of_whose_hosts_answers_only_a_few_more_wait() -> None:
    town = Town()
    town.begin("woocommerce", "first.example")
    town.time += SLOW

    assert comes_in(town, *(f"{number}.example" for number in range(50))) == CHANNEL_SHARE - 1


def test_as_long_as_other_hosts_answer_the_channel_is_open() -> None:
    town = Town()
    for _ in range(HOST_SHARE):
        town.begin("woocommerce", "slow.example")
    town.time += SLOW
    number = town.begin("woocommerce", "quick.example")
    town.end("woocommerce", "quick.example", number)

    assert comes_in(town, *(f"{number}.example" for number in range(50))) == 50
    assert comes_in(town, "slow.example") == 0


def test_who_is_sent_away_is_told_when_to_come_again_and_breaks_nothing() -> None:
    town = Town()
    for _ in range(HOST_SHARE):
        town.begin("woocommerce", "slow.example")
    town.time += SLOW

    with pytest.raises(TransientError) as caught:
        town.begin("woocommerce", "slow.example")

    assert caught.value.throttled
    assert caught.value.retry_after == pytest.approx(SOON + APART)


def test_it_is_known_where_one_is_kept_waiting() -> None:
    town = Town()
    number = town.begin("woocommerce", "slow.example")
    at_first = town.keeps_waiting("woocommerce", "slow.example")
    town.time += NOTICED
    then = town.keeps_waiting("woocommerce", "slow.example")
    town.end("woocommerce", "slow.example", number)

    assert (at_first, then) == (False, True)
    assert not town.keeps_waiting("woocommerce", "slow.example")


# -- stepping aside -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "waited", "beside", "known", "aside"),
    [
        (HELD / 2, 0.0, 0, False, False),
        (HELD / 2, NOTICED / 2, 0, False, False),
        (HELD / 2, NOTICED, 0, False, True),
        (0.0, 0.0, 0, True, True),
        (HELD, 0.0, 0, False, True),
        (HELD, NOTICED, ROOM, True, False),
    ],
    ids=["gets on", "asks", "waits", "asks where others wait", "takes its time", "no room"],
)
def test_who_keeps_others_waiting_steps_aside(
    held: float, waited: float, beside: int, known: bool, aside: bool
) -> None:
    assert steps_aside(held, waited, beside, known=known) is aside


@contextmanager
def hung(counter: Counter, jobs: int) -> Iterator[Event]:
    """So many jobs were served that wait for a channel until the event is set."""
    answered = Event()

    def waits() -> None:
        with counter.waiting("woocommerce", "slow.example"):
            answered.wait(30)

    served = [counter.serve(waits) for _ in range(jobs)]
    assert not any(served)
    try:
        yield answered
    finally:
        answered.set()
        assert counter.rest(30)


def test_a_job_that_waits_for_its_channel_does_not_hold_up_the_next() -> None:
    counter, done = Counter(Crowd()), Event()
    with hung(counter, 3):
        assert counter.beside == 3

        assert counter.serve(done.set)

    assert done.is_set()


def test_who_has_stepped_aside_is_done_when_the_channel_answers() -> None:
    counter = Counter(Crowd())
    with hung(counter, 2) as answered:
        answered.set()
        eventually(lambda: counter.beside == 0, 20, "both are done")


def test_a_jobs_error_is_its_workers() -> None:
    def fails() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Counter(Crowd()).serve(fails)


def test_a_worker_that_stops_waits_for_those_beside_it_only_so_long() -> None:
    counter = Counter(Crowd())
    with hung(counter, 1):
        assert not counter.rest(0.01)
