"""Signatures that several channels share, against vectors computed from the vendors' rules."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.signing import any_matches, hmac_sha256_base64, hmac_sha256_hex, same, within

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
FIVE = timedelta(minutes=5)


@pytest.fixture(scope="module")
def vectors(shared: Path) -> dict[str, Any]:
    path = shared / "contracts" / "TEST_VECTORS-west.json"
    if not path.is_file():
        pytest.skip(f"needs the signature vectors, and there are none at {path}")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_rfc_4231_case_2() -> None:
    """https://www.rfc-editor.org/rfc/rfc4231#section-4.3, so one vector needs no shared data."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

    assert hmac_sha256_hex("Jefe", "what do ya want for nothing?") == expected
    assert hmac_sha256_hex(b"Jefe", b"what do ya want for nothing?") == expected


@pytest.mark.parametrize("name", ["shopify_webhook", "woocommerce_webhook"])
def test_a_webhook_signed_over_its_raw_body(vectors: dict[str, Any], name: str) -> None:
    vector = vectors[name]

    assert hmac_sha256_base64(vector["secret"], vector["raw_body"]) == vector["value"]


def test_the_callback_of_an_authorisation(vectors: dict[str, Any]) -> None:
    vector = vectors["shopify_oauth_callback"]

    assert hmac_sha256_hex(vector["secret"], vector["message"]) == vector["value"]


def test_a_body_signed_in_hex_and_in_base64(vectors: dict[str, Any]) -> None:
    vector = vectors["walmart_hmac"]
    key, body = vector["clientSecret"], vector["raw_body"]

    assert hmac_sha256_hex(key, body) == vector["value_hex"]
    assert hmac_sha256_base64(key, body) == vector["value_b64"]


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        ("abc", "abc", True),
        ("abc", b"abc", True),
        ("abc", "abd", False),
        ("abc", "ab", False),
        ("", "", True),
        ("\u00e9", "\u00e9", True),
        ("abc", "\u00e9\udc80", False),
    ],
)
def test_comparing_takes_any_text_a_header_may_hold(a: str, b: str | bytes, equal: bool) -> None:
    assert same(a, b) is equal


@pytest.mark.parametrize(
    ("secrets", "signed_with", "matches"),
    [
        (("new", "old"), "new", True),
        (("new", "old"), "old", True),
        (("new",), "old", False),
        ((), "old", False),
        (("", "new"), "", False),
    ],
)
def test_any_secret_now_valid_will_do_but_never_an_empty_one(
    secrets: tuple[str, ...], signed_with: str, matches: bool
) -> None:
    given = hmac_sha256_hex(signed_with, "body")

    assert any_matches(given, secrets, lambda secret: hmac_sha256_hex(secret, "body")) is matches


def test_an_empty_signature_never_matches() -> None:
    assert not any_matches("", ["secret"], lambda _: "")


def test_every_secret_is_looked_at() -> None:
    looked_at = []

    def expected(secret: str) -> str:
        looked_at.append(secret)
        return "x"

    assert any_matches("x", ["a", "b", "c"], expected)
    assert looked_at == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("age", "inside"),
    [
        (timedelta(0), True),
        (FIVE, True),
        (FIVE + timedelta(seconds=1), False),
        (-timedelta(seconds=30), True),
        (-timedelta(seconds=31), False),
    ],
)
def test_a_signed_time_must_lie_in_its_window(age: timedelta, inside: bool) -> None:
    assert within(NOW - age, NOW, FIVE, timedelta(seconds=30)) is inside


def test_a_time_without_a_zone_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        within(NOW.replace(tzinfo=None), NOW, FIVE, FIVE)
