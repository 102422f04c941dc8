"""The held descriptions of WooCommerce's API, and a check of requests and answers against them.

The route index (OpenAPI) knows parameters and bodies, but no batches; the property tables of the
documentation know what a resource has.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.rig import shared_data

KINDS: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "date-time": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}
#: Fields that live shops have and that are younger than the tables, and links.
ALSO = {"_links", "global_unique_id", "position"}
#: What live shops send otherwise than the tables say: a price that is a number, a word for stock
#: that the product keeps, and the name of a tax class.
OTHERWISE = {("price", float), ("price", int), ("manage_stock", str), ("tax_class", str)}
#: The table of that name is of other taxes than those of lines.
MISLEADING = {"taxes"}

TABLES = {
    "order": ("orders", "Order"),
    "refund": ("order-refunds", "Order refund"),
    "note": ("order-notes", "Order note"),
    "product": ("products", "Product"),
    "variation": ("product-variations", "Product variation"),
    "webhook": ("webhooks", "Webhook"),
}


def file(name: str) -> Any:
    path = shared_data() / "contracts" / "woocommerce" / name
    if not path.exists():
        pytest.skip(f"WooCommerce's description is not at {path}; HUB_SHARED names the folder")
    return path


@cache
def routes() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = gzip.decompress(file("woocommerce-openapi-wc-v3-2021.yml.gz").read_bytes())
    found: dict[str, Any] = yaml.load(text, loader)["paths"]  # noqa: S506 - a safe loader
    return found


@cache
def tables() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file("docs-property-tables.json").read_text())
    return found


def samples() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file("docs-json-samples.json").read_text())
    return found


# -- requests --------------------------------------------------------------------------------------


def request_objections(method: str, path: str, query: Mapping[str, str], body: Any) -> list[str]:
    """What of a request is not in the description."""
    if path.endswith("/batch"):
        return _batch_objections(path, body)
    described = _operation(method, path)
    if described is None:
        return [f"{method} {path}: is no route"]
    parameters = {one["name"]: one["schema"] for one in described.get("parameters", [])}
    found = [f"query.{name}: is unknown" for name in query.keys() - parameters.keys()]
    for name in query.keys() & parameters.keys():
        schema = parameters[name]
        allowed = schema.get("enum") or schema.get("items", {}).get("enum")
        if allowed and query[name] not in allowed:
            found.append(f"query.{name}: {query[name]!r} is none of {allowed}")
    if body is None:
        return found
    schema = described["requestBody"]["content"]["application/json"]["schema"]
    return found + list(_body_objections(schema, body, "body"))


def _operation(method: str, path: str) -> Mapping[str, Any] | None:
    for route, operations in routes().items():
        pattern = re.sub(r"\{[a-z_]+\}", "[0-9]+", route)
        if re.fullmatch(pattern, path) and method.lower() in operations:
            found: Mapping[str, Any] = operations[method.lower()]
            return found
    return None


def _body_objections(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    kind = schema.get("type", "object")
    if not _fits(kind, value):
        yield f"{path}: {value!r} is no {kind}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"
    elif kind == "array":
        for index, item in enumerate(value):
            yield from _body_objections(schema["items"], item, f"{path}.{index}")
    elif kind == "object":
        known = schema.get("properties", {})
        for name, each in value.items():
            if name not in known:
                yield f"{path}.{name}: is unknown"
            else:
                yield from _body_objections(known[name], each, f"{path}.{name}")


def _batch_objections(path: str, body: Any) -> list[str]:
    """Documented in words: create, update and delete, of at most a hundred."""
    of = "variation" if "/variations/" in path else "product"
    found = [f"body.{name}: is unknown" for name in body.keys() - {"create", "update", "delete"}]
    if sum(map(len, body.values())) > 100:
        found.append("body: is more than a hundred")
    for index, item in enumerate(body.get("update", [])):
        found += answer_objections(of, item, f"body.update.{index}")
    return found


# -- answers ---------------------------------------------------------------------------------------


def answer_objections(of: str, value: Mapping[str, Any], path: str = "answer") -> list[str]:
    """Where a resource is not as its table says: fields nobody told of, values of other types."""
    page, title = TABLES[of]
    return list(_resource_objections(page, title, f"{title} properties", value, path))


def _resource_objections(
    page: str, title: str, table: str, value: Mapping[str, Any], path: str
) -> Iterator[str]:
    known = {one["attribute"].strip("`"): one["type"] for one in tables()[page][table]}
    for name, each in value.items():
        if name in ALSO - known.keys():
            continue
        if name not in known:
            yield f"{path}.{name}: is unknown"
        elif each is not None and not _fits(known[name], each):
            if (name, type(each)) not in OTHERWISE:
                yield f"{path}.{name}: {each!r} is no {known[name]}"
        else:
            yield from _nested(page, title, name, each, f"{path}.{name}")


def _nested(page: str, title: str, name: str, value: Any, path: str) -> Iterator[str]:
    words = name.replace("_", " ").capitalize()
    table = f"{title} - {words} properties"
    if name in MISLEADING or table not in tables()[page]:
        return
    items = value if isinstance(value, list) else [value]
    for index, item in enumerate(items):
        if isinstance(item, Mapping):
            yield from _resource_objections(page, title, table, item, f"{path}.{index}")


def _fits(kind: str, value: Any) -> bool:
    return isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool))
