"""Rings become jobs: at once, together, and never one too few."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.channels import flows
from sync.clock import PATIENCE, QUIET, Bell, Topic, parse

MUGS: Topic = ("stock", 1, 0)
DUE_WHEN_LIVE = {flows.PULL, flows.PUSH, flows.CHECK, flows.INBOX}


def test_the_first_ring_goes_out_at_once_and_the_rest_of_a_burst_as_one() -> None:
    bell = Bell()

    sent = [bell.ring(MUGS, 10.0 + n * QUIET / 10) for n in range(8)]

    assert sent == [True, *[False] * 7]
    assert bell.due(10.0 + QUIET * 0.9) == []
    assert bell.due(10.0 + QUIET * 1.01) == [MUGS]
    assert bell.due(11.0) == []


def test_rings_of_different_topics_do_not_wait_for_each_other() -> None:
    bell = Bell()

    assert bell.ring(("stock", 1, 0), 10.0)
    assert bell.ring(("stock", 2, 0), 10.0)
    assert bell.ring(("pull", 1, 7), 10.0)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 3 * QUIET), st.booleans()), min_size=1, max_size=40))
def test_after_the_last_ring_there_is_always_a_send(steps: list[tuple[float, bool]]) -> None:
    bell, now = Bell(), 100.0
    sent: list[float] = []
    last_ring = -1.0
    for pause, rings in steps:
        now += pause
        sent += [now] * len(bell.due(now))
        if rings:
            last_ring = now
            if bell.ring(MUGS, now):
                sent.append(now)

    end = now + bell.next_in(now) + 1e-6
    sent += [end] * len(bell.due(end))

    after = [at for at in sent if at >= last_ring]
    assert last_ring < 0 or after
    assert last_ring < 0 or min(after) <= max(last_ring + QUIET + 1e-5, now)
    assert not bell.waiting


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0.0, QUIET / 4), min_size=10, max_size=200))
def test_a_burst_makes_far_fewer_jobs_than_rings(pauses: list[float]) -> None:
    bell, now, sends = Bell(), 100.0, 0
    for pause in pauses:
        now += pause
        sends += len(bell.due(now)) + bell.ring(MUGS, now)

    assert sends <= 2 + 2 * sum(pauses) / QUIET


def test_what_is_due_before_the_next_sweep_goes_out_at_its_time() -> None:
    bell = Bell()
    bell.later(MUGS, 12.0)
    bell.later(MUGS, 13.0)

    assert bell.next_in(11.5) == pytest.approx(0.5)
    assert bell.due(11.9) == []
    assert bell.due(12.0) == [MUGS]


def test_the_bell_forgets_what_is_long_past() -> None:
    bell = Bell()
    for seller in range(10_001):
        bell.ring(("stock", seller, 0), 0.0)

    bell.forget(PATIENCE + 1)

    assert bell.sent == {}


@pytest.mark.parametrize(
    ("payload", "topic"),
    [
        ("7:stock", ("stock", 7, 0)),
        ("7:pull:12", ("pull", 7, 12)),
        ("7:push:12", ("push", 7, 12)),
        ("7:verify", ("verify", 7, 0)),
        ("", None),
        (":", None),
        ("::", None),
        ("7", None),
        ("7:", None),
        ("7:nonsense", None),
        ("7:pull:", None),
        ("7:pull:x", None),
        ("7:pull:1:2", None),
        ("-7:pull:1", None),
        ("7.5:pull:1", None),
        ("7:pull:-1", None),
        ("7:PULL:1", None),
        ("x:pull:1", None),
        (" 7:pull:1", None),
        ("7:pull:1\n", None),
        ("7:__class__", None),
        ("²:pull:1", None),
        ("9" * 5_000 + ":stock", None),
        ("7:pull:" + "9" * 5_000, None),
        ("\0:stock", None),
        ("🔔", None),
    ],
)
def test_only_our_own_rings_are_heard(payload: str, topic: Topic | None) -> None:
    assert parse(payload) == topic
