"""Saleor's published schema, where it lies beside the checkout, and answers held against it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, execute_sync, parse

from tests.rig import shared_data


@cache
def schema() -> GraphQLSchema:
    """Written against 3.24.0-a.0; the documents are valid by 3.20, 3.21 and 3.23 too."""
    path = shared_data() / "contracts" / "saleor" / "schema.graphql"
    if not path.exists():
        pytest.skip(f"Saleor's schema is not at {path}; HUB_SHARED names the folder")
    return build_schema(path.read_text(), assume_valid=True)


def objections(document: str, variables: Mapping[str, Any], data: Any) -> list[str]:
    """Where the variables are not what the document takes, or the answer not what it asks for: the
    schema reads the answer as if it were its own."""
    found = execute_sync(
        schema(), parse(document), root_value=data, variable_values=dict(variables)
    )
    told = [f"{one.path}: {one.message}" for one in found.errors or ()]
    if not told and found.data != data:
        told.append(f"answered {data}, asked for {found.data}")
    return told
