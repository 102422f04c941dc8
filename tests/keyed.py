"""Shops that sell activation keys: products whose units are keys of a pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from hub import invariants
from hub.db import Database, Transaction
from hub.inventory import keys
from hub.sales import delivering
from hub.schema import INVARIANTS
from hub.secrets import Keyring
from tests.builders import World, world

T = TypeVar("T")


def key_shop(
    database: Database, seller_id: int, keyring: Keyring, pools: Mapping[str, Sequence[str]]
) -> World:
    """A live shop with a listing ``v-SKU`` for each keyed product; SKU → the keys of its pool."""
    shop = world(database, seller_id, keyring, dict.fromkeys(pools, 0))
    for sku, pool in pools.items():
        run(shop, lambda tx, sku=sku: keys.make_keyed(tx, keyring, shop.products[sku]))
        if pool:
            receive(shop, sku, *pool)
    return shop


def run(shop: World, work: Callable[[Transaction], T]) -> T:
    return shop.database.command(shop.seller_id, work)


def receive(shop: World, sku: str, *given: str) -> int:
    product, place = shop.products[sku], shop.location_id
    return run(shop, lambda tx: keys.add_keys(tx, shop.keyring, product, place, given))


def withdraw(shop: World, sku: str, *given: str) -> int:
    product = shop.products[sku]
    return run(shop, lambda tx: keys.withdraw(tx, shop.keyring, product, given))


def counts(shop: World, sku: str) -> keys.Counts:
    return run(shop, lambda tx: keys.counts(tx, shop.products[sku]))


def note(shop: World, *names: str) -> int:
    """As sync does in the transaction that takes the orders in."""
    return run(shop, lambda tx: delivering.note_orders(tx, shop.account_id, names))


def deliver(shop: World) -> int:
    """Deliver what is noted, as sync does next."""

    def work(tx: Transaction) -> int:
        due = delivering.due(tx, limit=1_000)
        return delivering.deliver_keys(tx, due) if due else 0

    return run(shop, work)


def has(shop: World, name: str) -> list[str]:
    """The keys that an order has, in the order of its lines."""
    order_id = shop.order_id(name)
    found = run(shop, lambda tx: delivering.keys_of_order(tx, shop.keyring, order_id))
    return [one.key.reveal() for one in found]


def broken(shop: World) -> list[str]:
    """Which of the things that must always hold do not."""
    return [one.invariant for one in run(shop, lambda tx: invariants.check(tx, INVARIANTS))]
