"""The claim / push / read-back core of one listing in plain Python: what the database does to it.

Each function mirrors one statement of hub/channels (named beside it); times are whole seconds.
:mod:`tests.simulation.model_code` drives both with the same events and compares every column.
``Rules`` switches single safeguards off, to prove that the simulation misses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

#: NULL or 'infinity': nothing is due.
NEVER = 1 << 60
LEASE = 60
LOOK_IN = 5
ROUND = 3_600
LATE_APPLY = 10


class Rules(NamedTuple):
    """``wait``: seconds after a write before a read-back proves anything."""

    wait: int = LATE_APPLY
    read_back: bool = True
    token: bool = True
    second_look: bool = True
    never_backwards: bool = True
    wake: bool = True
    fallen: bool = True


RULES = Rules()


class Due(NamedTuple):
    """As hub.channels.pushing.Due."""

    version: int
    quantity: int
    remote: int | None
    token: int
    attempts: int


class Check(NamedTuple):
    """As hub.channels.checking.Check."""

    version: int
    quantity: int | None
    claimed_at: int


class Flows:
    """An account's push and check flows: when each is due."""

    __slots__ = ("check", "push", "round")

    def __init__(self) -> None:
        self.push = NEVER
        self.check = NEVER
        self.round = -NEVER


class Listing:
    """``seen_at`` is when the remote number was seen, at first when the listing was created."""

    __slots__ = (
        "attempts",
        "check_at",
        "checks_left",
        "confirmed",
        "desired",
        "ended",
        "next_at",
        "offer",
        "remote",
        "seen_at",
        "sent",
        "told",
        "token",
    )

    def __init__(self) -> None:
        self.desired = self.sent = self.confirmed = 0
        self.offer: int | None = None
        self.told: int | None = None
        self.remote: int | None = None
        self.seen_at = 0
        self.next_at = -NEVER
        self.check_at = NEVER
        self.checks_left = 0
        self.attempts = 0
        self.token = 0
        self.ended = False

    @property
    def behind(self) -> bool:
        """pushing.pushable"""
        return self.sent < self.desired and not self.ended


def derive(
    one: Listing, flows: Flows, offer: int, now: int, look_in: int, rules: Rules = RULES
) -> bool:
    """offers.derive: True where the listing is to be pushed."""
    settled = one.sent == one.desired and not one.ended
    fallen = settled and one.remote is not None and one.remote != offer and rules.fallen
    if offer == one.offer and not fallen:
        return False
    one.desired += 1
    one.offer = offer
    shown = one.remote == offer and not one.ended
    if shown and one.next_at <= now:
        one.sent = one.desired
        one.told = offer
        one.check_at = now + look_in
        one.checks_left = 1 if rules.second_look else 0
    if not rules.wake or one.ended:
        return False
    after = look_in if shown else 0
    flows.push = min(flows.push, now + after)
    if shown:
        flows.check = min(flows.check, now + after)
    return not shown


def note_sold(one: Listing, units: int, at: int) -> None:
    """listings.note_sold"""
    if one.remote is not None and one.seen_at < at:
        one.remote = max(one.remote - units, 0)


def claim(one: Listing, now: int, lease: int) -> Due | None:
    """pushing.claim_due"""
    if not one.behind or one.next_at > now:
        return None
    one.token += 1
    one.next_at = now + lease
    one.attempts += 1
    return Due(one.desired, one.offer or 0, one.remote, one.token, one.attempts)


def record(
    one: Listing,
    due: Due,
    outcome: str,
    current: int | None,
    now: int,
    check_in: int,
    retry_in: int,
    rules: Rules = RULES,
) -> None:
    """pushing.record"""
    if due.token != one.token and rules.token:
        return
    sent = outcome in ("accepted", "unknown")
    if sent:
        if due.version > one.sent:
            one.told = due.quantity
        if due.version > one.sent or not rules.never_backwards:
            one.sent = due.version
        one.check_at = now + check_in
        one.checks_left = 1 if rules.second_look else 0
        one.attempts = 0
        one.next_at = now
    elif outcome == "rejected":
        one.next_at = now + min(900, 5 * 2 ** min(due.attempts, 10))
    else:
        one.next_at = now + retry_in
    if outcome in ("stale", "moved"):
        one.attempts = min(one.attempts, 3)
    if sent or outcome == "stale":
        one.remote = due.quantity if outcome == "accepted" else current
        one.seen_at = now
    if outcome == "gone":
        one.ended = True
        one.check_at = NEVER


def release(one: Listing, due: Due, now: int, retry_in: int) -> None:
    """pushing.release_leases"""
    if due.token == one.token:
        one.next_at = now + retry_in


def settle(listings: Sequence[Listing], flows: Flows) -> None:
    """pushing.settle"""
    flows.push = min((one.next_at for one in listings if one.behind), default=NEVER)
    flows.check = min(flows.check, _next_check(listings))


def settle_checks(listings: Sequence[Listing], flows: Flows, now: int) -> None:
    """reconcile._settle: pushing.settle_checks and the next round"""
    flows.check = min(_next_check(listings), now + ROUND)


def _next_check(listings: Sequence[Listing]) -> int:
    return min((one.check_at for one in listings if not one.ended), default=NEVER)


def claim_check(one: Listing, now: int, lease: int) -> Check | None:
    """checking.claim_checks"""
    if one.check_at > now or one.ended:
        return None
    one.check_at = now + lease
    return Check(one.sent, one.told, now)


def confirm(one: Listing, check: Check, seen: int | None, now: int, second_look: int) -> None:
    """checking.confirm"""
    if check.version != one.sent:
        return
    one.confirmed = max(one.confirmed, check.version)
    one.remote = seen
    one.seen_at = check.claimed_at
    one.check_at = now + second_look if one.checks_left > 0 else NEVER
    one.checks_left = max(one.checks_left - 1, 0)


def correct(
    one: Listing,
    flows: Flows,
    check: Check,
    seen: int | None,
    now: int,
    look_in: int,
    *,
    gone: bool = False,
) -> None:
    """checking.correct"""
    unchanged = check.version == one.sent
    settled = unchanged and one.desired == one.sent
    stale = settled and one.told != seen and not gone
    if unchanged:
        one.remote = seen
        one.seen_at = check.claimed_at
    if stale:
        one.desired += 1
        one.next_at = now
    if gone:
        one.ended = True
        one.check_at = NEVER
    elif unchanged:
        one.check_at = NEVER if stale or not settled else now + look_in
    flows.push = min(flows.push, now)


def look_again(one: Listing, now: int, delay: int) -> None:
    """checking.look_again"""
    one.check_at = now + delay


def look_at_all(listings: Sequence[Listing], flows: Flows, now: int, every: int) -> None:
    """checking.look_at_all, with flows.first_in"""
    if flows.round >= now - every:
        return
    flows.round = now
    for one in listings:
        if not one.ended and one.sent > 0 and one.check_at == NEVER and one.seen_at < now - every:
            one.check_at = now
