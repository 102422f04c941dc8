"""An account's tokens: renewed by one worker at a time, and committed before use.

A refresh token may be good for one use, and two workers that use one lose the account. So whoever
renews holds a lock of the account across its call to the channel: an advisory lock of a database
session of its own, outside any transaction, so that no row is locked and no snapshot is held while
the channel takes its time. It ends with the session: a worker that dies holds nobody up, and one
that is cut off is found out by the server's keepalives.

What stays possible: killed after the channel has answered and before the commit, which are
milliseconds, a worker takes the new pair with it. Where the old refresh token still works (Shopify:
until the new one is used), the next worker renews again; where it does not (TikTok Shop), the
account asks for a new authorisation, by a conflict: nothing is sold or counted wrongly meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from connectors.errors import TransientError
from connectors.records import Credentials
from hub import failpoints
from hub.channels import accounts
from hub.db import APP_ROLE, FOUND_OUT, KEEPALIVE, Database
from hub.secrets import Keyring, Secret

#: Our locks' place among the advisory locks of the database; the account's id is added.
PLACE = 1 << 62
PATIENCE = 5.0
AGAIN = 2.0
#: A worker that is frozen while it renews holds the lock no longer than a channel may take.
OPTIONS = f"-c role={APP_ROLE} -c idle_session_timeout=60000 {FOUND_OUT}"


@dataclass(frozen=True, slots=True)
class Tokens:
    """One account's. ``patience``: seconds that a worker waits for another's renewal before its
    job comes again."""

    database: Database
    keyring: Keyring
    seller_id: int
    account_id: int
    patience: float = PATIENCE

    @contextmanager
    def alone(self) -> Iterator[Credentials]:
        """Alone with them, as they are stored now. TransientError where another worker is at it
        for long."""
        with self._session() as session:
            try:
                session.execute("SELECT pg_advisory_lock(%s)", (PLACE + self.account_id,))
            except psycopg.errors.LockNotAvailable:
                raise TransientError(
                    "another worker is renewing the account's tokens",
                    code="renewing",
                    retry_after=AGAIN,
                ) from None
            yield self.stored()

    def stored(self) -> Credentials:
        with self.database.transaction(self.seller_id) as tx:
            return revealed(accounts.credentials(tx, self.keyring, self.account_id))

    def store(self, known: Credentials, fresh: Credentials) -> None:
        """Commit what has changed, and nothing else. Where a person has typed in another of it
        meanwhile, that is what holds."""
        failpoints.reached("tokens.renewed")
        changed = {name: Secret(value) for name, value in fresh.items() if known.get(name) != value}
        with self.database.transaction(self.seller_id) as tx:
            present = accounts.locked_credentials(tx, self.keyring, self.account_id)
            if all(known.get(name) == revealed(present).get(name) for name in changed):
                accounts.renew_credentials(tx, self.keyring, self.account_id, changed)
        failpoints.reached("tokens.stored")

    def _session(self) -> psycopg.Connection:
        """Of its own: the pool's are for those who work, and may be few."""
        url = self.database.engine.url.set(drivername="postgresql")
        try:
            return psycopg.connect(
                url.render_as_string(hide_password=False),
                autocommit=True,
                application_name="hub-renewing",
                options=f"{OPTIONS} -c lock_timeout={self.patience * 1000:.0f}",
                connect_timeout=5,
                **KEEPALIVE,
            )
        except psycopg.OperationalError:
            raise TransientError(
                "the database does not answer", code="database", retry_after=AGAIN
            ) from None


def revealed(secrets: Mapping[str, Secret]) -> Credentials:
    return Credentials({name: value.reveal() for name, value in secrets.items()})
