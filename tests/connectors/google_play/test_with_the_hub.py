"""Google Play beside a shop with numbers, through the whole hub: on, off, lost pushes, new keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.db import Database
from hub.secrets import Keyring
from tests import pump
from tests.pump import World


@pytest.fixture
def world(database: Database, keyring: Keyring, seller: int, tmp_path: Path) -> Iterator[World]:
    """North is Google Play, south a shop that counts."""
    channels = ("google_play", "shopify")
    with pump.world(database, keyring, seller, tmp_path, channels=channels) as made:
        yield made


def test_the_last_unit_sold_elsewhere_switches_the_product_off_and_a_new_one_on(
    world: World,
) -> None:
    world.buy("north", ("MUG", 4))
    world.pump()
    assert world.shown("MUG") == {"north": 1, "south": 6}

    world.buy("south", ("MUG", 6))
    world.pump()
    assert world.shown("MUG") == {"north": 0, "south": 0}

    world.adjust("MUG", 1)
    world.pump()
    assert world.shown("MUG") == {"north": 1, "south": 1}
    world.agrees()
    world.check()


def test_a_refund_whose_push_is_lost_is_found_by_the_pull(world: World) -> None:
    key = world.buy("north", ("MUG", 4))
    world.pump()
    world.shops["north"].faults.next("webhook_lost")
    world.shops["north"].shop.cancel(key)
    world.pump()
    assert world.orders("north") == {key: "confirmed"}

    world.later(600)

    assert world.orders("north") == {key: "cancelled"}
    assert world.available("MUG") == 10
    world.agrees()


def test_a_push_signed_with_a_new_key_is_taken_in_once_the_key_is_fetched(world: World) -> None:
    asked_long_ago = (
        "UPDATE request SET requested_at = requested_at - interval '1 hour' RETURNING id"
    )
    assert world.query(asked_long_ago)
    world.shops["north"].rotate_secret()

    key = world.buy("north", ("MUG", 4))
    pump.eventually(lambda: 503 in world.doorway.answers, 5, "a push with an unknown key came")
    pump.pump(world.carrier)
    world.pump()

    assert world.orders("north") == {key: "confirmed"}
    world.agrees()
