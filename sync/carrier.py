"""What every job needs: the database, the keys, and an account's connector.

One per process. HTTP sessions are kept between jobs, so that a shop is greeted once, not per page.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from redis import Redis

from connectors.base import Channel, Connection, Connector, connect
from connectors.catalog import channel
from connectors.http import Http, Limiter, Unlimited
from hub.channels import accounts
from hub.channels.accounts import Account, Opened
from hub.config import Settings, settings
from hub.db import Database, create
from hub.sales.intake import Target
from hub.secrets import Keyring
from sync import queues
from sync.budgets import UNMEASURED, Budget, Own, Shared
from sync.renewing import Tokens, revealed
from sync.watching import Watched

MOST_SESSIONS = 100
#: Connections kept, and as many again at need: several accounts are pushed at once, and each may
#: record and claim beside its request.
POOL = 8


@dataclass(frozen=True, slots=True)
class AtWork:
    """One account, ready to be talked to."""

    account: Account
    channel: Channel
    connector: Connector
    target: Target


class Carrier:
    """Thread-safe; holds no open transaction."""

    def __init__(self, settings: Settings, database: Database, keyring: Keyring) -> None:
        self.settings = settings
        self.database = database
        self.keyring = keyring
        self._sessions: OrderedDict[tuple[int, int], Http] = OrderedDict()
        self._lock = Lock()
        self._redis: Redis | None = None

    @classmethod
    def of(cls, found: Settings) -> Carrier:
        database = Database(create(found.database_url, pool=POOL, name="hub-sync"))
        return cls(found, database, Keyring.load(found.secret_keys, found.home))

    def at_work(self, seller_id: int, account_id: int) -> AtWork:
        """Load an account and build its connector. Raises NotFound, UnknownChannel."""
        with self.database.transaction(seller_id) as tx:
            found = accounts.opened(tx, account_id)
        return self.ready(seller_id, found)

    def ready(self, seller_id: int, opened: Opened) -> AtWork:
        """Build the connector of an account that is loaded. Raises UnknownChannel."""
        found = opened.account
        declared = self.declaration(found.channel)
        secrets = accounts.unsealed(self.keyring, seller_id, opened)
        connection = Connection(
            credentials=revealed(secrets),
            http=self._session(seller_id, found, declared),
            now=lambda: datetime.now(UTC),
            settings=found.settings,
            base_url=found.base_url,
        )
        tokens = Tokens(self.database, self.keyring, seller_id, found.id)
        connection.on_refresh = lambda fresh: tokens.store(connection.credentials, fresh)
        connection.renewing = tokens.alone
        switch = found.stock_mode == accounts.SWITCH
        target = Target(found.id, opened.locations, found.connected_at, switch)
        return AtWork(found, declared, connect(declared, connection), target)

    def declaration(self, name: str) -> Channel:
        """What a channel declares. Raises UnknownChannel."""
        return channel(name)

    def _session(self, seller_id: int, account: Account, declared: Channel) -> Http:
        key = (seller_id, account.id)
        with self._lock:
            http = self._sessions.pop(key, None)
            if http is None:
                http = Watched(
                    declared.name,
                    hosts=declared.hosts,
                    loopback=self.settings.loopback,
                    allow_http=declared.plain_http,
                    limiter=self._budget(seller_id, account, declared),
                )
            self._sessions[key] = http
            while len(self._sessions) > MOST_SESSIONS:
                self._sessions.popitem(last=False)[1].close()
        return http

    def _budget(self, seller_id: int, account: Account, declared: Channel) -> Limiter:
        """Shared by all processes that share a Redis; without one, as in tests, there is none."""
        if not self.settings.redis_url:
            return Unlimited()
        if self._redis is None:
            self._redis = queues.connect(self.settings)
        limit = declared.limits[0] if declared.limits else UNMEASURED
        key = f"{self.settings.queue_prefix}:budget:{seller_id}:{account.id}"
        return Budget(Shared(self._redis, key, limit), Own(limit), declared.meter)

    def close(self) -> None:
        for http in self._sessions.values():
            http.close()
        self._sessions.clear()
        if self._redis is not None:
            self._redis.close()
        self.database.engine.dispose()


_carrier: Carrier | None = None


def process_carrier() -> Carrier:
    """This process' one carrier, built from its environment at first use."""
    global _carrier  # noqa: PLW0603  # one per process is the point
    if _carrier is None:
        _carrier = Carrier.of(settings())
    return _carrier
