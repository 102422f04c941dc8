"""What a listing offers: a pure function of levels and a rule, with its derivation.

Rounded down, never below 0. The answer carries every figure it came from, so that "why does this
listing show 7?" has an answer for now and for any past push.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DERIVATION_VERSION = 1


@dataclass(frozen=True, slots=True)
class Rule:
    """The seller's wish for a listing. ``safety_stock`` is kept back before sharing, ``buffer``
    after it; ``cap`` is the most it may show; below ``end_when_below`` it shows none."""

    safety_stock: int = 0
    share_percent: int = 100
    buffer: int = 0
    cap: int | None = None
    end_when_below: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    quantity: int
    derivation: Mapping[str, Any]


def offer(available: Mapping[int, int], waiting: int, rule: Rule) -> Offer:
    """``available`` maps each location that feeds the account to its units; ``waiting`` units are
    owed to claims that nothing has filled yet."""
    total = sum(available.values())
    free = max(0, total - waiting - rule.safety_stock)
    shared = free * rule.share_percent // 100
    after_buffer = max(0, shared - rule.buffer)
    capped = after_buffer if rule.cap is None else min(after_buffer, rule.cap)
    quantity = 0 if capped < rule.end_when_below else capped
    derivation = {
        "v": DERIVATION_VERSION,
        "available": {str(place): units for place, units in sorted(available.items())},
        "waiting": waiting,
        "rule": {
            "safety_stock": rule.safety_stock,
            "share_percent": rule.share_percent,
            "buffer": rule.buffer,
            "cap": rule.cap,
            "end_when_below": rule.end_when_below,
            "version": rule.version,
        },
        "quantity": quantity,
    }
    return Offer(quantity, derivation)


def switched(made: Offer) -> Offer:
    """The same for a channel that knows only on and off: 1 or 0, the number kept in the derivation.
    From 7 to 6 nothing changes there."""
    quantity = min(made.quantity, 1)
    return Offer(
        quantity,
        {**made.derivation, "quantity": quantity, "units": made.quantity, "switch": True},
    )
