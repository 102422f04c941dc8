"""What must always hold, as queries that must return nothing. Features declare theirs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import text

from hub.db import Transaction


class Invariant(NamedTuple):
    """``query`` selects the rows that break it, for one ``:seller``; none = it holds."""

    name: str
    meaning: str
    query: str


class Violation(NamedTuple):
    invariant: str
    meaning: str
    rows: list[dict[str, Any]]


def check(tx: Transaction, invariants: Iterable[Invariant], limit: int = 20) -> list[Violation]:
    """The invariants that do not hold for the transaction's seller, with up to ``limit`` rows."""
    broken = []
    tx.execute(text("SET LOCAL enable_seqscan = on"))
    for one in invariants:
        found = tx.execute(
            text(f"SELECT * FROM ({one.query}) broken LIMIT :limit"),  # noqa: S608  # our own text
            {"seller": tx.seller_id, "limit": limit},
        )
        rows = [dict(row) for row in found.mappings()]
        if rows:
            broken.append(Violation(one.name, one.meaning, rows))
    return broken
