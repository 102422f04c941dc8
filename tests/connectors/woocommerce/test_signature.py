"""Requests over plain HTTP are signed as WooCommerce checks them, and addresses are put right."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest

from connectors.woocommerce import address
from connectors.woocommerce.signature import base_string, signature, signed

URL = "http://woo.test/wp-json/wc/v3/orders"


def test_the_held_vector_is_signed_alike(shared: Path) -> None:
    vectors = json.loads((shared / "contracts" / "TEST_VECTORS-west.json").read_text())
    vector = vectors["woocommerce_oauth1_http"]
    pairs = unquote(vector["base_string"].split("&")[2]).split("&")
    given = dict(pair.split("=") for pair in pairs)

    assert base_string("GET", URL, given) == vector["base_string"]
    assert signature("GET", URL, given, vector["consumer_secret"]) == vector["signature"]


def test_all_of_the_query_is_signed_in_order_and_twice_encoded() -> None:
    found = base_string("get", "HTTP://Woo.test:80/a?b=c", {"z": "a b", "a": "1,2~é"})

    assert found == "GET&http%3A%2F%2Fwoo.test%2Fa&a%3D1%252C2~%25C3%25A9%26z%3Da%2520b"


def test_a_port_of_its_own_is_signed_too() -> None:
    assert "woo.test%3A8080" in base_string("GET", "http://woo.test:8080/a", {})


def test_what_is_signed_is_sent_with_the_signature() -> None:
    now = datetime.now(UTC)

    found = signed("GET", URL, {"page": "2"}, key="ck", secret="cs", nonce="n", now=now)  # noqa: S106

    told = {name: value for name, value in found.items() if name != "oauth_signature"}
    assert found["oauth_signature"] == signature("GET", URL, told, "cs")
    assert found["page"] == "2"
    assert found["oauth_timestamp"] == str(int(now.timestamp()))
    assert "cs" not in told.values()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("shop.example", "https://shop.example"),
        (" https://Shop.example/ ", "https://shop.example"),
        ("https://shop.example/tea/", "https://shop.example/tea"),
        ("https://shop.example/wp-admin/admin.php?page=wc", "https://shop.example"),
        ("https://shop.example/tea/wp-json/wc/v3", "https://shop.example/tea"),
        ("http://shop.example:8080", "http://shop.example:8080"),
    ],
)
def test_an_address_is_put_right(typed: str, meant: str) -> None:
    assert address.normal(typed) == meant


def test_only_over_https_the_keys_go_along() -> None:
    assert address.is_signed("http://shop.example")
    assert not address.is_signed("https://shop.example")
