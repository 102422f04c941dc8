"""What a seller sees of how an account fares, over HTTP and on the command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from hub.channels import accounts, clocks, hearing, inbox
from hub.cli import Desk, main
from hub.db import Database
from hub.secrets import Keyring
from tests.builders import World, world
from tests.hub.channels.steps import push, run
from tests.web import Speaker, as_owner


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 5})


@pytest.fixture
def owner(database: Database, seller: int, keyring: Keyring) -> Speaker:
    return as_owner(database, keyring, seller)


def loses_a_webhook(shop: World) -> None:
    """One change of twelve came without; the webhooks before are two hours old."""
    hints = [{"kind": "order", "key": "0"}]
    run(shop, lambda tx: inbox.receive(tx, shop.account_id, "e", "orders", hints, b"{}"))
    shop.ask("UPDATE webhook SET received_at = received_at - interval '2 hours' RETURNING id")
    change = hearing.Change("A-17", datetime.now(UTC) - timedelta(seconds=90))
    run(shop, lambda tx: hearing.told(tx, shop.account_id, 11))
    run(shop, lambda tx: hearing.found(tx, shop.account_id, [change]))
    run(shop, lambda tx: hearing.settle(tx, shop.account_id, 0.0))


def test_a_seller_sees_when_a_change_arrives_and_how_that_is_reckoned(
    shop: World, owner: Speaker
) -> None:
    shop.derive()
    before = owner.get(f"/accounts/{shop.account_id}").get_json()["reaches_in"]
    push(shop)

    told = owner.get(f"/accounts/{shop.account_id}").get_json()

    assert (before["waiting"], told["reaches_in"]["waiting"]) == (1, 0)
    assert (
        0 < told["reaches_in"]["seconds"] == pytest.approx(told["reaches_in"]["latency"], abs=0.1)
    )
    assert told["notes"] == ["your change reaches shop in about 1 s"]


def test_a_seller_sees_that_webhooks_do_not_come_and_that_a_clock_is_wrong(
    shop: World, owner: Speaker
) -> None:
    loses_a_webhook(shop)
    run(shop, lambda tx: clocks.note(tx, shop.account_id, 45.2, "web-1"))

    told = owner.get(f"/accounts/{shop.account_id}").get_json()

    assert {**told["heard"], "lost_at": None} == {
        "changes": 12, "lost": 1, "lost_at": None, "lost_order": "A-17"
    }  # fmt: skip
    assert (told["clock"]["ahead"], told["clock"]["host"]) == (45.2, "web-1")
    assert told["notes"][1:] == [
        "1 of 12 changes of orders came without their webhook in the last day, the last of order"
        " A-17",
        "the clock of web-1 is 45 s ahead of the channel's",
    ]


def test_an_account_that_nothing_is_written_to_says_so(shop: World, owner: Speaker) -> None:
    run(shop, lambda tx: accounts.set_mode(tx, shop.account_id, "paused"))

    told = owner.get(f"/accounts/{shop.account_id}").get_json()

    assert told["reaches_in"]["seconds"] is None
    assert told["notes"] == [
        "your change does not reach shop: nothing is written to an account that is paused"
    ]


def test_the_command_line_says_the_same(shop: World) -> None:
    desk = Desk(shop.seller_id)
    desk.__dict__["database"] = shop.database

    done = CliRunner().invoke(main.commands["accounts"], obj=desk)

    assert done.exit_code == 0, done.output
    assert f"account {shop.account_id}: your change reaches shop in about" in done.output
