"""A web client that speaks as somebody: what the tests of the API ask with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from hub import auth
from hub.app import create_app
from hub.config import Settings
from hub.db import Database
from hub.secrets import Keyring

PUBLIC_URL = "https://hub.example.org"
LOOPBACK = "127.0.0.1:9999"
SHOP = {
    "shop": "rehearsal",
    "token": "tok-of-the-shop-0123456789",
    "webhook_secret": "whs-of-the-shop-0123456789",
}


def application(database: Database | None, keyring: Keyring) -> Flask:
    """``database`` None: one that does not answer."""
    settings = Settings(
        home=Path("/nowhere"),
        database_url="postgresql+psycopg://nobody@127.0.0.1:1/none",
        public_url=PUBLIC_URL,
        loopback=frozenset({LOOPBACK}),
    )
    return create_app(database, settings, keyring)


class Web:
    """The application, and a token for each role of each seller that asks."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self.database = database
        self.app = application(database, keyring)
        self.client = self.app.test_client()
        self._tokens: dict[tuple[int, str], str] = {}

    def token(self, seller_id: int, role: str) -> str:
        if (seller_id, role) not in self._tokens:
            with self.database.transaction(seller_id) as tx:
                self._tokens[seller_id, role] = auth.issue_token(tx, role, role).reveal()
        return self._tokens[seller_id, role]

    def ask(
        self,
        method: str,
        path: str,
        seller_id: int,
        role: str = "owner",
        *,
        match: int | str | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> TestResponse:
        sent = {"Authorization": f"Bearer {self.token(seller_id, role)}", **(headers or {})}
        if match is not None:
            sent["If-Match"] = f'"{match}"'
        return self.client.open("/api/v1" + path, method=method, headers=sent, **options)


class Speaker:
    """A client that always speaks as one seller's role."""

    def __init__(self, web: Web, seller_id: int, role: str = "owner") -> None:
        self.web, self.seller_id, self.role = web, seller_id, role

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.web.ask("GET", path, self.seller_id, self.role, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.web.ask("POST", path, self.seller_id, self.role, json=body, **options)

    def patch(self, path: str, body: Any, **options: Any) -> TestResponse:
        return self.web.ask("PATCH", path, self.seller_id, self.role, json=body, **options)

    def put(self, path: str, body: Any, **options: Any) -> TestResponse:
        return self.web.ask("PUT", path, self.seller_id, self.role, json=body, **options)


def as_owner(database: Database, keyring: Keyring, seller_id: int) -> Speaker:
    return Speaker(Web(database, keyring), seller_id)


def connect(owner: Speaker, name: str = "Anna's shop", **changes: Any) -> dict[str, Any]:
    body = {"channel": "memory", "name": name, "credentials": SHOP, **changes}
    answer = owner.post("/accounts", body)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    told: dict[str, Any] = answer.get_json()
    return told
