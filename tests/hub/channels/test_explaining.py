from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from hub.channels.reconciliation.explaining import EXPLANATIONS, explain


@dataclass(frozen=True)
class Side:
    """A live listing whose newest offer was sent, confirmed, and is shown."""

    product_id: int | None = 1
    state: str = "active"
    paused: bool = False
    offer: int | None = 7
    channel_now: int | None = 7
    desired_version: int = 3
    sent_version: int = 3
    confirmed_version: int = 3


CASES: list[tuple[dict[str, Any], str, str]] = [
    ({}, "live", "agrees"),
    ({}, "shadow", "agrees"),
    ({"product_id": None}, "live", "unlinked"),
    ({"channel_now": 9}, "shadow", "not_live"),
    ({"channel_now": 9}, "paused", "not_live"),
    ({"channel_now": 9, "paused": True}, "live", "not_live"),
    ({"channel_now": 9, "state": "ended"}, "live", "not_live"),
    ({"offer": None, "desired_version": 0, "sent_version": 0}, "live", "not_sent"),
    ({"channel_now": 9, "sent_version": 2}, "live", "not_sent"),
    ({"channel_now": 9, "sent_version": 2, "confirmed_version": 1}, "live", "not_sent"),
    ({"channel_now": 9, "confirmed_version": 2}, "live", "in_flight"),
    ({"channel_now": None, "confirmed_version": 2}, "live", "in_flight"),
    ({"channel_now": 9}, "live", "differs"),
]


@pytest.mark.parametrize(("changes", "mode", "expected"), CASES)
def test_a_difference_is_explained_before_it_is_drift(
    changes: dict[str, Any], mode: str, expected: str
) -> None:
    assert explain(Side(**changes), mode) == expected


def test_every_explanation_has_a_case() -> None:
    assert {expected for _, _, expected in CASES} == set(EXPLANATIONS)
