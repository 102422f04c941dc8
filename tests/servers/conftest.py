from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import accounts
from servers.place import base_of


def forget(home: Path) -> None:
    """As root the data of a home lies elsewhere: take it away with the test."""
    account = accounts.for_servers()
    if account.foreign:
        shutil.rmtree(base_of("postgres", home, account).parent, ignore_errors=True)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "home"
    yield path
    forget(path)


@pytest.fixture
def other_home(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "other"
    yield path
    forget(path)
