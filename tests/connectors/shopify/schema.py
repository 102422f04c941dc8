"""Shopify's published schema, and a check of answers against it: what a real server could say."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from graphql import DocumentNode, GraphQLSchema, build_client_schema, parse
from graphql.execution.values import get_variable_values

from connectors.shopify.queries import API_VERSION
from tests.connectors import graphql_answers
from tests.rig import shared_data


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
    operation = graphql_answers.operation(parsed(document))
    found = get_variable_values(
        schema(version), operation.variable_definitions or (), dict(variables)
    )
    return [str(one) for one in found] if isinstance(found, list) else []


def objections(document: str, data: Mapping[str, Any]) -> list[str]:
    """Where an answer is not what the document asks for, in the types the schema gives."""
    return graphql_answers.objections(schema(), parsed(document), data)
