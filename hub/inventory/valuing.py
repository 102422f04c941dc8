"""What stock is worth, and costs that are learnt after the goods came.

Freight, duty and the like are spread over what a receipt brought. Units that have left since have
left at the cost of that day: their part is variance, and no past is rewritten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, func, insert, select

from hub.db import SELLER, Transaction, among, rows
from hub.errors import Conflict, InvalidInput
from hub.inventory.ledger import lock
from hub.inventory.models import cost_change, cost_layer

#: How charges are spread.
BY_VALUE, BY_QUANTITY, BY_WEIGHT = "value", "quantity", "weight"
BASES = (BY_VALUE, BY_QUANTITY, BY_WEIGHT)


class Worth(NamedTuple):
    """Of ``units`` at a location ``unpriced`` cost nobody knows what; the others ``value``, in the
    seller's minor units."""

    product_id: int
    location_id: int
    units: int
    value: int
    unpriced: int


_L = cost_layer.c
_WORTH = (
    select(
        _L.product_id,
        _L.location_id,
        func.sum(_L.remaining),
        func.coalesce(func.sum(_L.value), 0),
        func.coalesce(func.sum(_L.remaining).filter(_L.value.is_(None)), 0),
    )
    .where(_L.seller_id == SELLER, _L.remaining > 0, among(_L.product_id, "ids"))
    .group_by(_L.product_id, _L.location_id)
    .order_by(_L.product_id, _L.location_id)
)


def worth(tx: Transaction, product_ids: Sequence[int]) -> list[Worth]:
    """What these products' units are worth, by location; where there are none, no row."""
    found = tx.execute(_WORTH, tx.params(ids=product_ids))
    return [Worth(*(int(figure) for figure in row)) for row in found]


class Received(NamedTuple):
    """A layer of a receipt as it came in, and what is left of it at one location."""

    layer_id: int
    origin_id: int
    product_id: int
    units: int
    came_as: int
    came_worth: int | None
    remaining: int
    value: int | None


class Landed(NamedTuple):
    """Of the charges so much was added to stock, and so much was for units that are gone."""

    added: int
    variance: int


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount by weights, to the last minor unit: each rounded down, and what is left one
    by one to those that lost most, the first of equals first (largest remainder, or Hamilton's
    method). Raises InvalidInput where all weigh nothing."""
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise InvalidInput("basis", "what the charges are spread by is nothing for every line")
    parts = [amount * weight // total for weight in weights]
    lost = sorted(
        range(len(weights)), key=lambda place: (-(amount * weights[place] % total), place)
    )
    for place in lost[: amount - sum(parts)]:
        parts[place] += 1
    return parts


def land(
    tx: Transaction,
    key: str,
    posting_ids: Sequence[int],
    amount: int,
    *,
    basis: str = BY_VALUE,
    weights: Mapping[int, int] | None = None,
    note: str = "",
) -> Landed:
    """Spread ``amount`` minor units of charges over what these postings received. Under a key that
    is known it does nothing more and answers the same.

    ``weights``: product → grams a unit, for BY_WEIGHT. Raises InvalidInput for an unknown basis,
    for nothing to spread over, and by value where a cost is unknown; Conflict for a key that was
    used for other charges.
    """
    if basis not in BASES:
        raise InvalidInput("basis", f"must be one of {', '.join(BASES)}")
    if type(amount) is not int or amount <= 0:
        raise InvalidInput("amount", "must be 1 minor unit or more")
    lock(tx, _products(tx, posting_ids))
    known = _landed(tx, key)
    if known is not None:
        if known.added + known.variance != amount:
            raise Conflict("this key was used for other charges", code="key_reused")
        return known
    layers = _received(tx, posting_ids)
    came = {one.origin_id: one for one in layers}
    shares = spread(amount, [_weight(one, basis, weights or {}) for one in came.values()])
    share_of = dict(zip(came, shares, strict=True))
    added = {one.layer_id: share_of[one.origin_id] * one.remaining // one.came_as for one in layers}
    for one in layers:
        if one.value is None:
            added[one.layer_id] = 0
    _write(tx, key, layers, added, share_of, note)
    total = sum(added.values())
    return Landed(total, amount - total)


def _weight(one: Received, basis: str, weights: Mapping[int, int]) -> int:
    if basis == BY_QUANTITY:
        return one.came_as
    if basis == BY_WEIGHT:
        return one.came_as * weights.get(one.product_id, 0)
    if one.came_worth is None:
        raise InvalidInput("basis", f"what product {one.product_id} cost is unknown")
    return one.came_worth


def _products(tx: Transaction, posting_ids: Sequence[int]) -> list[int]:
    """Raises InvalidInput where these postings brought nothing."""
    found = tx.execute(
        select(_L.product_id)
        .where(_L.seller_id == SELLER, _L.origin_id.is_(None), among(_L.posting_id, "postings"))
        .distinct(),
        tx.params(postings=posting_ids),
    )
    ids = list(found.scalars())
    if not ids:
        raise InvalidInput("postings", "these brought in nothing that charges could be spread over")
    return ids


_CAME = cost_layer.alias("came")
_RECEIVED = (
    select(
        _L.id,
        _CAME.c.id,
        _L.product_id,
        _L.units,
        _CAME.c.units,
        _CAME.c.cost,
        _L.remaining,
        _L.value,
    )
    .select_from(_CAME)
    .join(
        cost_layer,
        (_L.seller_id == _CAME.c.seller_id)
        & ((_L.id == _CAME.c.id) | (_L.origin_id == _CAME.c.id)),
    )
    .where(
        _CAME.c.seller_id == SELLER,
        _CAME.c.origin_id.is_(None),
        among(_CAME.c.posting_id, "postings"),
    )
    .order_by(_CAME.c.id, _L.id)
)


def _received(tx: Transaction, posting_ids: Sequence[int]) -> list[Received]:
    return [Received(*row) for row in tx.execute(_RECEIVED, tx.params(postings=posting_ids))]


_CHANGES = rows(
    ("layer_id", BigInteger),
    ("product_id", BigInteger),
    ("amount", BigInteger),
    ("variance", BigInteger),
)


_KEEP = insert(cost_change).from_select(
    ["seller_id", "layer_id", "product_id", "amount", "variance", "key", "note"],
    select(
        SELLER,
        *_CHANGES.c,
        bindparam("key", type_=cost_change.c.key.type),
        bindparam("note", type_=cost_change.c.note.type),
    ),
)
_ADD = (
    cost_layer.update()
    .values(value=_L.value + _CHANGES.c.amount)
    .where(_L.seller_id == SELLER, _L.id == _CHANGES.c.layer_id, _CHANGES.c.amount > 0)
)
_LANDED = select(
    func.count(),
    func.coalesce(func.sum(cost_change.c.amount), 0),
    func.coalesce(func.sum(cost_change.c.variance), 0),
).where(
    cost_change.c.seller_id == SELLER,
    cost_change.c.key == bindparam("key", type_=cost_change.c.key.type),
)


def _landed(tx: Transaction, key: str) -> Landed | None:
    count, amount, variance = tx.execute(_LANDED, {**tx.params(), "key": key}).one()
    return Landed(int(amount), int(variance)) if count else None


def _write(
    tx: Transaction,
    key: str,
    layers: Sequence[Received],
    added: Mapping[int, int],
    share_of: Mapping[int, int],
    note: str,
) -> None:
    """The variance of a receipt's line is kept with the layer it came as."""
    spent: dict[int, int] = {}
    for one in layers:
        spent[one.origin_id] = spent.get(one.origin_id, 0) + added[one.layer_id]
    values = tx.params(
        layer_id=[one.layer_id for one in layers],
        product_id=[one.product_id for one in layers],
        amount=[added[one.layer_id] for one in layers],
        variance=[
            share_of[one.origin_id] - spent[one.origin_id] if one.layer_id == one.origin_id else 0
            for one in layers
        ],
    )
    tx.execute(_KEEP, {**values, "key": key, "note": note})
    tx.execute(_ADD, values)
