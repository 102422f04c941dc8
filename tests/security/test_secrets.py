"""No secret in a log, an error, an answer or the database in clear."""

from __future__ import annotations

import base64
import copy
import io
import json
import logging
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from connectors.records import Buyer
from hub import logs
from hub.auth import issue_token
from hub.channels import accounts, inbox
from hub.channels.accounts import NewAccount
from hub.db import Database
from hub.errors import Misconfigured
from hub.schema import metadata
from hub.secrets import Keyring, Secret, Undecryptable, bound_to, create_key_file
from tests.builders import World, line, order, world

OLD, NEW = b"o" * 32, b"n" * 32
HERE = bound_to(1, "account", 7, "credentials")


def spelled(**keys: bytes) -> str:
    return ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys.items())


@pytest.mark.parametrize(
    "setting",
    [
        "",
        " , ",
        "first",
        "first:",
        "first:***",
        "first:c2hvcnQ=",
        f":{'A' * 43}=",
        "a|b:" + "A" * 43,
    ],
)
def test_without_a_good_key_nothing_starts(setting: str) -> None:
    with pytest.raises(Misconfigured):
        Keyring.parse(setting)


def test_a_key_that_is_refused_is_not_shown() -> None:
    with pytest.raises(Misconfigured) as caught:
        Keyring.parse("first:c2VjcmV0LWtleS1tYXRlcmlhbA==")

    assert "c2VjcmV0" not in str(caught.value)
    assert "secret-key" not in str(caught.value)


@given(st.binary(max_size=200))
def test_what_is_encrypted_opens_again_and_is_never_the_same_twice(plain: bytes) -> None:
    ring = Keyring({"k": OLD})

    one, two = ring.encrypt(plain, HERE), ring.encrypt(plain, HERE)

    assert one != two
    assert ring.decrypt(one, HERE) == ring.decrypt(two, HERE) == plain


@pytest.mark.parametrize(
    "there",
    [
        bound_to(2, "account", 7, "credentials"),
        bound_to(1, "order_payload", 7, "credentials"),
        bound_to(1, "account", 8, "credentials"),
        bound_to(1, "account", 7, "settings"),
    ],
)
def test_a_value_moved_to_another_row_does_not_open(there: bytes) -> None:
    ring = Keyring({"k": OLD})
    wrapped, sealed = ring.seal(b"plain", HERE)

    with pytest.raises(Undecryptable):
        ring.decrypt(ring.encrypt(b"plain", HERE), there)
    with pytest.raises(Undecryptable):
        ring.unseal(wrapped, sealed, there)


@given(st.data())
def test_a_value_that_was_changed_or_cut_does_not_open(data: st.DataObject) -> None:
    ring = Keyring({"k": OLD})
    token = ring.encrypt(b"plain", HERE)
    place = data.draw(st.integers(0, len(token) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    changed = token[:place] + bytes([token[place] ^ bit]) + token[place + 1 :]

    for bad in (changed, token[:place]):
        with pytest.raises(Undecryptable):
            ring.decrypt(bad, HERE)


def test_what_is_sealed_and_cut_does_not_open() -> None:
    ring = Keyring({"k": OLD})
    wrapped, sealed = ring.seal(b"plain", HERE)

    for end in range(len(sealed)):
        with pytest.raises(Undecryptable):
            ring.unseal(wrapped, sealed[:end], HERE)


def test_a_new_key_encrypts_and_the_old_one_still_opens() -> None:
    before = Keyring.parse(spelled(old=OLD))
    after = Keyring.parse(spelled(new=NEW, old=OLD))
    only_new = Keyring.parse(spelled(new=NEW))
    kept, fresh = before.encrypt(b"plain", HERE), after.encrypt(b"plain", HERE)

    assert after.decrypt(kept, HERE) == b"plain"
    assert only_new.decrypt(fresh, HERE) == b"plain"
    with pytest.raises(Undecryptable, match="keyring"):
        only_new.decrypt(kept, HERE)


def test_a_key_of_the_same_name_with_other_bytes_opens_nothing() -> None:
    token = Keyring({"k": OLD}).encrypt(b"plain", HERE)

    with pytest.raises(Undecryptable):
        Keyring({"k": NEW}).decrypt(token, HERE)


def test_a_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    create_key_file(tmp_path / "home")
    first = (tmp_path / "home" / "keys").read_text()
    create_key_file(tmp_path / "home")

    assert (tmp_path / "home" / "keys").read_text() == first
    assert (tmp_path / "home" / "keys").stat().st_mode & 0o777 == 0o600
    assert Keyring.load("", tmp_path / "home").newest == "first"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_file_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    create_key_file(tmp_path)
    (tmp_path / "keys").chmod(mode)

    with pytest.raises(Misconfigured, match="chmod 600"):
        Keyring.load("", tmp_path)


def test_without_setting_and_file_there_is_no_keyring(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="HUB_SECRET_KEYS"):
        Keyring.load("", tmp_path)


SHOWN = [
    repr,
    str,
    "{}".format,
    "{!r:>20}".format,
    lambda secret: f"{secret:>20}",
    lambda secret: "%s %r" % (secret, secret),  # noqa: UP031  # one of the ways
    lambda secret: str([secret]),
    lambda secret: json.dumps({"it": secret}, default=str),
    lambda secret: repr(NewAccount("memory", "shop", {"token": secret})),
]


@pytest.mark.parametrize("show", SHOWN)
def test_a_secret_does_not_print(show: Any) -> None:
    assert "hunter2" not in show(Secret("hunter2"))


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, hash, vars])
def test_a_secret_does_not_travel(take: Any) -> None:
    with pytest.raises(TypeError) as caught:
        take(Secret("hunter2"))

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("word", ["hunter2", "пароль", "密码", ""])
def test_secrets_are_compared_by_their_value(word: str) -> None:
    same, other, plain = Secret(word), Secret(word + "!"), word

    assert Secret(word) == same
    assert Secret(word) != other
    assert Secret(word) != plain
    assert same.reveal() == word


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the process logs, as it is configured for production."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("DEBUG", stream=stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


BY_KEY = [
    "token", "access_token", "refreshToken", "client_secret", "password", "Authorization",
    "signature", "X-Shopify-Hmac-Sha256", "api_key", "apiKey", "credentials", "cookie",
    "email", "e_mail", "phone", "shipping_address", "buyer", "payload", "DATABASE_URL",
]  # fmt: skip


@pytest.mark.parametrize("name", BY_KEY)
def test_a_value_under_a_telling_name_is_not_logged(written: io.StringIO, name: str) -> None:
    logs.logger("t").info("said", **{name: "hunter2"})
    logs.logger("t").info("said", inside={"deep": [{name: "hunter2"}]})
    logs.logger("t").info("said", inside={name: {"value": "hunter2"}})

    assert "hunter2" not in written.getvalue()
    assert written.getvalue().count("***") == 3


BY_PATTERN = [
    "hub_0a1b2c3d_hunter2hunter2hunter2hunter2",
    "shpat_hunter2hunter2",
    "shpss_hunter2hunter2",
    "Authorization: Bearer hunter2hunter2",
    "authorization: basic aHVudGVyMjpodW50ZXIy",
    "postgresql+psycopg://hub:hunter2@db.example/hub",
    "redis://:hunter2@cache.example/0",
    "GET https://shop.example/orders?access_token=hunter2",
    "GET https://shop.example/orders?limit=5&sign=hunter2&page=2",
]


@pytest.mark.parametrize("words", BY_PATTERN)
def test_what_looks_like_a_secret_is_not_logged_wherever_it_stands(
    written: io.StringIO, words: str
) -> None:
    logs.logger("t").info(f"said {words}")
    logs.logger("t").info("said", note=words)
    logs.logger("t").info("said", parts=[words], pair=(words, 1))
    logging.getLogger("lib").warning("said %s", words)
    logging.getLogger("lib").warning("said %(it)s", {"it": words})
    try:
        raise ValueError(words)
    except ValueError:
        logs.logger("t").exception("failed")
        logging.getLogger("lib").exception("failed")

    lines = written.getvalue().splitlines()
    assert len(lines) == 7
    assert not any("hunter2" in line or "aHVudGVyMj" in line for line in lines)


def test_a_log_line_cannot_be_forged(written: io.StringIO) -> None:
    said = 'fine\r\n{"event": "forged", "level": "info"}'

    logs.logger("t").info(said, note=said)
    logging.getLogger("lib").warning(said)

    lines = written.getvalue().splitlines()
    assert len(lines) == 2
    assert all(json.loads(one)["event"].startswith("fine") for one in lines)


def test_a_log_line_is_json_with_time_level_and_place(written: io.StringIO) -> None:
    logs.logger("hub.sales").warning("took in", orders=3)

    one = json.loads(written.getvalue())
    assert (one["event"], one["orders"], one["level"], one["logger"]) == (
        "took in", 3, "warning", "hub.sales",
    )  # fmt: skip
    assert one["timestamp"].endswith("Z")


def test_an_error_of_the_database_carries_no_value(
    database: Database, seller: int, other_seller: int
) -> None:
    statements = [
        "INSERT INTO location (seller_id, code, name) VALUES (:seller, :said, :said)",
        "INSERT INTO location (seller_id, code, name, kind) VALUES (:seller, 'X', :said, 'moon')",
        "INSERT INTO account (seller_id, channel, name, credentials, webhook_path)"
        " VALUES (:seller, 'memory', :said, 'x', NULL)",
        "INSERT INTO location (seller_id, code, name) VALUES (:other, 'Y', :said)",
    ]
    with database.transaction(seller) as tx:
        tx.execute(text(statements[0]), {"seller": seller, "said": "hunter2"})

    for statement in statements:
        values = {"seller": seller, "said": "hunter2", "other": other_seller}
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        with pytest.raises(DBAPIError) as caught, database.transaction(seller) as tx:
            tx.execute(text(statement), used)
        assert "hunter2" not in str(caught.value)
        assert "hunter2" not in repr(caught.value.orig)


def test_the_server_writes_no_values_to_its_own_log(database: Database, seller: int) -> None:
    with database.transaction(seller) as tx:
        found = tx.execute(
            text(
                "SELECT current_setting('log_error_verbosity'),"
                " current_setting('log_parameter_max_length_on_error')"
            )
        ).one()

    assert tuple(found) == ("terse", "0")


CANARY = "canary-6b1f"


def test_nothing_private_lies_in_the_database_in_clear(
    database: Database, seller: int, keyring: Keyring
) -> None:
    shop = world(database, seller, keyring, {"TENT": 10})
    hide(shop)

    kept = [one for table in metadata.tables for one in rows_of(shop, table)]

    assert len(kept) > 20
    for form in forms(CANARY):
        assert not [row[:80] for row in kept if form in row], form


def hide(shop: World) -> None:
    """Give the hub everything that must not be found again."""
    with shop.database.transaction(shop.seller_id) as tx:
        secret = {"token": Secret(f"token {CANARY}"), "client_secret": Secret(CANARY)}
        new = accounts.connect(tx, shop.keyring, NewAccount("memory", "second", secret))
        accounts.store_credentials(tx, shop.keyring, new, secret)
        assert accounts.credentials(tx, shop.keyring, new)["token"].reveal() == f"token {CANARY}"
        inbox.receive(tx, new, "e1", "orders", [], CANARY.encode())
    buyer = Buyer(CANARY, CANARY, f"{CANARY}@example.org", CANARY, {"street": CANARY})
    raw = {"customer": {"name": CANARY}}
    shop.take(
        order("1", line("a", "v-TENT", 99), buyer=buyer, raw=raw),
        order("2", line("a", "v-STOVE"), buyer=buyer, raw=raw),
        order("3", line("a", "v-TENT", -1), buyer=buyer, raw=raw),
        order("4", buyer=buyer, raw=raw),
    )
    shop.take(order("1", line("a", "v-TENT", 1), at=1, buyer=buyer, raw=raw))
    shop.derive()


def rows_of(shop: World, table: str) -> list[str]:
    return [row[0] for row in shop.ask(f"SELECT one::text FROM {table} one")]


def forms(word: str) -> list[str]:
    """As it is, as the hex of a bytea, and as each of the ways base64 may hold it."""
    coded = [base64.b64encode(b" " * pad + word.encode())[4:-4].decode() for pad in range(3)]
    return [word, word.encode().hex(), *coded]


def test_the_canary_would_be_found(database: Database, seller: int, keyring: Keyring) -> None:
    shop = world(database, seller, keyring, {f"X {CANARY}": 1})

    assert any(CANARY in row for row in rows_of(shop, "product"))


def test_a_token_is_shown_once_and_only_its_hash_is_kept(
    database: Database, seller: int, keyring: Keyring
) -> None:
    shop = world(database, seller, keyring, {})
    with database.transaction(seller) as tx:
        token = issue_token(tx, "robot", "owner")

    kept = rows_of(shop, "api_token")

    assert len(kept) == 1
    for form in forms(token.reveal()):
        assert form not in kept[0]
