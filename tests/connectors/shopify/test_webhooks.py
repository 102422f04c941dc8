"""Shopify's webhooks: its own signature vector, and what each topic is a hint of."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import SignatureError
from connectors.records import Hint, HintKind, Verified, WebhookRequest
from connectors.shopify.webhooks import hint, verify
from connectors.signing import hmac_sha256_base64

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def request(body: bytes, signature: str, **headers: str) -> WebhookRequest:
    named = {
        "x-shopify-topic": "orders/updated",
        "x-shopify-hmac-sha256": signature,
        "x-shopify-webhook-id": "b54557e4",
        "x-shopify-event-id": "98880550",
        "x-shopify-triggered-at": "2026-11-22T07:00:00.123456789Z",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    given = {name: value for name, value in named.items() if value}
    return WebhookRequest("POST", "https://hub.example/hooks/1", given, body)


def verified(*secrets: str, now: datetime = NOW, **headers: str) -> Verified:
    body = b'{"admin_graphql_api_id":"gid://shopify/Order/1"}'
    given = request(body, hmac_sha256_base64("hush", body), **headers)
    return verify(given, {"client_secret": secrets or ("hush",)}, now)


def test_the_published_vector_is_genuine(shared: Path) -> None:
    vectors = json.loads((shared / "contracts" / "TEST_VECTORS-west.json").read_text())
    vector: dict[str, Any] = vectors["shopify_webhook"]
    given = request(vector["raw_body"].encode(), vector["value"])

    found = verify(given, {"client_secret": [vector["secret"]]}, NOW)

    assert found.event_id == "b54557e4"
    assert found.sent_at is not None


def test_any_secret_now_valid_will_do() -> None:
    assert verified("new", "hush").topic == "orders/updated"


@pytest.mark.parametrize("secrets", [("other",), ("HUSH",), ("hush ",)])
def test_another_secret_will_not(secrets: tuple[str, ...]) -> None:
    with pytest.raises(SignatureError):
        verified(*secrets)


def test_an_empty_secret_signs_for_nobody() -> None:
    body = b"{}"

    with pytest.raises(SignatureError):
        verify(request(body, hmac_sha256_base64("", body)), {"client_secret": [""]}, NOW)


@pytest.mark.parametrize("signature", ["", "?", "AAAA", "é" * 44, "\x00"])
def test_a_signature_of_any_other_kind_is_refused(signature: str) -> None:
    with pytest.raises(SignatureError):
        verified(x_shopify_hmac_sha256=signature)


@pytest.mark.parametrize(
    ("age", "good"),
    [
        (timedelta(days=1), True),
        (timedelta(days=6), True),
        (timedelta(days=8), False),
        (timedelta(minutes=-4), True),
        (timedelta(minutes=-6), False),
    ],
)
def test_a_day_late_is_normal_and_a_week_is_not(age: timedelta, good: bool) -> None:
    sent = (NOW - age).isoformat()

    if good:
        assert verified(x_shopify_triggered_at=sent).sent_at == NOW - age
    else:
        with pytest.raises(SignatureError):
            verified(x_shopify_triggered_at=sent)


def test_two_webhooks_of_one_event_are_two() -> None:
    first = verified(x_shopify_webhook_id="a")
    second = verified(x_shopify_webhook_id="b")

    assert first.event_id != second.event_id


def test_without_a_webhook_id_topic_and_event_make_one() -> None:
    assert verified(x_shopify_webhook_id="").event_id == "orders/updated:98880550"
    with pytest.raises(SignatureError):
        verified(x_shopify_webhook_id="", x_shopify_event_id="")


@pytest.mark.parametrize(
    ("topic", "body", "expected"),
    [
        (
            "orders/create",
            {"admin_graphql_api_id": "gid://shopify/Order/5"},
            Hint(HintKind.ORDER, "gid://shopify/Order/5"),
        ),
        (
            "inventory_levels/update",
            {"inventory_item_id": 41, "available": 3},
            Hint(HintKind.STOCK, "gid://shopify/InventoryItem/41"),
        ),
        (
            "products/update",
            {"admin_graphql_api_id": "gid://shopify/Product/7"},
            Hint(HintKind.LISTING, "gid://shopify/Product/7"),
        ),
        (
            "refunds/create",
            {"order_id": 5},
            Hint(HintKind.REFUND, "gid://shopify/Order/5"),
        ),
        ("app/uninstalled", {}, Hint(HintKind.REVOKED)),
        ("carts/update", {}, Hint(HintKind.NOTHING)),
        ("orders/create", [], Hint(HintKind.ORDER)),
    ],
)
def test_what_a_topic_is_a_hint_of(topic: str, body: Any, expected: Hint) -> None:
    assert hint(topic, json.dumps(body).encode()) == expected


def test_a_body_that_is_no_json_hints_at_the_kind() -> None:
    assert hint("orders/create", b"\xff{") == Hint(HintKind.ORDER)
