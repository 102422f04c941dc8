"""A database that loses an answer, has no room for one more client, or whose rows somebody holds:
told as such, bounded in time, and counted once.

One that is stopped in mid-work: test_bad_days. A disk that is full: test_full_disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from hub.api.repeats import HEADER, REPLAYED
from hub.db import Database, Transaction
from hub.problems import problem_of
from hub.secrets import Keyring
from servers.postgres import PORT, Postgres
from tests.builders import World, line, order, world
from tests.cutting import Line
from tests.database import opened
from tests.rig import Rig
from tests.web import Speaker, Web, as_owner

#: What a pool may have a request wait for a connection, and what that may cost in all (seconds).
POOL_WAIT, SOON = 5.0, 8.0


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 100})


def counted(change: int) -> dict[str, Any]:
    line = {"sku": "TENT", "location": "MAIN", "change": change}
    return {"key": f"count {change}", "reason": "stocktake", "lines": [line]}


def count(owner: Speaker, change: int) -> Any:
    return owner.post("/stock/adjustments", counted(change), headers={HEADER: f"k{change}"})


# -- COMMIT was sent, and its answer is lost ------------------------------------------------------


@pytest.fixture
def postgres(servers: Rig) -> Postgres:
    if servers.postgres is None:
        pytest.skip("needs a PostgreSQL of our own: the line to it is cut")
    return servers.postgres


@pytest.fixture
def line_to(postgres: Postgres, tmp_path: Path) -> Iterator[Line]:
    server = postgres.place.run / f".s.PGSQL.{PORT}"
    with Line(tmp_path / f".s.PGSQL.{PORT}", server, b"COMMIT") as made:
        yield made


@pytest.fixture
def over_the_line(
    line_to: Line, database_name: str, postgres: Postgres, tmp_path: Path
) -> Iterator[Database]:
    direct = postgres.url("hub", database_name)
    with opened(direct.replace(str(postgres.place.run), str(tmp_path))) as found:
        yield found


def test_a_call_whose_commit_got_no_answer_is_sent_again_by_its_key_and_counts_once(
    shop: World, over_the_line: Database, line_to: Line
) -> None:
    owner = as_owner(over_the_line, shop.keyring, shop.seller_id)
    assert count(owner, -1).status_code == 200
    done_before, lost = [], 0

    for passing in range(3):
        line_to.cut_after(passing)
        first = count(owner, -2 - passing)
        if first.status_code == 503:
            assert "Retry-After" in first.headers
            lost += 1
            done_before.append(REPLAYED in count(owner, -2 - passing).headers)

    assert lost == line_to.cuts > 1
    assert any(done_before)
    assert shop.level("TENT") == 100 - sum(range(1, 5))
    shop.check()


def test_a_page_of_orders_whose_commit_got_no_answer_counts_once_when_it_is_read_again(
    shop: World, over_the_line: Database, line_to: Line
) -> None:
    far = World(over_the_line, *[getattr(shop, name) for name in World.__slots__[1:]])
    page = [order(key, line("a", "v-TENT", 2)) for key in ("o1", "o2")]
    assert far.level("TENT") == 100

    line_to.cut_after()
    with pytest.raises(DBAPIError):
        far.take(*page)
    assert shop.level("TENT") == 96
    again = far.take(*page)

    assert (line_to.cuts, again.new) == (1, 0)
    assert shop.level("TENT") == 96
    shop.check()


# -- no room for one more -------------------------------------------------------------------------


def test_a_request_that_finds_no_free_connection_is_told_to_come_again(
    servers: Rig, database_name: str, shop: World
) -> None:
    with opened(servers.app_url(database_name), pool=1) as small, ExitStack() as held:
        owner = as_owner(small, shop.keyring, shop.seller_id)
        owner.web.token(shop.seller_id, "owner")
        for _ in range(2):  # one kept, and one at need
            held.enter_context(small.transaction(shop.seller_id))
        began = monotonic()

        answer = count(owner, -1)

        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        assert POOL_WAIT - 0.5 < monotonic() - began < SOON
        held.close()
        assert count(owner, -1).status_code == 200
    assert shop.level("TENT") == 99


def test_a_server_with_too_many_clients_is_told_as_such_and_shown_by_readiness(
    postgres: Postgres, database_name: str, shop: World
) -> None:
    with opened(postgres.url("hub", database_name)) as late, postgres_as_root(postgres) as root:
        web = Web(shop.database, shop.keyring)
        token = web.token(shop.seller_id, "owner")
        others = Web(late, shop.keyring)
        others._tokens[shop.seller_id, "owner"] = token
        owner = Speaker(others, shop.seller_id)
        root.execute(f'ALTER DATABASE "{database_name}" CONNECTION LIMIT 1'.encode())

        told, ready = count(owner, -1), others.client.get("/readyz")

        assert (told.status_code, "Retry-After" in told.headers) == (503, True)
        assert ready.status_code == 503
        assert others.client.get("/healthz").status_code == 200
        root.execute(f'ALTER DATABASE "{database_name}" CONNECTION LIMIT -1'.encode())
        assert count(owner, -1).status_code == 200
        assert others.client.get("/readyz").status_code == 200
    assert shop.level("TENT") == 99


def postgres_as_root(postgres: Postgres) -> psycopg.Connection:
    return psycopg.connect(
        host=str(postgres.place.run), port=PORT, user="postgres", dbname="postgres", autocommit=True
    )


# -- rows that somebody holds ---------------------------------------------------------------------


def test_every_session_of_the_application_has_limits_on_what_can_hang(shop: World) -> None:
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    query = "SELECT name, setting::int FROM pg_settings WHERE name = ANY(:names)"

    limits = dict(shop.ask(query, names=list(names)))

    assert set(limits) == set(names)
    assert all(0 < limits[name] <= 30_000 for name in names), limits
    assert limits["lock_timeout"] < limits["statement_timeout"]


def test_who_holds_a_row_and_does_nothing_is_thrown_out_and_the_others_go_on(shop: World) -> None:
    owner = as_owner(shop.database, shop.keyring, shop.seller_id)
    owner.web.token(shop.seller_id, "owner")
    told: list[int] = []
    counting = Thread(target=lambda: told.append(count(owner, -1).status_code))

    def idle(tx: Transaction) -> None:
        tx.execute(text("SET LOCAL idle_in_transaction_session_timeout = '400ms'"))
        tx.execute(text("SELECT 1 FROM product FOR UPDATE"))
        tx.execute(text("SELECT 1 FROM level FOR UPDATE"))
        counting.start()
        counting.join(10)
        tx.execute(text("SELECT 1"))

    with pytest.raises(DBAPIError) as thrown_out:
        shop.database.command(shop.seller_id, idle)

    assert problem_of(thrown_out.value).status == 503
    assert told == [200]
    assert shop.level("TENT") == 99


def test_who_waits_too_long_for_a_row_is_told_to_come_again_and_has_changed_nothing(
    shop: World,
) -> None:
    tries = 0

    def impatient(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        tx.execute(text("SET LOCAL lock_timeout = '30ms'"))
        tx.execute(text("UPDATE location SET name = 'moved'"))
        tx.execute(text("UPDATE product SET name = 'held by another'"))

    with shop.database.transaction(shop.seller_id) as holder:
        holder.execute(text("SELECT 1 FROM product FOR UPDATE"))
        with pytest.raises(DBAPIError) as waited:
            shop.database.command(shop.seller_id, impatient)

    problem = problem_of(waited.value)
    assert (problem.status, "Retry-After" in problem.headers) == (503, True)
    assert tries == 5
    assert shop.ask("SELECT count(*) FROM location WHERE name = 'moved'") == [(0,)]
