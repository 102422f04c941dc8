"""Vendure's published schema, and a check of answers against it: what a real server could say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, parse
from graphql.execution.values import get_variable_values

from tests.connectors import graphql_answers
from tests.rig import shared_data

SCALARS: dict[str, Any] = {
    **graphql_answers.SCALARS,
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
    given = {name: _current(value) for name, value in variables.items()}
    definitions = graphql_answers.operation(parse(document)).variable_definitions or ()
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
    return graphql_answers.objections(schema(), parse(document), data, SCALARS)
