"""What a person does with a conflict: take it, put it off, open it again, close it.

Each step names the version it was decided on and is refused where another came first. It writes
the record, its history and the audit line in one transaction. A conflict's row is locked last, so
whoever also changes stock does that first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import String, and_, cast, func, insert, literal, null, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from hub import audit
from hub.auth import api_token
from hub.conflicts import reading
from hub.conflicts.models import conflict, conflict_event
from hub.conflicts.reading import Shown
from hub.db import Transaction
from hub.errors import Conflict, InvalidInput, StaleVersion


class Who(NamedTuple):
    """Who does it, and in which request."""

    actor: str
    role: str = "owner"
    request_id: str = ""


class Row(NamedTuple):
    """One thing that changes: what it is, and its value before and after."""

    what: str
    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Resolution:
    """What was done: ``version`` is the one it was decided on."""

    verb: str
    version: int
    reason: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    changes: Sequence[Row] = ()

    def plain(self, who: Who) -> dict[str, Any]:
        return {
            "verb": self.verb,
            "version": self.version,
            "arguments": dict(self.arguments),
            "reason": self.reason,
            "actor": who.actor,
            "at": datetime.now(UTC).isoformat(),
            "changes": [one._asdict() for one in self.changes],
        }


def known(tx: Transaction, number: int, expected_version: int) -> Shown:
    """The conflict as it was when it was decided on. Raises NotFound, StaleVersion."""
    present = reading.get(tx, number)
    if present.version != expected_version:
        raise _stale(present)
    return present


def _stale(present: Shown) -> StaleVersion:
    return StaleVersion(f"conflict {present.id} has been changed to version {present.version}")


def assign(
    tx: Transaction, number: int, who: Who, assignee: str | None, *, expected_version: int
) -> Shown:
    """Give it to somebody (``token:…``), or to nobody. Raises InvalidInput for one who is not
    there."""
    before = known(tx, number, expected_version)
    if assignee is not None and not _is_somebody(tx, assignee):
        raise InvalidInput("assignee", "is nobody here")
    values: dict[str, Any] = {"assignee": assignee}
    if before.state == "open" and assignee is not None:
        values["state"] = "in_progress"
    elif before.state == "in_progress" and assignee is None and before.resolution is None:
        values["state"] = "open"
    step = _Step("assigned", detail={"assignee": assignee})
    return _take(tx, before, who, step, values)


def _is_somebody(tx: Transaction, name: str) -> bool:
    kind, _, number = name.partition(":")
    if kind != "token" or not number.isascii() or not number.isdecimal() or len(number) > 18:
        return False
    valid = select(api_token.c.id).where(
        api_token.c.seller_id == tx.seller_id,
        api_token.c.id == int(number),
        api_token.c.revoked_at.is_(None),
    )
    return tx.execute(valid).first() is not None


def dismiss(
    tx: Transaction,
    number: int,
    who: Who,
    done: Resolution,
    *,
    until: datetime | None = None,
) -> Shown:
    """Leave it as it is: for good, or until a moment. Evidence of something else opens it again."""
    before = known(tx, number, done.version)
    if before.state in {"resolved", "auto_resolved"}:
        raise Conflict(f"conflict {number} is closed", code="not_open")
    if not done.reason.strip():
        raise InvalidInput("reason", "is needed")
    if until is not None and until <= datetime.now(UTC):
        raise InvalidInput("until", "must be in the future")
    values = {"state": "dismissed", "closed_at": func.now(), "dismissed_until": until}
    step = _Step("dismissed", done.reason, done.plain(who))
    return _take(tx, before, who, step, {**values, "resolution": step.detail})


def reopen(tx: Transaction, number: int, who: Who, reason: str, *, expected_version: int) -> Shown:
    """Open it again. One that is open stays as it is."""
    before = known(tx, number, expected_version)
    if before.is_open:
        return before
    values = {
        "state": "open",
        "closed_at": None,
        "dismissed_until": None,
        "resolution": null(),
        "reopened": conflict.c.reopened + 1,
        "reopened_at": func.now(),
    }
    return _take(tx, before, who, _Step("reopened", reason), values)


def conclude(tx: Transaction, before: Shown, who: Who, done: Resolution, *, closes: bool) -> Shown:
    """What was decided has been done: closed, or left with a person until the difference is gone.

    What the effect itself closed or found again on its way counts as ours. Raises StaleVersion
    where somebody was first: the effect is rolled back with this transaction.
    """
    step = _Step("resolved" if closes else "tried", done.reason, done.plain(who))
    values: dict[str, Any] = {"resolution": step.detail, "dismissed_until": None}
    if closes:
        values |= {"state": "resolved", "closed_at": func.now()}
        return _take(tx, before, who, step, values)
    return _take(tx, before, who, step, {**values, "state": "in_progress", "closed_at": None})


@dataclass(frozen=True, slots=True)
class _Step:
    what: str
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def _take(
    tx: Transaction, before: Shown, who: Who, step: _Step, values: Mapping[str, Any]
) -> Shown:
    """One step of a conflict's life, if nobody else has taken one since."""
    # What the effect itself closed or found again: stamped with the moment of this transaction.
    by_ourselves = and_(
        conflict.c.version == before.version + 1,
        or_(conflict.c.closed_at == func.now(), conflict.c.last_seen_at == func.now()),
    )
    taken = (
        conflict.update()
        .values(version=conflict.c.version + 1, last_change=step.what, **values)
        .where(
            conflict.c.seller_id == tx.seller_id,
            conflict.c.id == before.id,
            or_(conflict.c.version == before.version, by_ourselves),
        )
        .returning(conflict.c.id, conflict.c.version)
        .cte("taken")
    )
    noted = insert(conflict_event).from_select(
        ["seller_id", "conflict_id", "version", "what", "actor", "reason", "detail"],
        select(
            tx.seller,
            taken.c.id,
            taken.c.version,
            *(cast(literal(text), String) for text in (step.what, who.actor, step.reason[:500])),
            cast(literal(step.detail, JSONB), JSONB),
        ),
    )
    if tx.execute(noted.returning(conflict_event.c.version)).first() is None:
        raise _stale(reading.get(tx, before.id))
    now = reading.get(tx, before.id)
    audit.record(
        tx,
        who.actor,
        f"conflict.{step.what}",
        f"conflict:{before.id}",
        before={"state": before.state, "assignee": before.assignee},
        after={"state": now.state, **step.detail},
        request_id=who.request_id,
    )
    return now
