"""Letters that come to a seller's door at the same time: stored together, judged one by one."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from threading import Event
from time import sleep
from typing import Any

import pytest
from sqlalchemy import Connection
from sqlalchemy.event import listen, remove
from sqlalchemy.exc import DataError

from hub.channels import accounts, door, flows, inbox
from hub.db import Database
from hub.errors import HubError, NotFound
from hub.secrets import Keyring, Secret
from tests.builders import World, world


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 1})


class Doorstep:
    """A door whose first letter is opened only once it is told to, so that others gather."""

    def __init__(self, shop: World) -> None:
        self.shop = shop
        self.porter = door.Porter(shop.database, shop.keyring, self.open)
        self.busy = Event()
        self.go = Event()
        with shop.database.transaction(shop.seller_id) as tx:
            self.path = accounts.get(tx, shop.account_id).webhook_path

    def open(
        self, channel: str, letter: door.Letter, secrets: door.Secrets, now: datetime
    ) -> door.Answered:
        if not self.busy.is_set():
            self.busy.set()
            assert self.go.wait(10)
        event_id = letter.headers["event"]
        if event_id.startswith("forged"):
            raise door.NotGenuine("not theirs")
        event = door.Event(event_id, "order", [{"kind": "order", "key": event_id}])
        return door.Answered(200, "", "text/plain", event)

    def knock(self, event_id: str, body: bytes = b"{}") -> door.Answered:
        letter = door.Letter("POST", "https://hub.example.org/", {"event": event_id}, body)
        return self.porter.receive(self.path, letter)

    def together(self, *letters: tuple[str, bytes]) -> list[Future[door.Answered]]:
        with ThreadPoolExecutor(len(letters) + 1) as crew:
            first = crew.submit(self.knock, "first")
            assert self.busy.wait(10)
            made = [crew.submit(self.knock, *letter) for letter in letters]
            gathering = self.porter._sellers[self.shop.seller_id]
            while len(gathering._waiting) < len(letters):
                sleep(0.001)
            self.go.set()
        assert first.result().status == 200
        return made

    def stored(self) -> set[str]:
        return {row[0] for row in self.shop.ask("SELECT event_id FROM webhook")} - {"first"}


def test_letters_that_come_together_are_stored_in_one_transaction(shop: World) -> None:
    step = Doorstep(shop)

    told = step.together(("a", b"{}"), ("b", b"{}"), ("c", b"{}"))

    assert [one.result().status for one in told] == [200, 200, 200]
    assert step.stored() == {"a", "b", "c"}
    moments = shop.ask("SELECT DISTINCT received_at FROM webhook WHERE event_id <> 'first'")
    assert len(moments) == 1


def test_a_forged_letter_among_genuine_ones_is_refused_alone(shop: World) -> None:
    step = Doorstep(shop)

    good, forged, other = step.together(("a", b"{}"), ("forged", b"{}"), ("b", b"{}"))

    assert (good.result().status, other.result().status) == (200, 200)
    with pytest.raises(door.NotGenuine):
        forged.result()
    assert step.stored() == {"a", "b"}


def test_a_letter_that_no_database_can_hold_takes_no_other_with_it(shop: World) -> None:
    step = Doorstep(shop)

    good, bad, other = step.together(("a", b"{}"), ("e\0", b"{}"), ("b", b"{}"))

    assert (good.result().status, other.result().status) == (200, 200)
    with pytest.raises((DataError, HubError)):
        bad.result()
    assert step.stored() == {"a", "b"}


def test_one_event_told_twice_at_once_is_stored_once(shop: World) -> None:
    step = Doorstep(shop)

    told = step.together(("a", b"{}"), ("a", b"{}"))

    assert [one.result().status for one in told] == [200, 200]
    assert step.stored() == {"a"}
    assert shop.conflicts() == {}


def test_one_event_told_at_once_with_two_bodies_raises_the_alarm(shop: World) -> None:
    step = Doorstep(shop)

    step.together(("a", b"{}"), ("a", b'{"forged": true}'))

    assert step.stored() == {"a"}
    assert shop.conflicts() == {"signature_invalid": 1}


def test_an_account_closed_after_its_door_was_found_lets_nothing_in(shop: World) -> None:
    step = Doorstep(shop)
    step.go.set()
    step.knock("first")
    with shop.database.transaction(shop.seller_id) as tx:
        accounts.set_mode(tx, shop.account_id, accounts.CLOSED)

    with pytest.raises(NotFound):
        step.knock("late")

    assert step.stored() == set()


# -- no event is left lying -----------------------------------------------------------------------


def arrived(shop: World, event_id: str) -> list[inbox.Arrived]:
    return [inbox.arrived(shop.account_id, event_id, "order", [{"kind": "order", "key": "1"}], b"")]


def rests(shop: World) -> bool:
    return shop.ask("SELECT next_at > now() FROM flow WHERE flow = 'inbox'") == [(True,)]


def work_off_nothing(shop: World) -> None:
    """Claim the inbox and give it back, having seen no event."""
    with shop.database.transaction(shop.seller_id) as tx:
        lease = flows.claim(tx, shop.account_id, flows.INBOX, 60)
    assert lease is not None
    with shop.database.transaction(shop.seller_id) as tx:
        assert flows.release(tx, lease, next_in=None)


def make_due(shop: World) -> None:
    with shop.database.transaction(shop.seller_id) as tx:
        flows.make_due(tx, flows.INBOX, [shop.account_id])


def test_events_of_an_inbox_that_is_due_do_not_wait_for_its_row(shop: World) -> None:
    make_due(shop)

    with shop.database.transaction(shop.seller_id) as tx:
        inbox.receive_all(tx, arrived(shop, "a"))
        work_off_nothing(shop)

    assert {row[0] for row in shop.ask("SELECT event_id FROM webhook")} == {"a"}


def test_an_inbox_worked_off_while_an_event_was_being_stored_is_made_due_again(
    shop: World,
) -> None:
    make_due(shop)
    with shop.database.transaction(shop.seller_id) as tx:
        received = inbox.receive_all(tx, arrived(shop, "a"))
        work_off_nothing(shop)
    assert rests(shop)

    with shop.database.transaction(shop.seller_id) as tx:
        inbox.look_again(tx, received.due)

    assert not rests(shop)


def test_the_door_looks_again_before_it_answers(shop: World) -> None:
    make_due(shop)
    step = Doorstep(shop)
    step.go.set()
    step.porter._behind(step.path)
    came: list[str] = []

    def worker_comes(connection: Connection) -> None:
        if not came:
            came.append("right before the event's commit")
            work_off_nothing(shop)

    listen(shop.database.engine, "commit", worker_comes)
    step.knock("a")
    remove(shop.database.engine, "commit", worker_comes)

    assert came
    assert not rests(shop)


def test_an_event_that_was_never_acknowledged_makes_its_inbox_due_when_it_comes_again(
    shop: World,
) -> None:
    make_due(shop)
    with shop.database.transaction(shop.seller_id) as tx:
        inbox.receive_all(tx, arrived(shop, "a"))
        work_off_nothing(shop)

    with shop.database.transaction(shop.seller_id) as tx:
        inbox.receive_all(tx, arrived(shop, "a"))

    assert not rests(shop)


def test_an_event_whose_receiver_died_before_it_looked_again_is_found_by_the_next_pull(
    shop: World,
) -> None:
    make_due(shop)
    with shop.database.transaction(shop.seller_id) as tx:
        inbox.receive_all(tx, arrived(shop, "a"))
        work_off_nothing(shop)
    assert rests(shop)

    with shop.database.transaction(shop.seller_id) as tx:
        inbox.wake(tx, shop.account_id)

    assert not rests(shop)


def test_a_pull_leaves_an_empty_inbox_alone(shop: World) -> None:
    with shop.database.transaction(shop.seller_id) as tx:
        inbox.receive_all(tx, arrived(shop, "a"))
        inbox.finish(tx, [one.id for one in inbox.waiting(tx, shop.account_id)], "done")
    work_off_nothing(shop)

    with shop.database.transaction(shop.seller_id) as tx:
        inbox.wake(tx, shop.account_id)

    assert rests(shop)


def test_an_event_that_comes_again_after_it_was_worked_off_wakes_nobody(shop: World) -> None:
    with shop.database.transaction(shop.seller_id) as tx:
        inbox.receive_all(tx, arrived(shop, "a"))
    with shop.database.transaction(shop.seller_id) as tx:
        inbox.finish(tx, [one.id for one in inbox.waiting(tx, shop.account_id)], "done")
    work_off_nothing(shop)

    with shop.database.transaction(shop.seller_id) as tx:
        inbox.receive_all(tx, arrived(shop, "a"))

    assert rests(shop)


def test_a_glance_finds_what_is_the_sellers_own_and_nothing_of_another(
    shop: World, database: Database, other_seller: int
) -> None:
    reading = "SELECT count(*), current_setting('app.seller') FROM account"

    mine = database.glance(shop.seller_id, reading)
    theirs = database.glance(other_seller, reading)
    with database.across_sellers() as connection:
        left = connection.exec_driver_sql("SELECT current_setting('app.seller', true)").scalar()

    assert (mine, theirs) == ([(1, str(shop.seller_id))], [(0, str(other_seller))])
    assert not left


def test_an_inbox_that_is_due_is_only_looked_at_once_events_are_in(shop: World) -> None:
    make_due(shop)
    began: list[str] = []

    def noted(connection: Connection, cursor: Any, statement: str, *rest: Any) -> None:
        began.extend(["began"] if statement.startswith("BEGIN") else [])

    listen(shop.database.engine, "before_cursor_execute", noted)
    inbox.look_after(shop.database, shop.seller_id, [shop.account_id])
    remove(shop.database.engine, "before_cursor_execute", noted)

    assert began == []
    assert not rests(shop)


def test_one_reading_serves_all_accounts_whose_letters_came_together(
    database: Database, shop: World, keyring: Keyring
) -> None:
    with database.transaction(shop.seller_id) as tx:
        new = accounts.NewAccount("memory", "another", {"webhook_secret": Secret("whs-2")})
        other = accounts.connect(tx, keyring, new)
        closed = accounts.connect(tx, keyring, replace(new, name="closed"))
        accounts.set_mode(tx, closed, accounts.CLOSED)

        found = accounts.unclosed(tx, keyring, [shop.account_id, other, closed, 9_000_000_000])

    assert set(found) == {shop.account_id, other}
    assert found[other]["webhook_secret"].reveal() == "whs-2"
