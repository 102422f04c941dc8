"""The webhook door: whose it is, whether it is genuine, stored once, answered. No other work.

How a channel signs is the channel's business; the application hands that in as ``Opens``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from hub.channels import accounts, inbox, requests
from hub.channels.connecting import PREVIOUS
from hub.db import Database, Transaction
from hub.errors import NotFound, Unauthenticated, Unavailable
from hub.secrets import Keyring, Secret

_PATH = re.compile(r"[0-9a-f]{48}\Z")
#: Anybody can name a key we do not hold: the channel is asked for its keys no more often (seconds).
KEYS_EVERY = 60.0
Secrets = Mapping[str, Sequence[str]]


class NotGenuine(Unauthenticated):
    """Signed by somebody else, changed on the way, or too old."""

    code = "signature_invalid"


class KeyAway(Unavailable):
    """Signed with a key we do not hold yet; the channel will try again."""

    code = "key_missing"


@dataclass(frozen=True, slots=True)
class Letter:
    """What came in: header names in lower case, the body's raw bytes."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Event(NamedTuple):
    event_id: str
    topic: str
    hints: Sequence[Mapping[str, str]]


class Answered(NamedTuple):
    """What the channel wants to hear. ``event`` is None for a channel's own handshake."""

    status: int
    body: str
    content_type: str
    event: Event | None = None


#: (channel, letter, secrets, now) → what to store and answer. Raises NotGenuine, KeyAway, NotFound.
Opens = Callable[[str, Letter, Secrets, datetime], Answered]


def receive(
    database: Database, keyring: Keyring, opens: Opens, path: str, letter: Letter
) -> Answered:
    """Raises NotFound for a path that leads nowhere, NotGenuine, and KeyAway: then the channel's
    keys are asked for, and the event is taken in when it comes again."""
    if not _PATH.match(path):
        raise NotFound("no such path")
    behind = accounts.behind_path(database, path)

    def take_in(tx: Transaction) -> Answered:
        secrets = signing(accounts.credentials(tx, keyring, behind.account_id))
        answered = opens(behind.channel, letter, secrets, datetime.now(UTC))
        if answered.event is not None:
            inbox.receive(tx, behind.account_id, *answered.event, letter.body)
        return answered

    try:
        return database.command(behind.seller_id, take_in)
    except KeyAway:
        # In another transaction: that of the event has been rolled back.
        database.command(
            behind.seller_id,
            lambda tx: requests.ask_seldom(tx, behind.account_id, "webhook_keys", every=KEYS_EVERY),
        )
        raise


def signing(credentials: Mapping[str, Secret]) -> dict[str, list[str]]:
    """Every value of a field that may still sign, newest first."""
    found: dict[str, list[str]] = {}
    for name in sorted(credentials, key=lambda name: name.endswith(PREVIOUS)):
        found.setdefault(name.removesuffix(PREVIOUS), []).append(credentials[name].reveal())
    return found
