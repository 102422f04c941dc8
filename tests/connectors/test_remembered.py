"""What is kept of a channel's answers: so much and no more."""

from __future__ import annotations

from connectors.remembered import Remembered


def test_what_was_not_used_for_longest_is_forgotten_first() -> None:
    kept = Remembered(most=2)
    kept.keep("a", 1)
    kept.keep("b", 2)

    assert kept.get("a") == 1
    kept.keep("c", 3)

    assert [kept.get(key) for key in "abc"] == [1, None, 3]
