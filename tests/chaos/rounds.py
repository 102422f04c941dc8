"""Rounds: some seconds of faults while people buy and work, then quiet until all agree again.

Nothing is helped along: no time is moved, no lease is ended, nothing is asked twice. What died is
started again, as its runner would, and what was frozen goes on.
"""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from time import monotonic, sleep

from connectors.shopify.gatehouse import Gatehouse, Grant
from connectors.shopify.simulator import ShopifySimulator
from connectors.simulators.server import Simulator
from sync.lanes import LANES
from sync.simulating import Buyers
from tests.chaos.clerk import Clerk
from tests.chaos.reckoning import Reckoning, agreed, idle, lags, reckon
from tests.chaos.schedule import CHANNEL_FAULTS, CLOCK, WEB, WORKER, Crew, Plan, schedule
from tests.chaos.striking import Striker
from tests.pump import eventually
from tests.sync.premises import Premises, premises

GOODS = {f"SKU-{number:02}": 60 for number in range(12)}
#: Two of what everything waits for: where one dies the other goes on at once.
CREW: Crew = {
    WEB: (WEB,),
    CLOCK: ("clock 1", "clock 2"),
    WORKER: tuple(
        f"worker --lane {lane} {number}"
        for place, lane in enumerate(LANES)
        for number in ((1, 2) if place == 0 else (1,))
    ),
}
TICK = 0.05
#: Between two looks whether all agree: a look costs processor time that the hub could use.
LOOK = 0.2
#: Who has not agreed after so many seconds is not going to.
PATIENCE = 90.0
#: What lags after so many seconds is noted.
LONG = 15.0
#: The shops by seed: with and without compare-and-set, GraphQL and REST.
PAIRS = (("shopify", "shopify"), ("shopify", "woocommerce"))


@dataclass(frozen=True)
class Round:
    """``waited``: seconds from the last fault until shops and hub agreed; ``told`` until nothing
    waited to be told or answered either. ``load``: the machine's, a minute's average."""

    seed: int
    number: int
    struck: Mapping[str, int]
    waited: float
    told: float
    load: float


@dataclass
class Day:
    """One installation and its rounds. ``slow`` says what lagged in those that took long,
    ``story`` what failed and the logs of the time."""

    seed: int
    rounds: list[Round] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    channel: Counter[str] = field(default_factory=Counter)
    hits: Counter[tuple[str, str]] = field(default_factory=Counter)
    purchases: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    reckoning: Reckoning | None = None
    slow: list[str] = field(default_factory=list)
    story: str = ""

    @property
    def clean(self) -> bool:
        return self.reckoning is not None and self.reckoning.clean and not self.story


class Installation:
    """Real processes, two shops and their people, and somebody who strikes."""

    def __init__(self, place: Premises, folder: Path, seed: int) -> None:
        self.place = place
        self.seed = seed
        self.striker = Striker(place, folder)
        self.clerk = Clerk(place.world, seed)
        self.day = Day(seed)
        for name in chain.from_iterable(CREW.values()):
            place.start(name)

    def begin(self) -> None:
        """Once everything runs: starting takes its time, and is no fault."""
        self.clerk.start()
        eventually(lambda: self.clerk.done.total() > 0, 60, "the web answers")
        self.clerk.stop()
        lanes = LANES
        eventually(lambda: all(self.place.alive("worker", one) for one in lanes), 60, "workers")
        eventually(lambda: bool(self.place.alive("clock")), 60, "a clock")
        self._until_idle()

    def play(self, number: int, plan: Plan) -> Round:
        """One round. Raises AssertionError where they do not agree in the end."""
        before = Counter(self.striker.struck)
        buyers = self._buyers(number)
        self._misbehave()
        buyers.start()
        self.clerk.start()
        self._strike(number, plan)
        buyers.stop()
        self.clerk.stop()
        for simulator in self._shops:
            simulator.faults.clear()
        self.striker.rest()
        self.day.purchases += buyers.bought
        waited = self._until_agreed()
        told = self._until_idle()
        played = Round(
            self.seed, number, self.striker.struck - before, waited, told, os.getloadavg()[0]
        )
        self.day.rounds.append(played)
        return played

    def ended(self) -> Day:
        """The day's reckoning, after a last look when everything has long been quiet."""
        self._pass(3.0)
        self._until_idle()
        self.day.reckoning = reckon(self.place.world, GOODS, self.clerk)
        return self.tallied()

    def tallied(self) -> Day:
        day = self.day
        day.struck, day.hits = self.striker.struck, self.striker.hits
        day.calls = self.clerk.done + Counter(
            again=self.clerk.again,
            replayed=self.clerk.replayed,
            refused=self.clerk.refused.total(),
        )
        day.channel = Counter()
        for simulator in self._shops:
            day.channel.update(simulator.faults.counts)
        return day

    # -- how -----------------------------------------------------------------------------------

    @property
    def _shops(self) -> Sequence[Simulator]:
        return list(self.place.world.shops.values())

    def _buyers(self, number: int) -> Buyers:
        shops = {name: one.shop for name, one in self.place.world.shops.items()}
        return Buyers(shops, pause=0.05, seed=1_000 * self.seed + number)

    def _misbehave(self) -> None:
        for simulator in self._shops:
            simulator.faults.hang, simulator.faults.late = 0.3, 1.0
            simulator.faults.rate = dict(CHANNEL_FAULTS)

    def _strike(self, number: int, plan: Plan) -> None:
        began = monotonic()
        for one in schedule(self.seed, number, plan, CREW):
            self._pass(began + one.at - monotonic())
            self.striker.strike(one)
        self._pass(began + plan.seconds - monotonic())

    def _pass(self, seconds: float) -> None:
        until = monotonic() + seconds
        self.striker.tick()
        while monotonic() < until:
            sleep(TICK)
            self.striker.tick()

    def _until_agreed(self) -> float:
        """Seconds since the last fault."""
        last, wondered = self.striker.last, False
        while not agreed(self.place.world):
            self._still_hoping(last)
            if not wondered and monotonic() - last > LONG:
                wondered = True
                self.day.slow.append(f"after {LONG} s: {lags(self.place.world)}")
            self._pass(LOOK)
        return monotonic() - last

    def _until_idle(self) -> float:
        last = self.striker.last
        while not (self.clerk.finished() and idle(self.place.world) and agreed(self.place.world)):
            self._still_hoping(last)
            self._pass(LOOK)
        return monotonic() - last

    def _still_hoping(self, last: float) -> None:
        if monotonic() - last > PATIENCE:
            seen = self.place.world.picture()
            behind = lags(self.place.world)
            logs = self.place.logs()
            raise AssertionError(f"not within {PATIENCE} s: {seen}\n{behind}\n{logs}")


@contextmanager
def installation(home: Path, seed: int) -> Iterator[Installation]:
    """A day's. In this order: once the web is gone, no webhook waits at a door nobody opens."""
    with (
        premises(home, goods=GOODS, channels=PAIRS[seed % len(PAIRS)], before=_renewing) as place,
        socket.socket() as listening,
    ):
        place.open_the_web(listening)
        place.settings["HUB_REFUND_SECONDS"] = "3"
        yield Installation(place, home / "failpoints", seed)


def _renewing(shops: Mapping[str, Simulator]) -> None:
    """The north shop's token ends, and a refresh token renews it. No shop ends a subscription for
    the web's being away for seconds: they would give it hours."""
    for shop in shops.values():
        shop.webhooks.backoff = (0.2, 0.5, 1.0, 2.0, 5.0)
        shop.webhooks.dropped = lambda subscription: None
    north = shops["north"]
    assert isinstance(north, ShopifySimulator)
    north.gatehouse = Gatehouse(Grant.REFRESH, north.now)


def play_day(
    home: Path, seed: int, rounds: int, plan: Plan, until: float = float("inf")
) -> Iterator[Round | Day]:
    """The rounds as they end, none but the first begun after ``until``, then the day. A day that
    fails says why in its story."""
    with installation(home, seed) as here:
        try:
            here.begin()
            for number in range(rounds):
                if number == 0 or monotonic() < until:
                    yield here.play(number, plan)
            yield here.ended()
        except AssertionError as error:
            day = here.tallied()
            day.story = str(error)
            yield day
