"""By how much a host runs ahead of a channel: written seldom, said where it means something."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from hub.channels import clocks
from hub.channels.clocks import Clock
from hub.db import Database
from hub.secrets import Keyring
from tests.builders import World, world
from tests.hub.channels.steps import run


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 10})


def noted(shop: World, ahead: float, host: str) -> Clock:
    run(shop, lambda tx: clocks.note(tx, shop.account_id, ahead, host))
    clock = run(shop, lambda tx: clocks.seen(tx, shop.account_id))
    assert clock is not None
    return clock


def test_nothing_is_known_of_a_channel_that_was_never_asked(shop: World) -> None:
    clock = run(shop, lambda tx: clocks.seen(tx, shop.account_id))

    assert (clock, clocks.said(clock)) == (None, "")


def test_what_is_the_same_is_not_written_again(shop: World) -> None:
    first = noted(shop, 40.0, "web-1")

    assert noted(shop, 40.5, "web-2") == first


def test_what_has_changed_is_written_at_once(shop: World) -> None:
    noted(shop, 40.0, "web-1")

    assert noted(shop, -9.0, "web-2")[:2] == (-9.0, "web-2")


def test_what_was_seen_an_hour_ago_is_written_anew(shop: World) -> None:
    noted(shop, 40.0, "web-1")
    hour = "UPDATE account_clock SET seen_at = now() - interval '61 min'"
    run(shop, lambda tx: tx.execute(text(hour)))

    assert noted(shop, 40.0, "web-2").host == "web-2"


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (40.2, "the clock of web-1 is 40 s ahead of the channel's"),
        (-9.0, "the clock of web-1 is 9 s behind the channel's"),
        (1.5, ""),
        (-2.0, ""),
    ],
)
def test_a_second_or_two_mean_nothing(shop: World, ahead: float, said: str) -> None:
    assert clocks.said(noted(shop, ahead, "web-1")) == said
