from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from connectors.signing import hmac_sha256_base64
from hub.channels import accounts
from hub.db import Database
from hub.secrets import Keyring
from tests.web import SHOP, Speaker, as_owner, connect


@pytest.fixture
def owner(database: Database, keyring: Keyring, seller: int) -> Speaker:
    return as_owner(database, keyring, seller)


@pytest.fixture
def account(owner: Speaker) -> dict[str, Any]:
    return connect(owner)


def body(event: str = "e1", **changes: Any) -> bytes:
    told = {"event_id": event, "topic": "order", "key": "1001"}
    told["sent_at"] = datetime.now(UTC).isoformat()
    return json.dumps({**told, **changes}).encode()


def send(
    owner: Speaker,
    account: dict[str, Any],
    raw: bytes,
    *,
    secret: str = SHOP["webhook_secret"],
    signature: str | None = None,
) -> TestResponse:
    path = account["webhook_url"].partition(".org")[2]
    signed = hmac_sha256_base64(secret, raw) if signature is None else signature
    return owner.web.client.post(path, data=raw, headers={"X-Memory-Signature": signed})


def stored(database: Database, seller: int) -> list[tuple[Any, ...]]:
    with database.transaction(seller) as tx:
        found = tx.execute(text("SELECT event_id, topic, hints, state FROM webhook ORDER BY id"))
        return [tuple(row) for row in found]


def test_a_genuine_event_is_stored_and_acknowledged(
    owner: Speaker, account: dict[str, Any], database: Database, seller: int
) -> None:
    answer = send(owner, account, body())

    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert stored(database, seller) == [("e1", "order", [{"kind": "order", "key": "1001"}], "new")]


def test_an_event_that_comes_twice_is_stored_once(
    owner: Speaker, account: dict[str, Any], database: Database, seller: int
) -> None:
    raw = body()

    answers = [send(owner, account, raw), send(owner, account, raw)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(stored(database, seller)) == 1


@pytest.mark.parametrize(
    "how", [{"secret": "another"}, {"signature": ""}, {"signature": "é"}, {"signature": "AAAA"}]
)
def test_a_forged_event_is_refused_and_not_stored(
    owner: Speaker, account: dict[str, Any], database: Database, seller: int, how: dict[str, str]
) -> None:
    answer = send(owner, account, body(), **how)

    assert answer.status_code == 401
    assert answer.get_json()["code"] == "signature_invalid"
    assert stored(database, seller) == []


def test_one_byte_changed_on_the_way_is_a_forgery(owner: Speaker, account: dict[str, Any]) -> None:
    raw = body()

    answer = send(
        owner,
        account,
        raw + b" ",
        signature=hmac_sha256_base64(SHOP["webhook_secret"], raw),
    )

    assert answer.status_code == 401


def test_an_old_recording_is_refused(owner: Speaker, account: dict[str, Any]) -> None:
    assert send(owner, account, body(sent_at="2020-01-01T00:00:00+00:00")).status_code == 401


def test_what_no_database_can_hold_is_refused(owner: Speaker, account: dict[str, Any]) -> None:
    assert send(owner, account, body("e\0")).status_code == 422
    assert send(owner, account, body(key="\ud800")).status_code == 422


@pytest.mark.parametrize("path", ["", "x", "0" * 48, "0" * 49, "%00", "..%2f"])
def test_a_path_that_leads_nowhere_is_not_found(owner: Speaker, path: str) -> None:
    answer = owner.web.client.post(f"/webhooks/{path}", data=b"{}")

    assert answer.status_code == 404


def test_a_closed_account_has_no_door(
    owner: Speaker, account: dict[str, Any], database: Database, seller: int
) -> None:
    with database.transaction(seller) as tx:
        accounts.set_mode(tx, account["id"], "closed")

    assert send(owner, account, body()).status_code == 404


def test_a_channel_without_a_handshake_has_no_get(owner: Speaker, account: dict[str, Any]) -> None:
    assert owner.web.client.get(account["webhook_url"].partition(".org")[2]).status_code == 404


def test_a_body_of_more_than_a_mebibyte_is_not_read(
    owner: Speaker, account: dict[str, Any]
) -> None:
    assert send(owner, account, b"x" * (1024 * 1024 + 1)).status_code == 413


def test_the_former_secret_still_opens_after_a_change(
    owner: Speaker, account: dict[str, Any]
) -> None:
    fresh = {"credentials": {"webhook_secret": "whs-the-second"}}
    owner.put(f"/accounts/{account['id']}/credentials", fresh, match=1)

    old = send(owner, account, body("e1"))
    new = send(owner, account, body("e2"), secret="whs-the-second")

    assert (old.status_code, new.status_code) == (200, 200)
