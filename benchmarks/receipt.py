"""Receiving a purchase order of 5,000 lines at once: counted, posted, valued, nobody waiting.

Ours goes through ``Database.command`` and ``receive`` as the application's role. The floor writes
the same rows into the same tables, with every index and constraint in place, in one transaction of
ten hand-written statements by the superuser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from time import perf_counter
from typing import TypeVar

import psycopg

from benchmarks import fill, shop
from benchmarks.ground import Ground
from benchmarks.harness import Result, Scale, alternate, benchmark, rate
from hub.db import Database, Transaction
from hub.purchasing import orders, receiving, stepping, suppliers
from hub.purchasing.counting import Counted
from hub.purchasing.orders import NewLine, NewOrder
from hub.purchasing.receiving import Delivery
from hub.purchasing.serving import Waiters
from hub.purchasing.stepping import Told, Who
from hub.purchasing.suppliers import Card
from hub.sales import backorders

T = TypeVar("T")
LINES = 5_000
GOAL = 4.0
UNITS = 3
BUYER = Who("bench", owner=True)
WAITERS = Waiters(backorders.lock_waiting, backorders.serve_waiting)

FLOOR = (
    """INSERT INTO goods_receipt (seller_id, id, order_id, key, fingerprint, actor, received_at)
       VALUES (%(seller)s, %(receipt)s, %(order)s, %(key)s, '', 'bench', now())""",
    """INSERT INTO receipt_line (seller_id, receipt_id, position, line_id, product_id, location_id,
              quantity, accepted, rejected, inspecting, first_inspecting, verdict, reason,
              unit_cost)
       SELECT %(seller)s, %(receipt)s, u.n, u.line, u.product, %(place)s, 3, 3, 0, 0, 0, 'accept',
              'no sampling plan', 500
         FROM unnest(%(lines)s::bigint[], %(products)s::bigint[])
              WITH ORDINALITY u (line, product, n)""",
    """UPDATE purchase_line SET received = received + 3, accepted = accepted + 3
         FROM unnest(%(lines)s::bigint[]) u (line)
        WHERE seller_id = %(seller)s AND id = u.line""",
    """INSERT INTO posting (seller_id, id, key, reason, document, document_id)
       VALUES (%(seller)s, %(posting)s, %(key)s, 'receipt', 'goods_receipt', %(receipt)s)""",
    """UPDATE product SET stock_version = stock_version + 1
        WHERE seller_id = %(seller)s AND id = ANY (%(products)s)""",
    """INSERT INTO stock_change (seller_id, product_ids) VALUES (%(seller)s, %(products)s)""",
    """INSERT INTO move (seller_id, posting_id, product_id, quantity, from_state, to_state,
              to_location_id, unit_cost, value, happened_at)
       SELECT %(seller)s, %(posting)s, u.product, 3, 11, 1, %(place)s, 500, 1500, now()
         FROM unnest(%(products)s::bigint[]) u (product)""",
    """UPDATE level SET quantity = quantity + 3
         FROM unnest(%(products)s::bigint[]) u (product)
        WHERE seller_id = %(seller)s AND product_id = u.product AND location_id = %(place)s
          AND state = 1 AND lot_id = 0""",
    """INSERT INTO cost_layer (seller_id, product_id, location_id, posting_id, received_at, units,
              cost, remaining, value)
       SELECT %(seller)s, u.product, %(place)s, %(posting)s, now(), 3, 1500, 3, 1500
         FROM unnest(%(products)s::bigint[]) u (product)""",
    """UPDATE purchase_order SET state = 'received', received_at = now(), version = version + 1
        WHERE seller_id = %(seller)s AND id = %(order)s""",
)


class Dock:
    """One database that receives."""

    def __init__(self, database: Database, boss: psycopg.Connection) -> None:
        self.database = database
        self.boss = boss
        self.shop = shop.read(boss)
        boss.commit()
        self.keys = count(1)
        card = Card("BENCH", "Bench", "EUR")
        self.supplier_id = self._run(lambda tx: suppliers.create(tx, card).id)

    def ours(self) -> float:
        number, lines = self._ordered()
        counted = [Counted(line_id, UNITS) for line_id, _ in lines]
        came = Delivery(f"ours {next(self.keys)}", counted)
        start = perf_counter()
        done = self._run(lambda tx: receiving.receive(tx, "bench", number, came, WAITERS))
        seconds = perf_counter() - start
        assert (done.new, done.state) == (True, "received")
        return seconds

    def floor(self) -> float:
        number, lines = self._ordered()
        query = b"SELECT nextval('row_id') FROM generate_series(1, 2)"
        receipt, posting = (row[0] for row in self.boss.execute(query).fetchall())
        self.boss.commit()
        values = {
            "seller": self.shop.seller_id,
            "order": number,
            "receipt": receipt,
            "posting": posting,
            "key": f"floor {next(self.keys)}",
            "place": self.shop.location_id,
            "lines": [line_id for line_id, _ in lines],
            "products": [product_id for _, product_id in lines],
        }
        start = perf_counter()
        for statement in FLOOR:
            self.boss.execute(statement.encode(), values)
        self.boss.commit()
        return perf_counter() - start

    def check(self, passes: int) -> None:
        """Both variants' goods are there, once and whole."""
        found = self.boss.execute(b"SELECT sum(quantity)::bigint FROM receipt_line").fetchone()
        self.boss.commit()
        assert found == (2 * (passes + 1) * LINES * UNITS,)
        fill.check(self.database, self.shop.seller_id)

    def _ordered(self) -> tuple[int, list[tuple[int, int]]]:
        """An order of every product that was sent: its id, and (line, product)."""

        def order(tx: Transaction) -> tuple[int, list[tuple[int, int]]]:
            lines = [NewLine(number, UNITS, 500) for number in self.shop.products[:LINES]]
            new = NewOrder(self.supplier_id, self.shop.location_id, lines)
            made = orders.create(tx, "bench", new, datetime.now(UTC).date())
            for version, name in enumerate(("approve", "send"), 1):
                stepping.take(tx, BUYER, made.id, name, version, Told())
            return made.id, [(line.id, line.product_id) for line in orders.lines(tx, made.id)]

        return self._run(order)

    def _run(self, work: Callable[[Transaction], T]) -> T:
        return self.database.command(self.shop.seller_id, work)


@contextmanager
def opened(ground: Ground) -> Iterator[Dock]:
    template = ground.shops(products=LINES, shops=1)
    with (
        ground.copy(template) as name,
        ground.app(name) as database,
        ground.superuser(name) as boss,
    ):
        yield Dock(database, boss)


@benchmark("receipt-5000")
def receipt(ground: Ground, scale: Scale) -> Iterable[Result]:
    with opened(ground) as dock:
        ours, floor = alternate(scale.passes, dock.ours, dock.floor)
        dock.check(scale.passes)
    yield rate("receipt-5000", "lines/s", LINES, ours, floor, GOAL)
