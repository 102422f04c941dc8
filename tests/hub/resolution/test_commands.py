"""Conflicts at the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from hub.cli import Desk, main
from hub.db import Database
from hub.secrets import Keyring
from tests.builders import World, line, order, world
from tests.hub.resolution.steps import conflict


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    made = world(database, seller, keyring, {"TENT": 5})
    made.take(order("1", line("a", "v-TENT", 8)))
    return made


def hub(shop: World, *arguments: str) -> Result:
    desk = Desk(shop.seller_id)
    desk.__dict__["database"] = shop.database  # a cached property, filled by hand
    runner = CliRunner(env={"COLUMNS": "200"})
    return runner.invoke(main.commands[arguments[0]], list(arguments[1:]), obj=desk)


def test_conflicts_are_listed_with_what_may_be_done(shop: World) -> None:
    told = hub(shop, "conflicts").output

    assert "oversold" in told
    assert "reallocate" in told
    assert "1 oversold open" in told


def test_a_conflict_is_looked_at_and_then_resolved(shop: World) -> None:
    number = str(conflict(shop, "oversold").id)

    looked = hub(shop, "resolve", number, "cancel_units", "--preview")
    assert "would be resolved" in looked.output
    assert conflict(shop, "oversold").state == "open"
    done = hub(shop, "resolve", number, "cancel_units", "--reason", "the buyer agrees")

    assert "is resolved" in done.output
    assert conflict(shop, "oversold").state == "resolved"
    assert shop.ask("SELECT actor FROM audit") == [("command line",)]
