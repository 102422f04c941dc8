"""Whether the process and what it needs are well, as whoever watches is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from hub.db import Database
from hub.heartbeat import beat
from hub.secrets import Keyring
from tests.web import application

Ask = Callable[[str], TestResponse]


@pytest.fixture
def ask(database: Database, keyring: Keyring) -> Ask:
    return application(database, keyring).test_client().get


def schema_is_at(owner: Engine, revision: str) -> None:
    with owner.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


def test_a_process_whose_database_is_away_is_alive_and_not_ready(keyring: Keyring) -> None:
    client = application(None, keyring).test_client()

    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_a_database_that_is_not_migrated_yet_makes_nobody_ready(
    ask: Ask, owner_engine: Engine
) -> None:
    schema_is_at(owner_engine, "0001")

    answer = ask("/readyz")

    assert answer.status_code == 503
    assert "hub migrate" in answer.get_json()["detail"]


def test_a_database_that_a_newer_version_has_migrated_is_good_for_this_one(
    ask: Ask, owner_engine: Engine
) -> None:
    schema_is_at(owner_engine, "9999")

    assert ask("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("depths", "told"), [({"live": 0, "bulk": 7}, "ok"), ({"live": None, "bulk": None}, "away")]
)
def test_redis_is_told_as_the_clock_sees_it_and_is_not_needed(
    ask: Ask, database: Database, depths: dict[str, int | None], told: str
) -> None:
    beat(database, "clock", queues=depths)

    answer = ask("/readyz")

    assert (answer.status_code, answer.get_json()["redis"]) == (200, told)


def test_where_no_clock_leads_nobody_knows_of_redis(ask: Ask, database: Database) -> None:
    beat(database, "clock", queues={"live": 0})
    with database.across_sellers() as connection:
        connection.execute(text("UPDATE heartbeat SET beat_at = now() - interval '1 minute'"))

    assert ask("/readyz").get_json() == {"status": "ok", "redis": "unknown"}
