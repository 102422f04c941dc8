"""Tokens and roles. A token is shown once; the hub keeps its SHA-256 (it has 256 random bits).

Roles, each allowing what stands after it: owner, support, viewer. The seller comes from the token
and from nowhere else.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, String, func, insert, text

from hub.db import At, Database, Transaction, id_column, now_column, seller_table
from hub.errors import InvalidInput, Unauthenticated
from hub.secrets import Secret

ROLES = ("viewer", "support", "owner")

api_token = seller_table(
    "api_token",
    id_column(),
    Column("name", String(100), nullable=False),
    Column("role", String(10), nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    now_column("created_at"),
    Column("expires_at", At),
    Column("revoked_at", At),
    Column("last_used_at", At),
    Index("ix_api_token_token_hash", "token_hash"),
)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking."""

    seller_id: int
    token_id: int
    role: str

    @property
    def actor(self) -> str:
        return f"token:{self.token_id}"

    def may(self, role: str) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


def hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def issue_token(
    tx: Transaction, name: str, role: str, expires_at: datetime | None = None
) -> Secret:
    if role not in ROLES:
        raise InvalidInput("role", f"must be one of {', '.join(ROLES)}")
    token = f"hub_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"
    tx.execute(
        insert(api_token).values(
            seller_id=tx.seller_id,
            name=name[:100],
            role=role,
            token_hash=hashed(token),
            expires_at=expires_at,
        )
    )
    return Secret(token)


def authenticate(database: Database, token: str) -> Principal:
    """Raises Unauthenticated, the same for unknown, revoked and expired tokens."""
    with database.across_sellers() as connection:
        found = connection.execute(
            text("SELECT seller_id, token_id, role FROM hub_token(:hash)"), {"hash": hashed(token)}
        ).one_or_none()
    if found is None:
        raise Unauthenticated("this token is not valid")
    return Principal(int(found.seller_id), int(found.token_id), str(found.role))


def revoke_tokens(tx: Transaction, name: str) -> int:
    return tx.change(
        api_token.update()
        .values(revoked_at=func.now())
        .where(
            api_token.c.seller_id == tx.seller_id,
            api_token.c.name == name,
            api_token.c.revoked_at.is_(None),
        )
    )
