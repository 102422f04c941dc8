"""What every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.database import (  # noqa: F401
    database,
    database_name,
    keyring,
    other_seller,
    owner_engine,
    seller,
    shared_database,
    template_database,
    wide_database,
)
from tests.rig import Rig, rig, shared_data

BY_DEFAULT = "not soak and not e2e"


def pytest_configure(config: pytest.Config) -> None:
    """Campaigns and foreign servers run when asked for by ``-m`` only."""
    if not config.option.markexpr:
        config.option.markexpr = BY_DEFAULT


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What campaigns have to tell is shown though they passed, from every worker."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in report.user_properties:
                if name == "told" and report.when == "call":
                    terminalreporter.write_line(value)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data directory: HUB_SHARED, else ``shared`` beside the checkout."""
    path = shared_data()
    if not path.is_dir():
        pytest.skip(f"needs the shared data, and there is none at {path}: set HUB_SHARED")
    return path


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A PostgreSQL and a Valkey, one pair for each pytest-xdist worker, gone afterwards."""
    with rig(tmp_path_factory.mktemp("servers")) as running:
        yield running
