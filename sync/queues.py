"""The queues and what goes into them. Redis only wakes workers: losing it costs a sweep.

Three lanes, by what starving them costs: ``live`` for stock and orders, ``long`` for those of them
that have turned out to take long, ``bulk`` for the rest. Each worker reads one queue (RQ loses jobs
from workers that read two). What waits in a lane already is not asked for again, so that accounts
take turns however often one is rung for.
"""

from __future__ import annotations

import logging
from collections.abc import Set
from time import time
from typing import cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.job import Job
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from hub.channels import flows
from hub.config import Settings
from hub.errors import Misconfigured
from sync.lanes import BULK, LANES, LIVE, LONG, NEXT

log = logging.getLogger(__name__)

STOCK = "stock"
VERIFY = "verify"
FORGET = "forget"
#: Where each begins. What is cut short in the live lane goes on in the long one.
LANE_OF = {
    STOCK: LIVE,
    flows.PUSH: LIVE,
    flows.PULL: LIVE,
    flows.CHECK: LIVE,
    flows.INBOX: LIVE,
    flows.LISTINGS: BULK,
    flows.REQUEST: BULK,
    flows.OUTBOX: LIVE,
    flows.REFUNDS: BULK,
    flows.PAYOUTS: BULK,
    flows.SUBSCRIPTIONS: BULK,
    VERIFY: BULK,
    FORGET: BULK,
}
#: A person waits for the answer: asked before what else waits in the lane.
FIRST = frozenset({flows.REQUEST})
#: More waiting jobs than this say nothing new: the rows remember, and the sweep asks again.
FULL = 1_000
JOB_SECONDS = 300
#: Seconds for which something that was asked for counts as waiting, and so many more for each job
#: before it: where a job is lost, it is asked for again after that.
WAITS, EACH = 2.0, {LIVE: 0.05, LONG: 1.0, BULK: 1.0}
#: Seconds for which something counts as long after its last turn in the long lane began; after its
#: channel kept it waiting.
MARK, SLOW_MARK = 5.0, 30.0

# KEYS: what waits in the lane, its queue, what is long. ARGV: the topic, seconds, seconds for each
# job before it, seconds of the mark or 0. Answers whether it is to be queued.
ASK = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local wait = tonumber(ARGV[2]) + tonumber(ARGV[3]) * redis.call('LLEN', KEYS[2])
if tonumber(ARGV[4]) > 0 then
  redis.call('ZADD', KEYS[3], now + wait + tonumber(ARGV[4]), ARGV[1])
  redis.call('EXPIRE', KEYS[3], 3600)
end
local held = redis.call('ZSCORE', KEYS[1], ARGV[1])
if held and tonumber(held) > now and tonumber(held) < now + 3600 then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + wait, ARGV[1])
redis.call('EXPIRE', KEYS[1], 3600)
return 1
"""

# KEYS: what waits in the lane, what is long. ARGV: the topic, a prefix, seconds of the mark or 0.
# It waits no longer. Answers what is long and begins with the prefix.
TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if ARGV[1] ~= '' then redis.call('ZREM', KEYS[1], ARGV[1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if tonumber(ARGV[3]) > 0 then redis.call('ZADD', KEYS[2], now + tonumber(ARGV[3]), ARGV[1]) end
local found = {}
for _, one in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if string.sub(one, 1, #ARGV[2]) == ARGV[2] then found[#found + 1] = one end
end
return found
"""


def connect(settings: Settings, *, patient: bool = False) -> Redis:
    """A client that fails fast (a frozen Redis must not hang us); ``patient`` for workers, who wait
    for jobs: not so long that one whose host was cut off would never notice."""
    if not settings.redis_url:
        raise Misconfigured("no Redis: set REDIS_URL, or run `make demo` for an embedded one")
    if patient:
        return Redis.from_url(settings.redis_url, socket_timeout=15.0, socket_connect_timeout=2)
    return Redis.from_url(
        settings.redis_url,
        socket_timeout=1.0,
        socket_connect_timeout=1.0,
        retry=Retry(NoBackoff(), 0),
    )


class Queues:
    """Best effort by design: what cannot be queued now is found by the sweep."""

    def __init__(self, settings: Settings, connection: Redis) -> None:
        self.connection = connection
        self._prefix = settings.queue_prefix
        self._queues = {
            lane: Queue(lane_name(settings, lane), connection=connection, serializer="json")
            for lane in LANES
        }

    def enqueue(
        self, topic: str, seller_id: int, account_id: int = 0, *, cause: str = "", lane: str = ""
    ) -> bool:
        """Ask a worker to look at this, unless one is asked already; False when Redis would not
        take it. ``cause`` is the traceparent of what made it due, where that is traced."""
        return self._ask(lane or LANE_OF[topic], topic, seller_id, account_id, cause=cause)

    def go_on(self, topic: str, seller_id: int, account_id: int) -> bool:
        """Its slice is over, and some of it is left: its next turn, at the end of the queue."""
        lane = NEXT[LANE_OF[topic]]
        try:
            if lane == LONG and not self._staffed(lane):
                lane = LIVE
        except RedisError:
            return False
        return self._ask(lane, topic, seller_id, account_id, mark=MARK if lane == LONG else 0.0)

    def keeps_waiting(self, topic: str, seller_id: int, account_id: int) -> None:
        """Its channel is slow: until it is not, or nobody has looked for a while, it is worked at
        in the long lane. Where nobody works there, nothing changes."""
        until = time() + SLOW_MARK
        try:
            if self._staffed(LONG):
                name = member(topic, seller_id, account_id)
                self.connection.zadd(self._key(LONG), {name: until}, gt=True)
        except RedisError as error:
            log.warning("does not count as slow: %s: %s", topic, type(error).__name__)

    def take(self, lane: str, topic: str, seller_id: int, account_id: int) -> Set[str]:
        """A job begins: it waits no longer. Answers what of the seller's is long."""
        mark = MARK if lane == LONG else 0.0
        name = member(topic, seller_id, account_id)
        return self._long(lane, name, f"{seller_id}:", mark)

    def long(self) -> Set[str]:
        """What is in the long lane's hands: waiting there, under way, or at a slow channel."""
        return self._long(LONG, "", "", 0.0)

    def ended(self, topic: str, seller_id: int, account_id: int) -> None:
        """Nothing of it is left: it is long no more."""
        try:
            self.connection.zrem(self._key(LONG), member(topic, seller_id, account_id))
        except RedisError as error:
            log.warning("counts as long for a while: %s: %s", topic, type(error).__name__)

    def depths(self) -> dict[str, int | None]:
        """Waiting jobs of each lane, asked for together: a Redis that is frozen is waited for once.
        None when it does not say."""
        asked = self.connection.pipeline(transaction=False)
        for queue in self._queues.values():
            asked.llen(queue.key)
        try:
            return dict(zip(self._queues, asked.execute(), strict=True))
        except RedisError:
            return dict.fromkeys(self._queues)

    def _ask(
        self,
        lane: str,
        topic: str,
        seller_id: int,
        account_id: int,
        *,
        cause: str = "",
        mark: float = 0.0,
    ) -> bool:
        queue = self._queues[lane]
        keys = [self._key(f"{lane}:waiting"), queue.key, self._key(LONG)]
        values = [member(topic, seller_id, account_id), WAITS, EACH[lane], mark]
        try:
            if not self.connection.eval(ASK, len(keys), *keys, *(str(one) for one in values)):
                return True
            queue.enqueue(
                "sync.jobs.run",
                topic,
                seller_id,
                account_id,
                job_timeout=JOB_SECONDS,
                result_ttl=0,
                failure_ttl=3_600,
                at_front=topic in FIRST,
                description=f"{topic} {seller_id}/{account_id}",
                meta={"cause": cause} if cause else None,
            )
        except RedisError as error:
            log.warning("not queued: %s: %s", topic, type(error).__name__)
            return False
        return True

    def _long(self, lane: str, name: str, prefix: str, mark: float) -> Set[str]:
        keys = [self._key(f"{lane}:waiting"), self._key(LONG)]
        try:
            found = self.connection.eval(TAKE, len(keys), *keys, name, prefix, str(mark))
        except RedisError:
            return frozenset()
        return {one.decode() for one in cast(list[bytes], found)}

    def _staffed(self, lane: str) -> bool:
        """Whether a worker reads this lane, as far as Redis knows."""
        return bool(self.connection.exists(WORKERS_BY_QUEUE_KEY % self._queues[lane].name))

    def _key(self, what: str) -> str:
        return f"{self._prefix}:lane:{what}"


def member(topic: str, seller_id: int, account_id: int) -> str:
    return f"{seller_id}:{topic}:{account_id}"


def lane_name(settings: Settings, lane: str) -> str:
    """Installations may share a Redis: the name carries the database."""
    return f"{settings.queue_prefix}-{lane}"


def lane_of(job: Job | None, topic: str) -> str:
    """The lane that a job came by."""
    lane = job.origin.rpartition("-")[2] if job else ""
    return lane if lane in LANES else LANE_OF[topic]
