"""Every route that changes something: sent again with its key, it has one effect and one answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from hub.api.blueprints import PUBLIC
from hub.api.repeats import HEADER, REPLAYED, UNSAFE
from hub.db import Database
from hub.schema import metadata
from hub.secrets import Keyring
from tests.security.test_routes import prepared, routes, rows_of
from tests.web import Web

#: So many commands there were when this was written, all with an effect. A few only look, or are
#: sent a body here that changes nothing.
AT_LEAST = 9


@pytest.fixture
def web(database: Database, keyring: Keyring, seller: int) -> Web:
    made = Web(database, keyring)
    made.token(seller, "owner")
    return made


@pytest.fixture
def mine(database: Database, keyring: Keyring, seller: int) -> dict[str, Any]:
    return rows_of(database, keyring, seller, "tent")


def commands(web: Web) -> Iterator[tuple[str, str]]:
    """What a token may ask for. Webhooks are their channel's, and told apart by their events."""
    for method, path, role in routes(web):
        if method in UNSAFE and role != PUBLIC:
            yield method, path


def everything(database: Database, seller: int) -> dict[str, Any]:
    """All a seller has, but for the answers that are kept."""
    names = [one.name for one in metadata.sorted_tables if one.info.get("seller")]
    names.remove("idempotency_key")
    with database.transaction(seller) as tx:
        return {
            name: sorted(tx.execute(text(f"SELECT one::text FROM {name} one")).scalars())
            for name in names
        }


def test_every_command_sent_again_with_its_key_has_one_effect_and_one_answer(
    web: Web,
    database: Database,
    seller: int,
    mine: dict[str, Any],
) -> None:
    effects = 0
    for method, path in commands(web):
        address, options = prepared(web, seller, method, path, mine)
        options["headers"] = {HEADER: f"{method} {path}"}
        before = everything(database, seller)

        first = web.ask(method, address, seller, **options)
        after = everything(database, seller)
        again = web.ask(method, address, seller, **options)

        assert 200 <= first.status_code < 300, (method, path, first.get_json())
        assert everything(database, seller) == after, (method, path)
        assert (again.status_code, again.data) == (first.status_code, first.data), (method, path)
        for name in ("Content-Type", "ETag", "Location"):
            assert again.headers.get(name) == first.headers.get(name), (method, path, name)
        assert REPLAYED not in first.headers
        assert again.headers[REPLAYED] == "true"
        effects += before != after
    assert effects >= AT_LEAST


def test_every_command_keeps_its_answer_in_the_transaction_of_its_effect(
    web: Web,
    database: Database,
    seller: int,
    mine: dict[str, Any],
    owner_engine: Engine,
) -> None:
    with owner_engine.begin() as connection:
        never = "ALTER TABLE idempotency_key ADD CONSTRAINT never CHECK (false) NOT VALID"
        connection.execute(text(never))
    for method, path in commands(web):
        address, options = prepared(web, seller, method, path, mine)
        options["headers"] = {HEADER: "k"}
        before = everything(database, seller)

        answer = web.ask(method, address, seller, **options)

        assert answer.status_code >= 400, (method, path)
        assert everything(database, seller) == before, (method, path)


def test_every_command_says_that_it_takes_a_key(web: Web) -> None:
    spec = web.client.get("/api/v1/openapi.json").get_json()

    told = {
        (method.upper(), path)
        for path, operations in spec["paths"].items()
        for method, operation in operations.items()
        if method != "parameters"
        and any(one.get("name") == HEADER for one in operation.get("parameters", []))
    }

    assert told == set(commands(web))
    for method, path in told:
        responses = set(spec["paths"][path][method.lower()]["responses"])
        assert {"400", "409", "422"} <= responses, (method, path)
    patched = spec["paths"]["/api/v1/accounts/{account_id}"]["patch"]["parameters"]
    assert [one["name"] for one in patched] == ["If-Match", HEADER]
