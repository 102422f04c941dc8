"""How an account fares, in figures and sentences: how soon it hears of a change, whether it is
heard of, whether its clock is right."""

from __future__ import annotations

from typing import Any, NamedTuple

from hub.channels import clocks, hearing, pacing, reaching
from hub.channels.clocks import Clock
from hub.channels.hearing import Heard
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
