"""Striking: kill, freeze, empty, charge; start again what died, and let go on what was frozen."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from redis import Redis

from connectors.shopify.simulator import ShopifySimulator
from hub.failpoints import CHARGED, FREEZE, KILL, STRUCK, VARIABLE
from tests.chaos.schedule import CHARGE, DATABASE, EMPTY, REDIS, REVOKE, Strike
from tests.sync.premises import Premises

#: Who stops itself does so a moment after it said so: it is told to go on again and again.
INSIST = 2.0


class Striker:
    """``struck`` counts what really happened by kind, ``hits`` the charges that went off by point
    and by deed."""

    def __init__(self, place: Premises, folder: Path) -> None:
        self.place = place
        self.struck: Counter[str] = Counter()
        self.hits: Counter[tuple[str, str]] = Counter()
        self.last = monotonic()
        self._charged, self._hit = folder / CHARGED, folder / STRUCK
        self._charged.mkdir(parents=True)
        self._hit.mkdir()
        self._lasting: dict[str, float] = {}
        self._frozen: dict[int, float] = {}
        self._later: list[tuple[float, Callable[[], object]]] = []
        self._known: set[str] = set()
        place.settings[VARIABLE] = str(folder)

    # -- the blows -----------------------------------------------------------------------------

    def strike(self, one: Strike) -> None:
        if one.kind == CHARGE:
            self._lasting[one.victim] = one.lasts
            new = self._charged.parent / one.victim
            new.write_text(one.deed)
            new.rename(self._charged / one.victim)
            return
        self._get_up(one.victim)
        self._count(one.called)
        if one.kind == EMPTY:
            with Redis.from_url(self.place.valkey.url, socket_timeout=2.0) as redis:
                redis.flushall()
        elif one.kind == REVOKE:
            shop = self.place.world.shops[one.victim]
            assert isinstance(shop, ShopifySimulator)
            shop.gatehouse.revoke()
        elif one.kind == FREEZE:
            self._freeze(one)
        else:
            assert one.kind == KILL
            self._kill(one)

    def _get_up(self, victim: str) -> None:
        """Where this machine is so slow that a server still lies there, it is helped up first."""
        if victim in (REDIS, DATABASE):
            now = monotonic()
            self._later = [(min(at, now), work) for at, work in self._later]
            self._frozen = {pid: min(until, now) for pid, until in self._frozen.items()}
            self.tick()

    def _kill(self, one: Strike) -> None:
        if one.victim == REDIS:
            self.place.kill_redis()
            self._at(one.lasts, self.place.restore_redis)
        elif one.victim == DATABASE:
            self.place.crash_database()
            self._at(one.lasts, self._restore_database)
        else:
            self.place.kill(one.victim)

    def _restore_database(self) -> None:
        self.place.restore_database()
        self.place.database.engine.dispose()

    def _freeze(self, one: Strike) -> None:
        for pid in self._group(one.victim):
            self._signal(pid, signal.SIGSTOP)
            self._frozen[pid] = monotonic() + one.lasts

    def _group(self, victim: str) -> list[int]:
        """Whom to freeze: processes, or (negative) a group of them."""
        if victim == REDIS:
            return [self.place.valkey.pid]
        if victim == DATABASE:
            return [self.place.postgres.pid, *_children(self.place.postgres.pid)]
        return [-self.place.running[victim].pid]

    # -- what follows --------------------------------------------------------------------------

    def tick(self) -> None:
        """What a Procfile's runner and the kernel do: start again, let go on; and count hits."""
        now = monotonic()
        for at, work in list(self._later):
            if at <= now:
                self._later.remove((at, work))
                work()
                self.last = monotonic()
        self._see_hits(now)
        for pid, until in list(self._frozen.items()):
            if until <= now:
                self.last = max(self.last, min(until, now))
                self._signal(pid, signal.SIGCONT)
            if until + INSIST <= now:
                del self._frozen[pid]
        self.place.keep()

    def rest(self) -> None:
        """The last fault is over: no charge is left, all that lie there get up."""
        for charge in self._charged.iterdir():
            charge.unlink(missing_ok=True)
        self._later = [(0.0, work) for _, work in self._later]
        now = monotonic()
        self._frozen = {pid: min(until, now) for pid, until in self._frozen.items()}
        self._lasting.clear()
        self.tick()
        self.last = monotonic()

    def _see_hits(self, now: float) -> None:
        for name in os.listdir(self._hit):
            if name in self._known:
                continue
            self._known.add(name)
            point, pid, _ = name.split("@")
            deed = (self._hit / name).read_text()
            self.hits[point, deed] += 1
            self._count(f"failpoint: {deed}")
            if deed == FREEZE:
                self._frozen[int(pid)] = now + self._lasting.get(point, 0.0)

    def _count(self, kind: str) -> None:
        self.struck[kind] += 1
        self.last = monotonic()

    def _at(self, seconds: float, work: Callable[[], object]) -> None:
        self._later.append((monotonic() + seconds, work))

    @staticmethod
    def _signal(pid: int, number: signal.Signals) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return  # killed meanwhile


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.name))
    return found
