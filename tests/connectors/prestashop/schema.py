"""The held tables and blank rows of the webservice, and a check of requests and answers against
them. They are not complete: what is not held is not checked, and a test says which that is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.etree import ElementTree

import pytest

from connectors.prestashop.resources import Resource
from tests.rig import shared_data

FILTER = re.compile(r"filter\[(\w+)\]")
#: Parameters of every resource: https://devdocs.prestashop-project.org/8/webservice/cheat-sheet/
PARAMETERS = {"output_format", "id_shop", "display", "sort", "limit", "date", "sendemail"}
YES = "✔️"


@dataclass(frozen=True)
class Described:
    """``columns`` are the names a row may have; ``blank`` those of the empty row to write, and
    ``associated`` the fields of what is associated with it; both {} where that is not held."""

    columns: frozenset[str]
    required: frozenset[str]
    unfiltered: frozenset[str]
    blank: frozenset[str]
    associated: Mapping[str, frozenset[str]]


@cache
def held() -> dict[str, Any]:
    path = shared_data() / "contracts" / "prestashop" / "webservice-resource-tables.json"
    if not path.exists():
        pytest.skip(f"PrestaShop's tables are not at {path}; HUB_SHARED names the folder")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@cache
def described(resource: Resource) -> Described | None:
    tables = held().get(resource.name)
    if tables is None:
        return None
    (rows,) = tables.values()
    names = {one["name"].strip("*"): one for one in rows}
    blank, associated = _blank(resource)
    return Described(
        columns=frozenset({"id", *names, *blank}),
        required=frozenset(name for name, one in names.items() if one["required"] == YES),
        unfiltered=frozenset(
            name for name, one in names.items() if one.get("not filterable") == "true"
        ),
        blank=blank,
        associated=associated,
    )


def _blank(resource: Resource) -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    folder = shared_data() / "contracts" / "prestashop" / "blank-schemas"
    path = folder / f"{resource.name}.xml"
    if not path.exists():
        return frozenset(), {}
    row = ElementTree.fromstring(path.read_text()).find(resource.node)
    assert row is not None
    joined = row.find("associations")
    associated = {} if joined is None else {one.tag: _fields(one) for one in joined}
    return frozenset(one.tag for one in row), associated


def _fields(association: ElementTree.Element) -> frozenset[str]:
    return frozenset(field.tag for one in association for field in one)


def request_objections(
    method: str, resource: Resource, query: Mapping[str, str], body: bytes | None
) -> list[str]:
    """What of a request is not in the tables, or missing by them."""
    known = described(resource)
    if known is None:
        return []
    found = [*_query_objections(known, query)]
    return found if body is None else [*found, *_body_objections(method, resource, known, body)]


def _query_objections(known: Described, query: Mapping[str, str]) -> Iterator[str]:
    filters = {match.group(1) for name in query if (match := FILTER.fullmatch(name))}
    sorts = [one for one in query.get("sort", "").strip("[]").split(",") if one]
    display = query.get("display", "full")
    shown = [] if display == "full" else display.strip("[]").split(",")
    for name in query:
        if name not in PARAMETERS and not FILTER.fullmatch(name):
            yield f"query.{name}: is unknown"
    for name in sorted({*filters, *shown, *(one.rpartition("_")[0] for one in sorts)}):
        if name not in known.columns:
            yield f"query.{name}: is no column"
    for name in sorted(filters & known.unfiltered):
        yield f"query.{name}: cannot be filtered by"
    times = {name for name in (*filters, *sorts) if name.startswith("date_")}
    if times and query.get("date") != "1":
        yield "query.date: times are filtered by without it"
    if any(not one.endswith(("_ASC", "_DESC")) for one in sorts):
        yield "query.sort: has no direction"


def _body_objections(
    method: str, resource: Resource, known: Described, body: bytes
) -> Iterator[str]:
    root = ElementTree.fromstring(body)
    row = root.find(resource.node)
    if root.tag != "prestashop" or row is None or len(root) != 1:
        yield f"body: is not one {resource.node}"
        return
    names = {one.tag for one in row}
    for name in sorted(names - known.blank):
        yield f"body.{name}: is unknown"
    if method != "PATCH":
        for name in sorted(known.required - names):
            yield f"body.{name}: is missing"
    if ("id" in names) == (method == "POST"):
        yield "body.id: has no place here, or is missing"


def answer_objections(resource: Resource, body: Any) -> list[str]:
    """Where an answer is not as described: rows under other names, columns nobody told of."""
    known = described(resource)
    if known is None or body == []:
        return []
    listed, single = body.get(resource.listed), body.get(resource.node)
    rows = listed if isinstance(listed, list) else [single]
    return [
        f"{resource.name}.{name}"
        for row in rows
        if isinstance(row, dict) or row is None
        for name in _row_objections(known, row or {"row": None})
    ]


def _row_objections(known: Described, row: Mapping[str, Any]) -> Iterator[str]:
    yield from sorted(row.keys() - known.columns)
    for name, entries in row.get("associations", {}).items():
        if name not in known.associated:
            yield f"associations.{name}"
        for entry in entries:
            unknown = entry.keys() - known.associated.get(name, frozenset())
            yield from (f"associations.{name}.{one}" for one in sorted(unknown))
