"""Lots: units that were made together, and the last day they may be sold.

A product's units stand in lots or they do not; which it is, is settled while there are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import BigInteger, Date, String, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.db import SELLER, Transaction, among, rows
from hub.errors import Conflict, InvalidInput, NotFound
from hub.inventory.ledger import Move, lock
from hub.inventory.models import State, level, location, lot, product, stock_change

LONGEST = 80


class NewLot(NamedTuple):
    product_id: int
    code: str
    expires_on: date | None = None
    made_on: date | None = None


class Lot(NamedTuple):
    id: int
    product_id: int
    code: str
    made_on: date | None
    expires_on: date | None
    note: str


def keep_in_lots(tx: Transaction, product_id: int) -> bool:
    """Let the product's units stand in lots from now on; False where they do already. Raises
    NotFound, and Conflict while there are units of it, which are in none, and where it is keyed."""
    levels = lock(tx, [product_id])
    found = tx.execute(
        select(product.c.lots, product.c.keyed).where(
            product.c.seller_id == tx.seller_id, product.c.id == product_id
        )
    ).one()
    if found.lots:
        return False
    if found.keyed:
        raise Conflict(f"product {product_id} is sold by activation keys", code="product_keyed")
    if any(levels.quantities.values()):
        raise Conflict(f"product {product_id} has stock that is in no lot", code="has_stock")
    tx.execute(
        product.update()
        .values(lots=True, version=product.c.version + 1)
        .where(product.c.seller_id == tx.seller_id, product.c.id == product_id)
    )
    return True


_NEW = rows(("product_id", BigInteger), ("code", String), ("expires_on", Date), ("made_on", Date))
_ADD = (
    upsert(lot)
    .from_select(
        ["seller_id", "product_id", "code", "expires_on", "made_on"],
        select(SELLER, *_NEW.c).order_by(_NEW.c.product_id, _NEW.c.code),
    )
    .on_conflict_do_nothing(index_elements=["product_id", "code", "seller_id"])
)
_COLUMNS = [lot.c[name] for name in Lot._fields]
_FIND = select(*_COLUMNS).where(
    lot.c.seller_id == SELLER, lot.c.product_id == _NEW.c.product_id, lot.c.code == _NEW.c.code
)


def add_lots(tx: Transaction, items: Iterable[NewLot]) -> dict[tuple[int, str], int]:
    """Create those that are new; (product, code) → id, for all.

    Raises InvalidInput for a bad code or dates, and where a lot is known with another expiry: one
    of the two is wrong, and both cannot be first to go.
    """
    wanted = {(one.product_id, one.code): one for one in items}
    for one in wanted.values():
        if not 0 < len(one.code) <= LONGEST or not one.code.isprintable():
            raise InvalidInput("lot", f"must have 1 to {LONGEST} printable characters")
        if one.made_on and one.expires_on and one.made_on > one.expires_on:
            raise InvalidInput("expires_on", f"lot {one.code!r} expires before it was made")
    if not wanted:
        return {}
    values = tx.params(
        product_id=[one.product_id for one in wanted.values()],
        code=[one.code for one in wanted.values()],
        expires_on=[one.expires_on for one in wanted.values()],
        made_on=[one.made_on for one in wanted.values()],
    )
    tx.execute(_ADD, values)
    found = [Lot(*row) for row in tx.execute(_FIND, values)]
    for known in found:
        given = wanted[known.product_id, known.code]
        if given.expires_on and given.expires_on != known.expires_on:
            said = f"lot {known.code!r} is known to expire on {known.expires_on or 'no day'}"
            raise InvalidInput("expires_on", said)
    return {(known.product_id, known.code): known.id for known in found}


_WITH_LOTS = select(product.c.id).where(
    product.c.seller_id == SELLER, product.c.lots, among(product.c.id, "ids")
)
_OF_LOTS = select(lot.c.id, lot.c.product_id).where(
    lot.c.seller_id == SELLER, among(lot.c.id, "lots")
)


def check_moves(tx: Transaction, moves: Sequence[Move]) -> None:
    """Raises InvalidInput where the lot of a product with lots is not said, or is not its own.
    Asked after the moves are posted, when the products are locked."""
    in_lots = set(
        tx.execute(_WITH_LOTS, tx.params(ids=sorted({m.product_id for m in moves}))).scalars()
    )
    said = sorted({m.lot_id for m in moves if m.lot_id})
    owner = (
        {number: of for number, of in tx.execute(_OF_LOTS, tx.params(lots=said))} if said else {}
    )
    for m in moves:
        if m.lot_id and owner.get(m.lot_id) != m.product_id:
            raise InvalidInput("lot", f"product {m.product_id} has no lot {m.lot_id}")
        if bool(m.lot_id) != (m.product_id in in_lots):
            reason = "comes in lots: say which" if not m.lot_id else "does not come in lots"
            raise InvalidInput("lot", f"product {m.product_id} {reason}")


def lots_of(tx: Transaction, product_id: int) -> list[Lot]:
    """First to expire first."""
    found = tx.execute(
        select(*_COLUMNS)
        .where(lot.c.seller_id == tx.seller_id, lot.c.product_id == product_id)
        .order_by(lot.c.expires_on.nulls_last(), lot.c.id)
    )
    return [Lot(*row) for row in found]


def get(tx: Transaction, number: int) -> Lot:
    """Raises NotFound."""
    found = tx.execute(
        select(*_COLUMNS).where(lot.c.seller_id == tx.seller_id, lot.c.id == number)
    ).one_or_none()
    if found is None:
        raise NotFound(f"no lot {number}")
    return Lot(*found)


class Standing(NamedTuple):
    """Units of a lot at a location that may be sold until its last day."""

    lot_id: int
    product_id: int
    sku: str
    lot: str
    expires_on: date
    location: str
    quantity: int


def expiring(tx: Transaction, until: date) -> list[Standing]:
    """What stands available and expires by that day, or has, soonest first."""
    found = tx.execute(
        select(
            lot.c.id,
            lot.c.product_id,
            product.c.sku,
            lot.c.code,
            lot.c.expires_on,
            location.c.code,
            level.c.quantity,
        )
        .join(
            product, (product.c.seller_id == lot.c.seller_id) & (product.c.id == lot.c.product_id)
        )
        .join(
            level,
            (level.c.seller_id == lot.c.seller_id)
            & (level.c.product_id == lot.c.product_id)
            & (level.c.lot_id == lot.c.id)
            & (level.c.state == State.AVAILABLE),
        )
        .join(
            location,
            (location.c.seller_id == level.c.seller_id) & (location.c.id == level.c.location_id),
        )
        .where(lot.c.seller_id == tx.seller_id, lot.c.expires_on <= until, level.c.quantity > 0)
        .order_by(lot.c.expires_on, product.c.sku_key, location.c.code)
    )
    return [Standing(*row) for row in found]


def note_expired(tx: Transaction, last_day: date) -> int:
    """Lots whose last day this was are offered no more: have the offers of their products derived.
    Answers how many products."""
    gone = (
        select(lot.c.product_id)
        .where(
            lot.c.seller_id == tx.seller_id,
            lot.c.expires_on == last_day,
            select(level.c.product_id)
            .where(
                level.c.seller_id == lot.c.seller_id,
                level.c.product_id == lot.c.product_id,
                level.c.lot_id == lot.c.id,
                level.c.quantity > 0,
            )
            .exists(),
        )
        .distinct()
    )
    ids = sorted(tx.execute(gone).scalars())
    if ids:
        tx.execute(insert(stock_change).values(seller_id=tx.seller_id, product_ids=ids))
        tx.ring("stock")
    return len(ids)
