"""A resolution takes effect once, whoever sends it how often, and says who, when and why."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from hub.conflicts import reading
from hub.conflicts.life import Who
from hub.db import Database, Transaction
from hub.errors import Conflict, StaleVersion
from hub.resolution import applying
from hub.resolution.applying import Desk
from hub.resolution.bulk import chosen, take_all
from hub.resolution.plans import Asked, Told
from hub.secrets import Keyring
from hub.seller import create_seller
from tests.builders import World, line, order, world
from tests.hub.resolution.steps import ANNA, CHANNELS, conflict, resolve, run, show

BELA = Who("token:2", "support", "request-2")
CANCEL = Asked("cancel_units", reason="the buyer agrees")


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return short(database, seller, keyring)


def short(database: Database, seller: int, keyring: Keyring) -> World:
    """An order wants three tents more than there are."""
    made = world(database, seller, keyring, {"TENT": 5})
    made.take(order("1", line("a", "v-TENT", 8)))
    return made


def taking(shop: World, asked: Asked, version: int, who: Who = ANNA) -> Callable[[], Any]:
    number = conflict(shop, "oversold").id

    def work(tx: Transaction) -> reading.Shown:
        return applying.resolve(tx, Desk(who, CHANNELS), number, asked, expected_version=version)

    return lambda: run(shop, work)


def test_sent_again_it_has_no_second_effect(shop: World) -> None:
    version = conflict(shop, "oversold").version
    send = taking(shop, Asked("cancel_units", Told(units=1), "r"), version)
    first = send()

    again = send()

    assert again == first
    assert shop.line("1", "a")["cancelled"] == 1
    assert shop.ask("SELECT count(*) FROM audit") == [(1,)]
    shop.check()


def test_another_on_the_version_it_had_before_is_refused(shop: World) -> None:
    version = conflict(shop, "oversold").version
    taking(shop, CANCEL, version)()

    with pytest.raises(StaleVersion):
        taking(shop, CANCEL, version, BELA)()
    with pytest.raises(StaleVersion):
        taking(shop, Asked("reallocate"), version)()
    with pytest.raises(Conflict, match="is resolved"):
        taking(shop, Asked("reallocate"), conflict(shop, "oversold").version)()
    assert shop.line("1", "a")["cancelled"] == 3


def test_it_says_who_when_why_before_and_after(shop: World) -> None:
    taking(shop, CANCEL, conflict(shop, "oversold").version)()

    done = conflict(shop, "oversold").resolution
    assert done is not None
    assert (done["verb"], done["actor"], done["reason"]) == (
        "cancel_units",
        "token:1",
        "the buyer agrees",
    )
    assert [(one["before"], one["after"]) for one in done["changes"]] == [(3, 0), (0, 3)]
    audited = shop.ask("SELECT actor, action, request_id, after->'changes' FROM audit")
    assert audited == [("token:1", "conflict.resolved", "request-1", done["changes"])]
    events = run(shop, lambda tx: reading.events(tx, conflict(shop, "oversold").id))
    assert [(one.what, one.actor) for one in events] == [
        ("resolved", "token:1"),
        ("closed", ""),
        ("opened", ""),
    ]


def test_what_fails_leaves_everything_as_it_was(shop: World) -> None:
    before = conflict(shop, "oversold")

    with pytest.raises(Conflict):
        resolve(shop, "oversold", "reallocate")

    assert conflict(shop, "oversold") == before
    assert shop.ask("SELECT count(*) FROM audit") == [(0,)]


@pytest.mark.parametrize("turn", range(5))
def test_of_two_people_at_once_one_takes_effect(
    wide_database: Database, keyring: Keyring, turn: int
) -> None:
    shop = short(wide_database, create_seller(wide_database, "Race"), keyring)
    version = conflict(shop, "oversold").version
    shop.adjust("delivery", "TENT", 3)
    start = Barrier(4)

    def run_one(send: Callable[[], Any]) -> bool:
        start.wait()
        try:
            send()
        except Conflict:
            return False
        return True

    works = [
        taking(shop, CANCEL, version),
        taking(shop, CANCEL, version, BELA),
        taking(shop, Asked("reallocate"), version),
        taking(shop, Asked("reallocate"), version, BELA),
    ]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(run_one, works))

    assert sum(done) == 1
    served, relieved = {"allocated": 8}, {"allocated": 5, "cancelled": 3}
    assert shop.line("1", "a") in ({"quantity": 8, **served}, {"quantity": 8, **relieved})
    assert shop.ask("SELECT count(*) FROM audit") == [(1,)]
    shop.check()


def test_resolving_while_orders_come_in_and_stock_is_derived_loses_nothing(
    wide_database: Database, keyring: Keyring
) -> None:
    shop = short(wide_database, create_seller(wide_database, "Race"), keyring)
    version = conflict(shop, "oversold").version
    start = Barrier(4)

    def at_once(work: Callable[[], Any]) -> None:
        start.wait()
        work()

    def sell() -> None:
        for n in range(10):
            shop.take(order(f"more-{n}", line("a", "v-TENT", 1)))

    def edit() -> None:
        for n in range(10):
            shop.take(order("1", line("a", "v-TENT", 8), at=n + 1))

    def derive() -> None:
        for _ in range(5):
            shop.derive()

    def cancel() -> None:
        try:
            taking(shop, CANCEL, version)()
        except StaleVersion:
            return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(at_once, [sell, edit, derive, cancel]))

    shop.check()
    claimed = shop.ask("SELECT count(*) FROM order_line WHERE claimed > 0")[0][0]
    assert shop.conflicts() == {"oversold": claimed}


class TestBulk:
    def test_each_is_judged_by_itself(self, shop: World) -> None:
        shop.take(order("2", line("a", "v-TENT", 1)), order("3", line("a", "unknown", 1)))
        numbers = [row[0] for row in shop.ask("SELECT id FROM conflict ORDER BY id")]
        picked = run(shop, lambda tx: chosen(tx, [*numbers, 10**15], None))

        outcomes = list(
            take_all(lambda work: run(shop, work), Desk(ANNA, CHANNELS), picked, CANCEL)
        )

        told = {one.id: (one.done, one.state, one.code) for one in outcomes}
        of_line = conflict(shop, "order_line_unmapped").id
        assert told.pop(of_line) == (False, None, "invalid_input")
        assert told.pop(10**15) == (False, None, "not_found")
        assert set(told.values()) == {(True, "resolved", "")}
        assert len(told) == 2
        shop.check()

    def test_a_filter_takes_the_versions_of_the_start(self, shop: World) -> None:
        show(shop, "v-1", sku="ANOTHER")
        wanted = reading.Wanted(state="open", kind="listing_unmapped")
        picked = run(shop, lambda tx: chosen(tx, None, wanted))
        show(shop, "v-1", sku="YET-ANOTHER")

        asked = Asked("ignore", reason="sold by somebody else")
        (outcome,) = take_all(lambda work: run(shop, work), Desk(ANNA, CHANNELS), picked, asked)

        assert (outcome.done, outcome.code) == (False, "stale_version")
        assert conflict(shop, "listing_unmapped").state == "open"
