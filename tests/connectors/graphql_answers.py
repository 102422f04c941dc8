"""GraphQL answers held against a schema: whether they are what was asked for, in its types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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
    is_composite_type,
)

SCALARS: dict[str, Any] = {"Int": int, "Boolean": bool, "String": str, "ID": str}


def operation(tree: DocumentNode) -> OperationDefinitionNode:
    """The only one of a document."""
    (found,) = (one for one in tree.definitions if isinstance(one, OperationDefinitionNode))
    return found


def objections(
    schema: GraphQLSchema,
    tree: DocumentNode,
    data: Mapping[str, Any],
    scalars: Mapping[str, Any] = SCALARS,
) -> list[str]:
    """Where an answer is not what the document asks for. Scalars that are not named are text."""
    asked = operation(tree)
    root = schema.get_root_type(asked.operation)
    assert root is not None
    return list(_Reading(schema, tree, scalars).object(asked.selection_set, root, data, "data"))


@dataclass(frozen=True)
class _Reading:
    schema: GraphQLSchema
    tree: DocumentNode
    scalars: Mapping[str, Any]

    def object(
        self, selections: SelectionSetNode, kind: GraphQLObjectType, data: Any, path: str
    ) -> Iterator[str]:
        if not isinstance(data, Mapping):
            yield f"{path}: not an object"
            return
        asked = dict(self._fields(selections, kind))
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
                yield from self._value(node, of, data[name], f"{path}.{name}")

    def _fields(
        self, selections: SelectionSetNode, kind: GraphQLObjectType
    ) -> Iterator[tuple[str, FieldNode]]:
        for one in selections.selections:
            if isinstance(one, FieldNode):
                yield (one.alias or one.name).value, one
            elif isinstance(one, InlineFragmentNode):
                if one.type_condition is None or _is(kind, one.type_condition.name.value):
                    yield from self._fields(one.selection_set, kind)
            elif isinstance(one, FragmentSpreadNode):
                fragment = self._fragment(one.name.value)
                if _is(kind, fragment.type_condition.name.value):
                    yield from self._fields(fragment.selection_set, kind)

    def _fragment(self, name: str) -> FragmentDefinitionNode:
        return next(
            one
            for one in self.tree.definitions
            if isinstance(one, FragmentDefinitionNode) and one.name.value == name
        )

    def _value(self, node: FieldNode, kind: Any, data: Any, path: str) -> Iterator[str]:
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
                yield from self._value(node, kind.of_type, item, f"{path}.{index}")
        elif is_composite_type(kind):
            concrete = kind if isinstance(kind, GraphQLObjectType) else self._concrete(data)
            assert node.selection_set is not None
            yield from self.object(node.selection_set, concrete, data, path)
        elif not self._fits(kind, data):
            yield f"{path}: {data!r} is no {kind.name}"

    def _fits(self, kind: Any, data: Any) -> bool:
        if isinstance(kind, GraphQLEnumType):
            return data in kind.values
        if isinstance(data, bool) and kind.name != "Boolean":
            return False
        return isinstance(data, self.scalars.get(kind.name, str))

    def _concrete(self, data: Any) -> GraphQLObjectType:
        kind = self.schema.type_map[data["__typename"]]
        assert isinstance(kind, GraphQLObjectType)
        return kind


def _is(kind: GraphQLObjectType, name: str) -> bool:
    return name in {kind.name, *(one.name for one in kind.interfaces)}
