"""The doctor names what is wrong, and never falls ill itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from socket import gethostname
from time import time

import pytest
from redis import Redis

from hub.channels import clocks
from hub.config import Settings
from hub.db import Database
from hub.heartbeat import beat
from hub.secrets import Keyring, create_key_file
from sync.doctor import Finding, examine
from tests.builders import world
from tests.rig import Rig


@pytest.fixture
def healthy(servers: Rig, database_name: str, database: Database, tmp_path: Path) -> Settings:
    """An installation with everything in place."""
    create_key_file(tmp_path)
    beat(database, "clock", queues={})
    return Settings(
        home=tmp_path, database_url=servers.app_url(database_name), redis_url=servers.redis_url
    )


def wrong(settings: Settings) -> dict[str, str]:
    """What the doctor finds wrong."""
    return {one.what: one.said for one in findings(settings).values() if not one.good}


def findings(settings: Settings) -> dict[str, Finding]:
    return {one.what: one for one in examine(settings)}


def test_all_is_well_but_for_workers_nobody_has_started(healthy: Settings) -> None:
    assert wrong(healthy) == {
        "worker live": "none is running",
        "worker long": "none is running",
        "worker bulk": "none is running",
    }


def test_a_process_that_has_not_beaten_for_long_counts_as_gone(
    healthy: Settings, database: Database
) -> None:
    from sqlalchemy import text

    with database.across_sellers() as connection:
        connection.execute(text("UPDATE heartbeat SET beat_at = beat_at - interval '1 minute'"))

    assert wrong(healthy)["clock"] == "none is running"


def test_a_host_whose_clock_is_wrong_is_named_with_how_wrong_it_is(
    healthy: Settings, database: Database
) -> None:
    beat(database, "worker", lane="live", now=lambda: time() + 45)

    assert wrong(healthy)["hosts' clocks"] == f"{gethostname()} is 45 s ahead of the database"


def test_clocks_that_agree_are_said_to(healthy: Settings) -> None:
    found = findings(healthy)

    assert found["hosts' clocks"].said == "agree with the database's"
    assert found["channels' clocks"] == Finding(True, "channels' clocks", "at most 0 s from ours")


def test_a_channel_whose_clock_is_far_from_ours_is_seen(
    healthy: Settings, database: Database, seller: int, keyring: Keyring
) -> None:
    shop = world(database, seller, keyring, {"TENT": 1})
    with database.transaction(seller) as tx:
        clocks.note(tx, shop.account_id, -300.0, "web-1")

    assert wrong(healthy)["channels' clocks"] == "at most 300 s from ours"


def test_no_database_is_named(healthy: Settings) -> None:
    assert "DATABASE_URL" in wrong(replace(healthy, database_url=""))["database"]


def test_a_database_that_does_not_answer_is_named_without_its_password(healthy: Settings) -> None:
    away = "postgresql+psycopg://hub:pa55word@127.0.0.1:9/hub"

    found = wrong(replace(healthy, database_url=away))

    assert "does not answer" in found["database"]
    assert "pa55word" not in str(found)


def test_no_redis_is_named(healthy: Settings) -> None:
    assert "REDIS_URL" in wrong(replace(healthy, redis_url=""))["redis"]


def test_a_redis_that_does_not_answer_is_named(healthy: Settings) -> None:
    assert wrong(replace(healthy, redis_url="redis://127.0.0.1:9/0"))["redis"]


@pytest.fixture
def forgetful(healthy: Settings) -> Iterator[Settings]:
    """A Redis that may throw jobs away."""
    redis = Redis.from_url(healthy.redis_url)
    redis.config_set("maxmemory-policy", "allkeys-lru")
    yield healthy
    redis.config_set("maxmemory-policy", "noeviction")
    redis.close()


def test_a_redis_that_may_throw_jobs_away_is_named(forgetful: Settings) -> None:
    assert "noeviction" in wrong(forgetful)["redis"]


@pytest.fixture
def empty_database(servers: Rig) -> Iterator[str]:
    name = "hub_doctor_empty"
    servers.create_database(name)
    yield servers.app_url(name)
    servers.drop_database(name)


def test_a_schema_that_is_behind_is_named_with_what_to_do(
    healthy: Settings, empty_database: str
) -> None:
    found = wrong(replace(healthy, database_url=empty_database))

    assert "at nothing" in found["schema"]
    assert "migrate" in found["schema"]


def test_a_login_that_owns_the_tables_is_named(
    healthy: Settings, servers: Rig, database_name: str
) -> None:
    found = wrong(replace(healthy, database_url=servers.owner_url(database_name)))

    assert "MIGRATION_DATABASE_URL" in found["application login"]


def test_missing_keys_are_named(healthy: Settings, tmp_path: Path) -> None:
    assert wrong(replace(healthy, home=tmp_path / "elsewhere"))["secret keys"]
