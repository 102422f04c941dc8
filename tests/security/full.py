"""A seller who has everything: a row in each of a seller's tables, made by the public functions."""

from __future__ import annotations

from hub import audit
from hub.aftersales.returns import CameBack, Refunded, record_refund
from hub.auth import issue_token
from hub.channels import accounts, inbox, offers, requests
from hub.db import Database, Transaction
from hub.inventory.availability import Rule
from hub.sales import fulfilment
from hub.secrets import Keyring
from tests.builders import NOON, World, line, order, world


def full(database: Database, seller_id: int, keyring: Keyring) -> World:
    """The same names and keys for every seller, so that two of them would collide if they could."""
    shop = world(database, seller_id, keyring, {"TENT": 10})
    shop.take(
        order("1", line("a", "v-TENT", 4)),
        order("2", line("a", "v-TENT", 9)),
        order("3", line("a", "v-TENT", -1)),
    )
    shop.derive()
    with database.transaction(seller_id) as tx:
        fulfilment.ship_allocated(tx, [shop.order_id("1")])
    with database.transaction(seller_id) as tx:
        _the_rest(tx, shop)
    return shop


def _the_rest(tx: Transaction, shop: World) -> None:
    line_id = shop.ask("SELECT id FROM order_line WHERE shipped = 4")[0][0]
    fact = Refunded(shop.account_id, "r1", "EUR", 500, NOON, shop.order_id("1"))
    record_refund(tx, fact, [CameBack(line_id, shop.location_id, 2, 1)])
    accounts.feed_from(tx, shop.account_id, [shop.location_id])
    offers.set_rule(tx, shop.account_id, Rule(safety_stock=1))
    inbox.receive(tx, shop.account_id, "event-1", "orders", [{"kind": "order"}], b"{}")
    requests.ask(tx, shop.account_id, "test")
    issue_token(tx, "robot", "owner")
    audit.record(tx, "token:1", "account.connect", "account:1")
