"""The webhook inbox: stored once, answered at once, worked off later.

What a webhook says is a hint; sync fetches the record. Its body is not kept: only its hash, so
that a replay with another body is seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, LargeBinary, String, Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.channels import flows
from hub.channels.models import flow, webhook
from hub.conflicts.record import Finding, open_conflicts
from hub.db import SELLER, Database, Kind, Transaction, among, rows

LONGEST_ID = 200


class Waiting(NamedTuple):
    id: int
    topic: str
    hints: Sequence[Mapping[str, str]]
    attempts: int


class Arrived(NamedTuple):
    """An event as it is stored. The order is that of storing."""

    account_id: int
    event_id: str
    topic: str
    hints: str
    body_hash: bytes


class Received(NamedTuple):
    """How many events were new. ``due``: the inboxes they came to that were due already."""

    fresh: int
    due: tuple[int, ...]


_COLUMNS: dict[str, Kind] = {
    "account_id": BigInteger,
    "event_id": String,
    "topic": String,
    "hints": Text,
    "body_hash": LargeBinary,
}
_COME = rows(*_COLUMNS.items())
#: In the order of their keys: two that store the same events wait for each other, not both ways.
_STORE = (
    upsert(webhook)
    .from_select(
        ["seller_id", *_COLUMNS],
        select(
            SELLER,
            *(
                cast(_COME.c[name], JSONB) if name == "hints" else _COME.c[name]
                for name in _COLUMNS
            ),
        ),
    )
    .on_conflict_do_nothing(index_elements=["seller_id", "account_id", "event_id"])
    .returning(webhook.c.account_id, webhook.c.event_id)
)
_KNOWN = select(
    webhook.c.account_id,
    webhook.c.event_id,
    webhook.c.state == "new",
    webhook.c.body_hash != _COME.c.body_hash,
).where(
    webhook.c.seller_id == SELLER,
    webhook.c.account_id == _COME.c.account_id,
    webhook.c.event_id == _COME.c.event_id,
)
_RESTING = select(flow.c.account_id).where(
    flow.c.seller_id == SELLER,
    among(flow.c.account_id, "accounts"),
    flow.c.flow == flows.INBOX,
    flow.c.next_at > func.now(),
)


def arrived(
    account_id: int,
    event_id: str,
    topic: str,
    hints: Sequence[Mapping[str, str]],
    body: bytes,
) -> Arrived:
    if len(event_id) > LONGEST_ID:
        event_id = hashlib.sha256(event_id.encode()).hexdigest()
    told = json.dumps([dict(hint) for hint in hints])
    return Arrived(account_id, event_id, topic[:100], told, hashlib.sha256(body).digest())


def receive(
    tx: Transaction,
    account_id: int,
    event_id: str,
    topic: str,
    hints: Sequence[Mapping[str, str]],
    body: bytes,
) -> bool:
    """Store one event in a transaction that does more; False when it is known. Rings."""
    received = receive_all(tx, [arrived(account_id, event_id, topic, hints, body)])
    flows.make_due(tx, flows.INBOX, received.due)
    return bool(received.fresh)


def receive_all(tx: Transaction, events: Sequence[Arrived]) -> Received:
    """Store what is not known yet. Inboxes that rest are made due, and rung for; of those that are
    due already no row is locked, or every event of an account would wait for the commit of the one
    before. Somebody may claim such an inbox before this commits, see nothing, and let it rest:
    :func:`look_again` afterwards, before anybody is told that the events are in. Who dies between
    the two leaves them to the next pull: :func:`wake`."""
    if not events:
        return Received(0, ())
    first: dict[tuple[int, str], Arrived] = {}
    for one in events:
        first.setdefault(one[:2], one)
    fresh = {tuple(row) for row in tx.execute(_STORE, _bound(tx, sorted(first.values())))}
    # Two at once may be of one event: the second is compared with what the first has stored.
    again = [one for one in events if one[:2] not in fresh or first[one[:2]] != one]
    accounts = {account_id for account_id, _ in fresh} | _still_new(tx, again)
    resting = look_again(tx, accounts)
    return Received(len(fresh), tuple(sorted(accounts - resting)))


def look_again(tx: Transaction, account_ids: Collection[int]) -> set[int]:
    """Make those of these inboxes due that rest; answers which."""
    if not account_ids:
        return set()
    resting = set(tx.execute(_RESTING, tx.params(accounts=sorted(account_ids))).scalars())
    if resting:
        flows.make_due(tx, flows.INBOX, sorted(resting))
    return resting


def look_after(database: Database, seller_id: int, account_ids: Collection[int]) -> None:
    """:func:`look_again` once the events are committed. In a burst nearly every inbox is due still,
    and to see that takes no transaction of its own."""
    if account_ids and database.glance(seller_id, _resting(seller_id, account_ids)):
        database.command(seller_id, lambda tx: look_again(tx, account_ids))


_LEFT_LYING = (
    flow.update()
    .values(next_at=func.now())
    .where(
        flow.c.seller_id == SELLER,
        flow.c.account_id == bindparam("account", type_=BigInteger),
        flow.c.flow == flows.INBOX,
        flow.c.next_at == flows.NEVER,
        flow.c.lease_until < func.now(),
        select(webhook.c.id)
        .where(
            webhook.c.seller_id == SELLER,
            webhook.c.account_id == bindparam("account", type_=BigInteger),
            webhook.c.state == "new",
        )
        .exists(),
    )
)


def wake(tx: Transaction, account_id: int) -> None:
    """Events lie in an inbox that rests: whoever stored them ended before it looked again, and the
    channel has not sent them anew. The next pull finds them."""
    if tx.change(_LEFT_LYING, {**tx.params(), "account": account_id}):
        tx.ring(f"{flows.INBOX}:{account_id}")


def _resting(seller_id: int, account_ids: Collection[int]) -> str:
    """``_RESTING`` as plain text."""
    numbers = ", ".join(str(int(one)) for one in account_ids)
    return (
        "SELECT account_id FROM flow"  # noqa: S608  # nothing but whole numbers of our own
        f" WHERE seller_id = {int(seller_id)} AND account_id IN ({numbers})"
        f" AND flow = '{flows.INBOX}' AND next_at > now()"
    )


def _bound(tx: Transaction, events: Sequence[Arrived]) -> dict[str, Any]:
    return tx.params(**dict(zip(_COLUMNS, zip(*events, strict=True), strict=True)))


def _still_new(tx: Transaction, events: Sequence[Arrived]) -> set[int]:
    """The accounts whose known events nobody has worked off. Whoever took them in first may have
    been cut off before it looked again: it was not acknowledged, and so it comes again. One that
    comes with another body is an alarm."""
    if not events:
        return set()
    known = list(tx.execute(_KNOWN, _bound(tx, events)))
    findings = [
        Finding(
            "signature_invalid",
            f"webhook:{account_id}:{event_id}",
            f"webhook event {event_id} came again with another body",
            {},
            account_id,
            "high",
        )
        for account_id, event_id, _, differs in known
        if differs
    ]
    open_conflicts(tx, findings)
    return {account_id for account_id, _, still_new, _ in known if still_new}


def waiting(tx: Transaction, account_id: int, limit: int = 200) -> list[Waiting]:
    """The oldest events nobody has finished."""
    found = tx.execute(
        select(webhook.c.id, webhook.c.topic, webhook.c.hints, webhook.c.attempts)
        .where(
            webhook.c.seller_id == tx.seller_id,
            webhook.c.account_id == account_id,
            webhook.c.state == "new",
        )
        .order_by(webhook.c.id)
        .limit(limit)
    )
    return [Waiting(*row) for row in found]


def finish(tx: Transaction, ids: Sequence[int], state: str, outcome: str = "") -> None:
    """Every event ends as done, ignored (with the reason) or conflict."""
    if ids:
        tx.execute(
            webhook.update()
            .values(state=state, outcome=outcome[:300], done_at=func.now())
            .where(webhook.c.seller_id == tx.seller_id, webhook.c.id == func.any(list(ids)))
        )


def count_waiting(tx: Transaction, account_id: int) -> int:
    return int(
        tx.execute(
            select(func.count()).where(
                webhook.c.seller_id == tx.seller_id,
                webhook.c.account_id == account_id,
                webhook.c.state == "new",
            )
        ).scalar_one()
    )
