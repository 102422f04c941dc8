"""These tests look at their own seller only, so they share one database."""

from __future__ import annotations

import pytest

from hub.db import Database


@pytest.fixture
def database(shared_database: Database) -> Database:
    return shared_database
