"""Reading conflicts. A quarantined payload stays sealed: it is never part of an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select

from hub.conflicts.models import conflict, conflict_event
from hub.conflicts.record import payload_binding
from hub.db import Transaction
from hub.errors import NotFound
from hub.secrets import Keyring

STATES = ("open", "in_progress", "resolved", "auto_resolved", "dismissed")
SEVERITIES = ("low", "normal", "high")
NOBODY = "nobody"


class Shown(NamedTuple):
    """``resolution``: what a person did about it, or put it off for; None before."""

    id: int
    kind: str
    subject: str
    account_id: int | None
    state: str
    severity: str
    summary: str
    evidence: Mapping[str, Any]
    assignee: str | None
    resolution: Mapping[str, Any] | None
    seen: int
    reopened: int
    version: int
    first_seen_at: datetime
    last_seen_at: datetime
    reopened_at: datetime | None
    closed_at: datetime | None
    dismissed_until: datetime | None

    @property
    def is_open(self) -> bool:
        return self.state in {"open", "in_progress"}


class Event(NamedTuple):
    """A step of a conflict's life. ``actor`` "": nobody, it happened by itself."""

    version: int
    what: str
    actor: str
    reason: str
    detail: Mapping[str, Any]
    at: datetime


class Count(NamedTuple):
    kind: str
    state: str
    number: int


class Wanted(NamedTuple):
    """Which conflicts are meant; None = any. ``assignee`` :data:`NOBODY`: those nobody has."""

    state: str | None = None
    kind: str | None = None
    account_id: int | None = None
    assignee: str | None = None
    severity: str | None = None
    since: datetime | None = None


_COLUMNS = [conflict.c[name] for name in Shown._fields]


def conflicts(tx: Transaction, wanted: Wanted, *, after: int, limit: int) -> list[Shown]:
    """A page by id: oldest first, so that nothing waits unseen behind what is new."""
    query = select(*_COLUMNS).where(conflict.c.seller_id == tx.seller_id, conflict.c.id > after)
    for name in ("state", "kind", "account_id", "severity"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(conflict.c[name] == value)
    if wanted.assignee is not None:
        nobody = wanted.assignee == NOBODY
        query = query.where(conflict.c.assignee == (None if nobody else wanted.assignee))
    if wanted.since is not None:
        query = query.where(conflict.c.last_seen_at >= wanted.since)
    return [Shown(*row) for row in tx.execute(query.order_by(conflict.c.id).limit(limit))]


def these(tx: Transaction, ids: Sequence[int]) -> dict[int, Shown]:
    """Those of them there are."""
    query = select(*_COLUMNS).where(
        conflict.c.seller_id == tx.seller_id, conflict.c.id == func.any(list(ids))
    )
    return {row[0]: Shown(*row) for row in tx.execute(query)}


def get(tx: Transaction, number: int) -> Shown:
    found = these(tx, [number]).get(number)
    if found is None:
        raise NotFound(f"no conflict {number}")
    return found


def events(tx: Transaction, number: int, limit: int = 100) -> list[Event]:
    """The newest first."""
    found = tx.execute(
        select(*(conflict_event.c[name] for name in Event._fields))
        .where(conflict_event.c.seller_id == tx.seller_id, conflict_event.c.conflict_id == number)
        .order_by(conflict_event.c.version.desc())
        .limit(limit)
    )
    return [Event(*row) for row in found]


def counts(tx: Transaction) -> list[Count]:
    """How many there are of each kind in each state."""
    found = tx.execute(
        select(conflict.c.kind, conflict.c.state, func.count())
        .where(conflict.c.seller_id == tx.seller_id)
        .group_by(conflict.c.kind, conflict.c.state)
        .order_by(conflict.c.kind, conflict.c.state)
    )
    return [Count(*row) for row in found]


def payload(tx: Transaction, keyring: Keyring, number: int) -> Any:
    """The record that could not be taken in, opened: personal data. Raises NotFound where none is
    kept."""
    one = get(tx, number)
    sealed = tx.execute(
        select(conflict.c.payload).where(
            conflict.c.seller_id == tx.seller_id, conflict.c.id == number
        )
    ).scalar()
    if sealed is None:
        raise NotFound(f"no payload is kept of conflict {number}")
    return keyring.decrypt_json(sealed, payload_binding(tx.seller_id, one.subject))
