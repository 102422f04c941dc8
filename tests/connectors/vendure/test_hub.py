"""A Vendure shop beside another one in the hub: what it counts as on hand never sells twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.records import OrderStatus
from connectors.vendure.simulator import VendureSimulator
from hub.db import Database
from hub.secrets import Keyring
from tests import pump
from tests.pump import World


@pytest.fixture
def world(database: Database, keyring: Keyring, seller: int, tmp_path: Path) -> Iterator[World]:
    channels = ("vendure", "memory")
    with pump.world(
        database, keyring, seller, tmp_path, channels=channels, webhooks=False
    ) as world:
        yield world


def look(world: World) -> None:
    """Neither shop tells of anything: the hub asks when an hour has passed."""
    world.pump()
    pump.time_passes(world.database, world.seller_id, 3600)
    world.pump()


def vendure(world: World) -> VendureSimulator:
    found = world.shops["north"]
    assert isinstance(found, VendureSimulator)
    return found


def test_sales_at_either_shop_lower_what_both_show(world: World) -> None:
    world.buy("north", ("MUG", 3))
    world.buy("south", ("MUG", 1))

    look(world)

    assert world.shown("MUG") == {"north": 6, "south": 6}
    assert world.available("MUG") == 6
    world.agrees()


def test_an_order_sent_at_the_shop_is_sent_here_though_its_own_time_stands_still(
    world: World,
) -> None:
    key = world.buy("north", ("MUG", 5))
    look(world)

    vendure(world).shop.ship(key)
    look(world)

    assert world.orders("north") == {key: OrderStatus.SHIPPED.value}
    assert world.shown("MUG") == {"north": 5, "south": 5}
    world.agrees()


def test_a_session_that_ended_is_renewed_and_kept(world: World) -> None:
    simulator = vendure(world)
    world.pump()
    simulator.end_sessions()
    before = simulator.requests["Login"]
    world.buy("north", ("MUG", 1))

    look(world)
    world.buy("north", ("MUG", 1))
    look(world)

    assert simulator.requests["Login"] == before + 1
    assert world.shown("MUG") == {"north": 8, "south": 8}
    world.agrees()
