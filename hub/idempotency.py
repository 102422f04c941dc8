"""Answers kept for calls that are made again: the same key is the same call, and has one effect.

A row is written in the transaction of its effect, so there is never the one without the other. The
answer lies sealed, and the call's fingerprint with it: an answer may show a secret, this once only,
and from a plain hash a weak secret in a body could be guessed. Knows no web; :mod:`hub.api.repeats`
asks. https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import Column, Index, LargeBinary, SmallInteger, String, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from hub.db import Transaction, now_column, seller_table, sql_state
from hub.errors import Conflict, InvalidInput
from hub.secrets import Keyring, bound_to

LONGEST = 255
KEPT = timedelta(days=30)
#: For so long a call waits for the one that is under way with its key.
PATIENCE = "2s"
BATCH = 1_000
LOCK_NOT_AVAILABLE = "55P03"

idempotency_key = seller_table(
    "idempotency_key",
    Column("actor", String(100, collation="C"), nullable=False),
    Column("key", String(LONGEST, collation="C"), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    now_column("created_at"),
    Index("ix_idempotency_key_created_at", "seller_id", "created_at"),
    key=("actor", "key"),
)


class KeyReused(InvalidInput):
    """The key stands for another call, and that one has been answered."""

    code = "idempotency_key_reused"


class KeyInUse(Conflict):
    """A call with this key is under way, and takes long."""

    code = "idempotency_key_in_use"


class Call(NamedTuple):
    """Who calls, under which key, and what tells this call from another."""

    actor: str
    key: str
    fingerprint: str


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: str


def hold(tx: Transaction, call: Call) -> None:
    """Let one call at a time do something under its key, until its transaction ends.

    Raises KeyInUse where the other one takes too long.
    """
    name = f"idempotency|{tx.seller_id}|{call.actor}|{call.key}"
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    tx.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
    try:
        tx.execute(select(func.pg_advisory_xact_lock(place)))
    except DBAPIError as error:
        if sql_state(error) == LOCK_NOT_AVAILABLE:
            raise KeyInUse("a call with this Idempotency-Key is under way") from None
        raise
    tx.execute(text("SET LOCAL lock_timeout TO DEFAULT"))


def answered(tx: Transaction, keyring: Keyring, call: Call) -> Answer | None:
    """What this call was answered before. Raises KeyReused where the key was another call's."""
    found = tx.execute(
        select(idempotency_key.c.status, idempotency_key.c.answer).where(
            idempotency_key.c.seller_id == tx.seller_id,
            idempotency_key.c.actor == call.actor,
            idempotency_key.c.key == call.key,
        )
    ).one_or_none()
    if found is None:
        return None
    told = keyring.decrypt_json(found.answer, _binding(tx, call))
    if told["fingerprint"] != call.fingerprint:
        raise KeyReused("Idempotency-Key", "was sent with another call; a new call needs a new key")
    return Answer(int(found.status), told["headers"], told["body"])


def keep(tx: Transaction, keyring: Keyring, call: Call, answer: Answer) -> None:
    told: dict[str, Any] = {
        "fingerprint": call.fingerprint,
        "headers": dict(answer.headers),
        "body": answer.body,
    }
    tx.execute(
        insert(idempotency_key).values(
            seller_id=tx.seller_id,
            actor=call.actor,
            key=call.key,
            status=answer.status,
            answer=keyring.encrypt_json(told, _binding(tx, call)),
        )
    )


def forget(tx: Transaction, limit: int = BATCH) -> int:
    """Delete the oldest answers that need not be kept any longer; how many were."""
    old = (
        select(idempotency_key.c.actor, idempotency_key.c.key)
        .where(
            idempotency_key.c.seller_id == tx.seller_id,
            idempotency_key.c.created_at < func.now() - KEPT,
        )
        .order_by(idempotency_key.c.created_at)
        .limit(limit)
        .subquery()
    )
    return tx.change(
        idempotency_key.delete().where(
            idempotency_key.c.seller_id == tx.seller_id,
            idempotency_key.c.actor == old.c.actor,
            idempotency_key.c.key == old.c.key,
        )
    )


def _binding(tx: Transaction, call: Call) -> bytes:
    return bound_to(tx.seller_id, "idempotency_key", f"{call.actor}|{call.key}", "answer")
