"""The tables that migrations make are the tables the code knows."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Engine, text

from hub import migrating
from hub.db import APP_ROLE, Database, create, set_seller
from hub.errors import Misconfigured
from hub.schema import metadata
from hub.secrets import Keyring
from tests.builders import world
from tests.rig import Rig


def test_the_history_is_one_line() -> None:
    script = ScriptDirectory.from_config(migrating.configuration())

    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
    assert all(not one.is_merge_point for one in script.walk_revisions())


def test_an_upgrade_from_nothing_makes_what_the_code_knows(owner_engine: Engine) -> None:
    with owner_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, metadata) == []
        assert migrating.current(connection) == migrating.head()


def test_checks_of_the_database_are_those_of_the_code(owner_engine: Engine) -> None:
    with owner_engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT conrelid::regclass::text, conname FROM pg_constraint"
                " WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
            )
        )
        made = {tuple(row) for row in found}

    known = {
        (table.name, str(one.name))
        for table in metadata.tables.values()
        for one in table.constraints
        if isinstance(one, CheckConstraint)
    }
    assert made == known


def test_an_upgrade_done_twice_changes_nothing(
    servers: Rig, database: Database, database_name: str, seller: int, keyring: Keyring
) -> None:
    shop = world(database, seller, keyring, {"TENT": 10})
    urls = servers.owner_url(database_name), servers.app_url(database_name)

    revision = migrating.upgrade(*urls)
    again = migrating.upgrade(*urls)

    assert revision == again == migrating.head()
    assert shop.level("TENT") == 10


def test_accounts_of_before_are_told_things_too(servers: Rig, template_database: str) -> None:
    name = "hub_of_before"
    servers.create_database(name)
    urls = servers.owner_url(name), servers.app_url(name)
    before = create(urls[0], role="", name="test-owner", isolation="READ COMMITTED")
    config = migrating.configuration()
    with before.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        connection.execute(text(set_seller(1)))
        connection.execute(
            text("INSERT INTO seller (id, name, currency) VALUES (1, 'Anna', 'EUR')")
        )
        connection.execute(
            text(
                "INSERT INTO account (seller_id, id, channel, name, credentials, webhook_path)"
                " VALUES (1, 2, 'memory', 'shop', '', 'path')"
            )
        )

    migrating.upgrade(*urls)

    with before.begin() as connection:
        connection.execute(text(set_seller(1)))
        found = connection.execute(text("SELECT flow FROM flow WHERE account_id = 2")).scalars()
        assert set(found) == {"outbox", "refunds", "payouts", "subscriptions"}
        forced = text("SELECT bool_and(relforcerowsecurity) FROM pg_class WHERE relname = 'flow'")
        assert connection.execute(forced).scalar()
    before.dispose()
    (servers.postgres or servers).drop_database(name)


def test_a_ledger_is_not_taken_back(owner_engine: Engine) -> None:
    config = migrating.configuration()
    with owner_engine.connect() as connection:
        config.attributes["connection"] = connection

        with pytest.raises(NotImplementedError, match="backup"):
            command.downgrade(config, "base")


def test_an_application_role_that_may_bypass_the_walls_is_refused(
    servers: Rig, owner_engine: Engine
) -> None:
    if servers.postgres is None:
        pytest.skip("a server that is named has no superuser of ours")
    server = servers.postgres
    with server._superuser() as admin:
        admin.execute(f"ALTER ROLE {APP_ROLE} BYPASSRLS")
        try:
            with owner_engine.begin() as connection, pytest.raises(Misconfigured, match="bypass"):
                migrating._app_role(connection)
        finally:
            admin.execute(f"ALTER ROLE {APP_ROLE} NOBYPASSRLS")
