"""Each account's flows: what is due when, who is at it, how it fares.

A flow's row is what the clock looks at. Whoever makes work due lowers ``next_at`` in the
transaction that makes it; whoever finishes takes the row's lock first and only then looks for what
is left, so that work made meanwhile is either seen or makes the row due again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    DateTime,
    Double,
    String,
    bindparam,
    case,
    cast,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.channels.models import flow
from hub.db import SELLER, Transaction, among, rows

PULL, PUSH, CHECK, INBOX, LISTINGS, REQUEST = (
    "pull",
    "push",
    "check",
    "inbox",
    "listings",
    "request",
)
#: What the channel is told after a sale; the refunds and payouts it gave; whether its webhooks are
#: still subscribed.
OUTBOX, REFUNDS, PAYOUTS, SUBSCRIPTIONS = "outbox", "refunds", "payouts", "subscriptions"
FLOWS = (
    *(PULL, PUSH, CHECK, INBOX, LISTINGS, REQUEST),
    *(OUTBOX, REFUNDS, PAYOUTS, SUBSCRIPTIONS),
)
REAUTHORISE = "reauthorise"
THROTTLED = "throttled"

NEVER = text("'infinity'::timestamptz")
#: Due, and yet a time that Python can read.
LONG_AGO = text("'epoch'::timestamptz")
UNLEASED = text("'-infinity'::timestamptz")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one flow of one account for a while. Times by the database's clock.
    ``attempts`` counts this one; ``health`` is how the flow fared until now."""

    account_id: int
    flow: str
    token: int
    cursor: dict[str, Any] | None
    attempts: int
    health: str = "healthy"

    def in_a_row(self, *, throttled: bool) -> int:
        """How many tries ended alike where this one ended so. Who is too fast, be it by our own
        count, has not failed: however often that was, the next failure is the first."""
        turned = self.health != "healthy" and (self.health == THROTTLED) != throttled
        return 1 if turned else self.attempts


def seconds(value: Any) -> Any:
    return func.make_interval(0, 0, 0, 0, 0, 0, value)


def open_flows(tx: Transaction, account_id: int) -> None:
    for name in FLOWS:
        statement = upsert(flow).values(seller_id=tx.seller_id, account_id=account_id, flow=name)
        tx.execute(statement.on_conflict_do_nothing())


class Due(NamedTuple):
    """A flow that is due ``after`` seconds at the latest."""

    account_id: int
    flow: str
    after: float


_DUE = rows(("due_account", BigInteger), ("due_flow", String), ("due_after", Double))
_THESE = (
    (flow.c.seller_id == SELLER)
    & (flow.c.account_id == _DUE.c.due_account)
    & (flow.c.flow == _DUE.c.due_flow)
)
_DUE_LOCK = (
    select(flow.c.account_id)
    .where(_THESE)
    .order_by(flow.c.account_id, flow.c.flow)
    .with_for_update(of=flow)
)
_MAKE_DUE = (
    flow.update()
    .values(next_at=func.least(flow.c.next_at, func.now() + seconds(_DUE.c.due_after)))
    .where(_THESE)
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
    due = [Due(account_id, name, after) for account_id in sorted(set(account_ids))]
    make_all_due(tx, due)
    if after <= 0 and ring:
        for one in due:
            tx.ring(f"{name}:{one.account_id}")


def make_all_due(tx: Transaction, due: Sequence[Due]) -> None:
    """These flows at once, in key order, without ringing."""
    if not due:
        return
    ordered = sorted(due)
    values = tx.params(
        due_account=[one.account_id for one in ordered],
        due_flow=[one.flow for one in ordered],
        due_after=[one.after for one in ordered],
    )
    if len(ordered) > 1:
        tx.execute(_DUE_LOCK, values)
    tx.execute(_MAKE_DUE, values)


_ACCOUNT = bindparam("account", type_=flow.c.account_id.type)
_FLOW = bindparam("flow_name", type_=flow.c.flow.type)
_ONE = (flow.c.seller_id == SELLER) & (flow.c.account_id == _ACCOUNT) & (flow.c.flow == _FLOW)
_MINE = _ONE & (flow.c.lease_token == bindparam("token", type_=flow.c.lease_token.type))
_UNTIL = func.now() + seconds(bindparam("lease_for", type_=Double))
#: The next time something is due, in seconds from now; NULL = when something makes it due.
_NEXT = func.coalesce(func.now() + seconds(bindparam("next_in", type_=Double)), NEVER)
_HEALTH = bindparam("now_health", type_=flow.c.health.type)
#: A flow that nobody is to touch for a while is leased to nobody.
_HELD = func.now() + seconds(bindparam("held_for", type_=Double))
_ERROR = bindparam("now_error", type_=flow.c.last_error.type)


def _named(tx: Transaction, account_id: int, name: str, **values: Any) -> dict[str, Any]:
    return {**tx.params(), "account": account_id, "flow_name": name, **values}


#: So many times in a row taken up and never given back, and it is the work that ends its workers:
#: from then on it is taken up at growing pauses, and shown as failing.
ABANDONED = 8
ABANDONED_SAID = "whoever takes this up ends in the middle of it, again and again; the log says how"
_LEFT = (flow.c.attempts >= ABANDONED - 1) & flow.c.health.in_(["healthy", "failing"])


def pause_after(attempts: Any) -> Any:
    """Seconds until something is taken up again that ends whoever takes it up."""
    grown = 10.0 * func.power(2.0, func.least(attempts - (ABANDONED - 1), 10))
    return func.least(300.0, grown)


_CLAIMED = func.greatest(
    _UNTIL, case((_LEFT, func.now() + seconds(pause_after(flow.c.attempts))), else_=_UNTIL)
)
_CLAIM = (
    flow.update()
    .values(
        lease_token=flow.c.lease_token + 1,
        lease_until=_CLAIMED,
        next_at=_CLAIMED,
        attempts=flow.c.attempts + 1,
        health=case((_LEFT, "failing"), else_=flow.c.health),
        last_error=case(
            (_LEFT & (flow.c.health == "healthy"), ABANDONED_SAID), else_=flow.c.last_error
        ),
    )
    .where(_ONE, flow.c.lease_until < func.now())
    .returning(flow.c.lease_token, flow.c.cursor, flow.c.attempts, flow.c.health)
)


def claim(tx: Transaction, account_id: int, name: str, lease: float) -> Lease | None:
    """Take the flow for ``lease`` seconds; None while somebody else has it.

    Until then the flow counts as due at the lease's end, in case its worker dies.
    """
    found = tx.execute(_CLAIM, _named(tx, account_id, name, lease_for=lease)).one_or_none()
    return Lease(account_id, name, *found) if found else None


def _unless_made_due(at: Any) -> Any:
    """``at``, but the earlier time where somebody made the flow due while we had it. Of one who
    comes back after the lease's end nobody can tell: then it is due."""
    kept = (flow.c.next_at < flow.c.lease_until) | (flow.c.lease_until < func.now())
    return case((kept, flow.c.next_at), else_=at)


def _of(tx: Transaction, lease: Lease, **values: Any) -> dict[str, Any]:
    return _named(tx, lease.account_id, lease.flow, token=lease.token, **values)


_SAVE = (
    flow.update()
    .values(
        cursor=bindparam("to_cursor", type_=flow.c.cursor.type),
        lease_until=_UNTIL,
        next_at=_unless_made_due(_UNTIL),
    )
    .where(_MINE)
)


def save_cursor(tx: Transaction, lease: Lease, cursor: dict[str, Any], *, extend: float) -> bool:
    """Move the cursor with the records it covers; False when the lease has been lost."""
    return bool(tx.change(_SAVE, _of(tx, lease, to_cursor=cursor, lease_for=extend)))


#: As :meth:`Lease.in_a_row` counts.
_TURNED = (flow.c.health != "healthy") & ((flow.c.health == THROTTLED) != (_HEALTH == THROTTLED))
_IS_DUE = flow.c.next_at <= func.now()
_RELEASE = (
    flow.update()
    .values(
        lease_until=UNLEASED,
        next_at=_unless_made_due(_NEXT),
        attempts=0,
        health="healthy",
        last_error="",
        last_ok_at=func.now(),
    )
    .where(_MINE)
    .returning(_IS_DUE)
)
_FAIL = (
    flow.update()
    .values(
        lease_until=case((bindparam("held_for", type_=Double) > 0, _HELD), else_=UNLEASED),
        next_at=_NEXT,
        attempts=case((_TURNED, 1), else_=flow.c.attempts),
        health=_HEALTH,
        last_error=_ERROR,
    )
    .where(_MINE)
    .returning(_IS_DUE)
)


def release(tx: Transaction, lease: Lease, *, next_in: float | None) -> bool:
    """Give the lease back after success; due again in ``next_in`` seconds, None = when something
    makes it due. False when the lease has been lost."""
    return _given_back(tx, lease, _RELEASE, next_in=next_in)


def fail(
    tx: Transaction,
    lease: Lease,
    error: str,
    *,
    next_in: float | None,
    health: str = "failing",
    hold: float = 0.0,
) -> bool:
    """Give the lease back after an error, due again in ``next_in`` seconds (None: a person must
    act first), and left alone for ``hold`` seconds whatever makes it due. Never silently off: the
    health says so. False when the lease has been lost."""
    values = {"next_in": next_in, "now_health": health, "now_error": error[:500], "held_for": hold}
    return _given_back(tx, lease, _FAIL, **values)


def _given_back(tx: Transaction, lease: Lease, statement: Any, **values: Any) -> bool:
    due = tx.execute(statement, _of(tx, lease, **values)).scalar()
    if due:
        tx.ring(f"{lease.flow}:{lease.account_id}")
    return due is not None


_LOCK = (
    select(flow.c.flow)
    .where(
        flow.c.seller_id == SELLER,
        flow.c.account_id == _ACCOUNT,
        among(flow.c.flow, "flows"),
    )
    .order_by(flow.c.flow)
    .with_for_update()
)


def lock(tx: Transaction, account_id: int, *names: str) -> None:
    """Hold the flows' rows: what others make due from here on comes after us."""
    tx.execute(_LOCK, {**tx.params(flows=names), "account": account_id})


def when(at: Any) -> Any:
    """``next_at`` for a time that may be NULL: nothing is due then."""
    return func.greatest(func.coalesce(cast(at, DateTime(timezone=True)), NEVER), LONG_AGO)


def set_next(tx: Transaction, account_id: int, name: str, at: Any) -> None:
    """``at`` is a time or an SQL expression; NULL = nothing is due."""
    statement = flow.update().values(next_at=when(at)).where(_ONE)
    tx.execute(statement, _named(tx, account_id, name))


_FIRST_IN = (
    flow.update()
    .values(cursor=func.jsonb_build_object("round", func.now()))
    .where(
        _ONE,
        flow.c.cursor.is_(None)
        | (
            cast(flow.c.cursor["round"].astext, DateTime(timezone=True))
            < func.now() - seconds(bindparam("every", type_=Double))
        ),
    )
)


def first_in(tx: Transaction, account_id: int, name: str, every: float) -> bool:
    """True once in ``every`` seconds, for whoever asks first. For flows that walk no cursor."""
    return bool(tx.change(_FIRST_IN, _named(tx, account_id, name, every=every)))


_WELL = _HEALTH == "healthy"
_NOTE = (
    flow.update()
    .values(
        health=_HEALTH,
        last_error=_ERROR,
        last_ok_at=case((_WELL, func.now()), else_=flow.c.last_ok_at),
        attempts=case((_WELL, 0), (_TURNED, 1), else_=flow.c.attempts + 1),
    )
    .where(_ONE)
    .returning(flow.c.attempts)
)
_HOLD = flow.update().values(lease_until=_HELD).where(_ONE)


def note(tx: Transaction, account_id: int, name: str, health: str, error: str = "") -> int:
    """How a flow without a lease of its own fares; answers how often in a row it fared badly
    in the same way."""
    values = _named(tx, account_id, name, now_health=health, now_error=error[:500])
    return int(tx.execute(_NOTE, values).scalar() or 0)


def held(account_id: Any, name: str) -> Any:
    """A condition: a flow without a lease of its own is to be left alone for now."""
    these = (flow.c.seller_id == SELLER, flow.c.account_id == account_id, flow.c.flow == name)
    return select(flow.c.flow).where(*these, flow.c.lease_until > func.now()).exists()


def hold(tx: Transaction, account_id: int, name: str, held_for: float) -> None:
    """Nobody is to touch a flow without a lease of its own for so long, whatever makes it due."""
    tx.execute(_HOLD, _named(tx, account_id, name, held_for=held_for))
