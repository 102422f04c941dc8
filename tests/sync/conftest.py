"""Worlds to sync: two shops that share stock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from hub.db import Database
from hub.secrets import Keyring
from tests import pump
from tests.pump import World


@pytest.fixture
def open_world(
    database: Database, keyring: Keyring, seller: int, tmp_path: Path
) -> Iterator[Callable[..., World]]:
    """Makes a world as a test wants it; it ends with the test."""
    with ExitStack() as stack:

        def make(**options: Any) -> World:
            used = options.pop("database", database)
            return stack.enter_context(pump.world(used, keyring, seller, tmp_path, **options))

        yield make


@pytest.fixture
def world(open_world: Callable[..., World]) -> World:
    return open_world()
