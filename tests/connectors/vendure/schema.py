"""Vendure's published schema, and a check of answers against it: what a real server could say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    is_composite_type,
    parse,
)
from graphql.execution.values import get_variable_values

from tests.rig import shared_data

SCALARS: dict[str, Any] = {
    "Int": int,
    "Boolean": bool,
    "String": str,
    "ID": str,
    "Money": int,
    "DateTime": str,
    "JSON": object,
}
#: Inputs that the schema leaves out, being deprecated; both 3.5.7 and 3.7.3 have them.
DEPRECATED = {"RefundOrderInput": {"lines", "shipping", "adjustment"}}


def folder() -> Path:
    path = shared_data() / "contracts" / "vendure"
    if not path.exists():
        pytest.skip(f"Vendure's contract is not at {path}; HUB_SHARED names the folder")
    return path


@cache
def schema() -> GraphQLSchema:
    (path,) = folder().glob("admin-api-*.graphql")
    return build_schema(path.read_text(), assume_valid=True)


def sample(name: str) -> dict[str, Any]:
    """A recorded exchange: ``request``, ``status`` and ``response``."""
    found = json.loads((folder() / "samples" / f"{name}.json").read_text())
    assert isinstance(found, dict)
    return found


def misfits(document: str, variables: Mapping[str, Any]) -> list[str]:
    """Where variables are not what the operation takes."""
    (operation,) = _operations(parse(document))
    given = {name: _current(value) for name, value in variables.items()}
    definitions = operation.variable_definitions or ()
    found = get_variable_values(schema(), definitions, given)
    return [one.message for one in found] if isinstance(found, list) else []


def _current(value: Any) -> Any:
    """Without the deprecated fields of a refund, the only such input that is sent."""
    if isinstance(value, Mapping) and "paymentId" in value:
        gone = DEPRECATED["RefundOrderInput"]
        return {name: one for name, one in value.items() if name not in gone}
    return value


def objections(document: str, data: Mapping[str, Any]) -> list[str]:
    """Where an answer is not what the document asks for, in the types the schema gives."""
    tree = parse(document)
    (operation,) = _operations(tree)
    root = schema().get_root_type(operation.operation)
    assert root is not None
    return list(_object(tree, operation.selection_set, root, data, "data"))


def _operations(tree: DocumentNode) -> list[OperationDefinitionNode]:
    return [one for one in tree.definitions if isinstance(one, OperationDefinitionNode)]


def _object(
    tree: DocumentNode,
    selections: SelectionSetNode,
    kind: GraphQLObjectType,
    data: Any,
    path: str,
) -> Iterator[str]:
    if not isinstance(data, Mapping):
        yield f"{path}: not an object"
        return
    asked = dict(_fields(tree, selections, kind))
    for name in data.keys() - asked.keys():
        yield f"{path}.{name}: was not asked for"
    for name, node in asked.items():
        if name not in data:
            yield f"{path}.{name}: is missing"
        elif node.name.value == "__typename":
            if data[name] != kind.name:
                yield f"{path}: says {data[name]}, is {kind.name}"
        else:
            of = kind.fields[node.name.value].type
            yield from _value(tree, node, of, data[name], f"{path}.{name}")


def _fields(
    tree: DocumentNode, selections: SelectionSetNode, kind: GraphQLObjectType
) -> Iterator[tuple[str, FieldNode]]:
    for one in selections.selections:
        if isinstance(one, FieldNode):
            yield (one.alias or one.name).value, one
        elif isinstance(one, InlineFragmentNode):
            if one.type_condition is None or _is(kind, one.type_condition.name.value):
                yield from _fields(tree, one.selection_set, kind)
        elif isinstance(one, FragmentSpreadNode):
            (fragment,) = (
                found
                for found in tree.definitions
                if isinstance(found, FragmentDefinitionNode) and found.name.value == one.name.value
            )
            yield from _fields(tree, fragment.selection_set, kind)


def _is(kind: GraphQLObjectType, name: str) -> bool:
    return name in {kind.name, *(one.name for one in kind.interfaces)}


def _value(tree: DocumentNode, node: FieldNode, kind: Any, data: Any, path: str) -> Iterator[str]:
    if isinstance(kind, GraphQLNonNull):
        if data is None:
            yield f"{path}: must not be null"
            return
        kind = kind.of_type
    if data is None:
        return
    if isinstance(kind, GraphQLList):
        if not isinstance(data, list):
            yield f"{path}: not a list"
            return
        for index, item in enumerate(data):
            yield from _value(tree, node, kind.of_type, item, f"{path}.{index}")
    elif is_composite_type(kind):
        concrete = kind if isinstance(kind, GraphQLObjectType) else _concrete(data)
        assert node.selection_set is not None
        yield from _object(tree, node.selection_set, concrete, data, path)
    elif not _fits(kind, data):
        yield f"{path}: {data!r} is no {kind.name}"


def _fits(kind: Any, data: Any) -> bool:
    if isinstance(kind, GraphQLEnumType):
        return data in kind.values
    if isinstance(data, bool) and kind.name != "Boolean":
        return False
    return isinstance(data, SCALARS.get(kind.name, str))


def _concrete(data: Any) -> GraphQLObjectType:
    kind = schema().type_map[data["__typename"]]
    assert isinstance(kind, GraphQLObjectType)
    return kind
