"""The page about conflicts says what the table of kinds says."""

from __future__ import annotations

import re
from pathlib import Path

from hub.conflicts.kinds import KINDS

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_tells_of_every_kind_its_actions_in_their_order_and_tests_there_are() -> None:
    page = (ROOT / "docs" / "conflicts.md").read_text()
    told, tests = {}, set()
    for row in page.splitlines():
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        if len(cells) == 5 and cells[0].startswith("`"):
            verbs = re.findall(r"`([a-z_]+)`", cells[2])
            told[cells[0].strip("`")] = verbs
            tests |= set(re.findall(r"`(tests/[a-z_/.]+)`", cells[4]))

    assert told == {name: [action.verb for action in kind.actions] for name, kind in KINDS.items()}
    assert tests
    assert [path for path in sorted(tests) if not (ROOT / path).exists()] == []


def test_every_kind_suggests_something_and_may_be_dismissed() -> None:
    for kind in KINDS.values():
        assert kind.actions[0].verb != "dismiss", kind.name
        assert kind.actions[-1].verb == "dismiss", kind.name
