"""Plain builders of what tests are about: records as channels send them, and a shop to take them.

Every record is whole and valid; a test names only what it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from connectors.records import Buyer, ChannelOrder, Listing, OrderLine, OrderStatus
from hub import invariants
from hub.channels import accounts, listings, offers
from hub.conflicts.record import open_kinds
from hub.db import Database, Transaction
from hub.inventory.adjusting import Adjustment, adjust
from hub.inventory.ledger import LevelKey
from hub.inventory.models import State
from hub.inventory.products import NewProduct, add_location, add_products
from hub.sales import backorders
from hub.sales.intake import Taken, Target, take_in
from hub.schema import INVARIANTS
from hub.secrets import Keyring, Secret

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SINCE = NOON - timedelta(days=1)


def line(key: str, listing_key: str, quantity: Any = 1, **changes: Any) -> OrderLine:
    values = {"sku": listing_key, "title": "A thing", "unit_price": 500, "total": 500}
    return OrderLine(key, listing_key, quantity=quantity, **{**values, **changes})


def order(key: str, *lines: OrderLine, at: int = 0, **changes: Any) -> ChannelOrder:
    """``at`` is the version's age: seconds after noon."""
    values: dict[str, Any] = {
        "number": f"#{key}",
        "status": OrderStatus.CONFIRMED,
        "channel_status": "PAID",
        "currency": "EUR",
        "total": 500 * len(lines),
        "placed_at": NOON,
        "updated_at": NOON + timedelta(seconds=at),
        "buyer": Buyer(name="Berta Buyer", email="berta@example.org"),
        "raw": {"id": key},
    }
    return ChannelOrder(key, lines=tuple(lines), **{**values, **changes})


def listing(key: str, sku: str = "", quantity: int | None = None, **changes: Any) -> Listing:
    return Listing(key, sku or key, changes.pop("title", "A thing"), quantity, **changes)


def stocked(
    tx: Transaction, units: Mapping[str, int], location: str = "MAIN", priority: int = 100
) -> dict[str, int]:
    """Products with opening stock at one location; SKU → product id."""
    place = add_location(tx, location, priority=priority)
    products = add_products(tx, [NewProduct(sku) for sku in units])
    opening = [Adjustment(products[sku], place, count) for sku, count in units.items() if count]
    if opening:
        adjust(tx, f"opening:{location}:{','.join(sorted(units))}"[:200], opening)
    return products


def connected(
    tx: Transaction,
    keyring: Keyring,
    name: str,
    links: Mapping[str, str],
    *,
    mode: str = "live",
) -> int:
    """An account whose listings (variant → SKU) are linked to products; its id."""
    new = accounts.NewAccount("memory", name, {"token": Secret("a-token-of-the-shop")})
    account_id = accounts.connect(tx, keyring, new)
    if links:
        listings.save_listings(tx, account_id, [listing(key, sku) for key, sku in links.items()])
        waiting = listings.unlinked(tx, account_id)
        listings.link(tx, account_id, listings.matches(tx, waiting))
    accounts.set_mode(tx, account_id, mode)
    return account_id


def target(tx: Transaction, account_id: int, since: datetime = SINCE) -> Target:
    return Target(account_id, accounts.serving_locations(tx, account_id), since)


@dataclass(frozen=True, slots=True)
class World:
    """A seller with one shop: what most tests of the trade happen in."""

    database: Database
    keyring: Keyring
    seller_id: int
    account_id: int
    location_id: int
    products: Mapping[str, int]
    target: Target

    def take(self, *orders: ChannelOrder) -> Taken:
        return self.database.command(
            self.seller_id, lambda tx: take_in(tx, self.keyring, self.target, orders)
        )

    def adjust(self, key: str, sku: str, change: int) -> None:
        wanted = [Adjustment(self.products[sku], self.location_id, change)]
        self.database.command(self.seller_id, lambda tx: adjust(tx, key, wanted))

    def derive(self) -> int:
        """Fill waiting lines and derive offers, as the sync does; units that found an owner."""

        def work(tx: Transaction) -> int:
            changed = offers.take_changes(tx).product_ids
            filled = backorders.fill_waiting(tx, changed)
            offers.derive(tx, changed)
            return filled

        return self.database.command(self.seller_id, work)

    def level(self, sku: str, state: State = State.AVAILABLE) -> int:
        key = LevelKey(self.products[sku], self.location_id, int(state))
        query = (
            "SELECT coalesce(sum(quantity), 0) FROM level WHERE product_id = :product"
            " AND location_id = :place AND state = :state"
        )
        values = {"product": key.product_id, "place": key.location_id, "state": key.state}
        return int(self.ask(query, **values)[0][0])

    def ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.database.transaction(self.seller_id) as tx:
            return [tuple(row) for row in tx.execute(text(query), values)]

    def conflicts(self) -> dict[str, int]:
        with self.database.transaction(self.seller_id) as tx:
            return open_kinds(tx)

    def line(self, order_key: str, line_key: str) -> dict[str, int]:
        """How a line's units divide; those that are none are left out."""
        units = ("quantity", "allocated", "claimed", "shipped", "cancelled", "settled", "pending")
        found = self.ask(
            f"SELECT {', '.join('l.' + name for name in units)} FROM order_line l"
            " JOIN sales_order o ON o.id = l.order_id"
            " WHERE o.external_id = :order AND l.external_id = :line",
            order=order_key,
            line=line_key,
        )
        return {name: n for name, n in zip(units, found[0], strict=True) if n}

    def order_id(self, key: str) -> int:
        found = self.ask("SELECT id FROM sales_order WHERE external_id = :key", key=key)
        return int(found[0][0])

    def check(self) -> None:
        """Everything that must always hold does."""
        with self.database.transaction(self.seller_id) as tx:
            assert invariants.check(tx, INVARIANTS) == []


def world(
    database: Database,
    seller_id: int,
    keyring: Keyring,
    units: Mapping[str, int],
    *,
    links: Mapping[str, str] | None = None,
    name: str = "shop",
) -> World:
    """Stock, and a live shop with a listing ``v-SKU`` for each (or the links given)."""
    pairs = {f"v-{sku}": sku for sku in units} if links is None else links
    with database.transaction(seller_id) as tx:
        products = stocked(tx, units)
        place = add_location(tx, "MAIN")
        account_id = connected(tx, keyring, name, pairs)
        aim = target(tx, account_id)
    return World(database, keyring, seller_id, account_id, place, products, aim)
