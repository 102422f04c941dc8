"""The table of faults in docs/reliability.md: whole, and every test it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"
FAULTS = 78
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+) \|$", re.MULTILINE)
LINK = re.compile(r"\[([^\]:]+)::([^\]]+)\]\(([^)]+)\)")
REASON = re.compile(r"none(?: more)?: \S.{10,}")


class Row(NamedTuple):
    number: int
    fault: str
    does: str
    shown: str


def table() -> list[Row]:
    return [Row(int(number), *told) for number, *told in ROW.findall(PAGE.read_text())]


@cache
def named_in(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    found = ast.walk(ast.parse(path.read_text()))
    return frozenset(one.name for one in found if isinstance(one, ast.FunctionDef))


def test_every_fault_has_one_row_in_its_place() -> None:
    assert [row.number for row in table()] == list(range(1, FAULTS + 1))
    assert all(row.fault.strip() for row in table())


def test_every_fault_is_shown_by_tests_or_says_why_not() -> None:
    silent = [
        row.number for row in table() if not (LINK.search(row.shown) or REASON.search(row.shown))
    ]

    assert silent == []


def test_every_test_that_is_named_exists_where_its_link_leads() -> None:
    missing = []
    for row in table():
        for path, name, link in LINK.findall(row.shown):
            target = (PAGE.parent / link).resolve()
            known = target == ROOT / path and name.startswith("test_")
            if not known or name not in named_in(target):
                missing.append(f"{row.number}: {path}::{name}")

    assert missing == []


def test_a_row_holds_nothing_but_tests_and_a_reason() -> None:
    for row in table():
        rest = [one for one in row.shown.split("<br>") if not LINK.fullmatch(one)]
        assert len(rest) <= 1, row
        assert all(REASON.fullmatch(one) for one in rest), row
