"""Every flow of an account starts clean: after a new authorisation, or a resume."""

from __future__ import annotations

from sqlalchemy import BigInteger, bindparam, case, func, select

from hub.channels.flows import CHECK, INBOX, OUTBOX, PULL, PUSH, UNLEASED
from hub.channels.models import flow, outbox
from hub.db import SELLER, Transaction

_OF = bindparam("account", type_=BigInteger)
_THIS = (flow.c.seller_id == SELLER) & (flow.c.account_id == _OF) & (flow.c.flow == OUTBOX)
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
#: One that fared badly may be held; who has it by a lease notices that it is lost.
_CLEAN = {
    "health": "healthy",
    "attempts": 0,
    "last_error": "",
    "next_at": func.now(),
    "lease_until": case(
        ((flow.c.health != "healthy") | flow.c.flow.in_([PUSH, CHECK]), UNLEASED),
        else_=flow.c.lease_until,
    ),
}
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


def reset(tx: Transaction, account_id: int) -> None:
    """After a new authorisation or a resume: every flow starts clean and due; those that wait for
    something of their own (a request, a catalogue's round) only where they fared badly."""
    tx.execute(
        flow.update()
        .values(_CLEAN)
        .where(flow.c.seller_id == tx.seller_id, flow.c.account_id == account_id)
        .where(flow.c.flow.in_([PULL, PUSH, CHECK, INBOX]) | (flow.c.health != "healthy"))
    )
    for name in (PULL, PUSH, CHECK, INBOX):
        tx.ring(f"{name}:{account_id}")
    if tx.change(_RESET_OUTBOX, {**tx.params(), "account": account_id}):
        tx.ring(f"{OUTBOX}:{account_id}")
