"""Each account's flows: what is due when, who is at it, how it fares.

A flow's row is what the clock looks at. Whoever makes work due lowers ``next_at`` in the
transaction that makes it; whoever finishes takes the row's lock first and only then looks for what
is left, so that work made meanwhile is either seen or makes the row due again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import DateTime, Double, bindparam, case, cast, func, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.channels.models import flow
from hub.db import SELLER, Transaction, among

PULL, PUSH, CHECK, INBOX, LISTINGS, REQUEST = (
    "pull",
    "push",
    "check",
    "inbox",
    "listings",
    "request",
)
FLOWS = (PULL, PUSH, CHECK, INBOX, LISTINGS, REQUEST)
REAUTHORISE = "reauthorise"

NEVER = text("'infinity'::timestamptz")
#: Due, and yet a time that Python can read.
LONG_AGO = text("'epoch'::timestamptz")
UNLEASED = text("'-infinity'::timestamptz")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one flow of one account for a while. Times by the database's clock."""

    account_id: int
    flow: str
    token: int
    cursor: dict[str, Any] | None
    attempts: int


class FlowState(NamedTuple):
    flow: str
    health: str
    attempts: int
    next_at: datetime | None
    last_ok_at: datetime | None
    last_error: str
    cursor: dict[str, Any] | None


def seconds(value: Any) -> Any:
    return func.make_interval(0, 0, 0, 0, 0, 0, value)


def open_flows(tx: Transaction, account_id: int) -> None:
    for name in FLOWS:
        statement = upsert(flow).values(seller_id=tx.seller_id, account_id=account_id, flow=name)
        tx.execute(statement.on_conflict_do_nothing())


_NAMED = (
    (flow.c.seller_id == SELLER)
    & among(flow.c.account_id, "ids")
    & (flow.c.flow == bindparam("flow_name", type_=flow.c.flow.type))
)
_DUE_LOCK = select(flow.c.account_id).where(_NAMED).order_by(flow.c.account_id).with_for_update()
_MAKE_DUE = (
    flow.update()
    .values(
        next_at=func.least(flow.c.next_at, func.now() + seconds(bindparam("after", type_=Double)))
    )
    .where(_NAMED)
)


def make_due(
    tx: Transaction,
    name: str,
    account_ids: Sequence[int],
    *,
    after: float = 0.0,
    ring: bool = True,
) -> None:
    """Due ``after`` seconds at the latest; rung at once when now, unless the caller goes on with
    the work itself (the sweep finds it if the caller dies)."""
    ids = sorted(set(account_ids))
    if not ids:
        return
    values = {**tx.params(ids=ids), "flow_name": name, "after": after}
    if len(ids) > 1:
        tx.execute(_DUE_LOCK, values)
    tx.execute(_MAKE_DUE, values)
    if after <= 0 and ring:
        for account_id in ids:
            tx.ring(f"{name}:{account_id}")


def _these(tx: Transaction, name: str, ids: Sequence[int]) -> Any:
    return (
        (flow.c.seller_id == tx.seller_id)
        & (flow.c.account_id == func.any(list(ids)))
        & (flow.c.flow == name)
    )


def claim(tx: Transaction, account_id: int, name: str, lease: float) -> Lease | None:
    """Take the flow for ``lease`` seconds; None while somebody else has it.

    Until then the flow counts as due at the lease's end, in case its worker dies.
    """
    until = func.now() + seconds(lease)
    found = tx.execute(
        flow.update()
        .values(
            lease_token=flow.c.lease_token + 1,
            lease_until=until,
            next_at=until,
            attempts=flow.c.attempts + 1,
        )
        .where(_these(tx, name, [account_id]), flow.c.lease_until < func.now())
        .returning(flow.c.lease_token, flow.c.cursor, flow.c.attempts)
    ).one_or_none()
    return Lease(account_id, name, *found) if found else None


def _unless_made_due(at: Any) -> Any:
    """``at``, but the earlier time where somebody made the flow due while we had it."""
    return case((flow.c.next_at < flow.c.lease_until, flow.c.next_at), else_=at)


def save_cursor(tx: Transaction, lease: Lease, cursor: dict[str, Any], *, extend: float) -> bool:
    """Move the cursor with the records it covers; False when the lease has been lost."""
    until = func.now() + seconds(extend)
    values = {"cursor": cursor, "lease_until": until, "next_at": _unless_made_due(until)}
    return bool(tx.change(flow.update().values(values).where(_mine(tx, lease))))


def _mine(tx: Transaction, lease: Lease) -> Any:
    return _these(tx, lease.flow, [lease.account_id]) & (flow.c.lease_token == lease.token)


def release(tx: Transaction, lease: Lease, *, next_in: float | None) -> bool:
    """Give the lease back after success; due again in ``next_in`` seconds, None = when something
    makes it due. False when the lease has been lost."""
    values = {
        **_given_back(next_in),
        "attempts": 0,
        "health": "healthy",
        "last_error": "",
        "last_ok_at": func.now(),
    }
    return _give_back(tx, lease, values)


def fail(
    tx: Transaction, lease: Lease, error: str, *, next_in: float | None, health: str = "failing"
) -> None:
    """Give the lease back after an error, due again in ``next_in`` seconds (None: a person must
    act first). Never silently off: the health says so."""
    values: dict[str, Any] = {"health": health, "last_error": error[:500]}
    values |= {"lease_until": UNLEASED, "next_at": _in(next_in)}
    _give_back(tx, lease, values)


def _given_back(next_in: float | None) -> dict[str, Any]:
    return {"lease_until": UNLEASED, "next_at": _unless_made_due(_in(next_in))}


def _in(delay: float | None) -> Any:
    return NEVER if delay is None else func.now() + seconds(delay)


def _give_back(tx: Transaction, lease: Lease, values: dict[str, Any]) -> bool:
    statement = flow.update().values(values).where(_mine(tx, lease))
    due = tx.execute(statement.returning(flow.c.next_at <= func.now())).scalar()
    if due:
        tx.ring(f"{lease.flow}:{lease.account_id}")
    return due is not None


def lock(tx: Transaction, account_id: int, name: str) -> None:
    """Hold the flow's row: what others make due from here on comes after us."""
    tx.execute(select(flow.c.flow).where(_these(tx, name, [account_id])).with_for_update())


def set_next(tx: Transaction, account_id: int, name: str, at: Any) -> None:
    """``at`` is a time or an SQL expression; NULL = nothing is due."""
    when = func.greatest(func.coalesce(cast(at, DateTime(timezone=True)), NEVER), LONG_AGO)
    tx.execute(flow.update().values(next_at=when).where(_these(tx, name, [account_id])))


def first_in(tx: Transaction, account_id: int, name: str, every: float) -> bool:
    """True once in ``every`` seconds, for whoever asks first. For flows that walk no cursor."""
    last = cast(flow.c.cursor["round"].astext, DateTime(timezone=True))
    mine = _these(tx, name, [account_id])
    due = flow.c.cursor.is_(None) | (last < func.now() - seconds(every))
    stamp = func.jsonb_build_object("round", func.now())
    return bool(tx.change(flow.update().values(cursor=stamp).where(mine, due)))


def note(tx: Transaction, account_id: int, name: str, health: str, error: str = "") -> None:
    """How a flow without a lease of its own fares."""
    ok = health == "healthy"
    values: dict[str, Any] = {"health": health, "last_error": error[:500]}
    if ok:
        values |= {"last_ok_at": func.now(), "attempts": 0}
    else:
        values["attempts"] = flow.c.attempts + 1
    tx.execute(flow.update().values(values).where(_these(tx, name, [account_id])))


def states(tx: Transaction, account_id: int) -> list[FlowState]:
    finite = func.nullif(flow.c.next_at, NEVER)
    found = tx.execute(
        select(
            flow.c.flow,
            flow.c.health,
            flow.c.attempts,
            finite,
            flow.c.last_ok_at,
            flow.c.last_error,
            flow.c.cursor,
        )
        .where(flow.c.seller_id == tx.seller_id, flow.c.account_id == account_id)
        .order_by(flow.c.flow)
    )
    return [FlowState(*row) for row in found]


def healths(tx: Transaction) -> dict[int, str]:
    """The worst health of each account's flows."""
    order = {"healthy": 0, "throttled": 1, "failing": 2, REAUTHORISE: 3}
    worst: dict[int, str] = {}
    for account_id, health in tx.execute(
        select(flow.c.account_id, flow.c.health).where(flow.c.seller_id == tx.seller_id)
    ):
        if order[health] >= order[worst.get(account_id, "healthy")]:
            worst[account_id] = health
    return worst


def reset(tx: Transaction, account_id: int) -> None:
    """After a new authorisation or a resume: every flow starts clean and due."""
    tx.execute(
        flow.update()
        .values(health="healthy", attempts=0, last_error="", next_at=func.now())
        .where(flow.c.seller_id == tx.seller_id, flow.c.account_id == account_id)
        .where(flow.c.flow.in_([PULL, PUSH, CHECK, INBOX]))
    )
    for name in (PULL, PUSH, CHECK, INBOX):
        tx.ring(f"{name}:{account_id}")
