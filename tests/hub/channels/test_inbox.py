"""The webhook inbox: each event once."""

from __future__ import annotations

import pytest

from hub.channels import flows, inbox
from hub.db import Database
from hub.secrets import Keyring
from tests.builders import World, world


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 10})


def receive(shop: World, event: str, body: bytes = b"{}") -> bool:
    hints = [{"kind": "order", "key": "1"}]
    return shop.database.command(
        shop.seller_id,
        lambda tx: inbox.receive(tx, shop.account_id, event, "orders/paid", hints, body),
    )


def waiting(shop: World) -> list[inbox.Waiting]:
    return shop.database.command(shop.seller_id, lambda tx: inbox.waiting(tx, shop.account_id))


def test_an_event_waits_until_it_is_worked_off(shop: World) -> None:
    assert receive(shop, "e1") is True

    (one,) = waiting(shop)
    assert (one.topic, list(one.hints)) == ("orders/paid", [{"kind": "order", "key": "1"}])
    shop.database.command(shop.seller_id, lambda tx: inbox.finish(tx, [one.id], "done"))
    assert waiting(shop) == []


def test_an_event_told_twice_waits_once(shop: World) -> None:
    told = [receive(shop, "e1"), receive(shop, "e1")]

    assert told == [True, False]
    assert len(waiting(shop)) == 1
    assert shop.conflicts() == {}


def test_an_event_told_again_after_it_was_done_is_not_done_again(shop: World) -> None:
    receive(shop, "e1")
    ids = [one.id for one in waiting(shop)]
    shop.database.command(shop.seller_id, lambda tx: inbox.finish(tx, ids, "done"))

    receive(shop, "e1")

    assert waiting(shop) == []


def test_an_event_that_comes_again_with_another_body_raises_the_alarm(shop: World) -> None:
    receive(shop, "e1")

    receive(shop, "e1", b'{"forged": true}')

    assert len(waiting(shop)) == 1
    assert shop.conflicts() == {"signature_invalid": 1}


def test_events_wait_in_the_order_they_came(shop: World) -> None:
    for event in ("b", "a", "c"):
        receive(shop, event)

    ids = [one.id for one in waiting(shop)]

    assert ids == sorted(ids)
    count = shop.database.command(
        shop.seller_id, lambda tx: inbox.count_waiting(tx, shop.account_id)
    )
    assert count == 3


def test_an_event_makes_the_accounts_inbox_due(shop: World) -> None:
    shop.database.command(
        shop.seller_id, lambda tx: flows.set_next(tx, shop.account_id, flows.INBOX, None)
    )

    receive(shop, "e1")

    assert shop.ask("SELECT next_at <= now() FROM flow WHERE flow = 'inbox'") == [(True,)]


def test_the_body_of_an_event_is_not_kept(shop: World) -> None:
    receive(shop, "e1", b"Berta Buyer")

    kept = shop.ask("SELECT webhook::text FROM webhook")[0][0]

    assert "Berta" not in kept
    assert b"Berta".hex() not in kept
