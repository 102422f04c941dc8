"""What is struck when, drawn from a seed: the same seed plays the same schedule again. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hub.failpoints import FREEZE, KILL, LOSE, POINTS

EMPTY, CHARGE, REVOKE = "empty", "charge", "revoke"
CLOCK, WEB, REDIS, DATABASE = "clock", "web", "redis", "database"
WORKER = "worker"

#: (deed, victim) → how often, against the others. A restart costs seconds of processor time; a
#: process that is only frozen costs none.
DIRECT: Mapping[tuple[str, str], int] = {
    (KILL, WORKER): 5,
    (FREEZE, WORKER): 5,
    (KILL, CLOCK): 2,
    (FREEZE, CLOCK): 2,
    (KILL, WEB): 2,
    (FREEZE, WEB): 2,
    (KILL, REDIS): 2,
    (FREEZE, REDIS): 2,
    (EMPTY, REDIS): 3,
    (KILL, DATABASE): 1,
    (FREEZE, DATABASE): 2,
    (REVOKE, "north"): 3,
}
DEEDS = (KILL, KILL, FREEZE, LOSE)
#: Seconds that somebody is frozen, and that a killed server is away.
FROZEN, AWAY = (1.0, 8.0), (0.2, 1.5)
#: A token ends at most once in so many seconds: one that ends before it was used is no token.
GOOD_FOR = 60.0

#: The channels' faults and how probable each is for a request or a webhook that can have it: one
#: request in ten. Where more fail, breakers open, and their pauses are what agreement waits for.
CHANNEL_FAULTS: Mapping[str, float] = {
    "error_before": 0.01,
    "error_after": 0.01,
    "timeout_before": 0.008,
    "timeout_after": 0.01,
    "late": 0.012,
    "cut_before": 0.008,
    "cut_after": 0.008,
    "truncated": 0.008,
    "wrong_body": 0.004,
    "wrong_json": 0.004,
    "rate_limited": 0.008,
    "throttled": 0.008,
    "page_repeated": 0.004,
    "cursor_expired": 0.004,
    "webhook_duplicate": 0.20,
    "webhook_reorder": 0.12,
    "webhook_lost": 0.20,
    "webhook_late": 0.10,
    "webhook_bad_signature": 0.10,
}


class Strike(NamedTuple):
    """``at`` seconds into its round. ``victim``: a process, a server, a shop or a failpoint;
    ``deed`` is what a failpoint's charge does."""

    at: float
    kind: str
    victim: str
    lasts: float = 0.0
    deed: str = ""

    @property
    def called(self) -> str:
        """As the figures name it."""
        return f"{self.victim.split()[0]}: {self.kind}"


class Plan(NamedTuple):
    """``seconds`` of faults, with so many direct strikes and so many failpoints charged."""

    seconds: float = 12.0
    strikes: int = 8
    charges: int = 13


#: Kind of process → the names of those that run.
Crew = Mapping[str, Sequence[str]]


def schedule(seed: int, number: int, plan: Plan, crew: Crew) -> list[Strike]:
    """The strikes of one round, in order. The last comes at its very end."""
    chance = random.Random(f"{seed}/{number}")
    direct = [_direct(chance, plan, crew) for _ in range(plan.strikes)]
    last = chance.randrange(plan.strikes)
    direct[last] = direct[last]._replace(at=plan.seconds)
    charges = [_charge(chance, plan, point) for point in _points(seed, number, plan.charges)]
    return _apart(sorted([*direct, *charges]))


def _direct(chance: random.Random, plan: Plan, crew: Crew) -> Strike:
    (kind, victim), at = _pick(chance), chance.uniform(0.0, plan.seconds)
    name = chance.choice(list(crew.get(victim, (victim,))))
    lasts = chance.uniform(*(FROZEN if kind == FREEZE else AWAY))
    return Strike(at, kind, name, GOOD_FOR if kind == REVOKE else lasts)


def _pick(chance: random.Random) -> tuple[str, str]:
    return chance.choices(list(DIRECT), list(DIRECT.values()))[0]


def _charge(chance: random.Random, plan: Plan, point: str) -> Strike:
    at = chance.uniform(0.0, 0.9 * plan.seconds)
    return Strike(at, CHARGE, point, chance.uniform(1.0, 4.0), chance.choice(DEEDS))


def _points(seed: int, number: int, count: int) -> list[str]:
    """The next of all points, in an order of the seed's: each comes as often as the others."""
    order = list(POINTS)
    random.Random(seed).shuffle(order)
    return [order[place % len(order)] for place in range(number * count, (number + 1) * count)]


def _apart(strikes: Sequence[Strike]) -> list[Strike]:
    """Without those that would strike somebody who still lies there from the last."""
    free: dict[str, float] = {}
    kept = []
    for one in strikes:
        if one.kind == CHARGE or one.at >= free.get(one.victim, 0.0):
            kept.append(one)
            free[one.victim] = one.at + one.lasts
    return kept
