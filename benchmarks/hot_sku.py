"""64 threads that sell one SKU at once.

Ours: one-line orders through ``take_in``. The floor: the same rows by hand, one statement an order,
from as many threads; beside it the bare conditional UPDATE, which records nothing. Then, without a
floor, what must come out exactly: a stock that runs out, and four-line orders over eight SKUs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import psycopg

from benchmarks import fill, rows, shop
from benchmarks.ground import Ground
from benchmarks.harness import (
    Result,
    Scale,
    Spread,
    alternate,
    benchmark,
    figure,
    note,
    percentile,
    rate,
)
from benchmarks.shop import KEYRING
from connectors.records import ChannelOrder
from hub.db import Database, Transaction
from hub.inventory.adjusting import Adjustment, adjust
from hub.sales.incoming import content_hash
from hub.sales.intake import take_in

THREADS = 64
EACH = 10
STOCK = THREADS * EACH
FEW = 8
GOAL = 4.0

BARE = """
UPDATE level SET quantity = quantity - 1
 WHERE seller_id = %(seller)s AND product_id = %(product)s AND location_id = %(place)s
   AND state = 1 AND lot_id = 0 AND quantity >= 1"""
BACK = """
UPDATE level SET quantity = quantity + %(units)s
 WHERE seller_id = %(seller)s AND product_id = %(product)s AND location_id = %(place)s
   AND state = 1 AND lot_id = 0"""
#: The product's row is the lock, and everything hangs on having it.
BY_HAND = """
WITH bumped AS (
  UPDATE product SET stock_version = stock_version + 1
   WHERE seller_id = %(seller)s AND id = %(product)s RETURNING id),
noted AS (
  INSERT INTO stock_change (seller_id, product_ids) VALUES (%(seller)s, ARRAY[%(product)s])),
moved AS (
  UPDATE level SET quantity = quantity + CASE state WHEN 1 THEN -1 ELSE 1 END
    FROM bumped
   WHERE seller_id = %(seller)s AND product_id = bumped.id AND location_id = %(place)s
     AND state IN (1, 2) AND lot_id = 0),
shown AS (
  UPDATE listing SET remote_quantity = remote_quantity - 1
   WHERE seller_id = %(seller)s AND account_id = %(account)s AND external_id = %(listing_key)s),
ordered AS (
  INSERT INTO sales_order (seller_id, id, account_id, external_id, number, status, channel_status,
                           currency, total, placed_at, source_updated_at, content_hash, test)
  VALUES (%(seller)s, %(order)s, %(account)s, %(external_id)s, %(number)s, 'confirmed', 'PAID',
          'EUR', %(total)s, %(at)s, %(at)s, %(hash)s, false)),
lined AS (
  INSERT INTO order_line (seller_id, id, order_id, external_id, listing_key, product_id, sku, title,
                          quantity, unit_price, total, allocated)
  VALUES (%(seller)s, %(line)s, %(order)s, %(line_key)s, %(listing_key)s, %(product)s, %(sku)s,
          %(title)s, 1, %(total)s, %(total)s, 1)),
sealed AS (
  INSERT INTO order_payload (seller_id, order_id, wrapped_key, sealed)
  VALUES (%(seller)s, %(order)s, %(key)s, %(sealed)s)),
posted AS (
  INSERT INTO posting (seller_id, id, key, reason, document, document_id)
  VALUES (%(seller)s, %(posting)s, %(posting_key)s, 'allocation', 'sales_order', %(order)s)),
went AS (
  INSERT INTO move (seller_id, id, posting_id, product_id, quantity, from_state, from_location_id,
                    to_state, to_location_id, happened_at)
  VALUES (%(seller)s, %(move)s, %(posting)s, %(product)s, 1, 1, %(place)s, 2, %(place)s, %(at)s))
INSERT INTO allocation (seller_id, document, line_id, location_id, product_id, quantity)
VALUES (%(seller)s, 'order_line', %(line)s, %(place)s, %(product)s, 1)"""


class HotSku:
    """The two sides, and the shop they sell from. ``waits`` are those of our last pass."""

    def __init__(self, database: Database, bosses: Sequence[psycopg.Connection]) -> None:
        self.database = database
        self.bosses = bosses
        self.shop = shop.read(bosses[0])
        self.numbers = count(1)
        self.waits: list[float] = []

    def order(self, *products: int) -> ChannelOrder:
        return shop.order(next(self.numbers), [(product, 1) for product in products])

    def take(self, thread: int, one: ChannelOrder) -> None:
        def work(tx: Transaction) -> None:
            take_in(tx, KEYRING, self.shop.target, [one])

        self.database.command(self.shop.seller_id, work)

    def ours(self) -> float:
        done = Spread(THREADS, [self.order(0) for _ in range(STOCK)], self.take)
        self.waits = done.waits
        return done.seconds

    def floor(self) -> float:
        return Spread(THREADS, [self._values() for _ in range(STOCK)], self._by_hand).seconds

    def bare(self) -> float:
        values = {
            "seller": self.shop.seller_id,
            "product": self.shop.products[FEW],
            "place": self.shop.location_id,
        }

        def update(thread: int, one: dict[str, Any]) -> None:
            assert self.bosses[thread].execute(BARE, one, prepare=True).rowcount == 1

        done = Spread(THREADS, [values] * STOCK, update)
        self.bosses[0].execute(BACK, {**values, "units": STOCK})  # there is no move of them
        return done.seconds

    def _by_hand(self, thread: int, values: dict[str, Any]) -> None:
        self.bosses[thread].execute(BY_HAND, values, prepare=True)

    def _values(self) -> dict[str, Any]:
        """An order's row values, payload sealed, before any clock runs."""
        one = self.order(0)
        (line,) = one.lines
        order, posting, line_id, move = rows.ids(self.bosses[0], 1, 1)
        key, sealed = rows.seal(self.shop, order, rows.private(one))
        return {
            "seller": self.shop.seller_id,
            "account": self.shop.account_id,
            "place": self.shop.location_id,
            "product": self.shop.products[0],
            "order": order,
            "line": line_id,
            "posting": posting,
            "move": move,
            "posting_key": f"order:{order}:1",
            "external_id": one.external_id,
            "number": one.number,
            "at": one.placed_at,
            "hash": content_hash(one),
            "total": one.total,
            "line_key": line.external_id,
            "listing_key": line.listing_key,
            "sku": line.sku,
            "title": line.title,
            "key": key,
            "sealed": sealed,
        }

    def ask(self, query: str, *values: object) -> int:
        found = self.bosses[0].execute(query.encode(), values).fetchone()
        assert found is not None
        return int(found[0])

    def deadlocks(self) -> int:
        return self.ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")

    def sell_out(self, product: int) -> None:
        """Twice as many buyers as units: exactly the stock is sold, nobody is refused falsely."""
        number = self.shop.products[product]
        surplus = STOCK - shop.OPENING

        def leave(tx: Transaction) -> None:
            adjust(tx, "leave", [Adjustment(number, self.shop.location_id, surplus)])

        self.database.command(self.shop.seller_id, leave)
        Spread(THREADS, [self.order(product) for _ in range(2 * STOCK)], self.take)
        sums = "SELECT sum({}) FROM order_line WHERE product_id = %s"
        sold = self.ask(sums.format("allocated"), number)
        waiting = self.ask(sums.format("claimed"), number)
        left = self.ask("SELECT quantity FROM level WHERE product_id = %s AND state = 1", number)
        assert (sold, waiting, left) == (STOCK, STOCK, 0), (sold, waiting, left)

    def four_lines(self) -> float:
        """Eight SKUs, four an order, in any order: every unit is sold, no deadlock comes out."""
        chance = Random(3)
        before = self._sold_of_few()
        orders = [self.order(*chance.sample(range(FEW), 4)) for _ in range(STOCK)]
        shuffled = [replace(one, lines=tuple(chance.sample(one.lines, 4))) for one in orders]
        done = Spread(THREADS, shuffled, self.take)
        sold = self._sold_of_few() - before
        assert sold == 4 * STOCK, sold
        return done.seconds

    def _sold_of_few(self) -> int:
        few = list(self.shop.products[:FEW])
        query = "SELECT coalesce(sum(allocated), 0) FROM order_line WHERE product_id = ANY (%s)"
        return self.ask(query, few)


@contextmanager
def opened(ground: Ground) -> Iterator[HotSku]:
    """64 connections for either side."""
    with ExitStack() as stack:
        name = stack.enter_context(ground.copy(ground.shops(products=20, shops=1)))
        database = stack.enter_context(ground.app(name, pool=THREADS))
        bosses = [
            stack.enter_context(ground.superuser(name, autocommit=True)) for _ in range(THREADS)
        ]
        yield HotSku(database, bosses)


@benchmark("hot-sku")
def hot_sku(ground: Ground, scale: Scale) -> Iterable[Result]:
    with opened(ground) as hot:
        ours, floor, bare = alternate(scale.passes, hot.ours, hot.floor, hot.bare)
        p50, p99 = (percentile(hot.waits, percent) * 1e3 for percent in (50, 99))
        note(f"last pass: p50 {p50:,.0f} ms, p99 {p99:,.0f} ms")
        few = [hot.four_lines() for _ in range(min(scale.passes, 3))]
        hot.sell_out(product=FEW + 1)
        note(f"sold out exactly; deadlocks the server saw: {hot.deadlocks()}, none came out")
        fill.check(hot.database, hot.shop.seller_id)
    yield rate("hot-sku", "orders/s", STOCK, ours, floor, GOAL)
    yield rate("hot-sku-bare", "orders/s", STOCK, ours, bare, None)
    yield figure("hot-sku-four-lines", "orders/s", [STOCK / seconds for seconds in few])
