"""Allocations and claims: what document lines hold of stock, and what they still wait for.

Both are keyed by (document kind, line id), so any document may demand stock: inventory knows
nothing of sales. The moves that go with them are posted by the caller in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, bindparam, cast, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.db import SELLER, Transaction, params, rows
from hub.inventory.allocating import Demand, Share
from hub.inventory.ledger import Move, Place
from hub.inventory.models import State, allocation, claim

_SHARES = rows(
    ("line_id", BigInteger),
    ("location_id", BigInteger),
    ("product_id", BigInteger),
    ("quantity", BigInteger),
    ("lot_id", BigInteger),
)


def allocating_moves(shares: Iterable[Share]) -> list[Move]:
    return [_moved(s, _shelf(s), _held(s)) for s in shares]


def releasing_moves(shares: Iterable[Share]) -> list[Move]:
    return [_moved(s, _held(s), _shelf(s)) for s in shares]


def shipping_moves(shares: Iterable[Share]) -> list[Move]:
    return [_moved(s, _held(s), Place(State.CUSTOMER)) for s in shares]


def _moved(share: Share, source: Place, target: Place) -> Move:
    return Move(share.product_id, share.quantity, source, target, lot_id=share.lot_id)


def _shelf(share: Share) -> Place:
    return Place(State.AVAILABLE, share.location_id)


def _held(share: Share) -> Place:
    return Place(State.ALLOCATED, share.location_id)


_DOCUMENT = bindparam("document", type_=allocation.c.document.type)
_SHARE_COLUMNS = ["line_id", "location_id", "product_id", "quantity", "lot_id"]
_NEW_SHARES = upsert(allocation).from_select(
    ["seller_id", "document", *_SHARE_COLUMNS],
    select(SELLER, _DOCUMENT, *(_SHARES.c[name] for name in _SHARE_COLUMNS)),
)
_HOLD = _NEW_SHARES.on_conflict_do_update(
    index_elements=["seller_id", "document", "line_id", "location_id", "lot_id"],
    set_={"quantity": allocation.c.quantity + _NEW_SHARES.excluded.quantity},
)


def hold(tx: Transaction, document: str, shares: Sequence[Share]) -> None:
    """Record units as promised to lines."""
    if shares:
        given = {"seller": tx.seller_id, "document": document}
        tx.execute(_HOLD, {**given, **_values(shares)})


def let_go(tx: Transaction, document: str, shares: Sequence[Share]) -> None:
    """Take units off lines: released to stock again, or shipped."""
    if not shares:
        return
    tx.execute(
        allocation.update()
        .values(quantity=allocation.c.quantity - _SHARES.c.quantity)
        .where(
            allocation.c.seller_id == tx.seller_id,
            allocation.c.document == document,
            allocation.c.line_id == _SHARES.c.line_id,
            allocation.c.location_id == _SHARES.c.location_id,
            allocation.c.lot_id == _SHARES.c.lot_id,
        ),
        _values(shares),
    )


def held(tx: Transaction, document: str, line_ids: Sequence[int]) -> list[Share]:
    """What these lines hold now, in a fixed order."""
    found = tx.execute(
        select(
            allocation.c.line_id,
            allocation.c.product_id,
            allocation.c.location_id,
            allocation.c.quantity,
            allocation.c.lot_id,
        )
        .where(
            allocation.c.seller_id == tx.seller_id,
            allocation.c.document == document,
            allocation.c.line_id == func.any(list(line_ids)),
            allocation.c.quantity > 0,
        )
        .order_by(allocation.c.line_id, allocation.c.location_id, allocation.c.lot_id)
    )
    return [Share(*row) for row in found]


def _values(shares: Sequence[Share]) -> dict[str, object]:
    return params(
        line_id=[s.line_id for s in shares],
        location_id=[s.location_id for s in shares],
        product_id=[s.product_id for s in shares],
        quantity=[s.quantity for s in shares],
        lot_id=[s.lot_id for s in shares],
    )


_CLAIMS = rows(("line_id", BigInteger), ("product_id", BigInteger), ("wanted", BigInteger))


def wait_for(tx: Transaction, document: str, demands: Sequence[Demand]) -> None:
    """Record what lines still want; added to what they wanted before."""
    if not demands:
        return
    columns = ["line_id", "product_id", "wanted"]
    statement = upsert(claim).from_select(
        ["seller_id", "document", *columns],
        select(
            tx.seller,
            cast(literal(document), claim.c.document.type),
            *(_CLAIMS.c[name] for name in columns),
        ),
    )
    statement = statement.on_conflict_do_update(
        index_elements=["seller_id", "document", "line_id"],
        set_={"wanted": claim.c.wanted + statement.excluded.wanted},
    )
    values = params(
        line_id=[d.line_id for d in demands],
        product_id=[d.product_id for d in demands],
        wanted=[d.quantity for d in demands],
    )
    tx.execute(statement, values)


def set_open(tx: Transaction, document: str, open_units: dict[int, int]) -> None:
    """Lower the open part of claims to these units; 0 takes an unfilled claim away."""
    for line_id, units in sorted(open_units.items()):
        here = (
            claim.c.seller_id == tx.seller_id,
            claim.c.document == document,
            claim.c.line_id == line_id,
        )
        if units == 0:
            tx.execute(delete(claim).where(*here, claim.c.filled == 0))
            tx.execute(
                claim.update().values(wanted=claim.c.filled).where(*here, claim.c.filled > 0)
            )
        else:
            tx.execute(claim.update().values(wanted=claim.c.filled + units).where(*here))


def waiting(tx: Transaction, document: str, product_ids: Sequence[int]) -> list[Demand]:
    """Open claims of these products, most urgent first: then the oldest promise, and what nobody
    has promised a day after that, the oldest first."""
    found = tx.execute(
        select(claim.c.line_id, claim.c.product_id, claim.c.wanted - claim.c.filled)
        .where(
            claim.c.seller_id == tx.seller_id,
            claim.c.document == document,
            claim.c.product_id == func.any(list(product_ids)),
            claim.c.filled < claim.c.wanted,
        )
        .order_by(
            claim.c.priority,
            claim.c.promised_at.nulls_last(),
            claim.c.claimed_at,
            claim.c.line_id,
        )
    )
    return [Demand(*row) for row in found]


def fill(tx: Transaction, document: str, shares: Sequence[Share]) -> None:
    """Count units as having reached their claims."""
    got: dict[int, int] = {}
    for s in shares:
        got[s.line_id] = got.get(s.line_id, 0) + s.quantity
    if not got:
        return
    units = rows(("line_id", BigInteger), ("quantity", BigInteger))
    tx.execute(
        claim.update()
        .values(filled=claim.c.filled + units.c.quantity)
        .where(
            claim.c.seller_id == tx.seller_id,
            claim.c.document == document,
            claim.c.line_id == units.c.line_id,
        ),
        params(line_id=list(got), quantity=list(got.values())),
    )
