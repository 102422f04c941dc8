"""The life of a purchase order: which step leads where, and who may take it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hub.errors import Conflict

DRAFT, APPROVED, SENT, CONFIRMED, SHIPPED = "draft", "approved", "sent", "confirmed", "shipped"
PART_RECEIVED, RECEIVED, CLOSED, CANCELLED = "part_received", "received", "closed", "cancelled"
STATES = (
    DRAFT,
    APPROVED,
    SENT,
    CONFIRMED,
    SHIPPED,
    PART_RECEIVED,
    RECEIVED,
    CLOSED,
    CANCELLED,
)
#: Goods are awaited.
OPEN = (SENT, CONFIRMED, SHIPPED, PART_RECEIVED)
#: Goods may come: more than was ordered, too, and after all of it came.
RECEIVES = (*OPEN, RECEIVED)
#: What was agreed may still be changed.
AMENDED = (DRAFT, APPROVED, SENT, CONFIRMED, SHIPPED, PART_RECEIVED)


class Step(NamedTuple):
    """``at``: the column that keeps when it was taken."""

    sources: tuple[str, ...]
    target: str
    at: str


STEPS = {
    "approve": Step((DRAFT,), APPROVED, "approved_at"),
    "send": Step((APPROVED,), SENT, "sent_at"),
    "confirm": Step((SENT,), CONFIRMED, "confirmed_at"),
    "ship": Step((SENT, CONFIRMED), SHIPPED, "shipped_at"),
    "close": Step((PART_RECEIVED, RECEIVED), CLOSED, "closed_at"),
    "cancel": Step((DRAFT, APPROVED, SENT, CONFIRMED, SHIPPED), CANCELLED, "closed_at"),
}


class Progress(NamedTuple):
    """One line's units: kept of what was ordered, and those that came."""

    kept: int
    received: int


def step(name: str, state: str) -> Step:
    """Raises Conflict where an order in this state cannot take the step."""
    found = STEPS[name]
    if state not in found.sources:
        said = f"an order that is {state.replace('_', ' ')} cannot be told to {name}"
        raise Conflict(said, code="not_possible")
    return found


def needs_owner(total: int | None, limit: int | None) -> bool:
    """``total`` in the seller's currency; None: nobody knows, so an owner must look."""
    return limit is not None and (total is None or total > limit)


def after_receipt(state: str, lines: Iterable[Progress], under_percent: int) -> str:
    """What the order is once these units have come. A line that lacks no more than is tolerated
    is complete; an order that nothing came of stays what it was."""
    known = list(lines)
    if not any(one.received for one in known):
        return state
    done = all(one.received * 100 >= one.kept * (100 - under_percent) for one in known)
    return RECEIVED if done else PART_RECEIVED


def most(kept: int, over_percent: int) -> int:
    """So many units of a line may come before a person must accept it."""
    return kept * (100 + over_percent) // 100
