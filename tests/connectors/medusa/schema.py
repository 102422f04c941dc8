"""The held OpenAPI description of Medusa, and a check of requests and answers against it.

It is of 2.0; what a real 2.21 was recorded to say is known besides.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pytest

from connectors.medusa.calls import LEVELS, LOGIN, STORES, Call
from tests.connectors.medusa.recorded import known_fields
from tests.rig import shared_data

KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}
JSON = "application/json"
#: Newer than the description, or left out of the part that is held.
UNDESCRIBED = {LEVELS, STORES}
#: Of a price; a real 2.21 tells it.
ALSO = {"rules"}
PATHS = {LOGIN.path: "/auth/user/{auth_provider}"}
PLACES = {"{order}": "{id}", "{payment}": "{id}", "{item}": "{id}", "{location}": "{location_id}"}


@cache
def description() -> dict[str, Any]:
    path = shared_data() / "contracts" / "medusa" / "admin-openapi-2.0.0-trimmed.json.gz"
    if not path.exists():
        pytest.skip(f"Medusa's description is not at {path}; HUB_SHARED names the folder")
    with gzip.open(path) as file:
        found: dict[str, Any] = json.load(file)
    return found


def operation(call: Call) -> dict[str, Any]:
    path = PATHS.get(call.path, call.path).replace("{fulfillment}", "{fulfillment_id}")
    for ours, theirs in PLACES.items():
        path = path.replace(ours, theirs)
    found: dict[str, Any] = description()["paths"][path][call.method.lower()]
    return found


def request_objections(call: Call, query: Sequence[tuple[str, str]], body: Any) -> list[str]:
    """What of a request is not in the description, or missing by it."""
    described = operation(call)
    known = {one["name"] for one in described["parameters"] if one["in"] == "query"}
    found = [
        f"query.{name}: is unknown" for name, _ in query if name.partition("[")[0] not in known
    ]
    content = described.get("requestBody", {}).get("content", {}).get(JSON)
    if content is None:
        return found + ([] if not body else ["body: is not wanted"])
    return found + list(_objections(content["schema"], body, "body", strict=True))


def answer_objections(call: Call, body: Any) -> list[str]:
    """Where an answer is not as described: fields nobody told of, and values of other types."""
    schema = operation(call)["responses"]["200"]["content"][JSON]["schema"]
    return list(_objections(schema, body, "answer", strict=False))


def _objections(schema: Any, value: Any, path: str, *, strict: bool) -> Iterator[str]:
    if value is None and not strict:
        return
    properties, required, kind, items = _resolved(schema)
    if kind in KINDS and not _fits(kind, value):
        yield f"{path}: {value!r} is no {kind}"
    elif isinstance(value, list) and items is not None:
        for index, item in enumerate(value):
            yield from _objections(items, item, f"{path}.{index}", strict=strict)
    elif isinstance(value, Mapping) and properties:
        yield from _fields(properties, required, value, path, strict=strict)


def _fields(
    properties: Mapping[str, Any],
    required: set[str],
    value: Mapping[str, Any],
    path: str,
    *,
    strict: bool,
) -> Iterator[str]:
    for name in sorted(required - value.keys() if strict else ()):
        yield f"{path}.{name}: is missing"
    for name, each in value.items():
        if name in properties:
            yield from _objections(properties[name], each, f"{path}.{name}", strict=strict)
        elif strict or name not in known_fields() | ALSO:
            yield f"{path}.{name}: is unknown"


def _resolved(schema: Any) -> tuple[dict[str, Any], set[str], str, Any]:
    """Properties, required ones, type and items, of all that a schema is made of."""
    if "$ref" in schema:
        return _resolved(description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    properties, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
    kind, items = schema.get("type", ""), schema.get("items")
    for one in schema.get("allOf", ()):
        more, needed, of, _ = _resolved(one)
        properties |= more
        required |= needed
        kind = kind or of
    for one in schema.get("oneOf", ()):
        properties |= _resolved(one)[0]
    return properties, required, kind, items


def _fits(kind: str, value: Any) -> bool:
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))
