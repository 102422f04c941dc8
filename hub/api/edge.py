"""The edge of a request: who asks, the one transaction, versions, and the audit line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from flask import current_app, g, request
from werkzeug.exceptions import RequestEntityTooLarge

from hub import audit
from hub.api.bodies import LARGEST
from hub.auth import Principal, authenticate
from hub.config import Settings
from hub.db import Database, Transaction
from hub.errors import Forbidden, HubError, StaleVersion, Unauthenticated
from hub.secrets import Keyring

T = TypeVar("T")
_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9._~+/=-]{1,500})\Z")
_TAG = re.compile(r'"([0-9]{1,18})"\Z')


@dataclass(frozen=True, slots=True)
class Installation:
    """What every request may use. ``channels`` maps a name to its declaration; ``lock_waiting`` and
    ``serve`` look after who waits for stock that comes (see ``hub.purchasing.serving``)."""

    database: Database
    settings: Settings
    keyring: Keyring
    channels: Mapping[str, Any]
    lock_waiting: Callable[[Transaction, Sequence[int]], object]
    serve: Callable[[Transaction, Sequence[int]], int]


class VersionNeeded(HubError):
    """The update names no version to compare with."""

    status = 428
    code = "version_needed"


def installation() -> Installation:
    return cast(Installation, current_app.extensions["hub"])


def authorise(role: str) -> None:
    """Take the bearer token's principal into the request. Raises Unauthenticated, Forbidden."""
    found = _BEARER.match(request.headers.get("Authorization", ""))
    if found is None:
        raise Unauthenticated("send a token: Authorization: Bearer hub_…")
    g.principal = authenticate(installation().database, found.group(1))
    need(role)


def principal() -> Principal:
    return cast(Principal, g.principal)


def need(role: str) -> None:
    if not principal().may(role):
        raise Forbidden(f"this needs the role {role}; the token's is {principal().role}")


def request_id() -> str:
    return str(g.get("request_id", ""))


def asked_by_token() -> bool:
    """Whether somebody was authorised: public routes ask nobody."""
    return "principal" in g


def _around() -> Transaction | None:
    """The transaction that the whole view runs in, where it runs in one."""
    found: Transaction | None = g.get("transaction")
    return found


@contextmanager
def reading() -> Iterator[Transaction]:
    around = _around()
    if around is not None:
        yield around
        return
    with installation().database.transaction(principal().seller_id) as tx:
        yield tx


def command(work: Callable[[Transaction], T]) -> T:
    """Run a command in its one transaction, as the token's seller."""
    around = _around()
    if around is None:
        return installation().database.command(principal().seller_id, work)
    # What the view makes of a command that failed is its own affair, as it is otherwise.
    with around.connection.begin_nested():
        return work(around)


def as_one(work: Callable[[Transaction], T]) -> T:
    """Run a whole view, in which every command and reading joins this one transaction."""

    def joined(tx: Transaction) -> T:
        g.transaction = tx
        try:
            return work(tx)
        finally:
            del g.transaction

    return command(joined)


def note(
    tx: Transaction,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """The audit line of the command in whose transaction it stands."""
    actor = principal().actor
    audit.record(tx, actor, action, subject, before=before, after=after, request_id=request_id())


def raw_body() -> bytes:
    """The body's bytes. Raises 413 for one that is longer than we read.

    One without a length (chunked) is cut off at the limit by Werkzeug without a word:
    https://werkzeug.palletsprojects.com/en/stable/wsgi/#werkzeug.wsgi.LimitedStream
    """
    raw = request.get_data()
    if request.content_length is None and len(raw) >= LARGEST:
        raise RequestEntityTooLarge
    return raw


def expected_version() -> int:
    """The version named by If-Match, as the ETag gave it. Raises VersionNeeded."""
    text = request.headers.get("If-Match", "").strip()
    if not text:
        raise VersionNeeded("send If-Match with the ETag of what you read")
    found = _TAG.match(text)
    if found is None:
        raise StaleVersion("If-Match is not an ETag of this hub")
    return int(found.group(1))


def tag(version: int) -> dict[str, str]:
    """The header that carries a version out."""
    return {"ETag": f'"{version}"'}
