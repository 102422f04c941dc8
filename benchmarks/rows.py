"""The rows that orders become, by hand: for the floors, and to fill the large database.

The same rows in the same tables as :func:`hub.sales.intake.take_in` leaves behind, as COPY text
made before any clock runs; ids come from the client, payloads are sealed already.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import psycopg

from benchmarks.shop import KEYRING, Shop
from connectors.records import ChannelOrder
from hub.inventory.models import State
from hub.sales.incoming import content_hash
from hub.sales.intake import payload_binding

#: In the order of their foreign keys.
COLUMNS = {
    "sales_order": "seller_id, id, account_id, external_id, number, status, channel_status,"
    " currency, total, placed_at, source_updated_at, content_hash, test",
    "order_line": "seller_id, id, order_id, external_id, listing_key, product_id, sku, title,"
    " quantity, unit_price, total, allocated",
    "order_payload": "seller_id, order_id, wrapped_key, sealed",
    "posting": "seller_id, id, key, reason, document, document_id",
    "move": "seller_id, id, posting_id, product_id, quantity, from_state, from_location_id,"
    " to_state, to_location_id, happened_at",
    "allocation": "seller_id, document, line_id, location_id, product_id, quantity",
}
PER_ORDER = 2  # ids: order, posting
PER_LINE = 2  # line, move

BUMP = "UPDATE product SET stock_version = stock_version + 1 WHERE seller_id = %s AND id = ANY (%s)"
CHANGE = "INSERT INTO stock_change (seller_id, product_ids) VALUES (%s, %s)"
LEVELS = """
UPDATE level SET quantity = level.quantity + u.change
  FROM unnest(%(product)s::bigint[], %(state)s::smallint[], %(change)s::bigint[])
       u (product_id, state, change)
 WHERE level.seller_id = %(seller)s AND level.product_id = u.product_id
   AND level.location_id = %(place)s AND level.state = u.state AND level.lot_id = 0"""

SOLD = """
UPDATE listing SET remote_quantity = listing.remote_quantity - u.units
  FROM unnest(%(product)s::bigint[], %(units)s::bigint[]) u (product_id, units)
 WHERE listing.seller_id = %(seller)s AND listing.account_id = %(account)s
   AND listing.product_id = u.product_id"""


@dataclass(slots=True)
class Batch:
    """Some orders as COPY text by table, and the units they take of each product."""

    shop: Shop
    text: dict[str, list[str]] = field(default_factory=lambda: {table: [] for table in COLUMNS})
    taken: Counter[int] = field(default_factory=Counter)

    def blocks(self) -> dict[str, bytes]:
        return {table: "".join(rows).encode() for table, rows in self.text.items()}

    def add(self, one: ChannelOrder, ids: Iterator[int], sealed: tuple[bytes, bytes]) -> None:
        """``sealed`` are the payload's wrapped key and body, for the order's id, which is the
        next of ``ids``."""
        shop, text = self.shop, self.text
        seller, place = shop.seller_id, shop.location_id
        number, posting = next(ids), next(ids)
        key, body = sealed
        at = one.placed_at.isoformat()
        text["sales_order"].append(
            f"{seller}\t{number}\t{shop.account_id}\t{one.external_id}\t{one.number}\t{one.status}"
            f"\t{one.channel_status}\t{one.currency}\t{one.total}\t{at}\t{at}"
            f"\t\\\\x{content_hash(one).hex()}\tf\n"
        )
        text["order_payload"].append(f"{seller}\t{number}\t\\\\x{key.hex()}\t\\\\x{body.hex()}\n")
        text["posting"].append(
            f"{seller}\t{posting}\torder:{number}:1\tallocation\tsales_order\t{number}\n"
        )
        for line in one.lines:
            product = shop.products[int(line.sku[4:])]
            line_id, move = next(ids), next(ids)
            units = line.quantity
            self.taken[product] += units
            text["order_line"].append(
                f"{seller}\t{line_id}\t{number}\t{line.external_id}\t{line.listing_key}\t{product}"
                f"\t{line.sku}\t{line.title}\t{units}\t{line.unit_price}\t{line.total}\t{units}\n"
            )
            text["move"].append(
                f"{seller}\t{move}\t{posting}\t{product}\t{units}\t1\t{place}\t2\t{place}\t{at}\n"
            )
            text["allocation"].append(
                f"{seller}\torder_line\t{line_id}\t{place}\t{product}\t{units}\n"
            )


def ids(connection: psycopg.Connection, orders: int, lines: int) -> Iterator[int]:
    """Enough for so many orders of so many lines, from the sequence that ours come from."""
    count = orders * (PER_ORDER + PER_LINE * lines)
    found = connection.execute("SELECT nextval('row_id') FROM generate_series(1, %s)", (count,))
    return iter([row[0] for row in found.fetchall()])


def batch(shop: Shop, orders: Iterable[ChannelOrder], numbers: Iterator[int]) -> Batch:
    """Orders of one page, their payloads sealed as intake seals them."""
    made = Batch(shop)
    for one in orders:
        number = next(numbers)
        made.add(one, chain([number], numbers), seal(shop, number, private(one)))
    return made


def seal(shop: Shop, order_id: int, body: bytes) -> tuple[bytes, bytes]:
    return KEYRING.seal(body, payload_binding(shop.seller_id, order_id))


def private(one: ChannelOrder) -> bytes:
    """What intake keeps of an order under seal."""
    buyer = one.buyer
    person = {
        "external_id": buyer.external_id,
        "name": buyer.name,
        "email": buyer.email,
        "phone": buyer.phone,
        "address": dict(buyer.address),
    }
    return json.dumps({"buyer": person, "raw": one.raw}).encode()


def copy(cursor: psycopg.Cursor, blocks: dict[str, bytes]) -> None:
    for table, columns in COLUMNS.items():
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as stream:
            stream.write(blocks[table])


@dataclass(frozen=True, slots=True)
class Prepared:
    """A page, ready for :func:`write`."""

    shop: Shop
    blocks: dict[str, bytes]
    products: Sequence[int]
    levels: dict[str, object]
    sold: dict[str, object]


def prepare(made: Batch) -> Prepared:
    products = sorted(made.taken)
    units = [made.taken[product] for product in products]
    levels = {
        "seller": made.shop.seller_id,
        "place": made.shop.location_id,
        "product": products * 2,
        "state": [int(State.AVAILABLE)] * len(units) + [int(State.ALLOCATED)] * len(units),
        "change": [-one for one in units] + units,
    }
    sold = {
        "seller": made.shop.seller_id,
        "account": made.shop.account_id,
        "product": products,
        "units": units,
    }
    return Prepared(made.shop, made.blocks(), products, levels, sold)


def write(connection: psycopg.Connection, page: Prepared) -> None:
    """One page in one transaction, the products first, as their rows are the lock."""
    with connection.transaction(), connection.cursor() as cursor:
        update(cursor, page)
        copy(cursor, page.blocks)


def update(cursor: psycopg.Cursor, page: Prepared) -> None:
    """The rows that are there already: products, levels, and what the listings show."""
    cursor.execute(BUMP, (page.shop.seller_id, page.products))
    cursor.execute(CHANGE, (page.shop.seller_id, page.products))
    cursor.execute(LEVELS, page.levels)
    cursor.execute(SOLD, page.sold)
