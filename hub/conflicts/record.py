"""Opening and closing conflicts. Anything above may open one; resolving them comes later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, String, bindparam, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.conflicts.models import conflict
from hub.db import SELLER, Transaction, among

OPEN = text("state IN ('open', 'in_progress')")


@dataclass(frozen=True, slots=True)
class Finding:
    """What does not agree. ``subject`` is stable, so that the same finding is one record;
    ``payload`` is already encrypted."""

    kind: str
    subject: str
    summary: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    account_id: int | None = None
    severity: str = "normal"
    payload: bytes | None = field(default=None, repr=False)


def open_conflicts(tx: Transaction, findings: Sequence[Finding]) -> None:
    """Open each, or count it again where it is open already."""
    unique = {(one.kind, one.subject[:300]): one for one in findings}
    for (kind, subject), one in sorted(unique.items(), key=lambda item: item[0]):
        statement = upsert(conflict).values(
            seller_id=tx.seller_id,
            kind=kind,
            subject=subject,
            summary=one.summary[:500].replace("\0", "\\0"),
            evidence=dict(one.evidence),
            account_id=one.account_id,
            severity=one.severity,
            payload=one.payload,
        )
        tx.execute(
            statement.on_conflict_do_update(
                index_elements=["seller_id", "kind", "subject"],
                index_where=OPEN,
                set_={
                    "seen": conflict.c.seen + 1,
                    "last_seen_at": func.now(),
                    "summary": statement.excluded.summary,
                    "evidence": statement.excluded.evidence,
                    "payload": statement.excluded.payload,
                },
            )
        )


_CLOSE = (
    conflict.update()
    .values(state="auto_resolved", closed_at=func.now(), version=conflict.c.version + 1)
    .where(
        conflict.c.seller_id == SELLER,
        conflict.c.kind == bindparam("of_kind", type_=String),
        among(conflict.c.subject, "subjects"),
        conflict.c.state.in_(["open", "in_progress"]),
    )
)


def close_conflicts(tx: Transaction, kind: str, subjects: Sequence[str]) -> int:
    """The difference is gone: close what is open of it. Answers how many."""
    return tx.change(_CLOSE, {**tx.params(subjects=subjects), "of_kind": kind})


def is_open(kind: str, account: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether an account has an open conflict of a kind, for a statement that asks on the way."""
    here = (conflict.c.seller_id == SELLER, conflict.c.kind == literal_column(f"'{kind}'"))
    return select(conflict.c.id).where(*here, conflict.c.account_id == account, OPEN).exists()


def open_kinds(tx: Transaction) -> dict[str, int]:
    """Open conflicts counted by kind."""
    found = tx.execute(
        select(conflict.c.kind, func.count())
        .where(conflict.c.seller_id == tx.seller_id, OPEN)
        .group_by(conflict.c.kind)
    )
    return {key: value for key, value in found}
