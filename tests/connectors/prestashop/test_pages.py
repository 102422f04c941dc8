"""A walk by time of change neither skips nor repeats, whatever changes under its hands."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.errors import CursorExpired, ProtocolError
from connectors.prestashop.pages import MOST, Place, turn, unpack

START = Place("2026-11-01 00:00:00")


def row(key: int, second: str = "10:00:00") -> dict[str, Any]:
    return {"id": key, "date_upd": f"2026-11-01 {second}"}


def keys(rows: list[Any]) -> list[int]:
    return [one["id"] for one in rows]


def test_a_short_page_is_the_last() -> None:
    fresh, following = turn(START, [row(1), row(2)], 3)

    assert (keys(fresh), following) == ([1, 2], None)


def test_a_page_begins_in_the_second_the_last_one_ended_in() -> None:
    _, following = turn(START, [row(1, "10:00:00"), row(7, "10:00:01")], 2)
    assert following == Place("2026-11-01 10:00:01", 7)

    fresh, _ = turn(following, [row(3, "10:00:01"), row(7, "10:00:01"), row(9, "10:00:01")], 9)
    assert keys(fresh) == [9]


def test_a_second_that_fills_a_page_is_gone_through_by_ids() -> None:
    place = Place("2026-11-01 10:00:00", 7)

    fresh, following = turn(place, [row(6), row(7)], 2)
    assert (fresh, following) == ([], Place("2026-11-01 10:00:00", 7, alone=True))

    assert following is not None
    assert following.query(2)["filter[id]"] == f"[8,{MOST}]"
    assert following.query(2)["filter[date_upd]"] == "[2026-11-01 10:00:00,2026-11-01 10:00:00]"
    fresh, beyond = turn(following, [row(8)], 2)
    assert (keys(fresh), beyond) == ([8], Place("2026-11-01 10:00:01"))


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (Place("2026-11-01 10:00:01"), row(1, "10:00:00")),
        (Place("2026-11-01 10:00:00", 7, alone=True), row(7)),
        (Place("2026-11-01 10:00:00", 7, alone=True), row(8, "10:00:01")),
    ],
)
def test_a_list_that_begins_again_is_noticed(place: Place, found: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError) as caught:
        turn(place, [found], 5)

    assert caught.value.code == "page_repeated"


def test_a_row_that_does_not_tell_its_time_is_passed_on() -> None:
    broken = {"id": 5, "date_upd": None}

    fresh, following = turn(START, [row(1), broken], 2)

    assert fresh == [row(1), broken]
    assert following == Place("2026-11-01 10:00:00", 1)


def test_a_page_of_which_no_row_tells_its_time_is_no_page() -> None:
    with pytest.raises(ProtocolError):
        turn(START, [{}, "x"], 2)


@pytest.mark.parametrize("place", [START, Place("2026-11-01 10:00:01", 7, alone=True)])
def test_a_place_is_packed_and_unpacked(place: Place) -> None:
    assert unpack(place.pack()) == place


@pytest.mark.parametrize("text", ["", "x", "a|b|c", "2026-11-01|1|1|1", "never|1|0"])
def test_a_token_of_somebody_elses_is_none(text: str) -> None:
    with pytest.raises(CursorExpired):
        unpack(text)
