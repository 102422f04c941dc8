"""Sets are passed to the database as arrays: whatever is in them comes out as it went in."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Double, LargeBinary, SmallInteger, String, select
from sqlalchemy.exc import StatementError

from hub.db import At, Database, params, rows

TEXT = st.one_of(
    st.none(),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20),
    st.sampled_from(["", "NULL", "null", '"', "\\", '\\"', "{}", "a,b", " ", "\n", "'", "中文"]),
)
WHOLE = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))
BYTES = st.one_of(st.none(), st.binary(max_size=20))
FLAG = st.one_of(st.none(), st.booleans())
FLOAT = st.one_of(st.none(), st.floats(allow_nan=False))
# The zone comes apart, and bounds have none.
YEARS = (datetime(1000, 1, 1), datetime(9000, 1, 1))  # noqa: DTZ001
TIME = st.one_of(
    st.none(),
    st.datetimes(*YEARS, timezones=st.just(UTC)),
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(cells=st.lists(st.tuples(TEXT, WHOLE, BYTES), max_size=8))
def test_every_text_number_and_byte_survives(
    database: Database, seller: int, cells: list[tuple[Any, Any, Any]]
) -> None:
    columns = rows(("a", String), ("b", BigInteger), ("c", LargeBinary))
    with database.transaction(seller) as tx:
        found = tx.execute(
            select(columns.c.a, columns.c.b, columns.c.c),
            params(a=[c[0] for c in cells], b=[c[1] for c in cells], c=[c[2] for c in cells]),
        )

        assert [tuple(row) for row in found] == cells


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(cells=st.lists(st.tuples(FLAG, FLOAT, TIME), max_size=8))
def test_every_flag_fraction_and_time_survives(
    database: Database, seller: int, cells: list[tuple[Any, Any, Any]]
) -> None:
    columns = rows(("a", Boolean), ("b", Double), ("c", At))
    with database.transaction(seller) as tx:
        found = tx.execute(
            select(columns.c.a, columns.c.b, columns.c.c),
            params(a=[c[0] for c in cells], b=[c[1] for c in cells], c=[c[2] for c in cells]),
        )

        assert [tuple(row) for row in found] == cells


class Grade(IntEnum):
    FIRST = 1


def test_a_named_number_is_its_number(database: Database, seller: int) -> None:
    columns = rows(("b", SmallInteger))

    with database.transaction(seller) as tx:
        found = tx.execute(select(columns.c.b), params(b=[Grade.FIRST, 2])).scalars().all()

    assert found == [1, 2]


@pytest.mark.parametrize("bad", ["3", 1.5, float("nan")])
def test_what_is_no_whole_number_is_not_made_one(
    database: Database, seller: int, bad: object
) -> None:
    columns = rows(("b", BigInteger))

    with pytest.raises((TypeError, StatementError)), database.transaction(seller) as tx:
        tx.execute(select(columns.c.b), params(b=[bad]))
