"""Pushing stock: claim what is due, record each answer, never backwards.

A listing is due while its channel has not been told its newest offer. Claiming takes a lease (its
``next_at`` moves to the lease's end and its token goes up), so a worker that dies is followed, and
one that wakes late cannot record over its follower.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Double,
    String,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    null,
    select,
)

from hub.channels import flows, pacing
from hub.channels.flows import seconds
from hub.channels.models import account, flow, listing
from hub.conflicts.record import Finding, close_conflicts, open_conflicts
from hub.db import SELLER, At, Transaction, among, params, rows

#: Refusals of the same offer before a person is told.
REFUSALS = 3
LONGEST_BACKOFF = 900.0


#: Outcomes after which the offer counts as sent, and after which we know what is shown.
SENT = frozenset({"accepted", "unknown"})
#: The channel's number is another than we believed: nothing has failed, and however often that
#: happens while the shop sells fast, it counts as so many attempts at most.
MOVED, MOVES = frozenset({"stale", "moved"}), 3
KNOWN = frozenset({"accepted", "unknown", "stale"})


class Due(NamedTuple):
    """A listing to be pushed: claimed under ``token``. ``typical``: fresh, and few wait with it, so
    that it shows how long a change takes."""

    id: int
    external_id: str
    handles: Mapping[str, str]
    version: int
    quantity: int
    remote_quantity: int | None
    token: int
    attempts: int
    claimed_at: datetime | None = None
    typical: bool = False


class Answer(NamedTuple):
    """What became of one pushed listing.

    ``outcome``: accepted, unknown, stale, moved (as stale, and what is shown is not known or not
    explained yet), rejected, gone, retry. ``check_in``: seconds until the
    first read-back; ``retry_in``: until the next try where one is needed.
    """

    due: Due
    outcome: str
    current: int | None = None
    code: str = ""
    message: str = ""
    check_in: float = 30.0
    retry_in: float = 5.0


def pushable() -> Any:
    """Linked, active, not paused, and behind. Ended and unlinked listings are never pushed."""
    return and_(
        listing.c.sent_version < listing.c.desired_version,
        listing.c.state == "active",
        ~listing.c.paused,
        listing.c.product_id.is_not(None),
    )


_ACCOUNT = bindparam("account", type_=BigInteger)
_CHOSEN = (
    select(listing.c.id)
    .where(
        listing.c.seller_id == SELLER,
        listing.c.account_id == _ACCOUNT,
        pushable(),
        listing.c.next_at <= func.now(),
        select(account.c.id)
        .where(account.c.seller_id == SELLER, account.c.id == _ACCOUNT, account.c.mode == "live")
        .exists(),
        ~flows.held(_ACCOUNT, flows.PUSH),
    )
    .order_by(listing.c.id)
    .limit(bindparam("most", type_=BigInteger))
    .with_for_update(skip_locked=True)
    .cte("chosen")
    .prefix_with("MATERIALIZED")
)
#: Claimed again and again by workers that ended in the middle of it: at growing pauses then.
_LEFT = (listing.c.attempts >= flows.ABANDONED - 1) & listing.c.last_error.in_(
    ["", flows.ABANDONED_SAID]
)
_PAUSE = case((_LEFT, flows.pause_after(listing.c.attempts)), else_=0.0)
_CLAIM = (
    listing.update()
    .values(
        lease_token=listing.c.lease_token + 1,
        next_at=func.now() + seconds(func.greatest(bindparam("lease", type_=Double), _PAUSE)),
        attempts=listing.c.attempts + 1,
        last_error=case((_LEFT, flows.ABANDONED_SAID), else_=listing.c.last_error),
    )
    .where(listing.c.seller_id == SELLER, listing.c.id == _CHOSEN.c.id)
    .returning(
        listing.c.id,
        listing.c.external_id,
        cast(listing.c.handles, Text),
        listing.c.desired_version,
        listing.c.desired_quantity,
        listing.c.remote_quantity,
        listing.c.lease_token,
        listing.c.attempts,
        func.now(),
    )
    .add_cte(_CHOSEN)
)


def claim_due(tx: Transaction, account_id: int, limit: int, lease: float) -> list[Due]:
    """Claim up to ``limit`` due listings of a live account, skipping those others hold; none while
    its pushes are held."""
    values = {**tx.params(), "account": account_id, "most": limit, "lease": lease}
    found = sorted(tx.execute(_CLAIM, values).all())
    # All handles are read in one go: one by one they were half of what a batch cost here.
    handles = json.loads(f"[{','.join([row[2] for row in found])}]")
    dues = [Due(row[0], row[1], given, *row[3:]) for row, given in zip(found, handles, strict=True)]
    if dues and len(dues) < limit and dues[0].attempts == 1:
        dues[0] = dues[0]._replace(typical=True)
    return dues


_ANSWERS = rows(
    ("id", BigInteger),
    ("token", BigInteger),
    ("version", BigInteger),
    ("quantity", BigInteger),
    ("sent", Boolean),
    ("moved", Boolean),
    ("remote", BigInteger),
    ("remote_known", Boolean),
    ("next_in", Double),
    ("check_in", Double),
    ("error", String),
    ("ended", Boolean),
)


_A = _ANSWERS.c
_NEWER = _A.sent & (_A.version > listing.c.sent_version)
_RECORD = (
    listing.update()
    .values(
        sent_version=func.greatest(listing.c.sent_version, case((_A.sent, _A.version), else_=0)),
        sent_quantity=case((_NEWER, _A.quantity), else_=listing.c.sent_quantity),
        sent_at=case((_NEWER, func.now()), else_=listing.c.sent_at),
        remote_quantity=case((_A.remote_known, _A.remote), else_=listing.c.remote_quantity),
        remote_at=case((_A.remote_known, func.now()), else_=listing.c.remote_at),
        next_at=func.now() + seconds(_A.next_in),
        check_at=case(
            (_A.ended, null()),
            (_A.sent, func.now() + seconds(_A.check_in)),
            else_=listing.c.check_at,
        ),
        checks_left=case((_A.sent, 1), else_=listing.c.checks_left),
        attempts=case(
            (_A.sent, 0),
            (_A.moved, func.least(listing.c.attempts, MOVES)),
            else_=listing.c.attempts,
        ),
        last_error=_A.error,
        state=case((_A.ended, "ended"), else_=listing.c.state),
    )
    .where(
        listing.c.seller_id == SELLER,
        listing.c.id == _A.id,
        listing.c.lease_token == _A.token,
    )
)


_MEASURE = pacing.measuring(_RECORD)


def record(tx: Transaction, account_id: int, answers: Sequence[Answer]) -> None:
    """Write a batch's answers; only those whose lease is still ours count, and a newer version
    that is recorded already is never put back."""
    if not answers:
        return
    values = {**tx.params(), **_answer_values(answers)}
    measured = _measured(answers)
    if measured is None:
        tx.execute(_RECORD, values)
    else:
        tx.execute(_MEASURE, {**values, **pacing.values(account_id, measured)})
    _tell(tx, account_id, answers)


def _measured(answers: Sequence[Answer]) -> pacing.Measured | None:
    """What the batch shows of the account's pace; None where nothing was taken."""
    taken = [one.due for one in answers if one.outcome == "accepted" and one.due.claimed_at]
    if not taken:
        return None
    since = min(due.claimed_at for due in taken if due.claimed_at)
    typical = next(((due.id, due.version) for due in taken if due.typical), (0, 0))
    return pacing.Measured(len(taken), since, *typical)


def _answer_values(answers: Sequence[Answer]) -> dict[str, Any]:
    dues = [one.due for one in answers]
    sent = [one.outcome in SENT for one in answers]
    return params(
        id=[due.id for due in dues],
        token=[due.token for due in dues],
        version=[due.version for due in dues],
        quantity=[due.quantity for due in dues],
        sent=sent,
        moved=[one.outcome in MOVED for one in answers],
        remote=[one.due.quantity if one.outcome == "accepted" else one.current for one in answers],
        remote_known=[one.outcome in KNOWN for one in answers],
        next_in=[0.0 if ok else _pause(one) for ok, one in zip(sent, answers, strict=True)],
        check_in=[one.check_in for one in answers],
        error=["" if ok else _said(one) for ok, one in zip(sent, answers, strict=True)],
        ended=[one.outcome == "gone" for one in answers],
    )


def _pause(one: Answer) -> float:
    if one.outcome == "rejected":
        return float(min(LONGEST_BACKOFF, 5.0 * 2 ** min(one.due.attempts, 10)))
    return one.retry_in


def _said(one: Answer) -> str:
    return f"{one.outcome}: {one.code} {one.message}".strip()[:500]


def _tell(tx: Transaction, account_id: int, answers: Sequence[Answer]) -> None:
    """Refusals that will not go away by themselves become conflicts; success closes them."""
    findings = []
    for one in answers:
        subject = f"listing:{one.due.id}"
        evidence = {"hub": one.due.quantity, "code": one.code, "message": one.message[:300]}
        if one.outcome == "gone":
            said = f"listing {one.due.external_id} is no longer at the channel"
            findings.append(Finding("listing_gone", subject, said, evidence, account_id, "high"))
        elif one.outcome == "rejected" and one.due.attempts >= REFUSALS:
            said = f"the channel refuses stock of listing {one.due.external_id}: {one.code}"
            findings.append(Finding("stock_rejected", subject, said, evidence, account_id))
    open_conflicts(tx, findings)
    gone = [f"listing:{one.due.id}" for one in answers if one.outcome == "gone"]
    if gone:
        close_conflicts(tx, "stock_drift", gone)
    retried = [one for one in answers if one.outcome == "accepted" and one.due.attempts > 1]
    if retried:
        close_conflicts(tx, "stock_rejected", [f"listing:{one.due.id}" for one in retried])


_THESE = (listing.c.seller_id == SELLER) & (listing.c.account_id == _ACCOUNT)
_LIVE = (
    select(account.c.id)
    .where(account.c.seller_id == SELLER, account.c.id == _ACCOUNT, account.c.mode == "live")
    .exists()
)
_NEXT_PUSH = select(func.min(listing.c.next_at)).where(_THESE, pushable(), _LIVE).scalar_subquery()
#: NULL where no read-back is due. Those of ended listings are claimed by nobody.
_NEXT_CHECK = cast(
    select(func.min(listing.c.check_at))
    .where(_THESE, listing.c.check_at.is_not(None), listing.c.state != "ended")
    .scalar_subquery(),
    At,
)
_OF_ACCOUNT = (flow.c.seller_id == SELLER) & (flow.c.account_id == _ACCOUNT)
_WELL = bindparam("well", type_=Boolean) & (flow.c.flow == flows.PUSH)
#: Where nothing is left to push, nothing fails: what it failed for may be wanted no more.
_FINE = _WELL | ((flow.c.flow == flows.PUSH) & _NEXT_PUSH.is_(None))
_SETTLE = (
    flow.update()
    .values(
        next_at=case(
            (flow.c.flow == flows.PUSH, flows.when(_NEXT_PUSH)),
            else_=flows.when(func.least(flow.c.next_at, _NEXT_CHECK)),
        ),
        health=case((_FINE, "healthy"), else_=flow.c.health),
        last_error=case((_FINE, ""), else_=flow.c.last_error),
        last_ok_at=case((_WELL, func.now()), else_=flow.c.last_ok_at),
        attempts=case((_FINE, 0), else_=flow.c.attempts),
        # A hold that is over is over.
        lease_until=case(
            (flow.c.lease_until < func.now(), flows.UNLEASED), else_=flow.c.lease_until
        ),
    )
    .where(_OF_ACCOUNT, among(flow.c.flow, "flows"))
)
_SETTLE_CHECKS = (
    flow.update()
    .values(next_at=flows.when(_NEXT_CHECK))
    .where(_OF_ACCOUNT, flow.c.flow == flows.CHECK)
)


def settle(tx: Transaction, account_id: int, *, well: bool = False) -> None:
    """After a run: say when the account's next push and next read-back are due, under the flows'
    locks, so that what is made due meanwhile is not lost. An account that is not live has no push
    due; the next look at everything stays when it was. ``well``: the channel took what it was
    sent, and the flow is healthy."""
    both = (flows.CHECK, flows.PUSH)
    flows.lock(tx, account_id, *both)
    tx.execute(_SETTLE, {**tx.params(flows=both), "account": account_id, "well": well})


def settle_checks(tx: Transaction, account_id: int) -> None:
    flows.lock(tx, account_id, flows.CHECK)
    tx.execute(_SETTLE_CHECKS, {**tx.params(), "account": account_id})


_HELD = rows(("id", BigInteger), ("token", BigInteger))
_GIVE_BACK = (
    listing.update()
    .values(
        next_at=func.now() + seconds(bindparam("retry_in", type_=Double)),
        attempts=listing.c.attempts - bindparam("untried", type_=BigInteger),
        last_error=bindparam("said", type_=String),
    )
    .where(
        listing.c.seller_id == SELLER,
        listing.c.id == _HELD.c.id,
        listing.c.lease_token == _HELD.c.token,
    )
)


def release_leases(
    tx: Transaction, dues: Sequence[Due], retry_in: float, error: str, *, tried: bool = True
) -> None:
    """Nothing was sent: give the listings back, to be tried again in ``retry_in`` seconds. Where it
    was not even tried, it was no attempt."""
    values = tx.params(id=[due.id for due in dues], token=[due.token for due in dues])
    told = {"retry_in": retry_in, "said": error[:500], "untried": 0 if tried else 1}
    tx.execute(_GIVE_BACK, {**values, **told})
