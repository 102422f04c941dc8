"""The shop's clock tells no zone, and one hour twice a year: nothing is lost by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connectors.prestashop.localtime import ShopClock, following
from tests.connectors.prestashop.recorded import PARIS

#: Clocks in Paris go from 3:00 back to 2:00 at this moment.
BACK = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)


def clock(now: datetime) -> ShopClock:
    return ShopClock(PARIS, now)


def test_a_time_there_and_back_is_the_same() -> None:
    for moment in (datetime(2026, 1, 5, 8, 30, tzinfo=UTC), datetime(2026, 7, 5, tzinfo=UTC)):
        there = clock(BACK).words(moment)

        assert clock(BACK).read(there) == moment


@pytest.mark.parametrize("minutes", range(-70, 80, 10))
def test_a_change_is_read_as_what_it_was_when_it_was_made(minutes: int) -> None:
    moment = BACK + timedelta(minutes=minutes)

    assert clock(moment).read(clock(moment).words(moment)) == moment


@pytest.mark.parametrize("start", range(-90, 90, 10))
def test_nothing_later_is_told_with_an_earlier_time_than_the_floor(start: int) -> None:
    moment = BACK + timedelta(minutes=start)

    floor = clock(moment).floor(moment)

    later = [clock(moment).words(moment + timedelta(minutes=n)) for n in range(0, 300, 5)]
    assert floor <= min(later)


def test_on_other_days_the_floor_is_the_moment_itself() -> None:
    moment = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

    assert clock(moment).floor(moment) == "2026-11-24 13:00:00"


def test_long_ago_is_no_overflow() -> None:
    assert clock(BACK).floor(datetime.min.replace(tzinfo=UTC)) == "1990-01-01 01:00:00"


def test_a_time_with_a_zone_is_taken_at_its_word() -> None:
    assert clock(BACK).read("2026-11-24T12:00:00+01:00") == datetime(2026, 11, 24, 11, tzinfo=UTC)


def test_a_second_is_followed_by_the_next() -> None:
    assert following("2026-12-31 23:59:59") == "2027-01-01 00:00:00"
