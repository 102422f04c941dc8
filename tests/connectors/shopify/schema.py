"""Shopify's published schema, and a check of answers against it: what a real server could say."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from functools import cache
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
    build_client_schema,
    is_composite_type,
    parse,
)
from graphql.execution.values import get_variable_values

from connectors.shopify.queries import API_VERSION
from tests.rig import shared_data

SCALARS = {"Int": int, "Boolean": bool, "String": str, "ID": str}


def versions() -> list[str]:
    """The published versions there are, from ours on; ours even if there are none."""
    stored = (shared_data() / "contracts" / "shopify").glob("admin_*.json.gz")
    found = {path.name[6:].removesuffix(".json.gz") for path in stored}
    return sorted({API_VERSION, *(one for one in found if one >= API_VERSION)})


@cache
def schema(version: str = API_VERSION) -> GraphQLSchema:
    path = shared_data() / "contracts" / "shopify" / f"admin_{version}.json.gz"
    if not path.exists():
        pytest.skip(f"Shopify's schema is not at {path}; HUB_SHARED names the folder")
    with gzip.open(path) as file:
        return build_client_schema(json.load(file)["data"], assume_valid=True)


@cache
def parsed(document: str) -> DocumentNode:
    return parse(document)


def wrong_inputs(document: str, variables: Mapping[str, Any], version: str) -> list[str]:
    """Where variables are not what the document's inputs may be."""
    (operation,) = (
        one for one in parsed(document).definitions if isinstance(one, OperationDefinitionNode)
    )
    found = get_variable_values(
        schema(version), operation.variable_definitions or (), dict(variables)
    )
    return [str(one) for one in found] if isinstance(found, list) else []


def objections(document: str, data: Mapping[str, Any]) -> list[str]:
    """Where an answer is not what the document asks for, in the types the schema gives."""
    tree = parsed(document)
    (operation,) = (one for one in tree.definitions if isinstance(one, OperationDefinitionNode))
    root = schema().get_root_type(operation.operation)
    assert root is not None
    return list(_object(tree, operation.selection_set, root, data, "data"))


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
        elif name == "__typename":
            if data[name] != kind.name:
                yield f"{path}: says {data[name]}, is {kind.name}"
        else:
            yield from _value(tree, node, kind.fields[name].type, data[name], f"{path}.{name}")


def _fields(
    tree: DocumentNode, selections: SelectionSetNode, kind: GraphQLObjectType
) -> Iterator[tuple[str, FieldNode]]:
    for one in selections.selections:
        if isinstance(one, FieldNode):
            yield one.name.value, one
        elif isinstance(one, InlineFragmentNode):
            if one.type_condition is None or one.type_condition.name.value == kind.name:
                yield from _fields(tree, one.selection_set, kind)
        elif isinstance(one, FragmentSpreadNode):
            (fragment,) = (
                found
                for found in tree.definitions
                if isinstance(found, FragmentDefinitionNode) and found.name.value == one.name.value
            )
            if fragment.type_condition.name.value == kind.name:
                yield from _fields(tree, fragment.selection_set, kind)


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
