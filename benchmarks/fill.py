"""The large database: a million orders taken in long ago, every table as intake leaves it."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import chain
from time import monotonic

import psycopg
from sqlalchemy import text

from benchmarks import rows, shop
from benchmarks.ground import Ground
from benchmarks.harness import note
from benchmarks.rows import Batch
from benchmarks.shop import Shop
from connectors.records import ChannelOrder
from hub import invariants
from hub.db import Database
from hub.schema import INVARIANTS

LINES = 3
CHUNK = 10_000
FILLED = (*rows.COLUMNS, "product", "level", "listing", "offer")


def large(ground: Ground, orders: int, *, products: int) -> str:
    """The name of the template with so many orders of three lines."""
    base = ground.shops(products=products, shops=1)
    return ground.template(f"large_{orders}", partial(_fill, orders=orders), base=base)


def _fill(ground: Ground, name: str, *, orders: int) -> None:
    began = monotonic()
    with ground.superuser(name) as boss:
        boss.execute("SET session_replication_role = replica")  # no trigger, so no foreign key
        here = shop.read(boss)
        taken: Counter[int] = Counter()
        source = shop.orders(here, LINES, seed=2)
        for done in range(0, orders, CHUNK):
            taken += _chunk(boss, here, shop.take(source, min(CHUNK, orders - done)))
            boss.commit()
            if done % 100_000 == 0:
                note(f"{done:,} of {orders:,} orders after {monotonic() - began:.0f} s")
        _levels(boss, here, taken)
        boss.commit()
    with ground.app(name) as database:
        shop.settle(database, here.seller_id)
        with ground.superuser(name, autocommit=True) as boss:
            boss.execute(f"VACUUM (ANALYZE) {', '.join(FILLED)}".encode())
        check(database, here.seller_id)
    note(f"{orders:,} orders after {monotonic() - began:.0f} s, every invariant holds")


def _chunk(boss: psycopg.Connection, here: Shop, orders: list[ChannelOrder]) -> Counter[int]:
    """Payloads are short: only how many there are matters to those that come after."""
    numbers = rows.ids(boss, len(orders), LINES)
    made = Batch(here)
    for one in orders:
        first = next(numbers)
        made.add(one, chain([first], numbers), rows.seal(here, first, b"{}"))
    with boss.cursor() as cursor:
        rows.copy(cursor, made.blocks())
    return made.taken


def _levels(boss: psycopg.Connection, here: Shop, taken: Counter[int]) -> None:
    """Opening stock less what was sold; the offers of all of it are to be derived."""
    with boss.cursor() as cursor:
        rows.update(cursor, rows.prepare(Batch(here, taken=taken)))


def check(database: Database, seller_id: int) -> None:
    """Every invariant of the hub holds, however long it takes to look."""
    with database.transaction(seller_id) as tx:
        tx.execute(text("SET LOCAL statement_timeout = 0"))
        broken = invariants.check(tx, INVARIANTS)
    assert not broken, broken
