"""A WooCommerce shop beside another, on the hub's own carriers: stock follows, nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.woocommerce.simulator import WooCommerceSimulator
from hub.db import Database
from hub.secrets import Keyring
from tests import pump
from tests.pump import World


@pytest.fixture
def world(database: Database, keyring: Keyring, seller: int, tmp_path: Path) -> Iterator[World]:
    channels = ("woocommerce", "memory")
    with pump.world(database, keyring, seller, tmp_path, channels=channels) as world:
        yield world


def woo(world: World) -> WooCommerceSimulator:
    found = world.shops["north"]
    assert isinstance(found, WooCommerceSimulator)
    return found


def test_sales_at_either_shop_lower_what_both_show(world: World) -> None:
    world.buy("north", ("MUG", 3))
    world.buy("south", ("MUG", 1))

    world.pump()

    assert world.shown("MUG") == {"north": 6, "south": 6}
    assert world.available("MUG") == 6
    world.agrees()


def test_an_order_thrown_away_gives_its_units_back(world: World) -> None:
    key = world.buy("north", ("MUG", 5))
    world.pump()
    woo(world).trash(key)

    world.pump()

    assert world.orders("north") == {key: "cancelled"}
    assert world.available("MUG") == 10
    assert world.shown("MUG") == {"north": 10, "south": 10}
    assert world.conflicts() == {}
