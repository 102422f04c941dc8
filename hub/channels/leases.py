"""Leases that are kept: what a job still holds is extended, a set at a time.

Only a lease that has not ended and whose token is still the row's: one that ran out may have hidden
what was made due meanwhile, one that was replaced belongs to another. What was given back, made due
or put off for longer lies outside the lease's own window and stays as it is. A row that somebody is
just writing is passed over until the next time: keeping waits for nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Double, String, Table, Update, bindparam, case, func, select

from hub.channels.flows import seconds
from hub.channels.models import flow, listing, outbox
from hub.db import SELLER, Transaction, rows


class FlowHeld(NamedTuple):
    """A flow of an account, leased under ``token``."""

    account_id: int
    flow: str
    token: int


class RowHeld(NamedTuple):
    """A listing to be pushed, or a thing to be told, claimed under ``token``."""

    id: int
    token: int


class LookHeld(NamedTuple):
    """A listing being read back. Whoever looks needs no token: what it sees counts for the version
    it was to see, and for no other."""

    id: int
    version: int


_FLOWS = rows(("account", BigInteger), ("flow", String), ("token", BigInteger))
_ROWS = rows(("id", BigInteger), ("token", BigInteger))
_LOOKS = rows(("id", BigInteger), ("version", BigInteger))
_UNTIL = func.now() + seconds(bindparam("lease", type_=Double))


def _runs(end: Any) -> Any:
    """The lease that ends then has not ended, and nobody has put it off for longer."""
    return (end > func.now()) & (end <= _UNTIL)


def _extending(table: Table, key: Sequence[str], held: Any, **values: Any) -> Update:
    """Extend the rows that meet ``held``, in key order, but those that are locked."""
    found = select(*(table.c[name] for name in key)).where(table.c.seller_id == SELLER, held)
    kept = (
        found.order_by(*(table.c[name] for name in key))
        .with_for_update(of=table, skip_locked=True)
        .cte("kept")
        .prefix_with("MATERIALIZED")
    )
    same = [table.c[name] == kept.c[name] for name in key]
    return table.update().values(**values).where(table.c.seller_id == SELLER, *same).add_cte(kept)


_MADE_DUE = flow.c.next_at < flow.c.lease_until
_EXTEND_FLOWS = _extending(
    flow,
    ("account_id", "flow"),
    (flow.c.account_id == _FLOWS.c.account)
    & (flow.c.flow == _FLOWS.c.flow)
    & (flow.c.lease_token == _FLOWS.c.token)
    & _runs(flow.c.lease_until),
    lease_until=_UNTIL,
    next_at=case((_MADE_DUE, flow.c.next_at), else_=_UNTIL),
)
_EXTEND_PUSHES = _extending(
    listing,
    ("id",),
    (listing.c.id == _ROWS.c.id)
    & (listing.c.lease_token == _ROWS.c.token)
    & _runs(listing.c.next_at),
    next_at=_UNTIL,
)
_EXTEND_TELLINGS = _extending(
    outbox,
    ("id",),
    (outbox.c.id == _ROWS.c.id) & (outbox.c.lease_token == _ROWS.c.token) & _runs(outbox.c.next_at),
    next_at=_UNTIL,
)
_EXTEND_LOOKS = _extending(
    listing,
    ("id",),
    (listing.c.id == _LOOKS.c.id)
    & (listing.c.sent_version == _LOOKS.c.version)
    & _runs(listing.c.check_at),
    check_at=_UNTIL,
)


def extend_flows(tx: Transaction, held: Sequence[FlowHeld], lease: float) -> int:
    """``lease`` seconds from now; answers how many were still ours. What was made due meanwhile
    stays due then."""
    values = tx.params(
        account=[one.account_id for one in held],
        flow=[one.flow for one in held],
        token=[one.token for one in held],
    )
    return tx.change(_EXTEND_FLOWS, {**values, "lease": lease})


def extend_pushes(tx: Transaction, held: Sequence[RowHeld], lease: float) -> int:
    return tx.change(_EXTEND_PUSHES, {**_rows(tx, held), "lease": lease})


def extend_tellings(tx: Transaction, held: Sequence[RowHeld], lease: float) -> int:
    return tx.change(_EXTEND_TELLINGS, {**_rows(tx, held), "lease": lease})


def extend_looks(tx: Transaction, held: Sequence[LookHeld], lease: float) -> int:
    values = tx.params(id=[one.id for one in held], version=[one.version for one in held])
    return tx.change(_EXTEND_LOOKS, {**values, "lease": lease})


def _rows(tx: Transaction, held: Sequence[RowHeld]) -> dict[str, Any]:
    return tx.params(id=[one.id for one in held], token=[one.token for one in held])
