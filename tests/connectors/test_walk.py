"""A walk over changed orders: its token, its end, and how it stays below what a channel pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import CursorExpired, ProtocolError
from connectors.records import Cursor
from connectors.walk import Walk, resume

LONGEST = 20_000
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_a_new_walk_begins_before_the_watermark() -> None:
    assert resume(Cursor(NOON), timedelta(minutes=10)) == Walk(NOON - timedelta(minutes=10))


def test_a_token_brings_back_the_same_walk() -> None:
    walk = Walk(NOON, "abc").met([NOON + timedelta(seconds=3)], 50)

    again = resume(walk.onward(Cursor(NOON), "def", longest=LONGEST), timedelta(minutes=10))

    assert again == Walk(NOON, "def", NOON + timedelta(seconds=3), 50)


def test_a_walk_that_grows_too_long_starts_anew_at_what_it_has_seen() -> None:
    seen = NOON + timedelta(days=2)
    walk = Walk(NOON, "abc").met([seen], LONGEST)

    cursor = walk.onward(Cursor(NOON), "def", longest=LONGEST)

    assert cursor.since == NOON
    assert resume(cursor, timedelta(0)) == Walk(seen, "", seen, 0)


def test_one_second_with_more_orders_than_that_is_walked_on() -> None:
    walk = Walk(NOON, "abc").met([NOON], LONGEST)

    assert resume(walk.onward(Cursor(NOON), "def", longest=LONGEST), timedelta(0)).after == "def"


@pytest.mark.parametrize("end", ["", "abc"])
def test_a_page_that_ends_where_it_began_is_an_error(end: str) -> None:
    with pytest.raises(ProtocolError):
        Walk(NOON, "abc").onward(Cursor(NOON), end, longest=LONGEST)


def test_the_watermark_moves_with_the_shops_time_and_never_back() -> None:
    later = NOON + timedelta(hours=1)

    assert Walk(NOON).met([NOON, later], 2).ended(Cursor(NOON)) == Cursor(later)
    assert Walk(NOON).met([NOON], 1).ended(Cursor(later)) == Cursor(later)
    assert Walk(NOON).ended(Cursor(later)) == Cursor(later)


@pytest.mark.parametrize("token", ["x", "[]", "[1,2,3,4]", '{"a":1}', '["","","",0]', "7"])
def test_a_token_that_is_not_ours_is_told_as_expired(token: str) -> None:
    with pytest.raises(CursorExpired):
        resume(Cursor(NOON, token), timedelta(0))
