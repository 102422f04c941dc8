"""The outbox: what a channel is still to be told of a sale, written with the fact it tells of.

Of one order things are told in the order they happened: none before the earlier one is done or
refused. Claiming takes a lease, as in :mod:`hub.channels.pushing`: ``next_at`` moves to its end and
the token goes up, so that a worker that dies is followed and one that wakes late records nothing.
What was told and not recorded is told again under the same key; the channel counts it once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Double,
    String,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    null,
    select,
)

from hub.channels import flows
from hub.channels.flows import seconds
from hub.channels.models import account, flow, outbox
from hub.channels.telling import CANCEL, KIND_OF, REFUND, SHIP, Thing, dump
from hub.conflicts.evidence import Evidence, Value
from hub.conflicts.record import Finding, close_conflicts, open_conflicts
from hub.db import SELLER, Transaction, rows

#: Kind → the conflict of one that was refused, and what conflicts call its document.
REFUSED = {
    SHIP: ("shipment_rejected", "shipment"),
    CANCEL: ("cancellation_rejected", "cancellation"),
    REFUND: ("refund_rejected", "refund"),
}
DONE, REJECTED, UNKNOWN, RETRY = "done", "refused", "unknown", "retry"
OVER = frozenset({DONE, REJECTED})


class Due(NamedTuple):
    """One thing to be told, claimed under ``token``. ``known_as``: what the channel called it when
    an earlier version of it was told."""

    id: int
    order_id: int
    kind: str
    subject_id: int
    version: int
    payload: Mapping[str, Any]
    token: int
    attempts: int
    known_as: str


class Answer(NamedTuple):
    """What became of it: done, refused (for good), unknown (no answer came) or retry. ``tried``:
    not where the channel only asked us to come later."""

    due: Due
    outcome: str
    external_id: str = ""
    code: str = ""
    message: str = ""
    retry_in: float = 0.0
    tried: bool = True


class Told(NamedTuple):
    """A row as people see it."""

    id: int
    account_id: int
    order_id: int
    kind: str
    subject_id: int
    version: int
    state: str
    attempts: int
    last_error: str
    external_id: str
    made_at: datetime
    done_at: datetime | None


def add(
    tx: Transaction, account_id: int, order_id: int, subject_id: int, thing: Thing, version: int = 1
) -> None:
    """The channel is to be told. The order is locked, so that ids follow what happened."""
    tx.execute(
        insert(outbox).values(
            seller_id=tx.seller_id,
            account_id=account_id,
            order_id=order_id,
            kind=KIND_OF[type(thing)],
            subject_id=subject_id,
            version=version,
            payload=dump(thing),
        )
    )
    flows.make_due(tx, flows.OUTBOX, [account_id])


_ACCOUNT = bindparam("account", type_=BigInteger)
#: Written out, so that the planner sees the partial index.
_OPEN = literal_column("outbox.state IN ('waiting', 'sent')", Boolean)
_EARLIER = outbox.alias("earlier")
_FIRST_OF_ITS_ORDER = (
    ~select(_EARLIER.c.id)
    .where(
        _EARLIER.c.seller_id == SELLER,
        _EARLIER.c.account_id == _ACCOUNT,
        _EARLIER.c.order_id == outbox.c.order_id,
        _EARLIER.c.id < outbox.c.id,
        literal_column("earlier.state IN ('waiting', 'sent')", Boolean),
    )
    .correlate(outbox)
    .exists()
)
_THESE = (outbox.c.seller_id == SELLER) & (outbox.c.account_id == _ACCOUNT) & _OPEN
_LIVE = (
    select(account.c.id)
    .where(account.c.seller_id == SELLER, account.c.id == _ACCOUNT, account.c.mode == "live")
    .exists()
)
_CHOSEN = (
    select(outbox.c.id)
    .where(
        _THESE,
        outbox.c.next_at <= func.now(),
        _FIRST_OF_ITS_ORDER,
        _LIVE,
        ~flows.held(_ACCOUNT, flows.OUTBOX),
    )
    # What was tried in vain comes after what was not tried yet: it cannot hold the others up.
    .order_by(outbox.c.attempts, outbox.c.id)
    .limit(bindparam("most", type_=BigInteger))
    .with_for_update(skip_locked=True)
    .cte("chosen")
    .prefix_with("MATERIALIZED")
)
_KNOWN_AS = (
    select(_EARLIER.c.external_id)
    .where(
        _EARLIER.c.seller_id == SELLER,
        _EARLIER.c.account_id == outbox.c.account_id,
        _EARLIER.c.kind == outbox.c.kind,
        _EARLIER.c.subject_id == outbox.c.subject_id,
        _EARLIER.c.state == DONE,
        _EARLIER.c.external_id != "",
    )
    .order_by(_EARLIER.c.version.desc())
    .limit(1)
    .correlate(outbox)
    .scalar_subquery()
)
_CLAIM = (
    outbox.update()
    .values(
        lease_token=outbox.c.lease_token + 1,
        next_at=func.now() + seconds(bindparam("lease", type_=Double)),
        attempts=outbox.c.attempts + 1,
    )
    .where(outbox.c.seller_id == SELLER, outbox.c.id == _CHOSEN.c.id)
    .returning(
        outbox.c.id,
        outbox.c.order_id,
        outbox.c.kind,
        outbox.c.subject_id,
        outbox.c.version,
        outbox.c.payload,
        outbox.c.lease_token,
        outbox.c.attempts,
        func.coalesce(_KNOWN_AS, ""),
    )
    .add_cte(_CHOSEN)
)


def claim(tx: Transaction, account_id: int, limit: int, lease: float) -> list[Due]:
    """Claim up to ``limit`` things that are due of a live account, one of each order."""
    values = {**tx.params(), "account": account_id, "most": limit, "lease": lease}
    found = [Due(*row) for row in tx.execute(_CLAIM, values)]
    return sorted(found, key=lambda due: (due.attempts, due.id))


_ANSWERS = rows(
    ("id", BigInteger),
    ("token", BigInteger),
    ("state", String),
    ("external_id", String),
    ("next_in", Double),
    ("error", String),
    ("untried", BigInteger),
)
_A = _ANSWERS.c
_RECORD = (
    outbox.update()
    .values(
        # One that may have reached the channel stays so, until it answers.
        state=case((_A.state == "", outbox.c.state), else_=_A.state),
        external_id=case((_A.external_id != "", _A.external_id), else_=outbox.c.external_id),
        next_at=func.now() + seconds(_A.next_in),
        attempts=outbox.c.attempts - _A.untried,
        done_at=case((_A.state.in_(sorted(OVER)), func.now()), else_=null()),
        last_error=_A.error,
    )
    .where(
        outbox.c.seller_id == SELLER,
        outbox.c.id == _A.id,
        outbox.c.lease_token == _A.token,
        _OPEN,
    )
    .returning(outbox.c.id)
)
_STATE = {DONE: DONE, REJECTED: REJECTED, UNKNOWN: "sent", RETRY: ""}


def record(tx: Transaction, account_id: int, answers: Sequence[Answer]) -> list[Answer]:
    """Write what became of them; answers those whose lease was still ours. What is refused becomes
    a conflict, what is done closes it."""
    if not answers:
        return []
    values = tx.params(
        id=[one.due.id for one in answers],
        token=[one.due.token for one in answers],
        state=[_STATE[one.outcome] for one in answers],
        external_id=[one.external_id for one in answers],
        next_in=[one.retry_in for one in answers],
        error=["" if one.outcome == DONE else _said(one) for one in answers],
        untried=[0 if one.tried else 1 for one in answers],
    )
    ours = set(tx.execute(_RECORD, values).scalars())
    kept = [one for one in answers if one.due.id in ours]
    open_conflicts(tx, [_finding(account_id, one) for one in kept if one.outcome == REJECTED])
    for kind, (name, document) in REFUSED.items():
        done = [one.due for one in kept if one.outcome == DONE and one.due.kind == kind]
        close_conflicts(tx, name, [f"{document}:{due.subject_id}" for due in done])
    return kept


def _said(one: Answer) -> str:
    return f"{one.outcome}: {one.code} {one.message}".strip()[:500]


#: What a person needs of what was told; the lines are on the document.
_SHOWN = ("carrier", "tracking_number", "amount", "currency", "reason")


def _finding(account_id: int, one: Answer) -> Finding:
    kind, document = REFUSED[one.due.kind]
    told = one.due.payload
    shown: dict[str, Value] = {name: told[name] for name in _SHOWN if name in told}
    evidence = Evidence(
        about={"order": told.get("order_key"), document: one.due.subject_id},
        hub=shown,
        channel={"code": one.code, "message": one.message[:300]},
    )
    said = f"the channel refuses {document} {one.due.subject_id}: {one.code or one.message[:100]}"
    subject = f"{document}:{one.due.subject_id}"
    return Finding(kind, subject, said, evidence, account_id, "high")


_HELD = rows(("id", BigInteger), ("token", BigInteger))
_GIVE_BACK = (
    outbox.update()
    .values(
        next_at=func.now() + seconds(bindparam("retry_in", type_=Double)),
        attempts=outbox.c.attempts - 1,
    )
    .where(
        outbox.c.seller_id == SELLER,
        outbox.c.id == _HELD.c.id,
        outbox.c.lease_token == _HELD.c.token,
        _OPEN,
    )
)


def give_back(tx: Transaction, dues: Sequence[Due], retry_in: float) -> None:
    """These were not told at all: to be claimed again in ``retry_in`` seconds."""
    if dues:
        values = tx.params(id=[due.id for due in dues], token=[due.token for due in dues])
        tx.execute(_GIVE_BACK, {**values, "retry_in": retry_in})


_NEXT = (
    select(func.min(outbox.c.next_at)).where(_THESE, _FIRST_OF_ITS_ORDER, _LIVE).scalar_subquery()
)
_WELL = bindparam("well", type_=Boolean)
_FINE = _WELL | _NEXT.is_(None)
_SETTLE = (
    flow.update()
    .values(
        next_at=flows.when(_NEXT),
        health=case((_FINE, "healthy"), else_=flow.c.health),
        last_error=case((_FINE, ""), else_=flow.c.last_error),
        last_ok_at=case((_WELL, func.now()), else_=flow.c.last_ok_at),
        attempts=case((_FINE, 0), else_=flow.c.attempts),
    )
    .where(flow.c.seller_id == SELLER, flow.c.account_id == _ACCOUNT, flow.c.flow == flows.OUTBOX)
)


def settle(tx: Transaction, account_id: int, *, well: bool) -> None:
    """After a run: say when the account's next telling is due, under the flow's lock, so that what
    is added meanwhile is not lost. ``well``: the channel took what it was told."""
    flows.lock(tx, account_id, flows.OUTBOX)
    tx.execute(_SETTLE, {**tx.params(), "account": account_id, "well": well})


def tell_again(tx: Transaction, kind: str, subject_id: int) -> bool:
    """On a person's word the newest version that was refused is told once more; False where it was
    not refused, or is being told already."""
    newest = (
        select(outbox.c.id, outbox.c.account_id, outbox.c.state)
        .where(
            outbox.c.seller_id == tx.seller_id,
            outbox.c.kind == kind,
            outbox.c.subject_id == subject_id,
        )
        .order_by(outbox.c.version.desc())
        .limit(1)
        .with_for_update()
    )
    found = tx.execute(newest).one_or_none()
    if found is None or found.state != REJECTED:
        return False
    tx.execute(
        outbox.update()
        .values(state="waiting", attempts=0, next_at=func.now(), done_at=None)
        .where(outbox.c.seller_id == tx.seller_id, outbox.c.id == found.id)
    )
    flows.make_due(tx, flows.OUTBOX, [found.account_id])
    return True


_COLUMNS = [outbox.c[name] for name in Told._fields]


def of_account(
    tx: Transaction, account_id: int, *, before: int, limit: int, state: str | None = None
) -> list[Told]:
    """The ``limit`` newest rows whose id is below ``before``."""
    which: ColumnElement[bool] = outbox.c.id < before
    if state is not None:
        which &= outbox.c.state == state
    found = tx.execute(
        select(*_COLUMNS)
        .where(outbox.c.seller_id == tx.seller_id, outbox.c.account_id == account_id, which)
        .order_by(outbox.c.id.desc())
        .limit(limit)
    )
    return [Told(*row) for row in found]
