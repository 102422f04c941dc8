"""How fast an account's channel takes offers, measured where its answers are recorded.

One row for each account, written by the very statement that records a batch's answers. The rate
counts from when the batch was claimed, or from the answers before, whichever was later: so it is
that of an account at work, and one that rests does not grow slow. Large batches count more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, DateTime, Double, Update, bindparam, case, cast, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.channels import flows
from hub.channels.flows import NEVER
from hub.channels.models import account, account_pace, flow, listing, offer
from hub.channels.reaching import Pace
from hub.db import SELLER, Transaction

#: So many offers at once weigh as much as all that was measured before.
WEIGHT = 100.0
#: What a single change weighs against those before.
NEWEST = 0.2
#: A batch recorded within so many seconds of the one before went beside it: it measures nothing.
AT_ONCE = 0.005
#: An offer that is older was not due all the time.
LONGEST = 300.0


class Measured(NamedTuple):
    """A batch: how many offers were taken, since when it was at work, and the listing (with its
    version) whose wait is typical, 0 for none."""

    taken: int
    since: datetime
    listing_id: int = 0
    version: int = 0


_ACCOUNT = bindparam("account", type_=BigInteger)
_TAKEN = bindparam("taken", type_=Double)
_SINCE = bindparam("at_work_since", type_=DateTime(timezone=True))


def _elapsed(since: Any) -> Any:
    return cast(func.extract("epoch", func.now() - since), Double)


_TIME = _elapsed(_SINCE)
_AGE = (
    select(_elapsed(offer.c.derived_at))
    .where(
        offer.c.seller_id == SELLER,
        offer.c.listing_id == bindparam("typical", type_=BigInteger),
        offer.c.version == bindparam("typical_version", type_=BigInteger),
        _elapsed(offer.c.derived_at) < LONGEST,
    )
    .scalar_subquery()
)
_NEW = upsert(account_pace).from_select(
    ["seller_id", "account_id", "rate", "latency"],
    select(SELLER, _ACCOUNT, case((_TIME > AT_ONCE, _TAKEN / _TIME)), _AGE),
)
_MINE = account_pace.c
_GAP = _elapsed(func.greatest(_SINCE, _MINE.measured_at))
_SAMPLE = _TAKEN / _GAP
_SHARE = _TAKEN / (_TAKEN + WEIGHT)
_MEASURE = _NEW.on_conflict_do_update(
    index_elements=["seller_id", "account_id"],
    set_={
        "rate": case(
            (_GAP <= AT_ONCE, _MINE.rate),
            (_MINE.rate.is_(None), _SAMPLE),
            else_=_MINE.rate + _SHARE * (_SAMPLE - _MINE.rate),
        ),
        "latency": func.coalesce(
            _MINE.latency + NEWEST * (_NEW.excluded.latency - _MINE.latency),
            _NEW.excluded.latency,
            _MINE.latency,
        ),
        "measured_at": func.now(),
    },
)


def measuring(recording: Update) -> Any:
    """The statement that records answers, and measures them on the way."""
    return _MEASURE.add_cte(recording.returning(listing.c.id).cte("recorded"))


def values(account_id: int, one: Measured) -> dict[str, Any]:
    return {
        "account": account_id,
        "taken": float(one.taken),
        "at_work_since": one.since,
        "typical": one.listing_id,
        "typical_version": one.version,
    }


_PUSH = (flow.c.seller_id == SELLER) & (flow.c.account_id == _ACCOUNT) & (flow.c.flow == flows.PUSH)


def pace(tx: Transaction, account_id: int, pushable: Sequence[Any]) -> Pace | None:
    """What has been measured of an account, and what waits now; ``pushable``: the conditions under
    which a listing waits. None where there is no such account."""
    waiting = (
        select(func.count())
        .select_from(listing)
        .where(listing.c.seller_id == SELLER, listing.c.account_id == _ACCOUNT, *pushable)
        .scalar_subquery()
    )
    held = flow.c.lease_until > func.now()
    ails = (flow.c.health != "healthy") & (flow.c.next_at > func.now())
    until = func.greatest(
        case((held, flow.c.lease_until)), case((ails & (flow.c.next_at < NEVER), flow.c.next_at))
    )
    statement = (
        select(
            account.c.mode,
            flow.c.health,
            waiting,
            _MINE.rate,
            _MINE.latency,
            func.coalesce(cast(func.extract("epoch", until - func.now()), Double), 0.0),
        )
        .select_from(flow)
        .join(
            account, (account.c.seller_id == flow.c.seller_id) & (account.c.id == flow.c.account_id)
        )
        .outerjoin(
            account_pace,
            (_MINE.seller_id == flow.c.seller_id) & (_MINE.account_id == flow.c.account_id),
        )
        .where(_PUSH)
    )
    found = tx.execute(statement, {**tx.params(), "account": account_id}).one_or_none()
    return Pace(*found) if found else None
