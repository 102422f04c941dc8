"""Refund, return and restock are three facts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hub.aftersales.returns import CameBack, Refunded, counts, record_refund
from hub.db import Database
from hub.errors import InvalidInput
from hub.inventory.models import State
from hub.sales.fulfilment import ship_allocated
from hub.secrets import Keyring
from tests.builders import World, line, order, world

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def shop(database: Database, keyring: Keyring, seller: int) -> World:
    return world(database, seller, keyring, {"TENT": 10})


def shipped(shop: World, key: str, units: int) -> tuple[int, int]:
    """(order id, line id) of an order that has gone out."""
    shop.take(order(key, line("a", "v-TENT", units)))
    order_id = shop.order_id(key)
    shop.database.command(shop.seller_id, lambda tx: ship_allocated(tx, [order_id]))
    [(line_id,)] = shop.ask("SELECT id FROM order_line WHERE order_id = :order", order=order_id)
    return order_id, line_id


def refund(shop: World, key: str, order_id: int | None, *goods: CameBack) -> bool:
    fact = Refunded(shop.account_id, key, "EUR", 500, NOW, order_id)
    return shop.database.command(shop.seller_id, lambda tx: record_refund(tx, fact, goods))[1]


def test_a_return_restocks_once_and_only_what_was_judged_sellable(shop: World) -> None:
    before = shop.level("TENT")
    order_id, line_id = shipped(shop, "1", 3)

    first = refund(shop, "r1", order_id, CameBack(line_id, shop.location_id, 2, 1))
    again = refund(shop, "r1", order_id, CameBack(line_id, shop.location_id, 2, 1))

    assert (first, again) == (True, False)
    assert shop.level("TENT") == before - 3 + 1
    assert shop.level("TENT", State.INSPECTION) == 1
    shop.check()


def test_a_refund_of_no_known_sale_is_recorded_and_restocks_nothing(shop: World) -> None:
    before = shop.level("TENT")

    refund(shop, "r2", None)

    with shop.database.transaction(shop.seller_id) as tx:
        assert counts(tx)["unmatched"] == 1
    assert shop.level("TENT") == before
    assert shop.conflicts() == {"refund_without_return": 1}


@pytest.mark.parametrize(
    ("quantity", "sellable"), [(0, 0), (-1, 0), (1, 2), (1, -1), (4, 4)], ids=str
)
def test_more_than_was_shipped_or_no_quantity_at_all_cannot_come_back(
    shop: World, quantity: Any, sellable: Any
) -> None:
    order_id, line_id = shipped(shop, "1", 3)

    with pytest.raises(InvalidInput):
        refund(shop, "r3", order_id, CameBack(line_id, shop.location_id, quantity, sellable))

    assert shop.level("TENT", State.INSPECTION) == 0


def test_goods_of_another_order_are_refused(shop: World) -> None:
    _, line_id = shipped(shop, "1", 1)
    other, _ = shipped(shop, "2", 1)

    with pytest.raises(InvalidInput, match="of that order"):
        refund(shop, "r4", other, CameBack(line_id, shop.location_id, 1, 1))
