"""A seller with shops to measure in, and the orders buyers place there.

Product number ``n`` is sold as listing ``n`` of every shop. What a shop sends is built before any
clock runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

import psycopg

from connectors.records import Buyer, ChannelOrder, Listing, OrderLine, OrderStatus
from hub.channels import accounts, listings, offers
from hub.db import Database, Transaction
from hub.inventory.adjusting import Adjustment, adjust
from hub.inventory.products import NewProduct, add_location, add_products
from hub.sales.intake import Target
from hub.secrets import Keyring, Secret
from hub.seller import create_seller

OPENING = 1_000_000
#: Far off, so that every sale is later than the last look at its listing, and lowers its number.
SINCE = datetime(2090, 1, 1, tzinfo=UTC)
KEY = b"b" * 32
KEYRING = Keyring({"bench": KEY})
CREDENTIALS = {"shop_domain": "s.myshopify.com", "access_token": "t", "client_secret": "c"}


@dataclass(frozen=True, slots=True)
class Shop:
    """What the other modules need to know of a seller's database."""

    seller_id: int
    location_id: int
    account_ids: tuple[int, ...]
    products: tuple[int, ...]

    @property
    def account_id(self) -> int:
        return self.account_ids[0]

    @property
    def target(self) -> Target:
        return Target(self.account_id, (self.location_id,), SINCE)


def read(connection: psycopg.Connection) -> Shop:
    """The one seller of a database."""

    def ids(table: str, order: str) -> tuple[int, ...]:
        found = connection.execute(f"SELECT id FROM {table} ORDER BY {order}".encode())
        return tuple(row[0] for row in found)

    (seller_id,), (location_id,) = ids("seller", "id"), ids("location", "id")
    return Shop(seller_id, location_id, ids("account", "id"), ids("product", "sku_key"))


def furnish(database: Database, *, products: int, shops: int) -> None:
    """A seller with so many products, all in stock, all sold in every shop."""
    seller_id = create_seller(database, "Bench")
    skus = [f"SKU-{number:06}" for number in range(products)]

    def stock(tx: Transaction) -> int:
        place = add_location(tx, "MAIN")
        made = add_products(tx, [NewProduct(sku, f"Thing {sku}") for sku in skus])
        adjust(tx, "opening", [Adjustment(made[sku], place, OPENING) for sku in skus])
        return place

    def open_shop(tx: Transaction, number: int) -> None:
        new = accounts.NewAccount(
            "shopify",
            f"shop {number}",
            {name: Secret(value) for name, value in CREDENTIALS.items()},
            {"location_id": "1"},
        )
        account_id = accounts.connect(tx, KEYRING, new)
        listings.save_listings(tx, account_id, [_listing(n, sku) for n, sku in enumerate(skus)])
        waiting = listings.unlinked(tx, account_id)
        listings.link(tx, account_id, listings.matches(tx, waiting))
        accounts.set_mode(tx, account_id, "live")

    database.command(seller_id, stock)
    for number in range(shops):
        database.command(seller_id, lambda tx, number=number: open_shop(tx, number))
    settle(database, seller_id)


def settle(database: Database, seller_id: int) -> None:
    """Derive every offer, as the sync does."""

    def derive(tx: Transaction) -> bool:
        changed = offers.take_changes(tx).product_ids
        offers.derive(tx, changed)
        return bool(changed)

    while database.command(seller_id, derive):
        pass


def _listing(number: int, sku: str) -> Listing:
    handles = {
        "inventory_item_id": f"gid://shopify/InventoryItem/{number}",
        "location_id": "gid://shopify/Location/1",
    }
    return Listing(listing_key(number), sku, f"Thing {sku}", OPENING, handles=handles)


def listing_key(number: int) -> str:
    return f"gid://shopify/ProductVariant/{number}"


def order(number: int, picks: Sequence[tuple[int, int]]) -> ChannelOrder:
    """One order: (product number, units) for each line."""
    at = SINCE + timedelta(seconds=number)
    lines = tuple(
        OrderLine(
            f"gid://shopify/LineItem/{number * 10 + place}",
            listing_key(product),
            f"SKU-{product:06}",
            f"Thing SKU-{product:06}",
            units,
            1_999,
            1_999 * units,
        )
        for place, (product, units) in enumerate(picks)
    )
    address = {"street": "12 Long Road", "city": "Leeds", "zip": "LS1 1AA", "country": "GB"}
    raw = {
        "id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "displayFinancialStatus": "PAID",
        "lineItems": [{"id": line.external_id, "quantity": line.quantity} for line in lines],
        "note": "n" * 600,
    }
    return ChannelOrder(
        external_id=f"gid://shopify/Order/{number:012}",
        number=f"#{number}",
        status=OrderStatus.CONFIRMED,
        channel_status="PAID",
        currency="EUR",
        total=sum(line.total for line in lines),
        placed_at=at,
        updated_at=at,
        lines=lines,
        buyer=Buyer(str(number), "Berta Buyer", "berta@example.org", "+44 113 0", address),
        raw=raw,
    )


def orders(shop: Shop, lines: int, *, seed: int = 1, first: int = 1) -> Iterator[ChannelOrder]:
    """Orders without end, each of ``lines`` different products."""
    chance = Random(seed)
    everything = range(len(shop.products))
    number = first
    while True:
        picks = [(product, chance.randint(1, 3)) for product in chance.sample(everything, lines)]
        yield order(number, picks)
        number += 1


def take(source: Iterator[ChannelOrder], count: int) -> list[ChannelOrder]:
    return [next(source) for _ in range(count)]
