"""A seller's first hour, in the demo: simulated shops open, are connected, share goods, go live.

Some goods are sold by activation keys, which is how an app store comes to share stock with shops.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import click
from rich.console import Console

from connectors.catalog import channel
from connectors.simulators.server import Simulator
from connectors.simulators.shop import Shop
from hub.channels import accounts, connecting, listings, requests
from hub.db import Transaction
from hub.inventory import adjusting, keys, products
from hub.secrets import Keyring, Secret
from hub.seller import create_seller
from sync.carrier import Carrier
from sync.premises import Premises
from sync.simulating import open_shop

PATIENCE = 120.0
#: Two shops of one kind, as a file of past orders is played through them.
TWINS = {"North Shop": "shopify", "South Shop": "shopify"}
THREE_KINDS = {"Web Shop": "shopify", "Social Shop": "tiktok_shop", "Play App": "google_play"}
out = Console()


@dataclass(slots=True)
class Shops:
    """The seller, the simulated shops and their accounts."""

    seller_id: int
    location_id: int
    simulators: Mapping[str, Simulator]
    accounts: Mapping[str, int]

    @property
    def pairs(self) -> dict[str, tuple[int, Shop]]:
        return {name: (self.accounts[name], s.shop) for name, s in self.simulators.items()}


class Stock(NamedTuple):
    """Opening stock: units by SKU, and the SKUs of which each unit is an activation key."""

    units: Callable[[str], int]
    keyed: Sequence[str] = ()


def say(text: str) -> None:
    out.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/] {text}", soft_wrap=True)


def open_shops(premises: Premises, kinds: Mapping[str, str]) -> dict[str, Simulator]:
    """Simulated shops by name, stopped with the premises, allowed to be called. ``kinds`` maps a
    name to its channel."""
    simulators = {name: premises.keep(open_shop(kind, name)) for name, kind in kinds.items()}
    addresses = ",".join(simulator.address for simulator in simulators.values())
    premises.configure(HUB_LOOPBACK=addresses)
    return simulators


def connect(
    carrier: Carrier, kinds: Mapping[str, str], simulators: Mapping[str, Simulator], stock: Stock
) -> Shops:
    """A new seller with the shops connected in shadow mode, products made from the first
    catalogue, opening stock posted."""
    name = f"Demo {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
    seller_id = create_seller(carrier.database, name, "GBP")
    with carrier.database.transaction(seller_id) as tx:
        location_id = products.add_location(tx, "MAIN", "Main warehouse")
        numbers = {
            shop: accounts.connect(tx, carrier.keyring, _account(kinds[shop], shop, simulator))
            for shop, simulator in simulators.items()
        }
        for number in numbers.values():
            requests.ask(tx, number, "test")
            requests.ask(tx, number, "subscribe")
    shops = Shops(seller_id, location_id, simulators, numbers)
    for shop, number in numbers.items():
        answered = ask(carrier, seller_id, number, "listings", {"create": True})
        say(f"{shop}: {answered['read']} listings read, {answered['linked']} linked")
    carrier.database.command(seller_id, lambda tx: _open_stock(tx, carrier.keyring, shops, stock))
    return shops


def _account(kind: str, name: str, simulator: Simulator) -> accounts.NewAccount:
    credentials = {field: Secret(value) for field, value in simulator.credentials().items()}
    takes = connecting.stock_mode(channel(kind))
    return accounts.NewAccount(
        kind, name, credentials, simulator.settings(), simulator.url, stock_mode=takes
    )


def _open_stock(tx: Transaction, keyring: Keyring, shops: Shops, stock: Stock) -> None:
    skus = sorted({row.sku for row in listings.listings(tx, limit=1_000_000) if row.product_id})
    ids = products.by_sku(tx, skus)
    for sku in stock.keyed:
        number = ids[products.sku_key(sku)]
        keys.make_keyed(tx, keyring, number)
        made = [f"{sku}-{n:04}-DEMO" for n in range(1, stock.units(sku) + 1)]
        keys.add_keys(tx, keyring, number, shops.location_id, made)
    changes = [
        adjusting.Adjustment(ids[products.sku_key(sku)], shops.location_id, stock.units(sku))
        for sku in skus
        if stock.units(sku) and sku not in stock.keyed
    ]
    adjusting.adjust(tx, "opening", changes, reason="opening")


def go_live(carrier: Carrier, shops: Shops) -> None:
    with carrier.database.transaction(shops.seller_id) as tx:
        for number in shops.accounts.values():
            accounts.set_mode(tx, number, accounts.LIVE)


def ask(
    carrier: Carrier, seller_id: int, account_id: int, kind: str, argument: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Ask a channel something and wait for a worker's answer. Raises ClickException."""
    number = carrier.database.command(
        seller_id, lambda tx: requests.ask(tx, account_id, kind, argument)
    )
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with carrier.database.transaction(seller_id) as tx:
            found = requests.get(tx, number)
        if found.state == "done":
            return found.answer
        if found.state == "failed":
            raise click.ClickException(f"{kind}: {found.answer.get('error')}")
        time.sleep(0.05)
    raise click.ClickException(f"no worker answered {kind!r} within {PATIENCE:.0f} s")
