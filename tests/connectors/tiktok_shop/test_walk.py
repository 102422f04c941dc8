"""The filter of a walk over TikTok's orders: whole seconds, each bound with its own second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.records import Cursor
from connectors.tiktok_shop.lists import changed
from connectors.walk import resume

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(days=1)
OVERLAP = timedelta(minutes=10)


def test_it_starts_somewhat_before_the_watermark_in_whole_seconds() -> None:
    asked = changed(resume(Cursor(SINCE), OVERLAP), None)

    assert asked == {"update_time_ge": int((SINCE - OVERLAP).timestamp())}


def test_a_bound_includes_its_own_second() -> None:
    asked = changed(resume(Cursor(SINCE), OVERLAP), NOW)

    assert asked["update_time_lt"] > NOW.timestamp()
