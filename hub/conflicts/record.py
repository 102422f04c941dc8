"""Opening and closing conflicts: anything above may find what does not agree, and that it is gone.

Findings are written in sets, each with its step of history in the same statement, and no finding
costs nothing. What a person does about one is in :mod:`hub.conflicts.life`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    LargeBinary,
    String,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.conflicts.evidence import Evidence
from hub.conflicts.models import conflict, conflict_event
from hub.db import SELLER, Kind, Transaction, among, rows
from hub.secrets import bound_to

OPEN = text("conflict.state IN ('open', 'in_progress')")
_DONE = text("conflict.state IN ('resolved', 'auto_resolved')")
#: What is put off is closed too once its difference is gone.
_LEFT = text("conflict.state IN ('open', 'in_progress', 'dismissed')")
#: Kinds that are a nuisance once and a fault when they come back: high from so many sightings on.
_RISING = text("conflict.kind = 'stock_drift'")
RISES_AT = 3
#: Findings a statement: a catalogue may bring a hundred thousand.
MOST = 1_000


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not agree. ``subject`` is stable, so that the same finding is one record;
    ``payload`` is already encrypted, see :func:`payload_binding`."""

    kind: str
    subject: str
    summary: str
    evidence: Evidence | Mapping[str, Any] = field(default_factory=dict)
    account_id: int | None = None
    severity: str = "normal"
    payload: bytes | None = field(default=None, repr=False)


def payload_binding(seller_id: int, subject: str) -> bytes:
    return bound_to(seller_id, "conflict", subject, "payload")


_COLUMNS: dict[str, Kind] = {
    "kind": String,
    "subject": String,
    "summary": String,
    "evidence": Text,
    "account_id": BigInteger,
    "severity": String,
    "payload": LargeBinary,
}
_FOUND = rows(*_COLUMNS.items())
_SOURCE: list[Any] = [
    cast(_FOUND.c.evidence, JSONB) if name == "evidence" else _FOUND.c[name] for name in _COLUMNS
]
_NEW = upsert(conflict).from_select(["seller_id", *_COLUMNS], select(SELLER, *_SOURCE))
_GIVEN = _NEW.excluded


def _sides(evidence: Any) -> Any:
    """What a dismissal holds for: the story between may go on."""
    return evidence.op("-", return_type=JSONB())(literal_column("'events'::text"))


_CHANGED = _sides(conflict.c.evidence).is_distinct_from(_sides(_GIVEN.evidence))
_COMES_BACK = or_(
    _DONE,
    and_(conflict.c.state == "dismissed", or_(conflict.c.dismissed_until <= func.now(), _CHANGED)),
)
#: It was tried, and here it is again: somebody must look.
_TRIED_IN_VAIN = and_(conflict.c.state == "in_progress", conflict.c.resolution.is_not(None))
_STEP = case((_COMES_BACK, "reopened"), (_TRIED_IN_VAIN, "seen"), (_CHANGED, "seen"), else_="")
_OPENS = or_(_COMES_BACK, _TRIED_IN_VAIN)
_RISEN = and_(_RISING, conflict.c.seen + 1 >= RISES_AT)
_SAVED = (
    _NEW.on_conflict_do_update(
        index_elements=["seller_id", "kind", "subject"],
        set_={
            "state": case((_OPENS, "open"), else_=conflict.c.state),
            "severity": case((_RISEN, "high"), else_=_GIVEN.severity),
            "summary": _GIVEN.summary,
            "evidence": _GIVEN.evidence,
            "payload": _GIVEN.payload,
            "seen": conflict.c.seen + 1,
            "version": conflict.c.version + case((_STEP == "", 0), else_=1),
            "last_change": _STEP,
            "resolution": case((_OPENS, null()), else_=conflict.c.resolution),
            "dismissed_until": case((_OPENS, null()), else_=conflict.c.dismissed_until),
            "reopened": conflict.c.reopened + case((_COMES_BACK, 1), else_=0),
            "last_seen_at": func.now(),
            "reopened_at": case((_COMES_BACK, func.now()), else_=conflict.c.reopened_at),
            "closed_at": case((_OPENS, null()), else_=conflict.c.closed_at),
        },
    )
    .returning(conflict.c.id, conflict.c.version, conflict.c.last_change, conflict.c.evidence)
    .cte("saved")
)
_STEPS = ["seller_id", "conflict_id", "version", "what"]
_OPEN_ALL = insert(conflict_event).from_select(
    [*_STEPS, "detail"],
    select(SELLER, _SAVED.c.id, _SAVED.c.version, _SAVED.c.last_change, _SAVED.c.evidence).where(
        _SAVED.c.last_change != ""
    ),
)


def open_conflicts(tx: Transaction, findings: Sequence[Finding]) -> None:
    """Open each, or count it again where it is open already; what was closed and is found again is
    opened again. What was dismissed stays so until its time is over or its evidence another."""
    if not findings:
        return
    unique = {(one.kind, one.subject[:300]): one for one in findings}
    ordered = [unique[key] for key in sorted(unique)]
    for start in range(0, len(ordered), MOST):
        _open(tx, ordered[start : start + MOST])


def _open(tx: Transaction, ordered: Sequence[Finding]) -> None:
    values = tx.params(
        kind=[one.kind for one in ordered],
        subject=[one.subject[:300] for one in ordered],
        summary=[one.summary[:500].replace("\0", "\\0") for one in ordered],
        evidence=[_json(one.evidence) for one in ordered],
        account_id=[one.account_id for one in ordered],
        severity=[one.severity for one in ordered],
        payload=[one.payload for one in ordered],
    )
    tx.execute(_OPEN_ALL, values)


def _json(evidence: Evidence | Mapping[str, Any]) -> str:
    plain = evidence.plain() if isinstance(evidence, Evidence) else dict(evidence)
    return json.dumps(plain)


_CLOSED = (
    conflict.update()
    .values(
        state="auto_resolved",
        closed_at=func.now(),
        dismissed_until=None,
        # What could not go in has gone in: its payload is kept where it belongs.
        payload=None,
        version=conflict.c.version + 1,
        last_change="closed",
    )
    .where(
        conflict.c.seller_id == SELLER,
        conflict.c.kind == bindparam("of_kind", type_=String),
        among(conflict.c.subject, "subjects"),
        _LEFT,
    )
    .returning(conflict.c.id, conflict.c.version)
    .cte("closed")
)
_CLOSE_ALL = (
    insert(conflict_event)
    .from_select(
        _STEPS,
        select(SELLER, _CLOSED.c.id, _CLOSED.c.version, literal("closed", String)),
    )
    .returning(conflict_event.c.conflict_id)
)


def close_conflicts(tx: Transaction, kind: str, subjects: Sequence[str]) -> int:
    """The difference is gone: close what is open or dismissed of it. Answers how many."""
    if not subjects:
        return 0
    closed = tx.execute(_CLOSE_ALL, {**tx.params(subjects=subjects), "of_kind": kind})
    return len(closed.all())


_WOKEN = (
    conflict.update()
    .values(
        state="open",
        closed_at=None,
        dismissed_until=None,
        reopened=conflict.c.reopened + 1,
        reopened_at=func.now(),
        version=conflict.c.version + 1,
        last_change="reopened",
    )
    .where(
        conflict.c.seller_id == SELLER,
        conflict.c.state == "dismissed",
        conflict.c.dismissed_until <= func.now(),
    )
    .returning(conflict.c.id, conflict.c.version)
    .cte("woken")
)
_WAKE_ALL = (
    insert(conflict_event)
    .from_select(
        [*_STEPS, "reason"],
        select(
            SELLER,
            _WOKEN.c.id,
            _WOKEN.c.version,
            literal("reopened", String),
            literal("the time it was put off to has come", String),
        ),
    )
    .returning(conflict_event.c.conflict_id)
)


def wake(tx: Transaction) -> int:
    """What was put off until now is open again. Answers how many."""
    return len(tx.execute(_WAKE_ALL, tx.params()).all())


def is_open(kind: str, account: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether an account has a conflict of a kind that is not over, for a statement that asks on
    the way."""
    here = (conflict.c.seller_id == SELLER, conflict.c.kind == literal_column(f"'{kind}'"))
    return select(conflict.c.id).where(*here, conflict.c.account_id == account, _LEFT).exists()


def open_kinds(tx: Transaction) -> dict[str, int]:
    """Open conflicts counted by kind."""
    found = tx.execute(
        select(conflict.c.kind, func.count())
        .where(conflict.c.seller_id == tx.seller_id, OPEN)
        .group_by(conflict.c.kind)
    )
    return {key: value for key, value in found}
