"""What channels paid out, and what they kept of it: recorded once each, as the channel says it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import BigInteger, SmallInteger, String, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.aftersales.models import payout, payout_fee
from hub.db import SELLER, At, Kind, Transaction, rows


class Payout(NamedTuple):
    id: int
    account_id: int
    external_id: str
    currency: str
    amount: int
    paid_at: datetime
    recorded_at: datetime


class Fee(NamedTuple):
    """``kind`` is the channel's own word; ``order_key`` its order, "" where it is of none."""

    kind: str
    amount: int
    order_key: str


class IncomingFee(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def amount(self) -> int: ...
    @property
    def order_key(self) -> str: ...


class IncomingPayout(Protocol):
    @property
    def external_id(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def amount(self) -> int: ...
    @property
    def paid_at(self) -> datetime: ...
    @property
    def fees(self) -> Sequence[IncomingFee]: ...


_ACCOUNT = bindparam("account", type_=BigInteger)
_PAID: dict[str, Kind] = {
    "external_id": String,
    "currency": String,
    "amount": BigInteger,
    "paid_at": At,
}
_GIVEN = rows(*_PAID.items())
_RECORD = (
    upsert(payout)
    .from_select(
        ["seller_id", "account_id", *_PAID],
        select(SELLER, _ACCOUNT, *(_GIVEN.c[name] for name in _PAID)),
    )
    .on_conflict_do_nothing(index_elements=["external_id", "account_id", "seller_id"])
    .returning(payout.c.external_id, payout.c.id)
)
_TAKEN: dict[str, Kind] = {
    "payout_id": BigInteger,
    "position": SmallInteger,
    "kind": String,
    "amount": BigInteger,
    "order_key": String,
}
_FEES = rows(*_TAKEN.items())
_RECORD_FEES = insert(payout_fee).from_select(
    ["seller_id", *_TAKEN], select(SELLER, *(_FEES.c[name] for name in _TAKEN))
)


def record(tx: Transaction, account_id: int, listed: Sequence[IncomingPayout]) -> int:
    """Record those that are new, with their fees; answers how many."""
    unique = {one.external_id: one for one in listed}
    if not unique:
        return 0
    values = {name: [getattr(one, name) for one in unique.values()] for name in _PAID}
    found = tx.execute(_RECORD, {**tx.params(**values), "account": account_id})
    made: dict[str, int] = {key: number for key, number in found}
    fees = [
        (number, place, fee)
        for key, number in made.items()
        for place, fee in enumerate(unique[key].fees)
    ]
    if fees:
        told: dict[str, list[Any]] = {
            "payout_id": [number for number, _, _ in fees],
            "position": [place for _, place, _ in fees],
            "kind": [fee.kind[:100] for _, _, fee in fees],
            "amount": [fee.amount for _, _, fee in fees],
            "order_key": [fee.order_key[:200] for _, _, fee in fees],
        }
        tx.execute(_RECORD_FEES, tx.params(**told))
    return len(made)


_COLUMNS = [payout.c[name] for name in Payout._fields]


def payouts(
    tx: Transaction, *, before: int, limit: int, account_id: int | None = None
) -> list[tuple[Payout, list[Fee]]]:
    """The ``limit`` newest payouts whose id is below ``before``, with their fees."""
    query = select(*_COLUMNS).where(payout.c.seller_id == tx.seller_id, payout.c.id < before)
    if account_id is not None:
        query = query.where(payout.c.account_id == account_id)
    found = tx.execute(query.order_by(payout.c.id.desc()).limit(limit))
    made = [Payout(*row) for row in found]
    fees: dict[int, list[Fee]] = {one.id: [] for one in made}
    if made:
        taken = tx.execute(
            select(payout_fee.c.payout_id, *(payout_fee.c[name] for name in Fee._fields))
            .where(
                payout_fee.c.seller_id == tx.seller_id,
                payout_fee.c.payout_id == func.any(list(fees)),
            )
            .order_by(payout_fee.c.payout_id, payout_fee.c.position)
        )
        for number, *rest in taken:
            fees[number].append(Fee(*rest))
    return [(one, fees[one.id]) for one in made]
