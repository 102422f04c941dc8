"""Taking in pages of 250 orders of 3 lines, into an empty database and into one with a million.

Ours goes through ``Database.command`` and ``take_in`` as the application's role, from canonical
records to committed rows. The floor writes the same rows into the same tables, with every index,
constraint and policy in place: COPY and three updates by the superuser.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median
from time import perf_counter

import psycopg

from benchmarks import fill, rows, shop
from benchmarks.ground import Ground
from benchmarks.harness import Result, Scale, alternate, benchmark, rate
from benchmarks.shop import KEYRING
from connectors.records import ChannelOrder
from hub.db import Database, Transaction
from hub.sales.intake import Taken, take_in

PRODUCTS = 5_000
PAGE = 250
PAGES = 8  # in a pass
ORDERS = PAGE * PAGES
GOAL, GROWN_GOAL = 2.0, 1.2


class Intake:
    """One database under intake."""

    def __init__(self, database: Database, boss: psycopg.Connection) -> None:
        self.database = database
        self.boss = boss
        self.shop = shop.read(boss)
        boss.commit()
        self.orders = shop.orders(self.shop, fill.LINES, first=self._last_number() + 1)
        self.before = self._count()

    def ours(self) -> float:
        pages = self._pages()
        start = perf_counter()
        taken = [self.database.command(self.shop.seller_id, partial(_take, self, p)) for p in pages]
        seconds = perf_counter() - start
        assert taken == [Taken(new=PAGE)] * PAGES, taken
        return seconds

    def floor(self) -> float:
        numbers = rows.ids(self.boss, ORDERS, fill.LINES)
        self.boss.commit()
        batches = [rows.batch(self.shop, page, numbers) for page in self._pages()]
        prepared = [rows.prepare(made) for made in batches]
        start = perf_counter()
        for page in prepared:
            rows.write(self.boss, page)
        return perf_counter() - start

    def check(self, passes: int) -> None:
        """Both variants' orders are there, once and whole."""
        assert self._count() - self.before == 2 * (passes + 1) * ORDERS
        fill.check(self.database, self.shop.seller_id)

    def _pages(self) -> list[list[ChannelOrder]]:
        return [shop.take(self.orders, PAGE) for _ in range(PAGES)]

    def _count(self) -> int:
        return self._ask("SELECT count(*) FROM sales_order")

    def _last_number(self) -> int:
        return self._ask("SELECT coalesce(max(substr(number, 2)::bigint), 0) FROM sales_order")

    def _ask(self, query: str) -> int:
        found = self.boss.execute(query.encode()).fetchone()
        self.boss.commit()
        assert found is not None
        return int(found[0])


def _take(at: Intake, page: list[ChannelOrder], tx: Transaction) -> Taken:
    return take_in(tx, KEYRING, at.shop.target, page)


@contextmanager
def opened(ground: Ground, template: str) -> Iterator[Intake]:
    with ExitStack() as stack:
        name = stack.enter_context(ground.copy(template))
        database = stack.enter_context(ground.app(name))
        boss = stack.enter_context(ground.superuser(name))
        yield Intake(database, boss)


def empty(ground: Ground) -> str:
    return ground.shops(products=PRODUCTS, shops=1)


@benchmark("intake")
def intake(ground: Ground, scale: Scale) -> Iterable[Result]:
    with opened(ground, empty(ground)) as fresh:
        ours, floor = alternate(scale.passes, fresh.ours, fresh.floor)
        fresh.check(scale.passes)
    yield rate("intake", "orders/s", ORDERS, ours, floor, GOAL)


@benchmark("intake-1m")
def intake_1m(ground: Ground, scale: Scale) -> Iterable[Result]:
    grown = fill.large(ground, scale.orders, products=PRODUCTS)
    with opened(ground, empty(ground)) as fresh, opened(ground, grown) as full:
        ours, floor, base = alternate(scale.passes, full.ours, full.floor, fresh.ours)
        full.check(scale.passes)
    yield rate("intake-1m", "orders/s", ORDERS, ours, floor, GOAL)
    yield Result(
        "intake-1m-over-empty",
        "ms/page",
        median(ours) / PAGES * 1e3,
        median(base) / PAGES * 1e3,
        median(ours) / median(base),
        GROWN_GOAL,
        scale.passes,
    )
