"""A PrestaShop beside another shop in the hub: units in, stock out, nothing of it special there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.prestashop.simulator import PrestaShopSimulator
from hub.db import Database
from hub.secrets import Keyring
from tests import pump
from tests.pump import World


@pytest.fixture
def world(database: Database, keyring: Keyring, seller: int, tmp_path: Path) -> Iterator[World]:
    channels = ("prestashop", "memory")
    made = pump.world(database, keyring, seller, tmp_path, channels=channels, webhooks=False)
    with made as world:
        yield world


def prestashop(world: World) -> PrestaShopSimulator:
    found = world.shops["north"]
    assert isinstance(found, PrestaShopSimulator)
    return found


def test_sales_at_either_shop_lower_what_both_show(world: World) -> None:
    world.buy("north", ("MUG", 3))
    world.buy("south", ("MUG", 1))

    world.later(600)

    assert world.shown("MUG") == {"north": 6, "south": 6}
    assert world.available("MUG") == 6
    world.agrees()


def test_units_taken_off_a_line_without_a_trace_come_back(world: World) -> None:
    key = world.buy("north", ("MUG", 5))
    world.later(600)

    prestashop(world).shop.edit(key, "MUG", 2)
    world.later(600)

    assert world.available("MUG") == 8
    world.agrees()


def test_an_order_sent_at_the_shop_leaves_the_house(world: World) -> None:
    key = world.buy("north", ("MUG", 4))
    world.later(600)

    prestashop(world).shop.ship(key)
    world.later(600)

    assert world.orders("north") == {key: "shipped"}
    assert world.available("MUG") == 6
    world.agrees()
