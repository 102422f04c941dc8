"""Webhooks that never came are counted, once each, and only where one was to be expected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hub.channels import hearing, inbox
from hub.channels.hearing import Change, Heard
from hub.db import Database
from hub.secrets import Keyring
from tests.builders import World, world
from tests.hub.channels.steps import run


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    """Its webhooks have told of an order, two hours ago."""
    made = world(database, seller, keyring, {"TENT": 10})
    comes(made, "first", "0", ago=7_200)
    return made


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


def comes(shop: World, event: str, key: str, *, ago: float = 0, kind: str = "order") -> None:
    """A webhook about an order, taken in so many seconds ago."""
    hints = [{"kind": kind, "key": key}]
    run(shop, lambda tx: inbox.receive(tx, shop.account_id, event, "orders", hints, b"{}"))
    moved = text("UPDATE webhook SET received_at = now() - :by WHERE event_id = :event")
    run(shop, lambda tx: tx.execute(moved, {"by": timedelta(seconds=ago), "event": event}))


def found(shop: World, *changes: Change) -> None:
    run(shop, lambda tx: hearing.found(tx, shop.account_id, changes))


def judged(shop: World, grace: float = 0.0) -> Heard:
    run(shop, lambda tx: hearing.settle(tx, shop.account_id, grace))
    return run(shop, lambda tx: hearing.lately(tx, shop.account_id))


def waiting(shop: World) -> int:
    return int(shop.ask("SELECT count(*) FROM unheard")[0][0])


def test_a_change_that_no_webhook_told_of_is_a_lost_webhook(shop: World) -> None:
    at = ago(90)
    found(shop, Change("1", at), Change("2", ago(120)))

    heard = judged(shop)

    assert heard == Heard(2, 2, at, "1")
    assert hearing.said(heard) == (
        "2 of 2 changes of orders came without their webhook in the last day, the last of order 1"
    )


@pytest.mark.parametrize("key", ["1", ""], ids=["of this order", "of whichever order"])
def test_a_change_whose_webhook_came_a_little_late_is_not(shop: World, key: str) -> None:
    found(shop, Change("1", ago(90)))
    comes(shop, "late", key)

    heard = judged(shop)

    assert (heard.changes, heard.lost) == (1, 0)
    assert hearing.said(heard) == ""


def test_a_webhook_of_another_order_or_of_long_before_tells_nothing(shop: World) -> None:
    comes(shop, "before", "1", ago=900)
    comes(shop, "other", "2")
    comes(shop, "listing", "1", kind="listing")
    found(shop, Change("1", ago(90)))

    assert judged(shop).lost == 1


def test_a_channel_whose_clock_is_ahead_is_not_taken_for_silent(shop: World) -> None:
    comes(shop, "told", "1")
    found(shop, Change("1", ago(-600)))

    assert judged(shop).lost == 0


def test_a_webhook_has_its_time_to_come(shop: World) -> None:
    found(shop, Change("1", ago(90)))

    assert judged(shop, hearing.GRACE) == Heard(0, 0, None, "")
    assert waiting(shop) == 1


def test_what_is_counted_lost_is_not_counted_again_when_its_webhook_comes(shop: World) -> None:
    found(shop, Change("1", ago(90)))
    before = judged(shop)
    comes(shop, "at last", "1")

    assert judged(shop) == before
    assert waiting(shop) == 0


def test_an_order_found_twice_while_it_waits_is_one_change(shop: World) -> None:
    found(shop, Change("1", ago(90)))
    found(shop, Change("1", ago(80)))

    assert judged(shop).changes == 1


def test_what_changed_before_webhooks_told_of_orders_or_long_ago_is_nobodys_fault(
    shop: World,
) -> None:
    found(shop, Change("1", ago(7_300)), Change("2", ago(hearing.OLDEST + 60)))

    assert waiting(shop) == 0


def test_an_account_that_has_never_heard_of_an_order_counts_nothing(
    database: Database, seller: int, keyring: Keyring
) -> None:
    silent = world(database, seller, keyring, {"TENT": 10})
    comes(silent, "listing", "7", ago=7_200, kind="listing")

    found(silent, Change("1", ago(90)))

    assert waiting(silent) == 0


@pytest.mark.parametrize(("topics", "counted"), [('["ORDERS_CREATE"]', 1), ('["STOCK"]', 0)])
def test_a_subscription_counts_from_when_it_was_made_and_only_of_orders(
    database: Database, seller: int, keyring: Keyring, topics: str, counted: int
) -> None:
    silent = world(database, seller, keyring, {"TENT": 10})
    made = text(
        "INSERT INTO request (seller_id, account_id, kind, state, answer, answered_at) VALUES"
        " (:s, :a, 'subscribe', 'done', jsonb_build_object('topics', cast(:t AS jsonb)),"
        " now() - interval '10 min')"
    )
    given: dict[str, Any] = {"s": seller, "a": silent.account_id, "t": topics}
    run(silent, lambda tx: tx.execute(made, given))

    found(silent, Change("1", ago(90)), Change("2", ago(900)))

    assert waiting(silent) == counted


def test_changes_that_came_by_their_webhooks_are_what_the_lost_are_a_share_of(
    shop: World,
) -> None:
    for count in (7, 0, 4):
        run(shop, lambda tx, count=count: hearing.told(tx, shop.account_id, count))
    found(shop, Change("1", ago(90)))

    heard = judged(shop)

    assert (heard.changes, heard.lost) == (12, 1)


def test_the_hour_of_yesterday_is_begun_anew(shop: World) -> None:
    found(shop, Change("1", ago(90)))
    judged(shop)
    run(shop, lambda tx: tx.execute(text("UPDATE webhook_tally SET hour = hour - '1 d'::interval")))
    assert run(shop, lambda tx: hearing.lately(tx, shop.account_id)) == Heard(0, 0, None, "")

    run(shop, lambda tx: hearing.told(tx, shop.account_id, 3))

    assert run(shop, lambda tx: hearing.lately(tx, shop.account_id)) == Heard(3, 0, None, "")
