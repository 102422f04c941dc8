"""Webhooks that never came: changes of orders that a walk found and no webhook told of.

A walk may be quicker than the webhook, so what it finds first waits for a while. Then the inbox is
looked through: a change that none of its events told of is a lost webhook. One that comes later
still changes nothing of the count. Counted are accounts whose webhooks are subscribed, or have ever
told of an order, from then on, and nothing that is older than an hour when it is found: who was
away himself, or reads what was before, has nobody to blame.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    DateTime,
    Double,
    SmallInteger,
    String,
    bindparam,
    case,
    cast,
    column,
    delete,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.channels.flows import seconds
from hub.channels.models import request, unheard, webhook, webhook_tally
from hub.db import SELLER, At, Transaction, rows

#: Seconds that a webhook has to come after its change was found.
GRACE = 60.0
#: A webhook so many seconds before its change tells of it: clocks differ, and channels write the
#: time of a change when they are done with it.
TOLERANCE = 60.0
#: What had changed so many seconds before it was found says nothing of webhooks.
OLDEST = 3_600.0
#: The first of an account's events, among which one of an order shows since when it is told.
FIRST_EVENTS = 200
DAY = timedelta(days=1)


class Change(NamedTuple):
    """An order that a walk found changed, and when, by the channel's clock."""

    order_key: str
    at: datetime


class Heard(NamedTuple):
    """Changes of an account's orders in the last day, and those that came without their webhook:
    how many, the last of them, and of which order it was."""

    changes: int
    lost: int
    lost_at: datetime | None
    lost_order: str


_ACCOUNT = bindparam("account", type_=BigInteger)
_OF_ACCOUNT = (webhook.c.seller_id == SELLER) & (webhook.c.account_id == _ACCOUNT)
_FIRST = (
    select(webhook.c.received_at, webhook.c.hints)
    .where(_OF_ACCOUNT)
    .order_by(webhook.c.received_at)
    .limit(FIRST_EVENTS)
    .subquery("first")
)
_FIRST_TOLD = (
    select(func.min(_FIRST.c.received_at))
    .where(_FIRST.c.hints.contains(cast(literal('[{"kind": "order"}]'), JSONB)))
    .scalar_subquery()
)
_SUBSCRIBED = (
    select(func.min(request.c.answered_at))
    .where(
        request.c.seller_id == SELLER,
        request.c.account_id == _ACCOUNT,
        request.c.kind == "subscribe",
        request.c.state == "done",
        request.c.answer["topics"].astext.ilike("%order%"),
    )
    .scalar_subquery()
)
#: Since when webhooks tell of the account's orders; NULL = they do not.
_TELLS_SINCE = func.least(_FIRST_TOLD, _SUBSCRIBED)

_CHANGES = rows(("order_key", String), ("changed_at", At))
_FIND = (
    upsert(unheard)
    .from_select(
        ["seller_id", "account_id", "order_key", "changed_at"],
        select(SELLER, _ACCOUNT, _CHANGES.c.order_key, _CHANGES.c.changed_at).where(
            # Channels tell whole seconds.
            _CHANGES.c.changed_at
            >= func.date_trunc("second", select(_TELLS_SINCE).scalar_subquery()),
            _CHANGES.c.changed_at > func.now() - seconds(OLDEST),
        ),
    )
    .on_conflict_do_nothing()
)


def found(tx: Transaction, account_id: int, changes: Sequence[Change]) -> None:
    """A walk found these changes of orders before a webhook did, or without one."""
    if changes:
        ordered = sorted(changes)
        values = tx.params(
            order_key=[one.order_key for one in ordered], changed_at=[one.at for one in ordered]
        )
        tx.execute(_FIND, {**values, "account": account_id})


_HOUR = func.date_trunc("hour", func.now())
_SLOT = cast(func.extract("hour", func.now()), SmallInteger)
_TALLIED = ["seller_id", "account_id", "slot", "hour", "changes", "lost", "lost_at", "lost_order"]


def _added(rows: Any) -> Any:
    """Add to this hour's row, which may be that of the same hour of yesterday."""
    statement = upsert(webhook_tally).from_select(_TALLIED, rows)
    given, mine = statement.excluded, webhook_tally.c
    now = mine.hour == given.hour
    return statement.on_conflict_do_update(
        index_elements=["seller_id", "account_id", "slot"],
        set_={
            "hour": given.hour,
            "changes": case((now, mine.changes), else_=0) + given.changes,
            "lost": case((now, mine.lost), else_=0) + given.lost,
            "lost_at": case((now, func.greatest(mine.lost_at, given.lost_at)), else_=given.lost_at),
            "lost_order": case(((given.lost == 0) & now, mine.lost_order), else_=given.lost_order),
        },
    )


def _begun(of: Any) -> Any:
    """From when on a webhook may tell of a change. It was there when it was found, whatever the
    channel's clock says."""
    return func.least(of.changed_at, of.found_at) - seconds(TOLERANCE)


_WAITED = (
    delete(unheard)
    .where(
        unheard.c.seller_id == SELLER,
        unheard.c.account_id == _ACCOUNT,
        unheard.c.found_at < func.now() - seconds(bindparam("grace", type_=Double)),
    )
    .returning(unheard.c.order_key, unheard.c.changed_at, unheard.c.found_at)
    .cte("waited")
)
_HINT = (
    func.jsonb_array_elements(webhook.c.hints)
    .table_valued(column("value", JSONB), name="hint", joins_implicitly=True)
    .render_derived()
)
_KEY = _HINT.c.value["key"].astext
_EVERY_ORDER = ""
#: The last event of each order that is judged, and the last that told of no order in particular.
_TOLD = (
    select(_KEY.label("order_key"), func.max(webhook.c.received_at).label("at"))
    .select_from(webhook.join(_HINT, true()))
    .where(
        _OF_ACCOUNT,
        webhook.c.received_at >= select(func.min(_begun(_WAITED.c))).scalar_subquery(),
        _HINT.c.value["kind"].astext == "order",
        or_(_KEY == _EVERY_ORDER, _KEY.in_(select(_WAITED.c.order_key))),
    )
    .group_by(_KEY)
    .cte("told")
)
_ANY = _TOLD.alias("told_of_any")
_LAST_OF_ANY = select(_ANY.c.at).where(_ANY.c.order_key == _EVERY_ORDER).scalar_subquery()
_WAS_TOLD = func.greatest(_TOLD.c.at, _LAST_OF_ANY) >= _begun(_WAITED.c)
_JUDGED = (
    select(
        _WAITED.c.order_key,
        _WAITED.c.changed_at,
        (~func.coalesce(_WAS_TOLD, false())).label("lost"),
    )
    .select_from(_WAITED.outerjoin(_TOLD, _TOLD.c.order_key == _WAITED.c.order_key))
    .cte("judged")
)
_LOST = _JUDGED.alias("lost_ones")
_LAST_LOST = (
    select(_LOST.c.order_key)
    .where(_LOST.c.lost)
    .order_by(_LOST.c.changed_at.desc())
    .limit(1)
    .scalar_subquery()
)
_SETTLE = _added(
    select(
        SELLER,
        _ACCOUNT,
        _SLOT,
        _HOUR,
        func.count(),
        func.count().filter(_JUDGED.c.lost),
        func.max(_JUDGED.c.changed_at).filter(_JUDGED.c.lost),
        func.coalesce(_LAST_LOST, ""),
    )
    .select_from(_JUDGED)
    .having(func.count() > 0)
)


def settle(tx: Transaction, account_id: int, grace: float = GRACE) -> None:
    """Judge what was found long enough ago for its webhook to have come."""
    tx.execute(_SETTLE, {**tx.params(), "account": account_id, "grace": grace})


_NONE = cast(literal(None), DateTime(timezone=True))
_COUNT = _added(
    select(
        SELLER,
        _ACCOUNT,
        _SLOT,
        _HOUR,
        bindparam("told", type_=BigInteger),
        cast(literal(0), BigInteger),
        _NONE,
        cast(literal(""), String),
    )
)


def told(tx: Transaction, account_id: int, changes: int) -> None:
    """So many changes of orders came by their webhooks."""
    if changes:
        tx.execute(_COUNT, {**tx.params(), "account": account_id, "told": changes})


def lately(tx: Transaction, account_id: int) -> Heard:
    """The account's last day."""
    mine = webhook_tally.c
    found = tx.execute(
        select(mine.changes, mine.lost, mine.lost_at, mine.lost_order).where(
            mine.seller_id == tx.seller_id,
            mine.account_id == account_id,
            mine.hour > func.now() - DAY,
        )
    ).all()
    hours = [Heard(*row) for row in found]
    newest = max(hours, key=_lost_at, default=Heard(0, 0, None, ""))
    return Heard(
        sum(one.changes for one in hours),
        sum(one.lost for one in hours),
        newest.lost_at,
        newest.lost_order,
    )


def _lost_at(one: Heard) -> float:
    return one.lost_at.timestamp() if one.lost_at else 0.0


def said(heard: Heard) -> str:
    """A sentence for people; "" where all came, or nothing did."""
    if not heard.lost:
        return ""
    return (
        f"{heard.lost} of {heard.changes} changes of orders came without their webhook in the last"
        f" day, the last of order {heard.lost_order}"
    )
