"""Running seeds: each is a world that lives for a while, comes to rest, and is looked at."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis

from hub import migrating
from hub.config import Settings
from hub.secrets import Keyring
from sync.carrier import Carrier
from tests.rig import Rig
from tests.simulation import checks, clocked, world
from tests.simulation.life import Life
from tests.simulation.mutants import MUTANTS, applied
from tests.simulation.world import Bench, World

KEYRING = Keyring({"test": b"t" * 32})
SETTINGS = Settings(home=Path("/nonexistent"), pull_seconds=300.0, refund_seconds=150.0)
#: How long a world that has come to rest is given, and how it passes.
REST = (0.0, 5.0, 25.0, 121.0, 301.0, 301.0, 201.0, 25.0, 121.0)
#: What people write into a shop is found by the hourly round only.
ROUNDS = (3_700.0, 25.0, 121.0, 3_700.0, 25.0, 121.0, 301.0)
#: A database is used for so many seeds: it grows.
SEEDS = 250
TEMPLATE = "simulation_template"
#: How often one looks in mid-run.
LOOKS = 0.05


@dataclass(frozen=True)
class Outcome:
    """What became of a seed. ``trace`` is the same for each run of it."""

    seed: int
    steps: int
    faults: Counter[str]
    violations: tuple[str, ...]
    trace: str
    story: tuple[str, ...]


@dataclass
class Totals:
    seeds: int = 0
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    violations: int = 0

    def add(self, one: Outcome) -> None:
        self.seeds += 1
        self.steps += one.steps
        self.faults += one.faults
        self.violations += bool(one.violations)

    def join(self, other: Totals) -> None:
        self.seeds += other.seeds
        self.steps += other.steps
        self.faults += other.faults
        self.violations += other.violations

    def says(self) -> str:
        return (
            f"seeds {self.seeds:,} · steps {self.steps:,} · faults {self.faults.total():,}"
            f" · violations {self.violations:,}"
        )


def run(bench: Bench, seed: int) -> Outcome:
    before = random.getstate()
    random.seed(seed)  # what the hub spreads its retries by
    try:
        with world.opened(bench, seed) as here:
            _live(here)
    finally:
        random.setstate(before)
    faults = here.dice.injected + Counter(crash=here.scheduler.crashes)
    return Outcome(
        seed, len(here.trace.lines), faults, tuple(here.violations),
        here.trace.digest.hexdigest(), tuple(here.trace.lines),
    )  # fmt: skip


def _live(here: World) -> None:
    life = Life(here)
    for _ in range(here.random.randint(150, 450)):
        life.step()
        if here.random.random() < LOOKS:
            checks.at_any_moment(here)
        if here.violations:
            return
    life.calm_down()
    with here.scheduler.calm():
        _rest(here, life, REST)
        if life.changed_by_hand:
            _rest(here, life, ROUNDS)
    if not here.violations:
        checks.at_any_moment(here)
        checks.at_rest(here)


def _rest(here: World, life: Life, pauses: Sequence[float]) -> None:
    for pause in pauses:
        if here.violations:
            return
        life.time_passes(pause)
        if not life.work_off():
            here.broken("nothing_is_left: work is due for ever")


@contextmanager
def bench(rig: Rig, name: str, mutant: str = "") -> Iterator[Bench]:
    """A fresh database with the simulated clock; a mutant may lack a key in it."""
    rig.create_database(name, template=TEMPLATE)
    if mutant:
        with clocked.driver(rig.owner_url(name)) as owner:
            for statement in MUTANTS[mutant].schema:
                owner.execute(statement)
    database = clocked.opened(rig.app_url(name))
    monitor = clocked.driver(rig.owner_url(name))
    carrier = Carrier(SETTINGS, database, KEYRING)
    redis = Redis.from_url(rig.redis_url)
    try:
        yield Bench(database, carrier, monitor, redis)
    finally:
        redis.close()
        carrier.close()
        monitor.close()
        (rig.postgres or rig).drop_database(name)


def make_template(rig: Rig) -> None:
    rig.create_database(TEMPLATE)
    migrating.upgrade(rig.owner_url(TEMPLATE), rig.app_url(TEMPLATE))
    clocked.prepare(rig.owner_url(TEMPLATE))


def _mutated(mutant: str, here: Bench) -> AbstractContextManager[None]:
    return applied(mutant, here.database.engine) if mutant else nullcontext()


def campaign(
    rig: Rig,
    seeds: Iterable[int],
    told: Callable[[Outcome], bool],
    *,
    mutant: str = "",
    name: str = "simulation",
) -> Totals:
    """Run the seeds, in databases of their own, until there are no more or ``told`` says stop."""
    totals = Totals()
    left = iter(seeds)
    seed = next(left, None)
    while seed is not None:
        with bench(rig, name, mutant) as here, _mutated(mutant, here):
            for _ in range(SEEDS):
                outcome = run(here, seed)
                totals.add(outcome)
                seed = next(left, None)
                if not told(outcome):
                    return totals
                if seed is None:
                    break
    return totals
