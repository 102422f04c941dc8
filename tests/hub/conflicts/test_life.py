"""A conflict's life: opened once, closed when it is gone, opened again when it returns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import event, text

from hub import auth
from hub.conflicts import life, reading, record
from hub.conflicts.evidence import Evidence, Happening
from hub.conflicts.life import Resolution, Who
from hub.conflicts.reading import NOBODY, Shown, Wanted
from hub.conflicts.record import Finding, close_conflicts, open_conflicts
from hub.db import Database, Transaction
from hub.errors import Conflict, InvalidInput, NotFound, StaleVersion

T = TypeVar("T")
ANNA = Who("token:1", "support", "request-1")


class Book:
    """A seller's conflicts."""

    def __init__(self, database: Database, seller_id: int) -> None:
        self.database, self.seller_id = database, seller_id

    def run(self, work: Callable[[Transaction], T]) -> T:
        return self.database.command(self.seller_id, work)

    def find(self, shown: int = 7, *, kind: str = "stock_drift", **changes: Any) -> Shown:
        values = {"evidence": Evidence(channel={"shown": shown}), **changes}
        self.run(lambda tx: open_conflicts(tx, [Finding(kind, "listing:1", "odd", **values)]))
        return self.one()

    def gone(self, kind: str = "stock_drift") -> int:
        return self.run(lambda tx: close_conflicts(tx, kind, ["listing:1"]))

    def one(self) -> Shown:
        (found,) = self.run(lambda tx: reading.conflicts(tx, Wanted(), after=0, limit=10))
        return found

    def history(self) -> list[str]:
        """The oldest step first."""
        number = self.one().id
        return [one.what for one in self.run(lambda tx: reading.events(tx, number))][::-1]

    def dismiss(self, until: datetime | None = None, reason: str = "known") -> Shown:
        one = self.one()
        done = Resolution("dismiss", one.version, reason)
        return self.run(lambda tx: life.dismiss(tx, one.id, ANNA, done, until=until))

    def reopen(self) -> Shown:
        one = self.one()
        return self.run(
            lambda tx: life.reopen(tx, one.id, ANNA, "not so", expected_version=one.version)
        )

    def token(self) -> str:
        def issue(tx: Transaction) -> str:
            auth.issue_token(tx, "desk", "support")
            return f"token:{tx.execute(text('SELECT max(id) FROM api_token')).scalar_one()}"

        return self.run(issue)


@pytest.fixture
def book(database: Database, seller: int) -> Book:
    return Book(database, seller)


def test_what_is_found_again_is_counted_and_no_step_of_its_own(book: Book) -> None:
    first = book.find()

    again = book.find()

    assert (again.id, again.seen, again.version) == (first.id, 2, first.version)
    assert book.history() == ["opened"]


def test_other_evidence_is_a_step_and_the_former_stays_in_the_history(book: Book) -> None:
    first = book.find(7)

    again = book.find(8)

    assert (again.version, again.evidence["channel"]) == (first.version + 1, {"shown": 8})
    events = book.run(lambda tx: reading.events(tx, first.id))
    assert [one.detail["channel"]["shown"] for one in events] == [8, 7]


def test_a_longer_story_alone_is_no_other_evidence(book: Book) -> None:
    first = book.find()
    sale = Happening(datetime.now(UTC), "sale", 1)

    again = book.find(evidence=Evidence(channel={"shown": 7}, events=(sale,)))

    assert again.version == first.version
    assert len(again.evidence["events"]) == 1


def test_it_closes_by_itself_and_returns_as_the_same_record(book: Book) -> None:
    first = book.find()

    assert book.gone() == 1
    closed = book.one()
    returned = book.find()

    assert (closed.state, closed.closed_at is None) == ("auto_resolved", False)
    assert (returned.id, returned.state, returned.closed_at) == (first.id, "open", None)
    assert (returned.reopened, returned.reopened_at is None) == (1, False)
    assert book.history() == ["opened", "closed", "reopened"]


def test_closing_what_is_closed_is_no_step(book: Book) -> None:
    book.find()
    book.gone()

    assert book.gone() == 0
    assert book.history() == ["opened", "closed"]


def test_a_drift_that_keeps_coming_back_grows_severe(book: Book) -> None:
    severities = []
    for _ in range(3):
        severities.append(book.find().severity)
        book.gone()

    assert severities == ["normal", "normal", "high"]


def test_what_is_dismissed_stays_so_while_nothing_changes(book: Book) -> None:
    book.find()
    book.dismiss()

    again = book.find()

    assert (again.state, again.seen) == ("dismissed", 2)
    assert again.resolution is not None
    assert again.resolution["reason"] == "known"


def test_what_is_dismissed_is_opened_by_other_evidence(book: Book) -> None:
    book.find(7)
    book.dismiss()

    again = book.find(8)

    assert (again.state, again.resolution) == ("open", None)


def test_what_is_put_off_is_opened_when_its_time_has_come_and_not_before(book: Book) -> None:
    book.find()
    book.dismiss(datetime.now(UTC) + timedelta(hours=1))
    assert book.run(record.wake) == 0

    book.run(lambda tx: tx.execute(text("UPDATE conflict SET dismissed_until = now()")))

    assert book.run(record.wake) == 1
    assert (book.one().state, book.one().dismissed_until) == ("open", None)


def test_what_is_put_off_and_found_after_its_time_is_opened_too(book: Book) -> None:
    book.find()
    book.dismiss(datetime.now(UTC) + timedelta(hours=1))
    book.run(lambda tx: tx.execute(text("UPDATE conflict SET dismissed_until = now()")))

    assert book.find().state == "open"


def test_what_is_put_off_closes_when_its_difference_is_gone(book: Book) -> None:
    book.find()
    book.dismiss(datetime.now(UTC) + timedelta(hours=1))

    assert book.gone() == 1
    assert (book.one().state, book.one().dismissed_until) == ("auto_resolved", None)


def test_dismissing_needs_a_reason_and_a_moment_to_come(book: Book) -> None:
    book.find()

    with pytest.raises(InvalidInput, match="reason"):
        book.dismiss(reason=" ")
    with pytest.raises(InvalidInput, match="until"):
        book.dismiss(datetime.now(UTC) - timedelta(seconds=1))
    assert book.one().state == "open"


def test_what_is_closed_is_not_dismissed(book: Book) -> None:
    book.find()
    book.gone()

    with pytest.raises(Conflict, match="closed"):
        book.dismiss()


def test_a_person_opens_it_again_and_one_that_is_open_stays_as_it_is(book: Book) -> None:
    book.find()
    book.gone()

    opened = book.reopen()
    again = book.reopen()

    assert (opened.state, opened.reopened) == ("open", 1)
    assert again == opened


def test_somebody_takes_it_and_gives_it_up(book: Book) -> None:
    first = book.find()
    name = book.token()

    taken = book.run(
        lambda tx: life.assign(tx, first.id, ANNA, name, expected_version=first.version)
    )
    left = book.run(
        lambda tx: life.assign(tx, first.id, ANNA, None, expected_version=taken.version)
    )

    assert (taken.state, taken.assignee) == ("in_progress", name)
    assert (left.state, left.assignee) == ("open", None)


@pytest.mark.parametrize("name", ["token:999999999", "token:x", "token:", "anna", "token:١"])
def test_nobody_is_given_what_is_not_there(book: Book, name: str) -> None:
    one = book.find()

    with pytest.raises(InvalidInput, match="nobody"):
        book.run(lambda tx: life.assign(tx, one.id, ANNA, name, expected_version=one.version))


def test_a_step_on_an_older_version_is_refused(book: Book) -> None:
    old = book.find(7)
    book.find(8)
    done = Resolution("dismiss", old.version, "known")

    with pytest.raises(StaleVersion):
        book.run(lambda tx: life.dismiss(tx, old.id, ANNA, done))
    assert book.one().state == "open"


def test_what_was_tried_in_vain_is_open_again(book: Book) -> None:
    one = book.find(kind="poison_record")
    done = Resolution("retry", one.version)
    tried = book.run(lambda tx: life.conclude(tx, one, ANNA, done, closes=False))

    again = book.find(kind="poison_record")

    assert tried.state == "in_progress"
    assert (again.state, again.resolution) == ("open", None)


def test_what_somebody_works_on_stays_theirs_when_it_is_found_again(book: Book) -> None:
    one = book.find()
    name = book.token()
    book.run(lambda tx: life.assign(tx, one.id, ANNA, name, expected_version=one.version))

    again = book.find()

    assert (again.state, again.assignee) == ("in_progress", name)


def test_every_step_of_a_person_is_in_the_audit(book: Book) -> None:
    book.find()
    book.dismiss()
    book.reopen()

    found = book.run(
        lambda tx: tx.execute(text("SELECT actor, action, request_id FROM audit ORDER BY id")).all()
    )

    assert [tuple(row) for row in found] == [
        ("token:1", "conflict.dismissed", "request-1"),
        ("token:1", "conflict.reopened", "request-1"),
    ]


def test_a_page_of_findings_is_one_statement_and_none_is_no_statement(book: Book) -> None:
    page = [Finding("test", f"s:{n}", "odd") for n in range(100)]
    statements: list[str] = []

    def count(*told: Any) -> None:
        statements.append(told[2])

    def work(tx: Transaction) -> list[int]:
        counted = []
        for findings, subjects in (([], []), (page, []), ([], ["s:1", "s:2"])):
            before = len(statements)
            open_conflicts(tx, findings)
            close_conflicts(tx, "test", subjects)
            counted.append(len(statements) - before)
        return counted

    event.listen(book.database.engine, "before_cursor_execute", count)
    try:
        assert book.run(work) == [0, 1, 1]
    finally:
        event.remove(book.database.engine, "before_cursor_execute", count)
    assert book.run(record.open_kinds) == {"test": 98}


def test_conflicts_are_chosen_by_what_is_asked(book: Book, other_seller: int) -> None:
    name = book.token()
    one = book.find()
    book.run(lambda tx: open_conflicts(tx, [Finding("test", "s", "odd", severity="high")]))
    book.run(lambda tx: life.assign(tx, one.id, ANNA, name, expected_version=one.version))

    def kinds(**asked: Any) -> list[str]:
        wanted = Wanted(**asked)
        found = book.run(lambda tx: reading.conflicts(tx, wanted, after=0, limit=10))
        return [shown.kind for shown in found]

    assert kinds(assignee=name) == kinds(state="in_progress") == ["stock_drift"]
    assert kinds(assignee=NOBODY) == kinds(severity="high") == kinds(kind="test") == ["test"]
    assert kinds(since=datetime.now(UTC) + timedelta(minutes=5)) == []
    assert len(kinds(since=datetime.now(UTC) - timedelta(minutes=5))) == 2
    counted = book.run(reading.counts)
    assert [tuple(row) for row in counted] == [
        ("stock_drift", "in_progress", 1),
        ("test", "open", 1),
    ]
    with pytest.raises(NotFound):
        Book(book.database, other_seller).run(lambda tx: reading.get(tx, one.id))


def test_the_history_cannot_be_changed(book: Book) -> None:
    book.find()

    for change in ("UPDATE conflict_event SET what = 'seen'", "DELETE FROM conflict_event"):
        with pytest.raises(Exception, match="permission denied"):
            book.run(lambda tx, change=change: tx.execute(text(change)))
