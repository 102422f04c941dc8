"""A campaign's figures: what was struck how often, what came of it, how long it took to agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.chaos.rounds import Day, Round


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below so large a share of all."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 100) * len(ordered) // 100) - 1))]


@dataclass
class Figures:
    """Over any number of days."""

    process: Counter[str] = field(default_factory=Counter)
    channel: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    rounds: list[Round] = field(default_factory=list)
    days: int = 0
    purchases: int = 0
    missing: int = 0
    doubled: int = 0
    oversold: int = 0
    wrong: int = 0
    stories: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        return self.process.total() + self.channel.total()

    def add(self, day: Day) -> None:
        self.days += 1
        self.process += day.struck
        self.channel += day.channel
        self.calls += day.calls
        self.purchases += day.purchases
        self.rounds += day.rounds
        for (point, _), count in day.hits.items():
            self.hits[point] += count
        found = day.reckoning
        if found is not None:
            self.missing += found.missing
            self.doubled += found.doubled
            self.oversold += found.oversold
            self.wrong += found.wrong
            self.stories += [f"seed {day.seed}: {one}" for one in found.violations]
        if day.story:
            self.stories.append(f"seed {day.seed}, round {len(day.rounds)}: {day.story}")

    def table(self) -> str:
        lines = ["| struck | times |", "|---|---|"]
        lines += [f"| {kind} | {count:,} |" for kind, count in sorted(self.process.items())]
        lines += [
            f"| channel: {kind} | {count:,} |" for kind, count in sorted(self.channel.items())
        ]
        lines += ["", "| failpoint | struck |", "|---|---|"]
        lines += [f"| {point} | {count:,} |" for point, count in sorted(self.hits.items())]
        calls = ", ".join(f"{name} {count:,}" for name, count in sorted(self.calls.items()))
        return "\n".join([*lines, "", f"calls of the clerk: {calls}", self.says()])

    def says(self) -> str:
        """The last line: all that matters."""
        told = (
            f"{self.faults:,} faults ({self.process.total():,} of processes) in"
            f" {len(self.rounds):,} rounds of {self.days} days, {self.purchases:,} purchases:"
            f" orders missing {self.missing}, doubled {self.doubled}, units oversold"
            f" {self.oversold}, listings wrong {self.wrong}, other {len(self.stories)}"
        )
        if not self.rounds:
            return told
        waited = [one.waited for one in self.rounds]
        idle = [one.told for one in self.rounds]
        load = sum(one.load for one in self.rounds) / len(self.rounds)
        return (
            f"{told}; agreed after p50 {quantile(waited, 0.5):.1f} s, p90"
            f" {quantile(waited, 0.9):.1f} s, p99 {quantile(waited, 0.99):.1f} s, longest"
            f" {max(waited):.1f} s (nothing left to tell: p99 {quantile(idle, 0.99):.1f} s);"
            f" load {load:.1f}"
        )
