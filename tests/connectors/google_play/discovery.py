"""Google's discovery documents, and a check of requests and answers against them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.rig import shared_data

DOCUMENTS = ("androidpublisher.v3.json", "pubsub.v1.json")
KINDS = {"string": str, "integer": int, "boolean": bool, "object": Mapping, "array": list}


class Call(NamedTuple):
    """One request with its answer, as the connector made and got it."""

    method: str
    url: str
    params: Sequence[tuple[str, str]]
    body: Any
    answer: Any


class Method(NamedTuple):
    id: str
    http_method: str
    pattern: re.Pattern[str]
    parameters: Mapping[str, Any]
    request: str
    response: str
    schemas: Mapping[str, Any]


@cache
def methods() -> tuple[Method, ...]:
    return tuple(one for name in DOCUMENTS for one in _methods(_document(name)))


def _document(name: str) -> Mapping[str, Any]:
    path = shared_data() / "contracts" / "google-play" / name
    if not path.exists():
        pytest.skip(f"Google's discovery document is not at {path}; HUB_SHARED names the folder")
    found: Mapping[str, Any] = json.loads(path.read_text())
    return found


def _methods(document: Mapping[str, Any]) -> Iterator[Method]:
    shared = document["parameters"]
    for one in _nested(document):
        path = "/" + one.get("flatPath", one["path"])
        # A colon begins the verb, and is quoted where it belongs to a name.
        pattern = re.sub(r"\\\{\w+\\\}", "[^/:]+", re.escape(path))
        yield Method(
            one["id"],
            one["httpMethod"],
            re.compile(pattern),
            {**shared, **one.get("parameters", {})},
            one.get("request", {}).get("$ref", ""),
            one.get("response", {}).get("$ref", ""),
            document["schemas"],
        )


def _nested(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from resource.get("methods", {}).values()
    for inside in resource.get("resources", {}).values():
        yield from _nested(inside)


def method_of(call: Call) -> Method:
    path = urlsplit(call.url).path
    found = [
        one for one in methods() if one.http_method == call.method and one.pattern.fullmatch(path)
    ]
    assert len(found) == 1, f"{call.method} {path} is {[one.id for one in found]}"
    return found[0]


def objections(call: Call) -> list[str]:
    """Where a call and its answer are not what the document says."""
    method = method_of(call)
    found = list(_parameters(method, call.params))
    for what, kind, body in (
        ("request", method.request, call.body),
        ("answer", method.response, call.answer),
    ):
        if kind:
            found += _value(method.schemas, {"$ref": kind}, body, what)
        elif body:
            found.append(f"{what}: is not empty")
    return [f"{method.id} {one}" for one in found]


def _parameters(method: Method, given: Sequence[tuple[str, str]]) -> Iterator[str]:
    names = [name for name, _ in given]
    for name, text in given:
        known = method.parameters.get(name, {})
        if known.get("location") != "query":
            yield f"{name}: is not a parameter"
        elif names.count(name) > 1 and not known.get("repeated"):
            yield f"{name}: may come once"
        elif known["type"] == "integer" and not text.isdigit():
            yield f"{name}: {text!r} is no integer"
        elif known["type"] == "boolean" and text not in ("true", "false"):
            yield f"{name}: {text!r} is no boolean"


def _value(
    schemas: Mapping[str, Any], schema: Mapping[str, Any], value: Any, path: str
) -> Iterator[str]:
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    kind = schema["type"]
    wrong = not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")
    if wrong or not _fits(schema, value):
        yield f"{path}: {value!r} is no {schema.get('format', schema.get('id', kind))}"
    elif kind == "array":
        for index, item in enumerate(value):
            yield from _value(schemas, schema["items"], item, f"{path}.{index}")
    elif kind == "object":
        for name, inside in value.items():
            known = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
            if known is None:
                yield f"{path}.{name}: is not in the document"
            else:
                yield from _value(schemas, known, inside, f"{path}.{name}")


def _fits(schema: Mapping[str, Any], value: Any) -> bool:
    if "enum" in schema and value not in schema["enum"]:
        return False
    if schema.get("format") == "int64":
        return bool(re.fullmatch(r"-?\d+", value))
    if schema.get("format") == "google-datetime":
        return value.endswith("Z") and datetime.fromisoformat(value).tzinfo is not None
    return True
