"""A ledger from before conflicts had a life: what was closed and found again becomes one record."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import text

from hub import migrating
from hub.db import create
from tests.rig import Rig

BEFORE = """
INSERT INTO conflict (seller_id, id, kind, subject, state, summary, evidence, seen,
                      first_seen_at, last_seen_at, closed_at)
VALUES (1, 10, 'oversold', 'order_line:1', 'auto_resolved', 's', '{"n": 1}', 2,
        now() - interval '3 days', now() - interval '3 days', now() - interval '2 days'),
       (1, 11, 'oversold', 'order_line:1', 'open', 's', '{"n": 2}', 3,
        now() - interval '1 day', now(), NULL),
       (1, 12, 'oversold', 'order_line:2', 'auto_resolved', 's', '{}', 1,
        now() - interval '3 days', now() - interval '3 days', now() - interval '1 day'),
       (1, 13, 'test', 'order_line:1', 'open', 's', '{}', 1, now(), now(), NULL)
"""


RECORDS = "SELECT id, state, seen, reopened, version, last_change FROM conflict ORDER BY id"
STEPS = "SELECT version, what, detail FROM conflict_event WHERE conflict_id = 11 ORDER BY version"


@pytest.mark.usefixtures("template_database")  # with it come the roles
def test_older_records_of_a_subject_become_the_history_of_the_newest(servers: Rig) -> None:
    name = "hub_before_conflicts"
    servers.create_database(name)
    engine = create(servers.owner_url(name), role="", isolation="READ COMMITTED")
    config = migrating.configuration()
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0001")
            connection.execute(text("SELECT set_config('app.seller', '1', true)"))
            connection.execute(
                text("INSERT INTO seller (id, name, currency) VALUES (1, 'A', 'EUR')")
            )
            connection.execute(text(BEFORE))
            connection.execute(text("SELECT set_config('app.seller', '', true)"))

            command.upgrade(config, "0002")

            connection.execute(text("SELECT set_config('app.seller', '1', true)"))
            kept = connection.execute(text(RECORDS)).all()
            steps = connection.execute(text(STEPS)).all()
    finally:
        engine.dispose()
        servers.drop_database(name)

    assert [tuple(row) for row in kept] == [
        (11, "open", 5, 1, 3, "reopened"),
        (12, "auto_resolved", 1, 0, 2, "closed"),
        (13, "open", 1, 0, 1, "opened"),
    ]
    assert [tuple(row) for row in steps] == [
        (1, "opened", {"n": 1}),
        (2, "closed", {}),
        (3, "reopened", {"n": 2}),
    ]
