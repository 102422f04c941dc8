"""How an account fares, in figures and sentences: how soon it hears of a change, whether it is
heard of, whether its clock is right, and the state of each of its flows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case, func, select

from hub.channels import clocks, hearing, pacing, reaching
from hub.channels.clocks import Clock
from hub.channels.flows import CHECK, NEVER, OUTBOX, PUSH, REAUTHORISE, THROTTLED, UNLEASED
from hub.channels.hearing import Heard
from hub.channels.models import flow
from hub.channels.pushing import pushable
from hub.channels.reaching import Estimate, Pace, Terms
from hub.db import Transaction

NOTHING = Pace("closed", "healthy", 0, None, None, 0.0)


class Vitals(NamedTuple):
    reaches: Estimate
    heard: Heard
    clock: Clock | None
    notes: tuple[str, ...]


def vitals(tx: Transaction, account_id: int, name: str, channel: Any) -> Vitals:
    """``channel`` is its declaration, None where it is no longer installed."""
    pace = pacing.pace(tx, account_id, [pushable()]) or NOTHING
    reaches = reaching.estimate(pace, terms(channel))
    heard, clock = hearing.lately(tx, account_id), clocks.seen(tx, account_id)
    notes = (reaching.said(name, reaches), hearing.said(heard), clocks.said(clock))
    return Vitals(reaches, heard, clock, tuple(one for one in notes if one))


def terms(channel: Any) -> Terms:
    """By the shape of a declaration: the hub need not know who declares."""
    batch = channel.stock.batch if channel is not None and channel.stock else 1
    limits = channel.limits if channel is not None else ()
    calls = limits[0].rate if limits and limits[0].unit == "requests" else None
    return Terms(batch, calls)


class FlowState(NamedTuple):
    flow: str
    health: str
    attempts: int
    next_at: datetime | None
    last_ok_at: datetime | None
    last_error: str
    cursor: dict[str, Any] | None


def states(tx: Transaction, account_id: int) -> list[FlowState]:
    may_be_held = (flow.c.health != "healthy") | flow.c.flow.in_([PUSH, CHECK, OUTBOX])
    held = case((may_be_held, flow.c.lease_until), else_=UNLEASED)
    finite = func.nullif(func.greatest(flow.c.next_at, held), NEVER)
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
    order = {"healthy": 0, THROTTLED: 1, "failing": 2, REAUTHORISE: 3}
    worst: dict[int, str] = {}
    for account_id, health in tx.execute(
        select(flow.c.account_id, flow.c.health).where(flow.c.seller_id == tx.seller_id)
    ):
        if order[health] >= order[worst.get(account_id, "healthy")]:
            worst[account_id] = health
    return worst
