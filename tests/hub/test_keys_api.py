"""Activation keys over HTTP and on the command line: received, counted, read, and told nowhere."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from hub import logs
from hub.cli import Desk, main
from hub.db import Database
from hub.schema import metadata
from hub.secrets import Keyring
from tests.builders import World, line, order
from tests.hub.sales.test_delivering import sell
from tests.keyed import counts, deliver, key_shop
from tests.web import Speaker, as_owner

CANARY = "CANARY-8f2e-KEY"


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return key_shop(database, seller, keyring, {"GAME": ["A-1", "A-2"]})


@pytest.fixture
def owner(shop: World) -> Speaker:
    return as_owner(shop.database, shop.keyring, shop.seller_id)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure("DEBUG", stream=stream)
    yield stream
    root.handlers[:], root.level = before


def path(shop: World, rest: str = "/keys", sku: str = "GAME") -> str:
    return f"/products/{shop.products[sku]}{rest}"


def audited(shop: World) -> list[tuple[Any, ...]]:
    return shop.ask("SELECT action, after FROM audit ORDER BY at")


def test_a_product_becomes_keyed_and_gets_its_keys(
    owner: Speaker, shop: World, database: Database
) -> None:
    made = owner.post("/products", {"items": [{"sku": "APP"}]}).get_json()["items"][0]
    assert made["keyed"] is False
    mine = f"/products/{made['id']}"

    keyed = owner.patch(mine, {"keyed": True}, match=made["version"])
    added = owner.post(f"{mine}/keys", {"location": "MAIN", "keys": ["B-1", "B-2"]})
    again = owner.post(f"{mine}/keys", {"location": "MAIN", "keys": ["B-1", "B-2"]})

    assert (keyed.status_code, keyed.get_json()["keyed"]) == (200, True)
    assert keyed.headers["ETag"] == owner.get(mine).headers["ETag"]
    assert (added.get_json(), again.get_json()) == ({"added": 2}, {"added": 0})
    assert owner.get(f"{mine}/keys").get_json() == {"free": 2, "drawn": 0, "withdrawn": 0}
    assert ("keys.receive", {"location": "MAIN", "count": 2}) in audited(shop)
    shop.check()


def test_a_version_that_somebody_changed_keeps_the_product_as_it_was(
    owner: Speaker, shop: World
) -> None:
    assert owner.patch(path(shop, ""), {"keyed": True}, match=7).status_code == 412
    assert owner.patch(path(shop, ""), {"keyed": False}, match=2).status_code == 422


def test_what_a_keyed_product_does_not_allow_is_a_conflict(owner: Speaker, shop: World) -> None:
    line = {"sku": "GAME", "location": "MAIN", "change": 1}

    answer = owner.post("/stock/adjustments", {"key": "k", "reason": "r", "lines": [line]})

    assert (answer.status_code, answer.get_json()["code"]) == (409, "product_keyed")
    assert shop.level("GAME") == 2


@pytest.mark.parametrize(
    ("keys", "field"),
    [
        (["B-1", " "], "keys[1]"),
        (["B-1", "A-1"], "keys[1]"),
        ([], "keys"),
        (["x"] * 1_001, "keys"),
        ([7], "keys[0]"),
    ],
)
def test_a_bad_entry_is_named_in_the_answer(
    owner: Speaker, shop: World, keys: list[Any], field: str
) -> None:
    answer = owner.post(path(shop), {"location": "MAIN", "keys": keys})

    assert answer.status_code == 422
    assert list(answer.get_json()["errors"]) == [field]
    assert counts(shop, "GAME").free == 2


def test_a_location_that_is_not_there_is_named(owner: Speaker, shop: World) -> None:
    answer = owner.post(path(shop), {"location": "NOWHERE", "keys": ["B-1"]})

    assert list(answer.get_json()["errors"]) == ["location"]


def test_a_leaked_key_is_withdrawn_by_its_text(owner: Speaker, shop: World) -> None:
    answer = owner.post(path(shop, "/keys/withdrawals"), {"keys": ["A-2"]})

    assert answer.get_json() == {"withdrawn": 1}
    assert audited(shop)[-1] == ("keys.withdraw", {"count": 1})
    assert shop.level("GAME") == 1


def test_support_reads_an_orders_keys_and_leaves_a_line(owner: Speaker, shop: World) -> None:
    sell(shop, "1", 2)
    deliver(shop)
    where = f"/orders/{shop.order_id('1')}/keys"
    viewer, support = (Speaker(owner.web, shop.seller_id, role) for role in ("viewer", "support"))

    refused, told, again = viewer.get(where), support.get(where), support.get(where)

    assert refused.status_code == 403
    assert [one["key"] for one in told.get_json()["items"]] == ["A-1", "A-2"]
    assert told.headers["Cache-Control"] == "no-store"
    assert again.get_json() == told.get_json()
    assert audited(shop) == [("order.keys.read", {"count": 2})] * 2


def test_no_key_stands_in_a_log_an_error_an_audit_row_or_a_table(
    owner: Speaker, shop: World, log: io.StringIO
) -> None:
    bodies = [
        {"location": "MAIN", "keys": [CANARY]},
        {"location": "MAIN", "keys": [CANARY, CANARY]},
        {"location": "MAIN", "keys": [f"{CANARY}-2", CANARY]},
        {"location": "MAIN", "keys": [f"{CANARY}\t"]},
        {"location": "MAIN", "keys": [CANARY, 7]},
        {"location": "MAIN", "keys": CANARY},
    ]

    answers = [owner.post(path(shop), body) for body in bodies]
    answers += [owner.post(path(shop), data=f'{{"keys": ["{CANARY}"'.encode())]
    answers += [owner.post(path(shop, "/keys/withdrawals"), {"keys": ["Z", CANARY]})]
    answers += [owner.get(path(shop)), owner.get("/products"), owner.get("/stock")]
    shop.take(order("1", line("a", "v-GAME", 3)))
    deliver(shop)
    logging.getLogger("any").warning("after all that")

    assert answers[0].get_json() == {"added": 1}
    assert "after all that" in log.getvalue()
    assert CANARY not in log.getvalue()
    assert not any(CANARY in answer.get_data(as_text=True) for answer in answers)
    for table in metadata.sorted_tables:
        rows = shop.ask(f"SELECT t::text FROM {table.name} t")  # noqa: S608  # our own names
        assert not any(clear in row[0] for row in rows for clear in (CANARY, CANARY.encode().hex()))


# -- the command -------------------------------------------------------------------------------


def hub(shop: World, *arguments: str, given: str = "") -> Any:
    desk = Desk(shop.seller_id)
    vars(desk).update(database=shop.database, keyring=shop.keyring)
    return CliRunner().invoke(main.commands[arguments[0]], arguments[1:], input=given, obj=desk)


def test_keys_are_added_from_a_file_one_a_line(shop: World) -> None:
    done = hub(shop, "keys-add", "APP", "-", given="B-1\r\nB-2\nB-3\n")

    assert done.exit_code == 0, done.output
    assert "3 keys added; 3 free, 0 sold" in done.output


def test_a_bad_line_is_named_and_none_is_added(shop: World) -> None:
    many = "".join(f"B-{n}\n" for n in range(1_500))

    done = hub(shop, "keys-add", "GAME", "-", given=f"{many}\nB-last\n")

    assert done.exit_code != 0
    assert str(done.exception) == "line 1501: is blank"
    assert counts(shop, "GAME").free == 2


def test_a_file_added_twice_adds_nothing(shop: World) -> None:
    many = "".join(f"B-{n}\n" for n in range(1_500))

    first = hub(shop, "keys-add", "GAME", "-", given=many)
    second = hub(shop, "keys-add", "GAME", "-", given=many)

    assert "1500 keys added" in first.output
    assert "0 keys added; 1502 free" in second.output
    shop.check()
