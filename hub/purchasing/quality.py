"""Whether a delivery is good: by a sampling table, by a share, or by what a person saw. Pure.

The table has the shape of ISO 2859-1: a lot of so many units, a sample of so many, accepted up to
so many defects, rejected from so many; between the two somebody must look at all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

ACCEPT, INSPECT, REJECT = "accept", "inspect", "reject"
VERDICTS = (ACCEPT, INSPECT, REJECT)


class SamplingStep(NamedTuple):
    """For lots from ``from_quantity`` units."""

    from_quantity: int
    sample: int
    accept: int
    reject: int


@dataclass(frozen=True, slots=True)
class Plan:
    """``table`` goes before ``sample_percent``; neither: what is counted is accepted.
    ``defect_percent`` of a share's sample may be bad."""

    table: tuple[SamplingStep, ...] = ()
    sample_percent: int | None = None
    defect_percent: int = 0

    def step(self, quantity: int) -> SamplingStep | None:
        """What is asked of a lot; a sample is never more than the lot."""
        found = [one for one in self.table if one.from_quantity <= quantity]
        if found:
            best = max(found)
            return best._replace(sample=min(best.sample, quantity))
        if not self.sample_percent:
            return None
        sample = -(-quantity * self.sample_percent // 100)
        allowed = sample * self.defect_percent // 100
        return SamplingStep(1, sample, allowed, allowed + 1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a counted quantity divides."""

    accepted: int
    inspecting: int
    rejected: int
    verdict: str
    reason: str


def judge(
    quantity: int, sampled: int, defects: int, plan: Plan, told: str = "", reason: str = ""
) -> Verdict:
    """Units found bad are rejected whatever becomes of the rest. A person who tells the verdict
    is believed; else the plan says it."""
    if told:
        return _divide(quantity, defects, told, reason or "as told at the door")
    asked = plan.step(quantity)
    if asked is None:
        said = f"{defects} found bad" if defects else "no sampling plan"
        return _divide(quantity, defects, ACCEPT, reason or said)
    verdict, said = _by_plan(asked, sampled, defects)
    return _divide(quantity, defects, verdict, f"{said}; {reason}" if reason else said)


def _by_plan(asked: SamplingStep, sampled: int, defects: int) -> tuple[str, str]:
    found = f"{defects} bad of {sampled} looked at"
    if defects >= asked.reject:
        return REJECT, f"{found}: rejected from {asked.reject}"
    if sampled < asked.sample:
        return INSPECT, f"{found}: {asked.sample} are to be looked at"
    if defects <= asked.accept:
        return ACCEPT, f"{found}: accepted up to {asked.accept}"
    return INSPECT, f"{found}: between {asked.accept} and {asked.reject}"


def _divide(quantity: int, defects: int, verdict: str, reason: str) -> Verdict:
    good = quantity - defects
    if verdict == REJECT:
        return Verdict(0, 0, quantity, verdict, reason)
    if verdict == INSPECT:
        return Verdict(0, good, defects, verdict, reason)
    return Verdict(good, 0, defects, verdict, reason)
