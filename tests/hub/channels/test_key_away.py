"""An event signed with a key we do not hold: it is let go, and the channel's keys are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

import pytest
from sqlalchemy import text

from hub.channels import accounts, door, requests
from hub.db import Database
from hub.secrets import Keyring
from hub.seller import create_seller
from tests.builders import World, world
from tests.hub.channels.steps import run
from tests.hub.test_races import together


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 1})


def away(name: str, letter: door.Letter, secrets: Mapping[str, Any], now: datetime) -> NoReturn:
    raise door.KeyAway("no key of that name")


def knock(shop: World) -> None:
    with shop.database.transaction(shop.seller_id) as tx:
        path = accounts.get(tx, shop.account_id).webhook_path
    letter = door.Letter("POST", f"https://hub.example.org/webhooks/{path}", {}, b"{}")
    with pytest.raises(door.KeyAway):
        door.receive(shop.database, shop.keyring, away, path, letter)


def asked(shop: World) -> list[tuple[Any, ...]]:
    return shop.ask("SELECT kind, state FROM request ORDER BY requested_at")


def answer_all(shop: World) -> None:
    def work(tx: Any) -> None:
        for one in requests.waiting(tx, shop.account_id):
            requests.answer(tx, one.id, True, {})

    run(shop, work)


def test_the_keys_are_asked_for_and_a_worker_woken(shop: World) -> None:
    knock(shop)

    assert asked(shop) == [("webhook_keys", "new")]
    assert shop.ask("SELECT next_at <= now() FROM flow WHERE flow = 'request'") == [(True,)]


def test_forged_key_names_make_us_ask_once_a_minute_at_most(shop: World) -> None:
    for _ in range(5):
        knock(shop)
    answer_all(shop)
    knock(shop)
    assert asked(shop) == [("webhook_keys", "done")]

    run(
        shop,
        lambda tx: tx.execute(
            text("UPDATE request SET requested_at = requested_at - interval '61 seconds'")
        ),
    )
    knock(shop)

    assert asked(shop) == [("webhook_keys", "done"), ("webhook_keys", "new")]


def test_what_waits_for_longer_than_a_minute_is_not_asked_again(shop: World) -> None:
    knock(shop)
    run(shop, lambda tx: tx.execute(text("UPDATE request SET requested_at = 'epoch'")))

    knock(shop)

    assert len(asked(shop)) == 1


def test_many_at_the_door_at_once_ask_once(wide_database: Database, keyring: Keyring) -> None:
    shop = world(wide_database, create_seller(wide_database, "Race"), keyring, {"TENT": 1})

    together([lambda: knock(shop)] * 12)

    assert asked(shop) == [("webhook_keys", "new")]


def test_another_request_does_not_stand_in_for_it(shop: World) -> None:
    run(shop, lambda tx: requests.ask(tx, shop.account_id, "test"))

    knock(shop)

    assert asked(shop) == [("test", "new"), ("webhook_keys", "new")]
