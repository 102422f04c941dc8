"""A seller who has everything: a row in each of a seller's tables, made by the public functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.postsale import Fee, Payout
from connectors.records import OrderStatus
from hub import audit, idempotency
from hub.aftersales import payouts
from hub.aftersales.returns import CameBack, Refunded, record_refund
from hub.auth import issue_token
from hub.channels import (
    accounts,
    clocks,
    hearing,
    inbox,
    listings,
    offers,
    pushing,
    requests,
)
from hub.channels.hearing import Change
from hub.channels.telling import Abilities
from hub.db import Database, Transaction
from hub.inventory import keys, lots, valuing
from hub.inventory.availability import Rule
from hub.inventory.lots import NewLot
from hub.inventory.products import NewProduct, add_products
from hub.purchasing import history, invoicing, pricelists, settings, suppliers
from hub.purchasing.invoicing import NewInvoice
from hub.purchasing.matching import Billed
from hub.purchasing.prices import PriceList, Tier
from hub.purchasing.quality import Plan, SamplingStep
from hub.purchasing.returning import Back
from hub.purchasing.settings import Setting
from hub.purchasing.suppliers import Certificate, Contact
from hub.sales import cancelling, delivering, fulfilment, orders, shipments
from hub.sales.cancelling import TakenOff
from hub.sales.intake import take_in
from hub.sales.shipments import Leaving
from hub.secrets import Keyring
from tests.builders import NOON, World, line, listing, order, world
from tests.buying import TODAY, Buyer, card


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
        _keys(tx, shop)
        _after_the_sale(tx, shop)
        _fares(tx, shop)
    _bought(shop)
    return shop


def _bought(shop: World) -> None:
    """An order of which some is on sale, some is looked at, some went back, and a bill for it."""
    made = shop.database.command(shop.seller_id, lambda tx: _supplier(tx, shop))
    buys = Buyer(shop, made)
    number = buys.order({"TENT": 10})
    came = buys.counted(number, "TENT", 6, sampled=1, defects=1, verdict="inspect")
    receipt = buys.receive(number, came)
    buys.judge(receipt.receipt_id, 3, 1)
    buys.send_back(number, Back(came.line_id, 1))
    bill = NewInvoice("R-1", TODAY, 9_999, [Billed(came.line_id, 10, 500)])
    buys.run(lambda tx: invoicing.record(tx, "token:1", number, bill))
    said = history.Said("in", "email", "On its way")
    buys.run(lambda tx: history.log_message(tx, number, "token:1", said))


def _supplier(tx: Transaction, shop: World) -> int:
    steps = (SamplingStep(1, 5, 0, 1),)
    settings.put(tx, Setting(10**9, plan=Plan(steps)), version=0)
    people, papers = (Contact("Berta"),), (Certificate("ISO 9001"),)
    made = suppliers.create(tx, card(contacts=people, certificates=papers))
    price = PriceList(made.id, shop.products["TENT"], "EUR", TODAY, (Tier(1, 500),))
    pricelists.put(tx, made.id, [price])
    return made.id


def _keys(tx: Transaction, shop: World) -> None:
    """One key in the pool, and an order that waits to be paid before it gets it."""
    game = add_products(tx, [NewProduct("GAME")])["GAME"]
    keys.make_keyed(tx, shop.keyring, game)
    keys.add_keys(tx, shop.keyring, game, shop.location_id, ["GAME-KEY-1"])
    listings.save_listings(tx, shop.account_id, [listing("v-GAME", "GAME")])
    listings.link(tx, shop.account_id, listings.matches(tx, listings.unlinked(tx, shop.account_id)))
    unpaid = order("4", line("a", "v-GAME"), status=OrderStatus.UNPAID)
    take_in(tx, shop.keyring, shop.target, [unpaid])
    assert delivering.note_orders(tx, shop.account_id, ["4"]) == 1


def _after_the_sale(tx: Transaction, shop: World) -> None:
    """A parcel and a cancellation of which the channel is still to be told, and a payout."""
    able = Abilities(ship=True, cancel=True, cancels_lines=True)
    order_id = shop.order_id("2")
    line_id = orders.get(tx, order_id)[1][0].id
    shipments.ship(tx, order_id, Leaving("DHL", "JD01", lines={line_id: 1}), able)
    cancelling.cancel(tx, order_id, TakenOff("sold out", {line_id: 1}), able)
    fee = Fee("commission", 50)
    payouts.record(tx, shop.account_id, [Payout("p1", "EUR", 450, NOON, (fee,))])


def _fares(tx: Transaction, shop: World) -> None:
    """A push that was taken, a change that waits for its webhook, one that came, a clock."""
    dues = pushing.claim_due(tx, shop.account_id, 1, 60.0)
    pushing.record(tx, shop.account_id, [pushing.Answer(due, "accepted") for due in dues])
    soon = datetime.now(UTC) + timedelta(minutes=1)
    hearing.found(tx, shop.account_id, [Change("5", soon)])
    hearing.told(tx, shop.account_id, 1)
    clocks.note(tx, shop.account_id, 3.0, "web-1")


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
    lots.add_lots(tx, [NewLot(shop.products["TENT"], "L-1")])
    opened = "SELECT min(posting_id) FROM cost_layer WHERE posting_id > 0"
    valuing.land(tx, "freight", [shop.ask(opened)[0][0]], 100, basis=valuing.BY_QUANTITY)
    call = idempotency.Call("token:1", "key-1", "a call")
    idempotency.keep(tx, shop.keyring, call, idempotency.Answer(200, {}, "{}"))
