"""Suppliers and purchase orders at the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from hub.cli import main
from hub.db import Database
from hub.secrets import Keyring
from tests.buying import buyer
from tests.rig import Rig


def test_suppliers_and_orders_are_listed(
    servers: Rig,
    database: Database,
    keyring: Keyring,
    seller: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    buys = buyer(database, seller, keyring, {"TENT": 0})
    buys.order({"TENT": 3}, number="P-1")
    name = database.engine.url.database or ""
    monkeypatch.setenv("DATABASE_URL", servers.app_url(name))
    monkeypatch.setenv("COLUMNS", "200")

    who = CliRunner().invoke(main, ["--seller", str(seller), "suppliers"])
    what = CliRunner().invoke(main, ["--seller", str(seller), "purchase-orders"])

    assert (who.exit_code, what.exit_code) == (0, 0)
    assert "ACME Ltd." in who.output
    assert "15.00 EUR" in what.output
