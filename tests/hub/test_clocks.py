"""Whose clock counts: leases and due times go by the database's, which is one for all hosts."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from hub.db import Database
from hub.secrets import Keyring
from tests.builders import line, order, world

ROOT = Path(__file__).resolve().parents[2]
#: Those that do look at their host's clock, and for what.
LOOKS = {
    "hub/channels/door.py": "how old a signature is, within minutes either way",
    "sync/carrier.py": "when tokens run out, told to the connector",
    "sync/clock.py": "whether it is three in the morning; a slot in the database fires once",
    "sync/opening.py": "what the demo prints",
}
OWN = {"now", "time", "utcnow", "today"}


def looking(path: Path) -> Iterator[str]:
    """Calls that ask the host what time it is. ``func.now()`` asks the database."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            named = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            if named in {"datetime", "date", "time"} and node.func.attr in OWN:
                yield f"{named}.{node.func.attr}"


def test_no_lease_and_no_due_time_is_counted_by_a_hosts_own_clock() -> None:
    files = [*(ROOT / "hub" / "channels").rglob("*.py"), *(ROOT / "sync").rglob("*.py")]

    found = {str(path.relative_to(ROOT)): [*looking(path)] for path in files}

    assert {name for name, calls in found.items() if calls} - set(LOOKS) == set()
    assert set(LOOKS) <= {name for name, calls in found.items() if calls}


def test_the_year_2038_is_a_year_like_any_other(
    database: Database, keyring: Keyring, seller: int
) -> None:
    shop = world(database, seller, keyring, {"TENT": 3})
    late = datetime(2040, 2, 29, 23, 59, 59, tzinfo=UTC)

    shop.take(order("o1", line("a", "v-TENT"), placed_at=late, updated_at=late))

    assert shop.ask("SELECT placed_at, source_updated_at FROM sales_order") == [(late, late)]
    assert shop.level("TENT") == 2
