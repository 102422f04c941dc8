"""Keys of calls: whose they are, what they stand for, and how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.views import MethodView
from sqlalchemy import Engine, text

from hub import idempotency
from hub.api.blueprints import Blueprint
from hub.api.edge import command, note, reading
from hub.api.fields import Answer as AnswerSchema
from hub.api.repeats import HEADER, REPLAYED
from hub.config import Settings
from hub.db import Database, Transaction
from hub.errors import Conflict
from hub.idempotency import BATCH, KEPT, Answer, Call
from hub.secrets import Keyring
from hub.seller import create_seller
from sync.carrier import Carrier
from sync.jobs import HANDLERS
from sync.queues import FORGET, VERIFY
from tests.builders import World, world
from tests.hub.test_races import together
from tests.security.test_secrets import forms
from tests.sync.test_clock import Noted, clock
from tests.web import SHOP, Speaker, Web, as_owner


@pytest.fixture
def owner(database: Database, keyring: Keyring, seller: int) -> Speaker:
    return as_owner(database, keyring, seller)


@pytest.fixture
def shop(database: Database, keyring: Keyring, seller: int) -> World:
    return world(database, seller, keyring, {"tent": 7})


def key(value: str = "k-1") -> dict[str, str]:
    return {HEADER: value}


def counted(change: int, reason: str = "stocktake") -> dict[str, Any]:
    line = {"sku": "tent", "location": "MAIN", "change": change}
    return {"key": f"count {change}", "reason": reason, "lines": [line]}


def asked(database: Database, seller: int) -> int:
    """How many connection tests have been asked for."""
    with database.transaction(seller) as tx:
        query = text("SELECT count(*) FROM request WHERE kind = 'test'")
        return int(tx.execute(query).scalar_one())


# -- what a key stands for ------------------------------------------------------------------------


def test_a_key_sent_with_another_call_is_refused_and_nothing_done(
    owner: Speaker, shop: World
) -> None:
    owner.post("/stock/adjustments", counted(-2), headers=key())

    answers = [
        owner.post("/stock/adjustments", counted(-3), headers=key()),
        owner.post("/products", {"items": [{"sku": "new"}]}, headers=key()),
        owner.patch(f"/accounts/{shop.account_id}", {"mode": "paused"}, match=2, headers=key()),
    ]

    for answer in answers:
        told = answer.get_json()
        assert (answer.status_code, told["code"]) == (422, "idempotency_key_reused")
        assert list(told["errors"]) == [HEADER]
    assert shop.level("tent") == 5
    assert shop.ask("SELECT count(*) FROM product") == [(1,)]


def test_an_update_sent_again_is_answered_as_before_and_not_called_stale(
    owner: Speaker, shop: World
) -> None:
    path, paused = f"/accounts/{shop.account_id}", {"mode": "paused"}
    version = owner.get(path).get_json()["version"]
    first = owner.patch(path, paused, match=version, headers=key())

    again = owner.patch(path, paused, match=version, headers=key())
    newer = owner.patch(path, paused, match=version + 1, headers=key())

    assert (again.status_code, again.headers["ETag"]) == (200, first.headers["ETag"])
    assert newer.status_code == 422


def test_a_call_that_failed_is_corrected_under_its_key(owner: Speaker, shop: World) -> None:
    short = owner.post("/stock/adjustments", counted(-8), headers=key())
    wrong = owner.post("/stock/adjustments", {"no": "sense"}, headers=key())

    right = owner.post("/stock/adjustments", counted(-1), headers=key())

    assert [one.status_code for one in (short, wrong, right)] == [409, 422, 200]
    assert REPLAYED not in right.headers
    assert shop.level("tent") == 6


def test_anothers_key_is_another_key(owner: Speaker, shop: World, other_seller: int) -> None:
    support = Speaker(owner.web, owner.seller_id, "support")
    stranger = Speaker(owner.web, other_seller)
    owner.post("/locations", {"code": "EAST"}, headers=key())

    answers = [
        one.post("/locations", {"code": "WEST"}, headers=key()) for one in (support, stranger)
    ]

    assert [one.status_code for one in answers] == [200, 200]
    assert all(REPLAYED not in one.headers for one in answers)


def test_reading_takes_no_key(owner: Speaker, shop: World) -> None:
    answers = [owner.get("/orders", headers=key(value)) for value in ("k-1", "k-1", "")]

    assert [one.status_code for one in answers] == [200, 200, 200]
    assert shop.ask("SELECT count(*) FROM idempotency_key") == [(0,)]


@pytest.mark.parametrize(
    "value", ["", " ", "k" * 256, "Schlüssel", "a\tb", '"', '"a', '"a"b"', '""']
)
def test_what_is_no_key_is_named(owner: Speaker, shop: World, value: str) -> None:
    answer = owner.post("/stock/adjustments", counted(-2), headers=key(value))

    assert (answer.status_code, answer.get_json()["code"]) == (400, "idempotency_key_invalid")
    assert list(answer.get_json()["errors"]) == [HEADER]
    assert shop.level("tent") == 7


@pytest.mark.parametrize(
    ("value", "same"), [("k" * 255, '"' + "k" * 255 + '"'), ('a "b" \\', r'"a \"b\" \\"')]
)
def test_a_key_is_the_same_quoted_and_bare(
    owner: Speaker, shop: World, value: str, same: str
) -> None:
    owner.post("/stock/adjustments", counted(-2), headers=key(value))

    again = owner.post("/stock/adjustments", counted(-2), headers=key(same))

    assert again.headers[REPLAYED] == "true"


# -- at once --------------------------------------------------------------------------------------


def test_one_call_sent_eight_times_at_once_has_one_effect_and_one_answer(
    wide_database: Database, keyring: Keyring
) -> None:
    seller = create_seller(wide_database, "Race")
    shop = world(wide_database, seller, keyring, {"tent": 7})
    web = Web(wide_database, keyring)
    path, token = f"/api/v1/accounts/{shop.account_id}/requests", web.token(seller, "owner")
    headers = {"Authorization": f"Bearer {token}", **key()}

    def send() -> Any:
        return web.app.test_client().post(path, json={"kind": "test"}, headers=headers)

    answers = together([send] * 8)

    assert {one.status_code for one in answers} == {202}
    assert len({one.data for one in answers}) == 1
    assert sum(REPLAYED in one.headers for one in answers) == 7
    assert asked(wide_database, seller) == 1


def test_a_call_whose_first_takes_long_is_told_so_and_may_ask_again(
    owner: Speaker, shop: World, database: Database, seller: int
) -> None:
    body = counted(-2)
    owner.post("/stock/adjustments", counted(-1))
    with database.transaction(seller) as tx:
        token = tx.execute(text("SELECT id FROM api_token")).scalar_one()
        idempotency.hold(tx, Call(f"token:{token}", "k-1", "the first"))

        told = owner.post("/stock/adjustments", body, headers=key())
        other = owner.post("/stock/adjustments", counted(-3), headers=key("k-2"))
    later = owner.post("/stock/adjustments", body, headers=key())

    assert (told.status_code, told.get_json()["code"]) == (409, "idempotency_key_in_use")
    assert [other.status_code, later.status_code] == [200, 200]
    assert shop.level("tent") == 1


def test_a_loser_of_a_deadlock_runs_again_as_a_whole(
    owner: Speaker, database: Database, seller: int, shop: World, owner_engine: Engine
) -> None:
    with owner_engine.begin() as connection:
        connection.execute(text(LOSE_ONCE))

    answer = owner.post(f"/accounts/{shop.account_id}/requests", {"kind": "test"}, headers=key())

    assert answer.status_code == 202
    assert asked(database, seller) == 1


#: A sequence remembers, whatever is rolled back.
LOSE_ONCE = """
CREATE SEQUENCE tries;
GRANT USAGE ON tries TO hub_app;
CREATE FUNCTION lose_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('tries') = 1 THEN RAISE EXCEPTION 'lost' USING ERRCODE = '40P01'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER lose_once BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION lose_once();
"""


# -- a view's own ways ----------------------------------------------------------------------------


class Notes(AnswerSchema):
    """Nothing but that it was done."""


def noting(*actions: Callable[[], Any]) -> Blueprint:
    """A route whose view does one thing after another, each in a transaction of its own."""
    made = Blueprint("notes", __name__, role="support", url_prefix="/api/v1")

    @made.route("/notes")
    class Noting(MethodView):
        @made.answers(200, Notes)
        def post(self) -> Any:
            for act in actions:
                act()
            return {}

    return made


def write(action: str) -> Callable[[], None]:
    return lambda: command(lambda tx: note(tx, action, "notes"))


def fail(action: str) -> None:
    def work(tx: Transaction) -> None:
        note(tx, action, "notes")
        raise Conflict("no")

    command(work)


def fail_and_go_on() -> None:
    with pytest.raises(Conflict):
        fail("failed")


def look() -> None:
    with reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM audit")).scalar_one() == 1


def written(shop: World) -> list[str]:
    return [row[0] for row in shop.ask("SELECT action FROM audit ORDER BY id")]


def test_a_view_with_two_transactions_has_both_effects_once(owner: Speaker, shop: World) -> None:
    owner.web.app.register_blueprint(noting(write("one"), look, fail_and_go_on, write("two")))

    first = owner.post("/notes", {}, headers=key())
    again = owner.post("/notes", {}, headers=key())

    assert [first.status_code, again.status_code] == [200, 200]
    assert written(shop) == ["one", "two"]


def test_a_view_whose_second_transaction_fails_leaves_neither_effect(
    owner: Speaker, shop: World
) -> None:
    owner.web.app.register_blueprint(noting(write("one"), lambda: fail("two")))

    answer = owner.post("/notes", {}, headers=key())

    assert answer.status_code == 409
    assert written(shop) == []
    assert shop.ask("SELECT count(*) FROM idempotency_key") == [(0,)]


# -- how it is kept -------------------------------------------------------------------------------


def test_a_kept_answer_does_not_lie_in_clear(owner: Speaker, shop: World) -> None:
    body = {"channel": "memory", "name": "canary-7c2e", "credentials": SHOP}
    answer = owner.post("/accounts", body, headers=key())

    kept = shop.ask("SELECT one::text FROM idempotency_key one")

    assert "canary-7c2e" in answer.get_data(as_text=True)
    assert len(kept) == 1
    for form in (*forms("canary-7c2e"), *forms(SHOP["token"])):
        assert form not in kept[0][0]


def keep(tx: Transaction, keyring: Keyring, name: str, age: timedelta) -> None:
    idempotency.keep(tx, keyring, Call("token:1", name, ""), Answer(200, {}, "{}"))
    tx.execute(
        text("UPDATE idempotency_key SET created_at = now() - :age WHERE key = :key"),
        {"age": age, "key": name},
    )


def test_answers_older_than_thirty_days_are_forgotten_in_batches(
    shop: World, database: Database, seller: int, keyring: Keyring
) -> None:
    minute = timedelta(minutes=1)
    with database.transaction(seller) as tx:
        for name in ("old 1", "old 2", "old 3"):
            keep(tx, keyring, name, KEPT + minute)
        keep(tx, keyring, "young", KEPT - minute)

    gone = [database.command(seller, lambda tx: idempotency.forget(tx, 2)) for _ in range(3)]

    assert gone == [2, 1, 0]
    assert shop.ask("SELECT key FROM idempotency_key") == [("young",)]


def test_the_nightly_job_forgets_every_batch(
    shop: World, database: Database, seller: int, keyring: Keyring
) -> None:
    with database.transaction(seller) as tx:
        keep(tx, keyring, "0", KEPT * 2)
        copies = text(
            "INSERT INTO idempotency_key (seller_id, actor, key, status, answer, created_at)"
            " SELECT seller_id, actor, n::text, status, answer, created_at"
            " FROM idempotency_key, generate_series(1, :count) n"
        )
        tx.execute(copies, {"count": BATCH + 1})

    HANDLERS[FORGET](Carrier(Settings(home=Path("/nowhere")), database, keyring), seller, 0)

    assert shop.ask("SELECT count(*) FROM idempotency_key") == [(0,)]


def test_the_clock_asks_for_the_nightly_work_of_every_seller_once(
    database: Database, seller: int, other_seller: int
) -> None:
    queues = Noted()
    ours, night = clock(database, queues), datetime(2026, 3, 2, 3, 10, tzinfo=UTC)

    for now in (night, night + timedelta(minutes=5), night + timedelta(hours=2)):
        ours.nightly(now)

    wanted = {(topic, one, 0) for topic in (VERIFY, FORGET) for one in (seller, other_seller)}
    assert sorted(queues.asked) == sorted(wanted)
