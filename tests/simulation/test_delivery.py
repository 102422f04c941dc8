"""However orders are delivered, the ledger ends as after one clean pull."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, event

from hub.config import Settings
from hub.db import Database
from hub.secrets import Keyring
from tests.simulation import delivery_history, delivery_state
from tests.simulation.delivery import Bound, Mortal, deliver_clean, open_for
from tests.simulation.delivery_schedule import Schedule

#: Every fourth history is a contended one.
CONTENDED = 4


def equal(carrier: Bound, database: Mortal, seed: int, schedules: int, steps: int) -> None:
    """Deliver one history in so many schedules; each must end as one clean pull of it."""
    began = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    contended = seed % CONTENDED == CONTENDED - 1
    history = delivery_history.write(seed, began, steps, contended=contended)
    compared = delivery_state.shared_out if contended else delivery_state.whole
    clean = open_for(carrier, database, history)
    deliver_clean(clean)
    wanted = delivery_state.facts(clean)
    for number in range(schedules):
        schedule = Schedule(open_for(carrier, database, history), Random(f"{seed} {number}"))
        schedule.run()
        found = delivery_state.facts(schedule.seller)
        wrong = [
            *delivery_state.differences(compared(wanted), compared(found)),
            *delivery_state.untold(wanted, found),
        ]
        assert not wrong, "\n".join([f"seed {seed}, schedule {number}:", *wrong, *schedule.done])


@pytest.fixture
def mortal(shared_database: Database) -> Mortal:
    return Mortal(shared_database.engine)


@pytest.fixture
def carrier(mortal: Mortal, keyring: Keyring, tmp_path: Path) -> Bound:
    return Bound(Settings(home=tmp_path), mortal, keyring)


@pytest.mark.parametrize("seed", range(12))
def test_any_schedule_ends_as_one_clean_pull(carrier: Bound, mortal: Mortal, seed: int) -> None:
    equal(carrier, mortal, seed, schedules=10, steps=8)


@pytest.mark.soak
@pytest.mark.timeout(4 * 3_600)
@pytest.mark.parametrize("thousand", range(10))
def test_ten_thousand_schedules_end_as_one_clean_pull(
    carrier: Bound, mortal: Mortal, thousand: int
) -> None:
    for seed in range(50):
        equal(carrier, mortal, 1_000 + 50 * thousand + seed, schedules=20, steps=15)


@contextmanager
def without(engine: Engine, rule: str, instead: str) -> Iterator[list[str]]:
    """The hub's own statements, but for one rule; answers those it stood in."""
    met: list[str] = []

    def rewrite(_1: Any, _2: Any, statement: str, values: Any, *_: Any) -> tuple[str, Any]:
        if rule in statement:
            met.append(statement)
        return statement.replace(rule, instead), values

    event.listen(engine, "before_cursor_execute", rewrite, retval=True)
    try:
        yield met
    finally:
        event.remove(engine, "before_cursor_execute", rewrite)


def test_an_intake_that_takes_in_older_versions_is_found_out(
    carrier: Bound, mortal: Mortal
) -> None:
    newer = "sales_order.source_updated_at < excluded.source_updated_at"
    any_other = newer.replace("<", "<>")

    with without(mortal.engine, newer, any_other) as met:
        with pytest.raises(AssertionError, match="by one clean pull"):
            equal(carrier, mortal, 1, schedules=10, steps=8)
        assert met
