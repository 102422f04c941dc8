"""What one order and one listing cost in bytes, and an order in CPU: for the arithmetic of scale.

Sizes are those of the large database, vacuumed, with every index: the tables that intake writes
for an order, and those of a listing with its offer. What goes through the write-ahead log, and the
CPU of the application and of the database's process, are measured over pages of 250 orders.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from time import process_time

import psycopg

from benchmarks import fill, rows, shop
from benchmarks.ground import Ground
from benchmarks.harness import Result, Scale, benchmark, figure
from benchmarks.shop import KEYRING, Shop
from connectors.records import ChannelOrder
from hub.db import Database, Transaction
from hub.sales.intake import Taken, take_in

PRODUCTS = 5_000
PAGE = 250
OF_A_LISTING = ("listing", "offer")
TICKS = os.sysconf("SC_CLK_TCK")


@benchmark("footprint")
def run(ground: Ground, scale: Scale) -> Iterable[Result]:
    """Figures without a floor: they are what docs/scale.md counts with."""
    orders = min(scale.orders, 100_000)
    kept = fill.large(ground, orders, products=PRODUCTS)
    with ground.copy(kept) as name, ground.superuser(name) as boss:
        yield figure("footprint-order", "bytes", [_bytes(boss, rows.COLUMNS) / orders])
        yield figure("footprint-listing", "bytes", [_bytes(boss, OF_A_LISTING) / PRODUCTS])
        boss.commit()
        with ground.app(name, pool=1) as database:
            yield from _written(database, boss, scale.passes)


def _bytes(boss: psycopg.Connection, tables: Iterable[str]) -> int:
    found = boss.execute(
        "SELECT sum(pg_total_relation_size(to_regclass(name))) FROM unnest(%s::text[]) AS name",
        [list(tables)],
    ).fetchone()
    assert found is not None
    return int(found[0])


def _written(database: Database, boss: psycopg.Connection, passes: int) -> Iterable[Result]:
    here = shop.read(boss)
    boss.commit()
    last = boss.execute("SELECT max(substr(number, 2)::bigint) FROM sales_order").fetchone()
    assert last is not None
    orders = shop.orders(here, fill.LINES, first=int(last[0]) + 1)
    log, ours, theirs = [], [], []
    for number in range(passes + 1):
        page = shop.take(orders, PAGE)
        began = (_log(boss), process_time(), _cpu(database, here.seller_id))
        taken = database.command(here.seller_id, partial(_take, here, page))
        assert taken == Taken(new=PAGE), taken
        ended = (_log(boss), process_time(), _cpu(database, here.seller_id))
        if number:
            log.append((ended[0] - began[0]) / PAGE)
            ours.append((ended[1] - began[1]) / PAGE * 1e3)
            theirs.append((ended[2] - began[2]) / PAGE * 1e3)
    yield figure("footprint-order-log", "bytes", log)
    yield figure("footprint-order-cpu", "ms", ours)
    yield figure("footprint-order-database-cpu", "ms", [sum(theirs) / len(theirs)])


def _take(here: Shop, page: list[ChannelOrder], tx: Transaction) -> Taken:
    return take_in(tx, KEYRING, here.target, page)


def _log(boss: psycopg.Connection) -> int:
    found = boss.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')").fetchone()
    boss.commit()
    assert found is not None
    return int(found[0])


def _cpu(database: Database, seller_id: int) -> float:
    """Seconds that the one process of the database that serves us has used so far."""

    def ask(tx: Transaction) -> int:
        return int(tx.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())

    told = Path(f"/proc/{database.command(seller_id, ask)}/stat").read_text()
    user, system = told.rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / TICKS
