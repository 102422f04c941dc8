"""Two hosts that share one account's budget, with more to do than it allows.

A channel in a process of its own counts what comes and turns away what is beyond the budget. Two
processes share a Redis as two hosts would; threads of theirs behave as jobs do: what is refused
comes again at its due time. The floor is the budget that there was while they ran, its burst
included; the ratio is what there was to what was used. Refusals by the channel itself are counted
apart: each was avoidable, since nobody else spends this account's budget.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from threading import Thread
from urllib.request import urlopen
from uuid import uuid4

from redis import Redis

from benchmarks.ground import HERE, Ground
from benchmarks.harness import Result, Scale, benchmark, note
from connectors.base import Limit
from connectors.catalog import channel
from connectors.errors import TransientError
from connectors.http import Http
from sync.budgets import Budget, Own, Shared
from sync.retry import react

HOSTS = 2
THREADS = 8
SECONDS = 20
QUICK_SECONDS = 4
PASSES = 3
#: At least so much of the budget is used.
LEAST = 0.95


@dataclass(frozen=True, slots=True)
class Market:
    """A kind of channel: its budget, and what requests ask for and cost there."""

    kind: str
    limit: Limit
    wares: tuple[tuple[int, int], ...]


#: Calls that cost one each; and Shopify's, where a query must be able to pay what it could cost at
#: most, and pays what it did: writes of stock, reads of it, pages of listings.
MARKETS = (
    Market("requests", Limit("requests", rate=40, burst=40), ((1, 1),)),
    Market("points", Limit("points", rate=100, burst=1000), ((10, 10), (36, 30), (62, 20))),
)


@dataclass(frozen=True, slots=True)
class Books:
    """The channel's own account of a pass."""

    budget: float
    used: float
    let_in: int
    turned_away: int


class Host:
    """One process: an account's session and budget, as the carrier makes them, and its threads."""

    def __init__(self, redis: Redis, key: str, market: Market, port: int) -> None:
        meter = channel("shopify").meter if market.kind == "points" else None
        budget = Budget(Shared(redis, key, market.limit), Own(market.limit), meter)
        address = f"127.0.0.1:{port}"
        self.url = f"http://{address}"
        self.http = Http(loopback={address}, limiter=budget)
        self.wares = market.wares

    def work(self, number: int, until: float) -> None:
        """One job after the other until then; each comes again when it may."""
        chosen = Random(number)
        attempts, ware = 0, chosen.choice(self.wares)
        while time.monotonic() < until:
            attempts += 1
            try:
                self._ask(*ware)
            except TransientError as error:
                time.sleep(react(error, attempts).delay)
            else:
                attempts, ware = 0, chosen.choice(self.wares)

    def _ask(self, asked: int, paid: int) -> None:
        url = f"{self.url}/{asked}/{paid}"
        answer = self.http.request("GET", url, write=False, cost=float(asked))
        if "errors" in answer.json():
            raise TransientError("throttled inside an answer", throttled=True, retry_after=1.0)


def host(redis_url: str, key: str, kind: str, port: int, seconds: float) -> None:
    """What one of the two processes does."""
    market = next(one for one in MARKETS if one.kind == kind)
    redis: Redis = Redis.from_url(redis_url)
    here = Host(redis, key, market, port)
    until = time.monotonic() + seconds
    crew = [Thread(target=here.work, args=(number, until)) for number in range(THREADS)]
    for one in crew:
        one.start()
    time.sleep(seconds)
    told(port, "end")
    for one in crew:
        one.join()


@contextmanager
def turnstile(market: Market) -> Iterator[int]:
    """The port of a channel in a process of its own."""
    figures = (market.limit.rate, market.limit.burst)
    program = [sys.executable, "-m", "benchmarks.turnstile", market.kind, *map(str, figures)]
    with subprocess.Popen(program, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield int(child.stdout.readline())
        finally:
            child.terminate()


def told(port: int, what: str = "told") -> Books:
    with urlopen(f"http://127.0.0.1:{port}/{what}") as answer:
        found = json.loads(answer.read())
    return Books(**found)


def one_pass(redis_url: str, market: Market, port: int, seconds: float) -> Books:
    """The books when both hosts have stopped; the second joins when the first is at work."""
    told(port, "new")
    given = (redis_url, f"bench:budget:{uuid4().hex}", market.kind, str(port), str(seconds))
    program = [sys.executable, "-m", "benchmarks.budget_use", *given]
    hosts = [subprocess.Popen(program, cwd=HERE.parent) for _ in range(HOSTS)]
    codes = [one.wait(seconds + 60) for one in hosts]
    assert codes == [0] * HOSTS, codes
    return told(port)


def measured(redis_url: str, market: Market, passes: int, seconds: float) -> list[Books]:
    with turnstile(market) as port:
        return [one_pass(redis_url, market, port, seconds) for _ in range(passes)]


@benchmark("budget-use")
def budget_use(ground: Ground, scale: Scale) -> Iterable[Result]:
    seconds = QUICK_SECONDS if scale.name == "quick" else SECONDS
    passes = min(scale.passes, PASSES)
    for market in MARKETS:
        books = measured(ground.valkey.url, market, passes, seconds)
        used, budget = (sum(getattr(one, name) for one in books) for name in ("used", "budget"))
        away, let_in = (
            sum(getattr(one, name) for one in books) for name in ("turned_away", "let_in")
        )
        note(f"{market.kind}: {let_in:,} let in, {away} turned away")
        name = f"budget-use-{market.kind}"
        yield Result(
            name,
            market.limit.unit,
            used / passes,
            budget / passes,
            budget / used,
            1 / LEAST,
            passes,
        )
        yield Result(f"{name}-refused", "answers", away, None, away, 0, passes)


if __name__ == "__main__":
    host(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
