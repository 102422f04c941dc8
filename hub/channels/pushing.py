"""Pushing stock: claim what is due, record each answer, never backwards.

A listing is due while its channel has not been told its newest offer. Claiming takes a lease (its
``next_at`` moves to the lease's end and its token goes up), so a worker that dies is followed, and
one that wakes late cannot record over its follower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Double,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    null,
    select,
)
from sqlalchemy.types import DateTime

from hub.channels import flows
from hub.channels.flows import seconds
from hub.channels.models import account, flow, listing
from hub.conflicts.record import Finding, close_conflicts, open_conflicts
from hub.db import SELLER, Transaction, params, rows

#: Refusals of the same offer before a person is told.
REFUSALS = 3
LONGEST_BACKOFF = 900.0


class Due(NamedTuple):
    """A listing to be pushed: claimed under ``token``."""

    id: int
    external_id: str
    handles: Mapping[str, str]
    version: int
    quantity: int
    remote_quantity: int | None
    token: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one pushed listing.

    ``outcome``: accepted, unknown, stale, rejected, gone, retry. ``check_in``: seconds until the
    first read-back; ``retry_in``: until the next try where one is needed.
    """

    due: Due
    outcome: str
    current: int | None = None
    code: str = ""
    message: str = field(default="")
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
    )
    .order_by(listing.c.id)
    .limit(bindparam("most", type_=BigInteger))
    .with_for_update(skip_locked=True)
    .cte("chosen")
    .prefix_with("MATERIALIZED")
)
_CLAIM = (
    listing.update()
    .values(
        lease_token=listing.c.lease_token + 1,
        next_at=func.now() + seconds(bindparam("lease", type_=Double)),
        attempts=listing.c.attempts + 1,
    )
    .where(listing.c.seller_id == SELLER, listing.c.id == _CHOSEN.c.id)
    .returning(
        listing.c.id,
        listing.c.external_id,
        listing.c.handles,
        listing.c.desired_version,
        listing.c.desired_quantity,
        listing.c.remote_quantity,
        listing.c.lease_token,
        listing.c.attempts,
    )
    .add_cte(_CHOSEN)
)


def claim_due(tx: Transaction, account_id: int, limit: int, lease: float) -> list[Due]:
    """Claim up to ``limit`` due listings of a live account, skipping those others hold."""
    values = {**tx.params(), "account": account_id, "most": limit, "lease": lease}
    return sorted(Due(*row) for row in tx.execute(_CLAIM, values))


def _live(tx: Transaction, account_id: int) -> Any:
    """The account may be written to."""
    return (
        select(account.c.id)
        .where(
            account.c.seller_id == tx.seller_id,
            account.c.id == account_id,
            account.c.mode == "live",
        )
        .exists()
    )


_ANSWERS = rows(
    ("id", BigInteger),
    ("token", BigInteger),
    ("version", BigInteger),
    ("quantity", BigInteger),
    ("sent", Boolean),
    ("remote", BigInteger),
    ("remote_known", Boolean),
    ("next_in", Double),
    ("check_in", Double),
    ("error", String),
    ("ended", Boolean),
)


def record(tx: Transaction, account_id: int, answers: Sequence[Answer]) -> None:
    """Write a batch's answers; only those whose lease is still ours count, and a newer version
    that is recorded already is never put back."""
    if not answers:
        return
    a = _ANSWERS.c
    sent = a.sent & (a.version > listing.c.sent_version)
    statement = (
        listing.update()
        .values(
            sent_version=func.greatest(listing.c.sent_version, case((a.sent, a.version), else_=0)),
            sent_quantity=case((sent, a.quantity), else_=listing.c.sent_quantity),
            sent_at=case((sent, func.now()), else_=listing.c.sent_at),
            remote_quantity=case((a.remote_known, a.remote), else_=listing.c.remote_quantity),
            remote_at=case((a.remote_known, func.now()), else_=listing.c.remote_at),
            next_at=func.now() + seconds(a.next_in),
            check_at=case(
                (a.ended, null()),
                (a.sent, func.now() + seconds(a.check_in)),
                else_=listing.c.check_at,
            ),
            checks_left=case((a.sent, 1), else_=listing.c.checks_left),
            attempts=case((a.sent, 0), else_=listing.c.attempts),
            last_error=a.error,
            state=case((a.ended, "ended"), else_=listing.c.state),
        )
        .where(
            listing.c.seller_id == tx.seller_id,
            listing.c.id == a.id,
            listing.c.lease_token == a.token,
        )
    )
    tx.execute(statement, _answer_values(answers))
    _tell(tx, account_id, answers)


def _answer_values(answers: Sequence[Answer]) -> dict[str, Any]:
    sent = [one.outcome in {"accepted", "unknown"} for one in answers]
    return params(
        id=[one.due.id for one in answers],
        token=[one.due.token for one in answers],
        version=[one.due.version for one in answers],
        quantity=[one.due.quantity for one in answers],
        sent=sent,
        remote=[one.due.quantity if one.outcome == "accepted" else one.current for one in answers],
        remote_known=[one.outcome in {"accepted", "unknown", "stale"} for one in answers],
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
    retried = [one for one in answers if one.outcome == "accepted" and one.due.attempts > 1]
    if retried:
        close_conflicts(tx, "stock_rejected", [f"listing:{one.due.id}" for one in retried])


def settle(tx: Transaction, account_id: int) -> None:
    """After a run: say when the account's next push and next read-back are due, under the flows'
    locks, so that what is made due meanwhile is not lost. An account that is not live has no push
    due; the next look at everything stays when it was."""
    mine = (listing.c.seller_id == tx.seller_id) & (listing.c.account_id == account_id)
    flows.lock(tx, account_id, flows.PUSH)
    next_push = select(func.min(listing.c.next_at)).where(mine, pushable(), _live(tx, account_id))
    flows.set_next(tx, account_id, flows.PUSH, next_push.scalar_subquery())
    flows.lock(tx, account_id, flows.CHECK)
    flows.set_next(
        tx, account_id, flows.CHECK, func.least(flow.c.next_at, _next_check(tx, account_id))
    )


def settle_checks(tx: Transaction, account_id: int) -> None:
    flows.lock(tx, account_id, flows.CHECK)
    flows.set_next(tx, account_id, flows.CHECK, _next_check(tx, account_id))


def _next_check(tx: Transaction, account_id: int) -> Any:
    """NULL where no read-back is due. Those of ended listings are claimed by nobody."""
    earliest = select(func.min(listing.c.check_at)).where(
        listing.c.seller_id == tx.seller_id,
        listing.c.account_id == account_id,
        listing.c.check_at.is_not(None),
        listing.c.state != "ended",
    )
    return cast(earliest.scalar_subquery(), DateTime(timezone=True))


def release_leases(tx: Transaction, dues: Sequence[Due], retry_in: float, error: str) -> None:
    """Nothing was sent: give the listings back, to be tried again in ``retry_in`` seconds."""
    held = rows(("id", BigInteger), ("token", BigInteger))
    tx.execute(
        listing.update()
        .values(next_at=func.now() + seconds(retry_in), last_error=error[:500])
        .where(
            listing.c.seller_id == tx.seller_id,
            listing.c.id == held.c.id,
            listing.c.lease_token == held.c.token,
        ),
        params(id=[due.id for due in dues], token=[due.token for due in dues]),
    )
