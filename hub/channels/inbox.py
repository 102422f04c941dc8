"""The webhook inbox: stored once, answered at once, worked off later.

What a webhook says is a hint; sync fetches the record. Its body is not kept: only its hash, so
that a replay with another body is seen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.channels import flows
from hub.channels.models import webhook
from hub.conflicts.record import Finding, open_conflicts
from hub.db import Transaction

LONGEST_ID = 200


class Waiting(NamedTuple):
    id: int
    topic: str
    hints: Sequence[Mapping[str, str]]
    attempts: int


def receive(
    tx: Transaction,
    account_id: int,
    event_id: str,
    topic: str,
    hints: Sequence[Mapping[str, str]],
    body: bytes,
) -> bool:
    """Store an event; False when it is known. Rings for the account's inbox."""
    digest = hashlib.sha256(body).digest()
    if len(event_id) > LONGEST_ID:
        event_id = hashlib.sha256(event_id.encode()).hexdigest()
    statement = upsert(webhook).values(
        seller_id=tx.seller_id,
        account_id=account_id,
        event_id=event_id,
        topic=topic[:100],
        hints=[dict(hint) for hint in hints],
        body_hash=digest,
    )
    fresh = tx.execute(
        statement.on_conflict_do_nothing(
            index_elements=["seller_id", "account_id", "event_id"]
        ).returning(webhook.c.id)
    ).scalar()
    if fresh is None:
        _same_body(tx, account_id, event_id, digest)
        return False
    flows.make_due(tx, flows.INBOX, [account_id])
    return True


def _same_body(tx: Transaction, account_id: int, event_id: str, digest: bytes) -> None:
    known = tx.execute(
        select(webhook.c.body_hash).where(
            webhook.c.seller_id == tx.seller_id,
            webhook.c.account_id == account_id,
            webhook.c.event_id == event_id,
        )
    ).scalar()
    if known != digest:
        said = f"webhook event {event_id} came again with another body"
        subject = f"webhook:{account_id}:{event_id}"
        open_conflicts(tx, [Finding("signature_invalid", subject, said, {}, account_id, "high")])


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
