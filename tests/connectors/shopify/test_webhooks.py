"""Shopify's webhooks: its own signature vector, and what each topic is a hint of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import RejectedError, SignatureError
from connectors.postsale import Refund
from connectors.records import Hint, HintKind, Verified, WebhookRequest
from connectors.shopify.webhooks import OPTIONAL, TOPICS, hint, verify
from connectors.signing import hmac_sha256_base64
from connectors.testing.rig import Inbox
from tests.connectors.shopify.shopfloor import Floor, floor, order_key

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
        (
            "orders/edited",
            {"order_edit": {"id": 78, "order_id": 5}},
            Hint(HintKind.ORDER, "gid://shopify/Order/5"),
        ),
        ("orders/edited", {"order_edit": None}, Hint(HintKind.ORDER)),
        ("orders/updated", {"id": 5}, Hint(HintKind.ORDER, "gid://shopify/Order/5")),
        (
            "fulfillments/update",
            {"id": 9, "order_id": 5, "admin_graphql_api_id": "gid://shopify/Fulfillment/9"},
            Hint(HintKind.ORDER, "gid://shopify/Order/5"),
        ),
        (
            "bulk_operations/finish",
            {"admin_graphql_api_id": "gid://shopify/BulkOperation/9", "status": "completed"},
            Hint(HintKind.ORDER),
        ),
        ("products/delete", {"id": 7}, Hint(HintKind.LISTING)),
        ("app/uninstalled", {}, Hint(HintKind.REVOKED)),
        ("app/scopes_update", {}, Hint(HintKind.NOTHING)),
        ("carts/update", {}, Hint(HintKind.NOTHING)),
        ("orders/create", [], Hint(HintKind.ORDER)),
    ],
)
def test_what_a_topic_is_a_hint_of(topic: str, body: Any, expected: Hint) -> None:
    assert hint(topic, json.dumps(body).encode()) == expected


def test_a_body_that_is_no_json_hints_at_the_kind() -> None:
    assert hint("orders/create", b"\xff{") == Hint(HintKind.ORDER)


# -- asked for -------------------------------------------------------------------------------------


@pytest.fixture
def shop() -> Iterator[Floor]:
    with floor() as found:
        yield found


def refusing(shop: Floor, *topics: str) -> None:
    """The shop lets the app have all topics but these."""
    answers, given = shop.simulator._answers, shop.simulator._answers["Subscribe"]

    def subscribe(asked: Any) -> dict[str, Any]:
        if asked["topic"] not in topics:
            return given(asked)
        error = {"field": ["webhookSubscription", "topic"], "message": "You do not have access"}
        none = {"webhookSubscription": None, "userErrors": [error]}
        return {"webhookSubscriptionCreate": none}

    answers["Subscribe"] = subscribe


def test_a_topic_the_app_may_not_have_is_left_out_where_another_tells_it(shop: Floor) -> None:
    refusing(shop, *OPTIONAL)

    made = shop.connector().subscribe("https://hub.example/hooks")

    assert {one.topic for one in made} == set(TOPICS) - OPTIONAL


def test_a_topic_that_nothing_stands_in_for_is_asked_for_in_vain(shop: Floor) -> None:
    refusing(shop, "ORDERS_UPDATED")

    with pytest.raises(RejectedError):
        shop.connector().subscribe("https://hub.example/hooks")


def test_one_that_somebody_else_just_made_is_there(shop: Floor) -> None:
    url = "https://hub.example/hooks"
    shop.simulator.meanwhile(lambda: shop.connector().subscribe(url), "Subscribe")

    made = shop.connector().subscribe(url)

    assert sorted(one.topic for one in made) == sorted(TOPICS)


def test_a_parcel_and_a_refund_name_their_order(shop: Floor) -> None:
    with Inbox() as inbox:
        shop.connector().subscribe(inbox.url)
        sale = shop.buy(1)
        shop.shop.ship(sale.key)
        shop.shop.refund(sale.key, Refund("", sale.key, 5, "GBP", datetime.now(UTC)))
        assert shop.simulator.webhooks.drain()
        secret = {"client_secret": [shop.simulator.client_secret]}
        come = [verify(one, secret, datetime.now(UTC)) for one in inbox.received]

    told = {one.topic: one.hints[0] for one in come}
    assert told["fulfillments/create"] == Hint(HintKind.ORDER, order_key(sale))
    assert told["refunds/create"] == Hint(HintKind.REFUND, order_key(sale))
