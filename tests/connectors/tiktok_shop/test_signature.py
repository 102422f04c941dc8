"""Signatures agree with the vectors held of the platform's SDKs, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.tiktok_shop.signature import request_signature, webhook_signature

QUERY = {"app_key": "k", "timestamp": "1", "page_size": "2"}


def vectors(shared: Path) -> dict[str, Any]:
    found = json.loads((shared / "contracts" / "TEST_VECTORS-asia.json").read_text())
    return {one["name"]: one for one in found if one["channel"] == "tiktok-shop"}


@pytest.mark.parametrize("name", ["request GET", "request PUT json"])
def test_requests_are_signed_as_the_sdks_do(shared: Path, name: str) -> None:
    vector = vectors(shared)[name]
    given = vector["inputs"]

    found = request_signature(
        given["app_secret"], given["path"], given["query"], given["body"].encode()
    )

    assert found == vector["expected"]


def test_webhooks_are_signed_over_app_key_and_body(shared: Path) -> None:
    vector = vectors(shared)["webhook Authorization"]
    given = vector["inputs"]

    found = webhook_signature(given["app_key"], given["app_secret"], given["raw_body"].encode())

    assert found == vector["expected"]


@pytest.mark.parametrize("unsigned", ["sign", "access_token"])
def test_what_is_not_signed_changes_nothing(unsigned: str) -> None:
    assert request_signature("s", "/p", {**QUERY, unsigned: "x"}) == request_signature(
        "s", "/p", QUERY
    )


@pytest.mark.parametrize(
    ("path", "query", "body"),
    [
        ("/q", QUERY, b""),
        ("/p", {**QUERY, "page_size": "3"}, b""),
        ("/p", {**QUERY, "more": "1"}, b""),
        ("/p", QUERY, b"{}"),
    ],
)
def test_all_else_is(path: str, query: dict[str, str], body: bytes) -> None:
    assert request_signature("s", path, query, body) != request_signature("s", "/p", QUERY)


def test_the_order_of_the_query_does_not_matter() -> None:
    turned = dict(reversed(QUERY.items()))

    assert request_signature("s", "/p", turned) == request_signature("s", "/p", QUERY)
