"""Keys sold at Google Play: notified, fetched, drawn, and the product off when none is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.pump import World, eventually, pump, time_passes
from tests.sync.test_event_list import asked, has, pool

Open = Callable[..., World]


def arrives(world: World, key: str) -> bool:
    """Google repeats a push until it is taken in: its deliveries are not waited for."""
    pump(world.carrier)
    return key in world.orders("north")


@pytest.fixture
def world(open_world: Open) -> World:
    """A game that sells by two keys at Google Play."""
    made = open_world(goods={"GAME": 0}, channels=("google_play",))
    pool(made, "GAME", "K-1", "K-2")
    made.pump()
    return made


def test_keys_go_to_buyers_and_the_product_off_with_the_last_and_on_again(world: World) -> None:
    assert world.shown("GAME") == {"north": 1}

    first, second = world.buy("north", ("GAME", 1)), world.buy("north", ("GAME", 1))
    world.pump()

    assert sorted([*has(world, first), *has(world, second)]) == ["K-1", "K-2"]
    assert world.shown("GAME") == {"north": 0}
    world.agrees()

    pool(world, "GAME", "K-3")
    world.pump()
    assert world.shown("GAME") == {"north": 1}
    world.agrees()


def test_a_key_that_google_rotates_is_fetched_when_it_is_missed(world: World) -> None:
    before = len(asked(world, "webhook_keys"))
    world.query("UPDATE request SET requested_at = requested_at - interval '61 s' RETURNING 1")
    world.shops["north"].rotate_secret()

    key = world.buy("north", ("GAME", 1))
    eventually(lambda: arrives(world, key), 30, "the notification came again")

    assert len(asked(world, "webhook_keys")) == before + 1
    assert has(world, key) == ["K-1"]
    assert 503 in world.doorway.answers


def test_a_refund_nobody_told_of_is_found_in_the_log_and_the_key_stays_drawn(world: World) -> None:
    key = world.buy("north", ("GAME", 1))
    world.pump()
    world.doorway.shut = True
    world.shops["north"].shop.cancel(key)

    time_passes(world.database, world.seller_id, 120)
    pump(world.carrier)

    assert world.orders("north") == {key: "cancelled"}
    assert has(world, key) == ["K-1"]
    assert world.conflicts() == {"edited_after_shipment": 1}
    world.check()
