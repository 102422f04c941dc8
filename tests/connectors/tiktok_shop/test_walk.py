"""A walk over orders starts with its overlap, goes on by token, and ends at what it has seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import CursorExpired, ProtocolError
from connectors.records import Cursor
from connectors.tiktok_shop.walk import LONGEST, resume

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=1)
OVERLAP = timedelta(minutes=10)


def test_it_starts_somewhat_before_the_watermark_in_whole_seconds() -> None:
    asked = resume(Cursor(SINCE), OVERLAP).filter(None)

    assert asked == {"update_time_ge": int((SINCE - OVERLAP).timestamp())}


def test_a_bound_includes_its_own_second() -> None:
    asked = resume(Cursor(SINCE), OVERLAP).filter(NOW)

    assert asked["update_time_lt"] > NOW.timestamp()


def test_it_goes_on_where_it_was_with_the_same_filter() -> None:
    walk = resume(Cursor(SINCE), OVERLAP).met([NOW], 1)

    again = resume(walk.onward(Cursor(SINCE), "t1"), OVERLAP)

    assert (again.after, again.seen) == ("t1", NOW)
    assert again.filter(None) == walk.filter(None)


def test_it_ends_at_the_latest_change_seen_and_never_before_its_watermark() -> None:
    walk = resume(Cursor(SINCE), OVERLAP)

    assert walk.met([NOW], 1).ended(Cursor(SINCE)) == Cursor(NOW)
    assert walk.met([SINCE - OVERLAP], 1).ended(Cursor(SINCE)) == Cursor(SINCE)
    assert walk.ended(Cursor(SINCE)) == Cursor(SINCE)


def test_a_long_walk_starts_anew_at_what_it_has_seen() -> None:
    long = resume(Cursor(SINCE), OVERLAP).met([NOW], LONGEST)

    again = resume(long.onward(Cursor(SINCE), "t1"), OVERLAP)

    assert (again.start, again.after, again.seen, again.count) == (NOW, "", NOW, 0)


def test_it_goes_on_by_token_while_all_changed_at_once() -> None:
    stuck = replace(resume(Cursor(SINCE), OVERLAP), start=NOW).met([NOW], LONGEST)

    assert resume(stuck.onward(Cursor(SINCE), "t1"), OVERLAP).after == "t1"


def test_a_token_that_leads_back_is_refused() -> None:
    walk = resume(resume(Cursor(SINCE), OVERLAP).onward(Cursor(SINCE), "t1"), OVERLAP)

    with pytest.raises(ProtocolError):
        walk.onward(Cursor(SINCE), "t1")


@pytest.mark.parametrize("token", ["x", "[]", "[1, 2, 3, 4]", '["then", "t", "", 0]', "{}", "7"])
def test_a_token_that_is_not_ours_starts_the_walk_again(token: str) -> None:
    with pytest.raises(CursorExpired):
        resume(Cursor(SINCE, token), OVERLAP)
