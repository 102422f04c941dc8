"""A TikTok shop beside another one in the hub: units in, stock out, nothing of it special there."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from connectors.catalog import channel
from connectors.records import OrderStatus
from connectors.tiktok_shop.simulator import TikTokShopSimulator
from hub.channels import connecting
from hub.db import Database
from hub.sales import cancelling, shipments
from hub.sales.cancelling import TakenOff
from hub.sales.shipments import Leaving
from hub.secrets import Keyring
from tests import pump
from tests.pump import World

ABLE = connecting.abilities(channel("tiktok_shop"))


@pytest.fixture
def world(database: Database, keyring: Keyring, seller: int, tmp_path: Path) -> Iterator[World]:
    channels = ("tiktok_shop", "memory")
    with pump.world(database, keyring, seller, tmp_path, channels=channels) as world:
        yield world


def tiktok(world: World) -> TikTokShopSimulator:
    found = world.shops["north"]
    assert isinstance(found, TikTokShopSimulator)
    return found


def test_sales_at_either_shop_lower_what_both_show(world: World) -> None:
    world.buy("north", ("MUG", 3))
    world.buy("south", ("MUG", 1))

    world.pump()

    assert world.shown("MUG") == {"north": 6, "south": 6}
    assert world.available("MUG") == 6
    world.agrees()


def test_units_come_back_and_leave_the_house_one_by_one(world: World) -> None:
    key = world.buy("north", ("MUG", 5))
    world.pump()
    tiktok(world).shop.edit(key, "MUG", 2)
    world.pump()
    assert world.available("MUG") == 8

    tiktok(world).shop.set_status(key, OrderStatus.SHIPPED)
    world.pump()

    assert world.orders("north") == {key: "shipped"}
    assert world.available("MUG") == 8
    world.agrees()


def test_a_token_that_ran_out_is_renewed_and_kept(world: World) -> None:
    simulator = tiktok(world)
    simulator.gate.expire()
    world.buy("north", ("MUG", 1))

    world.pump()
    world.buy("north", ("MUG", 1))
    world.pump()

    assert simulator.requests["Refresh"] == 1
    assert world.shown("MUG") == {"north": 8, "south": 8}
    world.agrees()


def test_what_the_hub_sends_and_cancels_is_told_unit_by_unit(world: World) -> None:
    key = world.buy("north", ("MUG", 3))
    world.pump()
    units = [row[0] for row in world.query("SELECT id FROM order_line ORDER BY external_id")]
    (order,) = world.query("SELECT id FROM sales_order WHERE external_id = :k", k=key)[0]
    taken, leaving = TakenOff("out of stock", {units[1]: 1}), Leaving("DHL", "JD01")

    world.database.command(
        world.seller_id, partial(cancelling.cancel, order_id=order, wanted=taken, able=ABLE)
    )
    world.database.command(
        world.seller_id, partial(shipments.ship, order_id=order, leaving=leaving, able=ABLE)
    )
    world.pump()

    sale = tiktok(world).shop.order(key)
    assert sale is not None
    assert [(one.cancelled, one.shipped) for one in sale.lines] == [(1, 2)]
    assert [one.tracking_number for one in sale.parcels] == ["JD01"]
    assert world.orders("north") == {key: "shipped"}
    assert world.available("MUG") == 8
    assert world.conflicts() == {}
    world.agrees()
    world.check()
