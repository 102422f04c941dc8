"""The webhook door: whose it is, whether it is genuine, stored once, answered. No other work.

How a channel signs is the channel's business; the application hands that in as ``Opens``. Letters
to one seller that come at the same time are taken in together: in a burst most of what a letter
costs is its transaction, and all of an account's wait for one another's commit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from hub import failpoints
from hub.channels import accounts, inbox, requests
from hub.channels.connecting import PREVIOUS
from hub.channels.gathering import Gathering
from hub.db import Database, Transaction
from hub.errors import HubError, NotFound, Unauthenticated, Unavailable
from hub.secrets import Keyring, Secret

_PATH = re.compile(r"[0-9a-f]{48}\Z")
#: Anybody can name a key we do not hold: the channel is asked for its keys no more often (seconds).
KEYS_EVERY = 60.0
#: Paths that lead somewhere, remembered by a process.
MOST_PATHS = 10_000
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


class Knock(NamedTuple):
    """A letter at an account's door. It is opened in the context it came in, whoever opens it: what
    is logged of it is logged under its own request."""

    account_id: int
    channel: str
    letter: Letter
    context: Context


class Porter:
    """The door of one process."""

    def __init__(self, database: Database, keyring: Keyring, opens: Opens) -> None:
        self._database = database
        self._keyring = keyring
        self._opens = opens
        self._paths: dict[str, accounts.Door] = {}
        self._sellers: dict[int, Gathering[Knock, Answered]] = {}

    def receive(self, path: str, letter: Letter) -> Answered:
        """Answers once it is stored for good. Raises NotFound for a path that leads nowhere,
        NotGenuine, and KeyAway: then the channel's keys are asked for, and the event is taken in
        when it comes again."""
        behind = self._behind(path)
        knock = Knock(behind.account_id, behind.channel, letter, copy_context())
        try:
            return self._seller(behind.seller_id).serve(knock)
        except KeyAway:
            # In another transaction: nothing of the event is in that of the letters.
            self._database.command(
                behind.seller_id,
                lambda tx: requests.ask_seldom(
                    tx, behind.account_id, "webhook_keys", every=KEYS_EVERY
                ),
            )
            raise

    def _behind(self, path: str) -> accounts.Door:
        """An account keeps its path and its channel for good; whether it is closed by now is seen
        where its secrets are read."""
        if not _PATH.match(path):
            raise NotFound("no such path")
        known = self._paths.get(path)
        if known is None:
            known = accounts.behind_path(self._database, path)
            if len(self._paths) >= MOST_PATHS:
                self._paths.clear()
            self._paths[path] = known
        return known

    def _seller(self, seller_id: int) -> Gathering[Knock, Answered]:
        found = self._sellers.get(seller_id)
        if found is None:
            found = Gathering(partial(self._take_in, seller_id))
            found = self._sellers.setdefault(seller_id, found)
        return found

    def _take_in(self, seller_id: int, knocks: Sequence[Knock]) -> Sequence[Answered | Exception]:
        """Each is opened by itself; those that are genuine are stored in one transaction."""

        def work(tx: Transaction) -> tuple[list[Answered | Exception], tuple[int, ...]]:
            secrets = self._secrets(tx, {one.account_id for one in knocks})
            now = datetime.now(UTC)
            answers = [self._open(one, secrets.get(one.account_id), now) for one in knocks]
            arrived = [
                inbox.arrived(knock.account_id, *answer.event, knock.letter.body)
                for knock, answer in zip(knocks, answers, strict=True)
                if isinstance(answer, Answered) and answer.event is not None
            ]
            failpoints.reached("door.opened")
            return answers, inbox.receive_all(tx, arrived).due

        answers, due = self._database.command(seller_id, work)
        failpoints.reached("door.stored")
        if due:
            inbox.look_after(self._database, seller_id, due)
        return answers

    def _open(self, knock: Knock, secrets: Secrets | None, now: datetime) -> Answered | Exception:
        if secrets is None:
            return NotFound("no such path")
        try:
            return knock.context.run(self._opens, knock.channel, knock.letter, secrets, now)
        except HubError as error:
            return error

    def _secrets(self, tx: Transaction, account_ids: Collection[int]) -> dict[int, Secrets]:
        """Of those that are not closed."""
        found = accounts.unclosed(tx, self._keyring, sorted(account_ids))
        return {account_id: signing(one) for account_id, one in found.items()}


def receive(
    database: Database, keyring: Keyring, opens: Opens, path: str, letter: Letter
) -> Answered:
    """One letter, with nobody else at the door."""
    return Porter(database, keyring, opens).receive(path, letter)


def signing(credentials: Mapping[str, Secret]) -> dict[str, list[str]]:
    """Every value of a field that may still sign, newest first."""
    found: dict[str, list[str]] = {}
    for name in sorted(credentials, key=lambda name: name.endswith(PREVIOUS)):
        found.setdefault(name.removesuffix(PREVIOUS), []).append(credentials[name].reveal())
    return found
