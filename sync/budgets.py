"""Each account's budget at its channel, shared by all workers of all hosts.

A bucket in Redis holds what may still be asked for, in the channel's own unit. A request takes its
cost out before it is sent; what the channel's answers say of its own count is taken for true; after
a "too fast" nobody asks until it says. No worker sleeps for long: what would have to wait longer
than a moment is refused here, as the channel would, and comes again at its due time.

Redis only counts. When it is lost the buckets begin full, and while it is away each process keeps
to a bucket of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock, local
from typing import Protocol, TypeVar, cast
from uuid import uuid4

from redis import Redis
from redis.exceptions import RedisError

from connectors.answers import retry_after
from connectors.base import Level, Limit, Meter
from connectors.errors import TransientError
from connectors.http import Response

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds that a request waits for its turn before it is refused. Short: a worker stands still.
PATIENCE = 0.25
#: Seconds after which a request that was never answered no longer counts as on its way.
FLIGHT = 60
#: Seconds for which a "too fast" without a time is obeyed.
PAUSE = 1.0
#: The longest that a channel can have us wait before we look for ourselves.
LONGEST_PAUSE = 900.0
#: Seconds for which a request that was refused is saved for beyond the time it was told.
GRACE = 2.0
#: Seconds in which a request is at the channel, as far as we know before it answers.
LAG = 1.0
#: The share of the burst that is kept for stock and orders when the rest is asked for.
KEPT = 0.25
#: Seconds for which a Redis that did not answer is not asked again.
AWAY = 1.0
TOO_FAST = 429

#: Of a channel that names no limit: only its "too fast" is obeyed.
UNMEASURED = Limit("requests", rate=1e6, burst=1e6)

#: Work that can wait leaves some of the budget alone: stock and orders come first.
can_wait: ContextVar[bool] = ContextVar("can_wait", default=False)

# KEYS: the bucket, what is on its way, what has come back. ARGV: cost, rate, burst, patience, kept,
# name, flight, grace, lag, now. Answers the seconds to wait, negative where that is too long and
# nothing was taken; whether the bucket was full; the time; and what it is entered as on its way.
# The channel's bucket is full until the request is there: until then nothing comes back into ours.
# Clocks may be set back: what would be shut for long, or was counted later than now, is not obeyed.
# A dear request that was refused is saved for, out of half of what comes in: cheap ones, which are
# always within reach, would else go before it for ever.
TAKE = """
local time = redis.call('TIME')
local now = ARGV[10] ~= '' and tonumber(ARGV[10]) or time[1] + time[2] / 1000000
local names = {'level', 'at', 'rate', 'burst', 'until', 'saved', 'since', 'void'}
local held = redis.call('HMGET', KEYS[1], unpack(names))
local rate = tonumber(held[3] or ARGV[2])
local burst = tonumber(held[4] or ARGV[3])
local level, at = tonumber(held[1] or burst), tonumber(held[2] or now)
local shut = tonumber(held[5] or 0)
local stamp = string.format('%.6f', now)
if shut > now and shut < now + 1000 then return {tostring(now - shut), 0, stamp, ''} end
if at > now + tonumber(ARGV[9]) then
  at = now
  redis.call('HSET', KEYS[1], 'at', stamp)
end
level = math.min(burst, level + math.max(0, now - at) * rate)
at = math.max(at, now)
local full = level >= burst and 1 or 0
if full == 1 then at = now + tonumber(ARGV[9]) end
local cost, kept = math.min(tonumber(ARGV[1]), burst), burst * tonumber(ARGV[5])
local saved, since, void = tonumber(held[6] or 0), tonumber(held[7] or 0), tonumber(held[8] or 0)
if void < now then saved = 0 end
if saved > cost then kept = math.max(kept, math.min(saved, (now - since) * rate / 2)) end
local missing = math.min(burst, cost + kept) - level
local wait = missing > 0 and missing / rate + at - now or 0
if wait > tonumber(ARGV[4]) then
  if cost >= saved and cost > rate * tonumber(ARGV[4]) and tonumber(ARGV[5]) == 0 then
    if saved == 0 then since = now end
    void = now + wait + tonumber(ARGV[8])
    redis.call('HSET', KEYS[1], 'saved', cost, 'since', since, 'void', void)
    redis.call('EXPIRE', KEYS[1], 3600)
  end
  return {tostring(-wait), 0, stamp, ''}
end
if saved > 0 and cost >= saved then redis.call('HDEL', KEYS[1], 'saved', 'since', 'void') end
redis.call('HSET', KEYS[1], 'level', level - cost, 'at', string.format('%.6f', at))
redis.call('EXPIRE', KEYS[1], 3600)
local entry = ARGV[6] ~= '' and ARGV[6] .. ':' .. cost or ''
if entry ~= '' then
  redis.call('ZADD', KEYS[2], now + tonumber(ARGV[7]), entry)
  redis.call('EXPIRE', KEYS[2], 3600)
end
return {tostring(wait), full, stamp, entry}
"""

# KEYS as above. ARGV: what is left, rate, burst, what the answered one was entered as, when it was
# taken, flight, now. What others had on its way while it was may have been counted already or not,
# also where its own answer was seen first. Two figures are never too high: what is told less all of
# that, and what we had reckoned ourselves; the higher of them holds.
STEER = """
local time = redis.call('TIME')
local now = ARGV[7] ~= '' and tonumber(ARGV[7]) or time[1] + time[2] / 1000000
redis.call('ZREM', KEYS[2], ARGV[4])
local landed = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[5], '+inf')
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - tonumber(ARGV[6]))
redis.call('ZADD', KEYS[3], now, ARGV[4])
redis.call('EXPIRE', KEYS[3], 3600)
if ARGV[1] == '' then return end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local function sum(entries)
  local total = 0
  for _, one in ipairs(entries) do total = total + tonumber(string.match(one, ':([^:]*)$')) end
  return total
end
local most = tonumber(ARGV[1]) - sum(redis.call('ZRANGE', KEYS[2], 0, -1))
local level = most - sum(landed)
local held = redis.call('HMGET', KEYS[1], 'level', 'at', 'rate')
if held[1] and held[3] then
  local gained = math.max(0, now - tonumber(held[2])) * tonumber(held[3])
  level = math.max(level, math.min(most, tonumber(held[1]) + gained))
end
redis.call('HSET', KEYS[1], 'level', level, 'at', string.format('%.6f', now))
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'rate', ARGV[2]) end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'burst', ARGV[3]) end
redis.call('EXPIRE', KEYS[1], 3600)
"""

# KEYS: the bucket. ARGV: now. The channel has heard: from here on what was taken comes back.
HEARD = """
local time = redis.call('TIME')
local now = ARGV[1] ~= '' and tonumber(ARGV[1]) or time[1] + time[2] / 1000000
local at = tonumber(redis.call('HGET', KEYS[1], 'at') or 0)
if at > now then redis.call('HSET', KEYS[1], 'at', string.format('%.6f', now)) end
"""

# KEYS: the bucket. ARGV: seconds, now.
SHUT = """
local time = redis.call('TIME')
local now = ARGV[2] ~= '' and tonumber(ARGV[2]) or time[1] + time[2] / 1000000
local held = tonumber(redis.call('HGET', KEYS[1], 'until') or 0)
redis.call('HSET', KEYS[1], 'until', math.max(held, now + tonumber(ARGV[1])), 'level', 0, 'at', now)
redis.call('EXPIRE', KEYS[1], 3600)
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one request took. ``wait``: seconds until it may go out; negative: so many until it is
    worth coming again, and nothing was taken. ``full``: nothing had been asked for lately. ``at``:
    by the bucket's clock. ``entry``: what it is known by while on its way, "" where nobody looks.
    """

    wait: float
    full: bool = False
    at: float = 0.0
    entry: str = ""


class Count(Protocol):
    """One account's bucket, wherever it is kept."""

    def take(self, cost: float, kept: float, name: str) -> Taken: ...

    def steer(self, level: Level | None, taken: Taken) -> None:
        """What an answer told of the channel's own count."""

    def heard(self) -> None:
        """A request that found the bucket full has been answered."""

    def shut(self, seconds: float) -> None: ...


class Shared:
    """A bucket in Redis. ``now`` is Redis' own clock, one for all hosts, unless a test sets it."""

    def __init__(self, redis: Redis, key: str, limit: Limit) -> None:
        self.redis = redis
        self.keys = [key, f"{key}:flying", f"{key}:landed"]
        self.limit = limit
        self.now = ""

    def take(self, cost: float, kept: float, name: str) -> Taken:
        limit = self.limit
        asked = [cost, limit.rate, limit.burst, PATIENCE, kept, name, FLIGHT, GRACE, LAG, self.now]
        found = cast(tuple[bytes, int, bytes, bytes], self._run(TAKE, self.keys, asked))
        wait, full, at, entry = found
        return Taken(float(wait), bool(full), float(at), entry.decode())

    def steer(self, level: Level | None, taken: Taken) -> None:
        told = ["", "", ""] if level is None else [level.left, level.rate, level.burst]
        values = ["" if one is None else one for one in told]
        self._run(STEER, self.keys, [*values, taken.entry, taken.at, FLIGHT, self.now])

    def heard(self) -> None:
        self._run(HEARD, self.keys[:1], [self.now])

    def shut(self, seconds: float) -> None:
        self._run(SHUT, self.keys[:1], [seconds, self.now])

    def _run(self, script: str, keys: list[str], values: list[object]) -> object:
        return self.redis.eval(script, len(keys), *keys, *(str(one) for one in values))


class Own:
    """A bucket of this process alone, for while Redis is away."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._level = limit.burst
        self._at = time.monotonic()
        self._shut = 0.0
        self._lock = Lock()

    def take(self, cost: float, kept: float, name: str) -> Taken:
        with self._lock:
            now = time.monotonic()
            if self._shut > now:
                return Taken(now - self._shut)
            gained = (now - self._at) * self.limit.rate
            self._level, self._at = min(self.limit.burst, self._level + gained), now
            cost = min(cost, self.limit.burst)
            needed = min(cost + self.limit.burst * kept, self.limit.burst)
            wait = max(0.0, (needed - self._level) / self.limit.rate)
            if wait > PATIENCE:
                return Taken(-wait)
            self._level -= cost
            return Taken(wait)

    def steer(self, level: Level | None, taken: Taken) -> None:
        if level is not None:
            with self._lock:
                self._level, self._at = min(self._level, level.left), time.monotonic()

    def heard(self) -> None:
        """Each process guesses for itself: it is not exact to begin with."""

    def shut(self, seconds: float) -> None:
        with self._lock:
            self._shut = max(self._shut, time.monotonic() + seconds)


class Budget:
    """The :class:`~connectors.http.Limiter` of one account. Thread-safe."""

    def __init__(self, shared: Count, own: Count, meter: Meter | None) -> None:
        self.shared = shared
        self.own = own
        self.meter = meter
        self._away_until = 0.0
        self._asking = local()  # a request is sent and answered by one thread

    def before(self, cost: float) -> None:
        """Take the cost out, or raise TransientError(throttled) that says when to come again."""
        name = uuid4().hex[:12] if self.meter else ""
        kept = KEPT if can_wait.get() else 0.0
        taken = self._ask(lambda count: count.take(cost, kept, name))
        if taken.wait < 0:
            message = "the account's budget at the channel is used up for now"
            raise TransientError(message, code="budget", retry_after=-taken.wait, throttled=True)
        self._asking.taken = taken
        if taken.wait:
            time.sleep(taken.wait)

    def after(self, response: Response) -> None:
        taken: Taken = getattr(self._asking, "taken", Taken(0.0))
        if response.status == TOO_FAST:
            told = retry_after(response.headers)
            wait = PAUSE if told is None else min(told, LONGEST_PAUSE)
            self._tell(lambda count: count.shut(wait))
            return
        if taken.full:
            self._tell(lambda count: count.heard())
        if self.meter is not None:
            level = self.meter(response.headers, response.body)
            self._tell(lambda count: count.steer(level, taken))

    def _tell(self, what: Callable[[Count], None]) -> None:
        what(self.own)
        self._ask(lambda count: None if count is self.own else what(count))

    def _ask(self, what: Callable[[Count], T]) -> T:
        """Of the shared bucket, or of our own where Redis does not answer."""
        if time.monotonic() >= self._away_until:
            try:
                return what(self.shared)
            except RedisError as error:
                log.warning("budgets are not shared: %s", type(error).__name__)
                self._away_until = time.monotonic() + AWAY
        return what(self.own)
