"""Saleor beside another shop in the hub: units sold and not yet sent are kept out of the offer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.saleor.simulator import SaleorSimulator
from hub.db import Database
from hub.secrets import Keyring
from tests import pump
from tests.pump import World


@pytest.fixture
def world(database: Database, keyring: Keyring, seller: int, tmp_path: Path) -> Iterator[World]:
    """North is Saleor."""
    channels = ("saleor", "memory")
    with pump.world(database, keyring, seller, tmp_path, channels=channels) as world:
        yield world


def on_hand(world: World, sku: str) -> int:
    saleor = world.shops["north"]
    assert isinstance(saleor, SaleorSimulator)
    (level,) = saleor.stockroom.levels(saleor.shop.variant(sku))
    return int(level["quantity"])


def test_sales_at_either_shop_lower_what_both_show(world: World) -> None:
    key = world.buy("north", ("MUG", 3))
    world.buy("south", ("MUG", 1))

    world.pump()

    assert world.shown("MUG") == {"north": 6, "south": 6}
    assert on_hand(world, "MUG") == 9
    world.check()

    world.shops["north"].shop.ship(key)
    world.pump()

    assert world.orders("north") == {key: "shipped"}
    assert world.shown("MUG") == {"north": 6, "south": 6}
    assert on_hand(world, "MUG") == 6
    world.check()


def test_a_webhook_signed_with_a_new_key_is_taken_in_once_the_key_is_fetched(
    world: World,
) -> None:
    asked_long_ago = (
        "UPDATE request SET requested_at = requested_at - interval '1 hour' RETURNING id"
    )
    assert world.query(asked_long_ago)
    world.shops["north"].rotate_secret()
    # Patient enough for the key to be fetched before the shop gives up.
    world.shops["north"].webhooks.backoff = (1.5,) * 7

    key = world.buy("north", ("MUG", 4))
    pump.eventually(lambda: 503 in world.doorway.answers, 5, "a webhook with an unknown key came")
    pump.pump(world.carrier)
    world.pump()

    assert world.orders("north") == {key: "confirmed"}
    world.check()
