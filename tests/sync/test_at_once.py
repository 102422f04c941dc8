"""What comes by two ways at the same moment, and what one change does at hundreds of places."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy.event import listen, remove

from hub.channels import door, flows
from hub.channels.accounts import get
from hub.db import Database
from hub.secrets import Keyring
from sync import pull, webhooks
from tests import builders
from tests.pump import World

Open = Callable[..., World]


def together(*works: Callable[[], object]) -> None:
    """All at the same moment; the errors of each are raised."""
    start = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        start.wait(10)
        return work()

    with ThreadPoolExecutor(len(works)) as crew:
        for done in [crew.submit(run, work) for work in works]:
            done.result()


def test_orders_that_a_webhook_and_a_pull_bring_at_the_same_moment_count_once(
    open_world: Open,
) -> None:
    world = open_world(goods={"MUG": 100})
    north, account = world.shops["north"], world.accounts["north"]
    keys = []
    for _ in range(4):
        keys += [world.buy("north", ("MUG", 2)) for _ in range(5)]
        assert north.webhooks.drain()
        world.query("UPDATE flow SET next_at = now() WHERE flow = 'pull' RETURNING 1")

        together(
            lambda: pull.pull(world.carrier, world.seller_id, account),
            lambda: webhooks.work_off(world.carrier, world.seller_id, account),
        )

    assert sorted(world.orders("north")) == keys
    assert world.available("MUG") == 100 - 2 * len(keys)
    world.pump()
    world.agrees()
    world.check()


# -- one event, told a hundred times at once ------------------------------------------------------


def test_a_webhook_that_comes_a_hundred_times_at_once_has_one_effect_and_a_hundred_answers(
    database: Database, keyring: Keyring, seller: int
) -> None:
    shop = builders.world(database, seller, keyring, {"TENT": 5})

    def opens(
        channel: str, letter: door.Letter, secrets: door.Secrets, now: object
    ) -> door.Answered:
        event = door.Event("event-1", "order", [{"kind": "order", "key": "o1"}])
        return door.Answered(200, "", "text/plain", event)

    porter = door.Porter(database, keyring, opens)
    with database.transaction(seller) as tx:
        path = get(tx, shop.account_id).webhook_path
    letter = door.Letter("POST", "https://hub.example.org/", {}, b"{}")

    with ThreadPoolExecutor(25) as crew:
        told = [crew.submit(porter.receive, path, letter) for _ in range(100)]

    assert {one.result().status for one in told} == {200}
    assert shop.ask("SELECT event_id, state FROM webhook") == [("event-1", "new")]
    assert shop.conflicts() == {}


# -- one product, listed five hundred times -------------------------------------------------------


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(*told: Any) -> None:
        sent.append(str(told[2]))

    listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        remove(database.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("listed", [500])
def test_a_sale_of_what_is_listed_everywhere_changes_all_offers_in_as_many_statements_as_of_one(
    database: Database, keyring: Keyring, seller: int, listed: int
) -> None:
    links = {f"v-{number}": "TENT" for number in range(listed)}
    shop = builders.world(database, seller, keyring, {"TENT": 40, "ROPE": 9}, links=links)
    with database.transaction(seller) as tx:
        builders.connected(tx, keyring, "one more", {"w-1": "ROPE"})
    shop.derive()
    shop.adjust("rope", "ROPE", -1)
    with counted(database) as of_one:
        shop.derive()
    shop.adjust("tent", "TENT", -3)

    with counted(database) as of_many:
        shop.derive()

    shown = "SELECT DISTINCT desired_quantity FROM listing WHERE external_id LIKE 'v-%'"
    assert shop.ask(shown) == [(37,)]
    assert len(of_many) == len(of_one) > 0
    due = "SELECT count(*) FROM flow WHERE flow = :push AND next_at <= now()"
    assert shop.ask(due, push=flows.PUSH)[0][0] >= 1
