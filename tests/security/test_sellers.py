"""No seller reads or writes another's rows, by any route. Walks every table there is."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, ForeignKeyConstraint, Table, select, text
from sqlalchemy.exc import DBAPIError

from hub.db import APP_ROLE, Database, Transaction, sql_state
from hub.schema import metadata
from hub.secrets import Keyring
from tests.builders import World
from tests.database import opened
from tests.rig import Rig
from tests.security.full import full

#: Belong to the installation, hold nothing of a seller.
INSTALLATION = {"alembic_version", "clock_slot", "heartbeat"}
#: The only ways to look across sellers, and what each may tell.
FUNCTIONS = {
    "hub_changed_sellers": "TABLE(seller_id bigint)",
    "hub_due": "TABLE(seller_id bigint, account_id bigint, flow text, due_in double precision)",
    "hub_figures": ("TABLE(figure text, label text, amount bigint, oldest double precision)"),
    "hub_vitals": ("TABLE(figure text, label text, amount bigint, oldest double precision)"),
    "hub_sellers": "TABLE(seller_id bigint)",
    "hub_token": "TABLE(seller_id bigint, token_id bigint, role text)",
    "hub_webhook_path": "TABLE(seller_id bigint, account_id bigint, channel text)",
}
APPEND_ONLY = {
    *("audit", "conflict_event", "move", "offer", "posting"),
    *("purchase_amendment", "purchase_message"),
}
LOOKED_ACROSS = {
    *("account", "account_clock", "api_token", "conflict", "flow", "listing", "offer", "outbox"),
    *("seller", "stock_change", "webhook", "webhook_tally"),
}
TABLES = [table for table in metadata.sorted_tables if table.name not in INSTALLATION]


def owner_column(table: Table) -> Column[Any]:
    return table.c.id if table.name == "seller" else table.c.seller_id


@pytest.fixture
def database(shared_database: Database) -> Database:
    return shared_database


@pytest.fixture
def mine(database: Database, seller: int, keyring: Keyring) -> World:
    return full(database, seller, keyring)


@pytest.fixture
def theirs(database: Database, other_seller: int, keyring: Keyring) -> World:
    return full(database, other_seller, keyring)


def ask(database: Database, query: str, **values: Any) -> list[Any]:
    with database.across_sellers() as connection:
        return list(connection.execute(text(query), values))


def refused(database: Database, seller_id: int, statement: Any, values: Any = None) -> DBAPIError:
    """The error of a statement that must fail."""
    with pytest.raises(DBAPIError) as caught, database.transaction(seller_id) as tx:
        tx.execute(statement, values)
    return caught.value


def test_every_table_is_a_sellers_or_is_listed_as_the_installations(database: Database) -> None:
    found = ask(
        database,
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'm', 'v', 'f')",
    )

    assert {row[0] for row in found} == {*metadata.tables, "alembic_version"}
    assert {row[0] for row in found if not (row[1] and row[2])} == INSTALLATION


def test_every_sellers_table_carries_the_seller_in_its_keys() -> None:
    for table in TABLES:
        keys = [table.primary_key, *(index for index in table.indexes if index.unique)]
        for key in keys:
            assert owner_column(table) in set(key.columns), f"{table.name}: {key.name}"
        for constraint in table.constraints:
            if isinstance(constraint, ForeignKeyConstraint) and table.name != "seller":
                assert "seller_id" in constraint.column_keys, f"{table.name}: {constraint.name}"


def test_policies_let_a_seller_see_its_own_rows_only(database: Database) -> None:
    found = ask(
        database,
        "SELECT tablename, policyname, roles::text[], cmd, qual, with_check FROM pg_policies",
    )

    of_seller = {row[0]: row for row in found if row[1] == "of_seller"}
    others = [row for row in found if row[1] != "of_seller"]
    assert set(of_seller) == {table.name for table in TABLES}
    for name, row in of_seller.items():
        assert row[2:4] == (["public"], "ALL")
        assert row[4] == row[5]
        assert "current_setting('app.seller'" in row[4], name
    assert {row[0] for row in others} == LOOKED_ACROSS
    assert all(row[3] == "SELECT" and APP_ROLE not in row[2] for row in others)
    assert all("public" not in row[2] for row in others)


def test_the_application_owns_nothing_and_may_bypass_nothing(database: Database) -> None:
    roles = ask(
        database,
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
        " WHERE rolname IN (:app, session_user)",
        app=APP_ROLE,
    )
    owned = ask(
        database,
        "SELECT relname FROM pg_class JOIN pg_roles r ON r.oid = relowner"
        " WHERE r.rolname IN (:app, session_user) UNION ALL"
        " SELECT proname FROM pg_proc JOIN pg_roles r ON r.oid = proowner"
        " WHERE r.rolname IN (:app, session_user)",
        app=APP_ROLE,
    )
    may_create = ask(database, "SELECT has_schema_privilege('hub_app', 'public', 'CREATE')")

    assert len(roles) == 2
    assert not any(flag for row in roles for flag in row[1:])
    assert owned == []
    assert may_create == [(False,)]


def test_the_functions_that_look_across_sellers_are_these_and_tell_no_more(
    database: Database,
) -> None:
    found = ask(
        database,
        "SELECT proname, pg_get_function_result(oid), proconfig::text,"
        " has_function_privilege('public', oid, 'EXECUTE'), provolatile FROM pg_proc"
        " WHERE prosecdef AND pronamespace = 'public'::regnamespace",
    )

    assert {row[0]: row[1] for row in found} == FUNCTIONS
    for row in found:
        assert row[2] == '{"search_path=pg_catalog, public"}'
        assert row[3] is False
        assert row[4] != "v"


def test_every_sellers_table_is_tried(mine: World) -> None:
    for table in TABLES:
        assert mine.ask(f"SELECT count(*) FROM {table.name}")[0][0] > 0, table.name


def test_another_sellers_rows_cannot_be_read(
    database: Database, mine: World, other_seller: int
) -> None:
    with database.transaction(other_seller) as tx:
        for table in TABLES:
            seen = tx.execute(select(owner_column(table)).distinct()).scalars().all()
            assert set(seen) <= {other_seller}, table.name


def test_another_sellers_rows_cannot_be_changed_or_deleted(
    database: Database, mine: World, other_seller: int
) -> None:
    for table in TABLES:
        owner = owner_column(table)
        before = mine.ask(f"SELECT count(*) FROM {table.name}")
        for statement in (
            table.update().values({owner.name: owner}).where(owner == mine.seller_id),
            table.delete().where(owner == mine.seller_id),
        ):
            assert touched(database, other_seller, statement) == 0, table.name
        assert mine.ask(f"SELECT count(*) FROM {table.name}") == before


def touched(database: Database, seller_id: int, statement: Any) -> int:
    """Rows changed; 0 where the right to change any is missing."""
    try:
        with database.transaction(seller_id) as tx:
            return tx.change(statement)
    except DBAPIError as error:
        if sql_state(error) != "42501":
            raise
        return 0


def row_of(tx: Transaction, table: Table) -> dict[str, Any]:
    """Some row, as JSON: Python knows no infinite times."""
    found = tx.execute(text(f"SELECT to_jsonb(one) FROM {table.name} one LIMIT 1"))
    return dict(found.scalar_one())


def insertion(table: Table, row: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    whole = f"jsonb_populate_record(NULL::{table.name}, cast(:row AS jsonb))"
    return text(f"INSERT INTO {table.name} SELECT * FROM {whole}"), {"row": json.dumps(row)}


def test_a_row_cannot_be_written_in_another_sellers_name(
    database: Database, mine: World, other_seller: int
) -> None:
    for table in TABLES:
        with database.transaction(mine.seller_id) as tx:
            copy = row_of(tx, table)

        error = refused(database, other_seller, *insertion(table, copy))

        assert sql_state(error) == "42501", table.name
        assert "row-level security" in str(error.orig)


def test_a_row_cannot_be_handed_to_another_seller(
    database: Database, mine: World, theirs: World
) -> None:
    for table in TABLES:
        owner = owner_column(table)
        give = table.update().values({owner.name: theirs.seller_id})

        error = refused(database, mine.seller_id, give)

        assert sql_state(error) == "42501", table.name


def references() -> list[tuple[Table, str, Table]]:
    """(table, its column, the table it refers to) for every key that a seller's row holds."""
    found = []
    for table in TABLES:
        for constraint in table.constraints:
            if isinstance(constraint, ForeignKeyConstraint):
                columns = [name for name in constraint.column_keys if name != "seller_id"]
                found.extend((table, name, constraint.referred_table) for name in columns)
    return found


def test_a_reference_to_another_sellers_row_fails_as_one_to_no_row_does(
    database: Database, mine: World, theirs: World
) -> None:
    for table, column, referred in references():
        with database.transaction(mine.seller_id) as tx:
            foreign = tx.execute(select(referred.c.id).limit(1)).scalar_one()
        told = [refer(database, theirs, table, column, to) for to in (foreign, 10**15)]

        assert told[0] == told[1], f"{table.name}.{column}"
        assert told[0][0] == "23503"


def refer(database: Database, shop: World, table: Table, column: str, to: int) -> tuple[Any, ...]:
    """All that the error tells."""
    some = f"(SELECT ctid FROM {table.name} LIMIT 1)"
    change: Any = text(f"UPDATE {table.name} SET {column} = :to WHERE ctid = {some}")
    values: dict[str, Any] = {"to": to}
    if table.name in APPEND_ONLY:
        with database.transaction(shop.seller_id) as tx:
            row = row_of(tx, table)
            fresh = {"id": tx.ids(1)[0]} if "id" in row else {}
        change, values = insertion(table, {**row, **fresh, column: to})
    error = refused(database, shop.seller_id, change, values)
    assert isinstance(error.orig, psycopg.Error)
    diag = error.orig.diag
    return (
        error.orig.sqlstate,
        diag.message_primary,
        diag.message_detail,
        diag.constraint_name,
        diag.message_hint,
    )


def test_two_sellers_may_use_the_same_keys_and_never_learn_of_it(
    database: Database, mine: World, theirs: World
) -> None:
    query = "SELECT (SELECT count(*) FROM product), (SELECT count(*) FROM posting)"

    assert mine.ask(query) == theirs.ask(query)
    assert mine.ask("SELECT key FROM posting WHERE key LIKE 'opening%'") == theirs.ask(
        "SELECT key FROM posting WHERE key LIKE 'opening%'"
    )
    mine.check()
    theirs.check()


def test_without_a_seller_nothing_is_seen_and_nothing_written(
    database: Database, mine: World
) -> None:
    for table in TABLES:
        assert ask(database, f"SELECT count(*) FROM {table.name}") == [(0,)]
    with pytest.raises(DBAPIError) as caught, database.across_sellers() as connection:
        connection.execute(
            text("INSERT INTO location (seller_id, code, name) VALUES (:it, 'X', 'X')"),
            {"it": mine.seller_id},
        )

    assert sql_state(caught.value) == "42501"


def test_the_seller_is_forgotten_when_the_transaction_ends(
    servers: Rig, database: Database, mine: World
) -> None:
    name = database.engine.url.database or ""
    with opened(servers.app_url(name), pool=1) as narrow:
        with narrow.transaction(mine.seller_id) as tx:
            first = tx.execute(text("SELECT pg_backend_pid(), count(*) FROM product")).one()
        after = ask(narrow, "SELECT pg_backend_pid(), count(*) FROM product")[0]
        with pytest.raises(ZeroDivisionError), narrow.transaction(mine.seller_id):
            raise ZeroDivisionError
        rolled_back = ask(narrow, "SELECT pg_backend_pid(), count(*) FROM product")[0]

    assert first[1] == 2
    assert (after[1], rolled_back[1]) == (0, 0)
    assert {first[0], after[0], rolled_back[0]} == {first[0]}


@pytest.mark.parametrize(
    "attempt",
    [
        "SET ROLE hub_owner",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION hub_owner",
        "SET SESSION AUTHORIZATION postgres",
        "ALTER TABLE product DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE product NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY of_seller ON product",
        "DROP TRIGGER append_only ON move",
        "ALTER ROLE hub_app BYPASSRLS",
        "GRANT hub_owner TO hub",
        "CREATE TABLE public.escape (id int)",
        "CREATE FUNCTION public.hub_sellers(x int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET session_replication_role = replica",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY product TO PROGRAM 'cat'",
    ],
)
def test_the_applications_login_reaches_no_other_role_nor_right(
    servers: Rig, database: Database, mine: World, attempt: str
) -> None:
    if servers.postgres is None:
        pytest.skip("a server that is named has one role for everything")

    error = refused(database, mine.seller_id, text(attempt))

    assert sql_state(error) == "42501"


def test_leaving_the_applications_role_leaves_its_rights_too(
    servers: Rig, database: Database, mine: World
) -> None:
    if servers.postgres is None:
        pytest.skip("a server that is named has one role for everything")
    with database.transaction(mine.seller_id) as tx:
        tx.execute(text("RESET ROLE"))
        assert tx.execute(text("SELECT current_user")).scalar() == APP_ROLE

    with database.transaction(mine.seller_id) as tx:
        tx.execute(text("SET LOCAL ROLE NONE"))
        with pytest.raises(DBAPIError) as caught:
            tx.execute(text("SELECT 1 FROM product"))

    assert sql_state(caught.value) == "42501"


def test_row_security_cannot_be_turned_off_by_a_setting(database: Database, mine: World) -> None:
    with database.transaction(mine.seller_id + 10**9) as tx:
        tx.execute(text("SET LOCAL row_security = off"))

        with pytest.raises(DBAPIError) as caught:
            tx.execute(text("SELECT 1 FROM product"))

    assert sql_state(caught.value) == "42501"
