"""Every flow of an account starts clean: after a new authorisation, or a resume.

A worker may be at the channel at that moment, and its answer, a refusal perhaps, is of before.
Where it has a lease, that is taken away. A flow without one counts how often it started clean: who
finds another number than when it began says nothing (:func:`since`).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, bindparam, case, func, select, update

from hub.channels import flows
from hub.channels.flows import (
    CHECK,
    INBOX,
    OUTBOX,
    PULL,
    PUSH,
    REAUTHORISE,
    REQUEST,
    UNLEASED,
)
from hub.channels.models import flow, listing, outbox
from hub.db import SELLER, Transaction

_OF = bindparam("account", type_=BigInteger)
_ALL = (flow.c.seller_id == SELLER) & (flow.c.account_id == _OF)
_THIS = _ALL & (flow.c.flow == OUTBOX)
#: Pushes are claimed listing by listing: their flow has no other use for its token.
COUNTED = (
    select(flow.c.lease_token).where(_ALL, flow.c.flow == PUSH).scalar_subquery().label("resumed")
)
#: Only where something waits to be told: what was put off need wait no longer.
_WAITS = (
    outbox.update()
    .values(next_at=func.now())
    .where(
        outbox.c.seller_id == SELLER,
        outbox.c.account_id == _OF,
        outbox.c.state.in_(["waiting", "sent"]),
        outbox.c.next_at > func.now(),
    )
    .returning(outbox.c.id)
    .cte("waits")
)
_CLEAN = {"health": "healthy", "attempts": 0, "last_error": "", "next_at": func.now()}
_RESET_OUTBOX = (
    flow.update()
    .values(_CLEAN)
    .where(
        _THIS,
        select(outbox.c.id)
        .where(
            outbox.c.seller_id == SELLER,
            outbox.c.account_id == _OF,
            outbox.c.state.in_(["waiting", "sent"]),
        )
        .exists(),
    )
    .add_cte(_WAITS)
)
#: Those that wait for something of their own (a catalogue's round) start only where they fared
#: badly.
_STARTS = flow.c.flow.in_([PULL, PUSH, CHECK, INBOX]) | (flow.c.health != "healthy")
_RESET = (
    update(flow)
    .values(
        lease_token=flow.c.lease_token + 1,
        lease_until=UNLEASED,
        **{name: case((_STARTS, clean), else_=flow.c[name]) for name, clean in _CLEAN.items()},
    )
    .where(_ALL, flow.c.flow != REQUEST)
)

#: Seconds; a first look comes within minutes, so that what is further off was put off.
PUT_OFF = 600.0
#: What was told before the account was paused was to be read back, and could not be.
_LOOK = (
    update(listing)
    .values(check_at=func.now())
    .where(
        listing.c.seller_id == SELLER,
        listing.c.account_id == _OF,
        listing.c.confirmed_version < listing.c.sent_version,
        listing.c.check_at > func.now() + flows.seconds(PUT_OFF),
    )
)


def reset(tx: Transaction, account_id: int) -> None:
    """After a new authorisation or a resume: every flow starts clean and due; those that wait for
    something of their own only where they fared badly. What a person asked for goes on."""
    values = {**tx.params(), "account": account_id}
    flows.lock(tx, account_id, *flows.FLOWS)
    tx.execute(_RESET, values)
    tx.execute(_LOOK, values)
    for name in (PULL, PUSH, CHECK, INBOX):
        tx.ring(f"{name}:{account_id}")
    if tx.change(_RESET_OUTBOX, values):
        tx.ring(f"{OUTBOX}:{account_id}")


_CHECK = flow.alias("check_flow")
#: Pushes are held with read-backs that were refused, and were not refused themselves.
_HELD_WITH_CHECK = (
    (flow.c.flow == PUSH)
    & (flow.c.health == "healthy")
    & select(_CHECK.c.flow)
    .where(
        _CHECK.c.seller_id == SELLER,
        _CHECK.c.account_id == _OF,
        _CHECK.c.flow == CHECK,
        _CHECK.c.health == REAUTHORISE,
    )
    .exists()
)
_REFUTED = (
    update(flow)
    .values(lease_until=UNLEASED, **_CLEAN)
    .where(_ALL, (flow.c.health == REAUTHORISE) | _HELD_WITH_CHECK)
    .returning(flow.c.flow)
)


def refuted(tx: Transaction, account_id: int) -> None:
    """The channel has just taken the account's credentials: what was refused before was refused
    for the moment, and what was held for it need wait for no person."""
    for name in tx.execute(_REFUTED, {**tx.params(), "account": account_id}).scalars():
        tx.ring(f"{name}:{account_id}")


def since(tx: Transaction, account_id: int, resumed: int) -> bool:
    """The account's flows have started clean since ``resumed`` was read. Until the transaction's
    end they do not."""
    flows.lock(tx, account_id, PUSH)
    counted = tx.execute(select(COUNTED), {**tx.params(), "account": account_id}).scalar()
    return bool(counted != resumed)
