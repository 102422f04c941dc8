"""The held OpenAPI description of TikTok Shop, and a check of bodies and answers against it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from connectors.tiktok_shop.operations import Operation
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
#: (list, field): on the page of the call, and missing from its description.
ALSO = {("orders", "cancel_time"), ("packages", "id")}


@cache
def description() -> dict[str, Any]:
    path = shared_data() / "contracts" / "tiktok-shop" / "openapi-subset.json"
    if not path.exists():
        pytest.skip(f"TikTok Shop's description is not at {path}; HUB_SHARED names the folder")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def operation(of: Operation) -> dict[str, Any]:
    found: dict[str, Any] = description()["paths"][of.path][of.method.lower()]
    return found


def request_objections(of: Operation, query: Mapping[str, str], body: Any) -> list[str]:
    """What of a request is not in the description, or missing by it."""
    described = operation(of)
    parameters = {one["name"]: one for one in described["parameters"] if one["in"] == "query"}
    found = [f"query.{name}: is unknown" for name in query.keys() - parameters.keys()]
    found += [
        f"query.{name}: is missing"
        for name, one in parameters.items()
        if one.get("required") and name not in query
    ]
    for name in query.keys() & parameters.keys():
        allowed = parameters[name]["schema"].get("enum")
        if allowed and query[name] not in allowed:
            found.append(f"query.{name}: {query[name]!r} is none of {allowed}")
    content = described.get("requestBody", {}).get("content", {}).get(JSON)
    if content is None:
        return found + (["body: is not wanted"] if body is not None else [])
    return found + list(_objections(content["schema"], body, "body"))


def answer_objections(of: Operation, body: Any) -> list[str]:
    """Where an answer is not as described: fields nobody told of, and values of other types."""
    schema = operation(of)["responses"]["200"]["content"][JSON]["schema"]
    return list(_objections(schema, body, "answer"))


def _objections(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    kind = schema.get("type", "object")
    if not _fits(kind, value):
        yield f"{path}: {value!r} is no {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    if kind == "array":
        for index, item in enumerate(value):
            yield from _objections(schema["items"], item, f"{path}.{index}")
    elif kind == "object" and "properties" in schema:
        yield from _fields(schema, value, path)


def _fits(kind: str, value: Any) -> bool:
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _fields(schema: Mapping[str, Any], value: Mapping[str, Any], path: str) -> Iterator[str]:
    known = schema["properties"]
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}.{name}: is missing"
    for name, each in value.items():
        if name not in known and (path.rpartition(".")[0].rpartition(".")[2], name) in ALSO:
            continue
        if name not in known:
            yield f"{path}.{name}: is unknown"
        else:
            yield from _objections(known[name], each, f"{path}.{name}")
