"""What every job needs: the database, the keys, and an account's connector.

One per process. HTTP sessions are kept between jobs, so that a shop is greeted once, not per page.
"""

from __future__ import annotations

import socket
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from typing import NamedTuple

from redis import Redis
from sqlalchemy.exc import SQLAlchemyError

from connectors.base import Channel, Connection, Connector, connect
from connectors.catalog import channel
from connectors.http import Http, Limiter, Unlimited
from connectors.remembered import Remembered
from hub.channels import accounts, clocks, sealed
from hub.channels.accounts import Account, Opened
from hub.config import Settings, settings
from hub.db import Database, create
from hub.errors import HubError
from hub.logs import logger
from hub.sales.intake import Target
from hub.secrets import Keyring, Secret, Undecryptable
from sync import queues
from sync.budgets import UNMEASURED, Budget, Own, Shared
from sync.keeping import Keeper
from sync.renewing import Tokens, revealed
from sync.skew import Clocked
from sync.watching import Watched

log = logger(__name__)

MOST_SESSIONS = 100
#: Connections kept, and as many again at need: several accounts are pushed at once, and each may
#: record and claim beside its request.
POOL = 8


@dataclass(frozen=True, slots=True)
class AtWork:
    """One account, ready to be talked to. ``resumed``: how often its flows had started clean."""

    account: Account
    channel: Channel
    connector: Connector
    target: Target
    resumed: int = 0


class Line(NamedTuple):
    """What lasts of an account from job to job of one process."""

    http: Http
    remembered: Remembered


class Carrier:
    """Thread-safe; holds no open transaction."""

    def __init__(self, settings: Settings, database: Database, keyring: Keyring) -> None:
        self.settings = settings
        self.database = database
        self.keyring = keyring
        self.keeper = Keeper(database)
        self.lines: OrderedDict[tuple[int, int], Line] = OrderedDict()
        self._lock = Lock()
        self._redis: Redis | None = None

    @classmethod
    def of(cls, found: Settings) -> Carrier:
        database = Database(create(found.database_url, pool=POOL, name="hub-sync"))
        made = cls(found, database, Keyring.load(found.secret_keys, found.home))
        # Of its own: however many jobs wait for a connection, what they hold is kept.
        own = create(found.database_url, pool=1, name="hub-keeping")
        made.keeper = Keeper(Database(own))
        made.keeper.start()
        return made

    def at_work(self, seller_id: int, account_id: int) -> AtWork:
        """Load an account and build its connector. Raises NotFound, UnknownChannel."""
        with self.database.transaction(seller_id) as tx:
            found = accounts.opened(tx, account_id)
        return self.ready(seller_id, found)

    def ready(self, seller_id: int, opened: Opened) -> AtWork:
        """Build the connector of an account that is loaded. Raises UnknownChannel."""
        found = opened.account
        declared = self.declaration(found.channel)
        secrets = self._unsealed(seller_id, opened)
        line = self._line(seller_id, found, declared)
        connection = Connection(
            credentials=revealed(secrets),
            http=line.http,
            now=lambda: datetime.now(UTC),
            settings=found.settings,
            base_url=found.base_url,
            remembered=line.remembered,
        )
        tokens = Tokens(self.database, self.keyring, seller_id, found.id)
        connection.on_refresh = lambda fresh: tokens.store(connection.credentials, fresh)
        connection.renewing = tokens.alone
        switch = found.stock_mode == accounts.SWITCH
        target = Target(found.id, opened.locations, found.connected_at, switch)
        return AtWork(found, declared, connect(declared, connection), target, opened.resumed)

    def _unsealed(self, seller_id: int, opened: Opened) -> Mapping[str, Secret]:
        """Raises Undecryptable where their key is not here; the account stands still then."""
        try:
            return accounts.unsealed(self.keyring, seller_id, opened)
        except Undecryptable:
            self.database.command(seller_id, lambda tx: sealed.stand_still(tx, opened.account.id))
            raise

    def declaration(self, name: str) -> Channel:
        """What a channel declares. Raises UnknownChannel."""
        return channel(name)

    def _line(self, seller_id: int, account: Account, declared: Channel) -> Line:
        key = (seller_id, account.id)
        with self._lock:
            line = self.lines.pop(key, None)
            if line is None:
                http = Watched(
                    declared.name,
                    account.id,
                    hosts=declared.hosts,
                    loopback=self.settings.loopback,
                    allow_http=declared.plain_http,
                    limiter=Clocked(
                        self._budget(seller_id, account, declared),
                        partial(self._note_clock, seller_id, account.id),
                    ),
                )
                line = Line(http, Remembered())
            self.lines[key] = line
            while len(self.lines) > MOST_SESSIONS:
                self.lines.popitem(last=False)[1].http.close()
        return line

    def _budget(self, seller_id: int, account: Account, declared: Channel) -> Limiter:
        """Shared by all processes that share a Redis; without one, as in tests, there is none."""
        if not self.settings.redis_url:
            return Unlimited()
        if self._redis is None:
            self._redis = queues.connect(self.settings)
        limit = declared.limits[0] if declared.limits else UNMEASURED
        key = f"{self.settings.queue_prefix}:budget:{seller_id}:{account.id}"
        return Budget(Shared(self._redis, key, limit), Own(limit), declared.meter)

    def _note_clock(self, seller_id: int, account_id: int, ahead: float) -> None:
        """Written while the channel is spoken to, when no transaction is open. What the channel has
        answered counts, whether this can be written or not."""
        note = partial(clocks.note, account_id=account_id, ahead=ahead, host=socket.gethostname())
        try:
            self.database.command(seller_id, note)
        except (HubError, SQLAlchemyError) as error:
            log.warning("a clock is not noted", error=type(error).__name__)

    def hang_up(self) -> None:
        """End the HTTP sessions; the next job greets its shop anew."""
        for line in self.lines.values():
            line.http.close()
        self.lines.clear()

    def close(self) -> None:
        self.keeper.close()
        self.hang_up()
        if self._redis is not None:
            self._redis.close()
        for one in (self.keeper.database, self.database):
            one.engine.dispose()


_carrier: Carrier | None = None


def process_carrier() -> Carrier:
    """This process' one carrier, built from its environment at first use."""
    global _carrier  # noqa: PLW0603  # one per process is the point
    if _carrier is None:
        _carrier = Carrier.of(settings())
    return _carrier
