"""A history of orders delivered to a seller of its own, by the hub's own ways in, as a seed says.

Webhooks come through the door and are doubled, dropped and sent again, late and out of order; pulls
run at any moment, break off, or die before or after a commit; readings are held back and saved when
they are old; deliveries meet. What is random is the schedule, never the history.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Barrier, Thread

from connectors.base import Connector
from connectors.errors import TransientError
from connectors.memory import CHANNEL
from connectors.memory.webhooks import SECRET
from connectors.records import ChannelOrder, Cursor, Page, ShopInfo
from connectors.signing import hmac_sha256_base64
from hub.aftersales.returns import CameBack, Refunded, record_refund
from hub.channels import accounts, door, listings
from hub.config import Settings
from hub.db import Database, Transaction
from hub.inventory.adjusting import Adjustment, adjust
from hub.inventory.products import NewProduct, add_location, add_products
from hub.sales import fulfilment
from hub.secrets import Keyring, Secret
from hub.seller import create_seller
from sync import pull, push, webhooks
from sync.carrier import AtWork, Carrier
from tests import pump
from tests.builders import listing
from tests.simulation.delivery_history import (
    LATE,
    ODD,
    OVERLAP,
    SHOPS,
    GoodsBack,
    History,
    Version,
)

SIGNING = "a-secret-of-the-shop"
PAGE = 4
Step = Callable[[], object]


class Died(Exception):
    """The process was killed here."""


class Mortal(Database):
    """A database whose client can be made to die at a commit, right before it or right after."""

    _left = 0
    _written = False

    def doom(self, transactions: int, *, written: bool) -> None:
        self._left, self._written = transactions, written

    @contextmanager
    def transaction(self, seller_id: int) -> Iterator[Transaction]:
        dies = self._left == 1
        self._left = max(0, self._left - 1)
        with super().transaction(seller_id) as tx:
            yield tx
            if dies and not self._written:
                raise Died
        if dies:
            raise Died


class Storefront(Connector):
    """A shop's orders up to a version: a fetch shows the newest, the list lags behind."""

    def __init__(self, versions: Sequence[Version]) -> None:
        self.versions = versions
        self.known = 0
        self.now = versions[0].at if versions else datetime.now(UTC)
        self.pages_left: int | None = None

    def check(self) -> ShopInfo:
        return ShopInfo("shop", "Shop", "EUR")

    def turn(self, now: datetime, known: int) -> None:
        self.now, self.known = now, known

    def _newest(self, *, listed: bool) -> dict[str, Version]:
        seen = self.versions[: self.known]
        return {
            one.order.external_id: one for one in seen if not listed or one.listed_at <= self.now
        }

    def pull_orders(self, cursor: Cursor) -> Page[ChannelOrder]:
        if self.pages_left is not None:
            self.pages_left -= 1
            if self.pages_left < 0:
                self.pages_left = None
                raise TransientError("the shop does not answer")
        after = cursor.token or (cursor.since - OVERLAP).isoformat()
        found = sorted((_place(one), one) for one in self._newest(listed=True).values())
        rest = [(place, one) for place, one in found if place > after]
        shown = [one.order for _, one in rest[:PAGE]]
        if len(rest) > PAGE:
            return Page(tuple(shown), Cursor(cursor.since, rest[PAGE - 1][0]), more=True)
        newest = max((one.updated_at for one in shown), default=cursor.since)
        return Page(tuple(shown), Cursor(max(cursor.since, newest)), more=False)

    def fetch_orders(self, keys: Sequence[str]) -> Page[ChannelOrder]:
        now = self._newest(listed=False)
        found = tuple(now[key].order for key in keys if key in now)
        return Page(found, Cursor(self.now), more=False)

    def twins(self) -> set[tuple[str, datetime]]:
        return {(one.order.external_id, one.at) for one in self.versions if one.twin}


def _place(one: Version) -> str:
    return f"{one.at.isoformat()} {one.order.external_id}"


class Bound(Carrier):
    """A carrier whose accounts lead to storefronts of the test."""

    def __init__(self, settings: Settings, database: Database, keyring: Keyring) -> None:
        super().__init__(settings, database, keyring)
        self.works: dict[int, AtWork] = {}

    def at_work(self, seller_id: int, account_id: int) -> AtWork:
        return self.works[account_id]


def webhook(event_id: str, key: str) -> bytes:
    """The body of a webhook about an order: the same, however often it is sent."""
    told = {"event_id": event_id, "topic": "order", "key": key}
    return json.dumps({**told, "sent_at": datetime.now(UTC).isoformat()}).encode()


@dataclass
class Seller:
    """A seller with the history's products and two shops, live and linked but for LATE and ODD."""

    carrier: Bound
    database: Mortal
    history: History
    id: int
    places: dict[str, int]
    products: dict[str, int]
    accounts: dict[str, int]
    paths: dict[str, str]
    shops: dict[str, Storefront] = field(default_factory=dict)

    def command(self, work: Callable[[Transaction], object]) -> None:
        self.database.command(self.id, work)

    # -- ways in -------------------------------------------------------------------------------

    def post(self, shop: str, body: bytes) -> None:
        """A webhook at the door."""
        headers = {"x-memory-signature": hmac_sha256_base64(SIGNING, body)}
        letter = door.Letter("POST", f"https://hub.example/{shop}", headers, body)
        answered = door.receive(
            self.database, self.carrier.keyring, pump.opens, self.paths[shop], letter
        )
        assert answered.status == 200

    def work_off(self, shop: str) -> int:
        return webhooks.work_off(self.carrier, self.id, self.accounts[shop])

    def pull(self, shop: str) -> bool:
        return pull.pull(self.carrier, self.id, self.accounts[shop])

    def save(self, shop: str, page: Page[ChannelOrder]) -> None:
        """Save a reading, as a worker does that was stopped after it had read."""
        work = self.carrier.works[self.accounts[shop]]
        pull.save_page(self.carrier, self.id, work, None, page)

    def derive(self) -> None:
        push.derive_offers(self.carrier, self.id)

    # -- what the seller does ------------------------------------------------------------------

    def link_late(self, shop: str) -> None:
        def work(tx: Transaction) -> None:
            waiting = [one for one in listings.unlinked(tx, self.accounts[shop]) if one.sku == LATE]
            listings.link(tx, self.accounts[shop], {one.id: self.products[LATE] for one in waiting})

        self.command(work)

    def arrive(self, sku: str, units: int) -> None:
        goods = [Adjustment(self.products[sku], self.places["MAIN"], units)]
        self.command(lambda tx: adjust(tx, f"arrival:{sku}", goods))

    def ship(self) -> None:
        def work(tx: Transaction) -> None:
            fulfilment.ship_allocated(tx, [key[0] for key in _lines(tx).values()])

        self.command(work)

    def take_back(self, one: GoodsBack, at: datetime) -> None:
        def work(tx: Transaction) -> None:
            account_id = self.accounts[one.shop]
            order_id, line_id = _lines(tx)[account_id, one.order_key, one.line_key]
            name = f"refund of {one.order_key}/{one.line_key}"
            fact = Refunded(account_id, name, "EUR", 500 * one.quantity, at, order_id)
            goods = CameBack(line_id, self.places["MAIN"], one.quantity, one.sellable)
            record_refund(tx, fact, [goods])

        self.command(work)


def _lines(tx: Transaction) -> dict[tuple[int, str, str], tuple[int, int]]:
    """(account, order, line) → (order id, line id)."""
    found = tx.connection.exec_driver_sql(
        "SELECT o.account_id, o.external_id, l.external_id, o.id, l.id"
        " FROM order_line l JOIN sales_order o ON o.id = l.order_id"
    )
    return {(row[0], row[1], row[2]): (row[3], row[4]) for row in found}


def open_for(carrier: Bound, database: Mortal, history: History) -> Seller:
    """A fresh seller to deliver a history to."""
    seller_id = create_seller(database, "Delia's Deliveries")

    def work(tx: Transaction) -> Seller:
        products = add_products(tx, [NewProduct(sku) for sku in [*history.skus, ODD]])
        places = {}
        for number, (code, units) in enumerate(history.stock.items()):
            places[code] = add_location(tx, code, priority=number)
            opening = [Adjustment(products[s], places[code], n) for s, n in units.items() if n]
            adjust(tx, f"opening:{code}", opening)
        names = {shop: _connect(tx, carrier, shop, history, products) for shop in SHOPS}
        paths = {shop: accounts.get(tx, one).webhook_path for shop, one in names.items()}
        return Seller(carrier, database, history, seller_id, places, products, names, paths)

    made: Seller = database.command(seller_id, work)
    for shop, account_id in made.accounts.items():
        every = [one for act in history.acts for one in act if one.shop == shop]
        made.shops[shop] = Storefront(every)
        declared = Carrier.at_work(carrier, seller_id, account_id)
        carrier.works[account_id] = AtWork(
            declared.account, declared.channel, made.shops[shop], declared.target
        )
    return made


def _connect(
    tx: Transaction, carrier: Bound, shop: str, history: History, products: dict[str, int]
) -> int:
    secrets = {name: Secret(SIGNING) for name in ("shop", "token", SECRET)}
    number = accounts.connect(tx, carrier.keyring, accounts.NewAccount(CHANNEL.name, shop, secrets))
    skus = [*history.skus, ODD]
    ids = listings.save_listings(tx, number, [listing(f"v-{sku}", sku) for sku in set(skus)])
    links = {ids[f"v-{sku}"]: products[sku] for sku in skus if sku not in (LATE, ODD)}
    listings.link(tx, number, links)
    accounts.set_mode(tx, number, accounts.LIVE)
    return number


def deliver_clean(seller: Seller) -> None:
    """The whole history by one clean pull of each shop, act by act; everything else comes first."""
    for sku, units in seller.history.arrivals.items():
        seller.arrive(sku, units)
    for shop in SHOPS:
        seller.link_late(shop)
    known = dict.fromkeys(SHOPS, 0)
    for number, act in enumerate(seller.history.acts):
        for shop, front in seller.shops.items():
            known[shop] += sum(one.shop == shop for one in act)
            front.turn(front.now + timedelta(days=1 + number), known[shop])
            assert seller.pull(shop)
        seller.derive()
        if number + 1 < len(seller.history.acts):
            seller.ship()
    for one in seller.history.back:
        seller.take_back(one, datetime.now(UTC))
    seller.derive()


def at_once(steps: Sequence[Step]) -> None:
    """Start together, in threads; whatever one raises is raised here."""
    together = Barrier(len(steps))
    raised: list[BaseException] = []

    def run(step: Step) -> None:
        together.wait()
        try:
            step()
        except BaseException as error:  # noqa: BLE001  # handed on below
            raised.append(error)

    threads = [Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


@contextmanager
def killed(seller: Seller, rng: Random) -> Iterator[None]:
    """What runs inside dies at one of its first commits, if it gets there; then its leases end."""
    seller.database.doom(rng.randint(1, 5), written=rng.random() < 0.5)
    with suppress(Died):
        yield
    seller.database.doom(0, written=False)
    pump.time_passes(seller.database, seller.id, 61)
