"""What goes wrong, how often, and a count of what did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

#: Name → the highest share of the occasions at which it happens, in a run that has it.
FAULTS = {
    "no answer to a read": 0.15,
    "garbled read": 0.08,
    "paging token forgotten": 0.10,
    "listing left out of a read": 0.10,
    "old version fetched": 0.30,
    "order listed late": 0.50,
    "record that cannot be read": 0.05,
    "write never arrives": 0.2,
    "asked too fast by others": 0.04,
    "write lost, answer too": 0.3,
    "write applied, answer lost": 0.3,
    "write applied late": 0.35,
    "write applied very late": 0.25,
    "write applied twice": 0.25,
    "item to be tried again": 0.15,
    "item refused": 0.1,
    "item left out of the answer": 0.12,
    "authorisation refused": 0.005,
    "renewal never arrives": 0.3,
    "renewal done, answer lost": 0.3,
    "telling never arrives": 0.2,
    "telling lost, answer too": 0.3,
    "telling done, answer lost": 0.3,
    "refund listed late": 0.5,
    "webhook lost": 0.30,
    "webhook doubled": 0.30,
    "webhook names no order": 0.15,
    "ring lost": 0.60,
    "job run twice": 0.15,
    "command given twice": 0.30,
    "number changed by hand": 0.0,
    "shop down": 0.0,
    "order locked": 0.0,
    "subscription dropped": 0.0,
    "authorised anew": 0.0,
    "account held": 0.0,
}


@dataclass
class Dice:
    """Draws from the seed. Each run has some of the faults, each at a rate of its own."""

    random: Random
    rates: dict[str, float] = field(default_factory=dict)
    injected: Counter[str] = field(default_factory=Counter)

    @classmethod
    def rolled(cls, random: Random) -> Dice:
        severity = random.choice((0.5, 1.0, 2.0, 3.0))
        rates = {
            name: min(0.9, most * severity * random.random()) if random.random() < 0.7 else 0.0
            for name, most in FAULTS.items()
        }
        return cls(random, rates)

    def hit(self, name: str) -> bool:
        """Does it happen now?"""
        rate = self.rates.get(name, 0.0)
        if rate and self.random.random() < rate:
            self.injected[name] += 1
            return True
        return False

    def between(self, low: float, high: float) -> float:
        return round(self.random.uniform(low, high), 3)

    def still(self) -> None:
        """From here on everything works."""
        self.rates = {}
