"""Clocks that differ: by how much a host of ours runs ahead of each account's channel.

Seen by whoever talks to the channel, and written seldom: when it has changed, or an hour later.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Double, String, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.channels.flows import seconds
from hub.channels.models import account_clock
from hub.db import SELLER, Transaction

#: A channel tells its time in whole seconds, and answers take their time: less says nothing.
MEANS_SOMETHING = 2.0
#: An unchanged difference is written again after so many seconds.
SELDOM = 3_600.0
#: From so many seconds on somebody is to set a clock: channels refuse what is signed too far off.
TOO_FAR = 30.0


class Clock(NamedTuple):
    """``ahead``: seconds that the host's clock runs ahead of the channel's; negative: behind."""

    ahead: float
    host: str
    seen_at: datetime


_NEW = upsert(account_clock).values(
    seller_id=SELLER,
    account_id=bindparam("account", type_=BigInteger),
    ahead=bindparam("now_ahead", type_=Double),
    host=bindparam("on_host", type_=String),
)
_NOTE = _NEW.on_conflict_do_update(
    index_elements=["seller_id", "account_id"],
    set_={"ahead": _NEW.excluded.ahead, "host": _NEW.excluded.host, "seen_at": func.now()},
    where=(func.abs(account_clock.c.ahead - _NEW.excluded.ahead) > MEANS_SOMETHING / 2)
    | (account_clock.c.seen_at < func.now() - seconds(SELDOM)),
)


def note(tx: Transaction, account_id: int, ahead: float, host: str) -> None:
    values = {"account": account_id, "now_ahead": ahead, "on_host": host[:100]}
    tx.execute(_NOTE, {**tx.params(), **values})


def seen(tx: Transaction, account_id: int) -> Clock | None:
    """None where no answer of the channel has told its time yet."""
    found = tx.execute(
        select(account_clock.c.ahead, account_clock.c.host, account_clock.c.seen_at).where(
            account_clock.c.seller_id == tx.seller_id, account_clock.c.account_id == account_id
        )
    ).one_or_none()
    return Clock(*found) if found else None


def said(clock: Clock | None) -> str:
    """A sentence for people; "" where the clocks agree as far as anybody can tell."""
    if clock is None or abs(clock.ahead) <= MEANS_SOMETHING:
        return ""
    return f"the clock of {clock.host} is {apart(clock.ahead)} the channel's"


def apart(ahead: float) -> str:
    return f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'}"
