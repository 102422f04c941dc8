"""The queues and what goes into them. Redis only wakes workers: losing it costs a sweep.

Two lanes, by what starving them costs: ``live`` for stock and orders, ``bulk`` for the rest. Each
worker reads one queue (RQ loses jobs from workers that read two).
"""

from __future__ import annotations

import logging

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue

from hub.channels import flows
from hub.config import Settings
from hub.errors import Misconfigured

log = logging.getLogger(__name__)

LIVE, BULK = "live", "bulk"
LANES = (LIVE, BULK)
STOCK = "stock"
VERIFY = "verify"
FORGET = "forget"
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
#: More waiting jobs than this say nothing new: the rows remember, and the sweep asks again.
FULL = 1_000
JOB_SECONDS = 300


def connect(settings: Settings, *, patient: bool = False) -> Redis:
    """A client that fails fast (a frozen Redis must not hang us); ``patient`` for workers, whose
    blocking reads outlive any short timeout."""
    if not settings.redis_url:
        raise Misconfigured("no Redis: set REDIS_URL, or run `make demo` for an embedded one")
    if patient:
        return Redis.from_url(settings.redis_url, socket_connect_timeout=2)
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
        self._queues = {
            lane: Queue(lane_name(settings, lane), connection=connection, serializer="json")
            for lane in LANES
        }

    def enqueue(self, topic: str, seller_id: int, account_id: int = 0, *, cause: str = "") -> bool:
        """Ask a worker to look at this; False when Redis would not take it. ``cause`` is the
        traceparent of what made it due, where that is traced."""
        try:
            self._queues[LANE_OF[topic]].enqueue(
                "sync.jobs.run",
                topic,
                seller_id,
                account_id,
                job_timeout=JOB_SECONDS,
                result_ttl=0,
                failure_ttl=3_600,
                description=f"{topic} {seller_id}/{account_id}",
                meta={"cause": cause} if cause else None,
            )
        except RedisError as error:
            log.warning("not queued: %s: %s", topic, type(error).__name__)
            return False
        return True

    def depth(self, lane: str) -> int | None:
        """Waiting jobs; None when Redis does not say."""
        try:
            return int(self._queues[lane].count)
        except RedisError:
            return None


def lane_name(settings: Settings, lane: str) -> str:
    """Installations may share a Redis: the name carries the database."""
    return f"{settings.queue_prefix}-{lane}"
