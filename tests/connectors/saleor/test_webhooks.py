"""Saleor's webhooks: signed over the raw body with a published key, and what each is a hint of."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import jws
from connectors.errors import KeyMissing, SignatureError
from connectors.records import Hint, HintKind, Verified, WebhookRequest
from connectors.saleor import signature
from connectors.saleor.simulator import signing_key
from connectors.saleor.webhooks import KEYS, TOPICS, topic_of, type_of, verify
from tests.connectors.saleor.recorded import ORDER, VARIANT

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

#: As Saleor writes it.
HEADER = {"alg": "RS256", "b64": False, "crit": ["b64"], "kid": "k1", "typ": "JWT"}

#: Made by PyJWT 2.15 (``api_jws.encode``, detached), which is what Saleor signs with.
VECTOR_BODY = (
    b'{"__typename": "OrderCreated", "issuedAt": "2026-11-22T07:00'
    b':00.123456+00:00", "order": '
    b'{"id": "T3JkZXI6ZjRlM2EwZjItNWE2NS00YTNlLTlmMGUtMGYyZjNjMWY3YTEw"}}'
)
VECTOR_MODULUS = (
    "y-sF1_oVlLIauG_R9izN2HV7K-c8Y-wwtGyF2RPoul-y7d718Kudj1_fvapFwGAeONixymz7tP1METX1DgoWQo7c"
    "pkteCLcShPGGXxkJ8VWyMpB_RVmDqeK8TKcdhHDszosy1No89_FMs7EOAPLlH3INsBIOutvP7nTCdo252_Ib9T5z"
    "PehXvw1MHHATD8W-WtLwLLBN9SZgFo0ZJ3llPWKTplzNED3pebojPhq4QH5XpFB8UjauzZxo41W7BUAgzenrq7g0"
    "5AoYpsw2oyPyLn1faspe0n3PXVSvMV6vlbuYlaL9kffO0SR_4R0VKDtZ6q1NpFQQ9sz-I0jh6NpYNw"
)
VECTOR_SIGNATURE = (
    "eyJhbGciOiJSUzI1NiIsImI2NCI6ZmFsc2UsImNyaXQiOlsiYjY0Il0sImtpZCI6InRodW1iIiwidHlwIjoiSldU"
    "In0..Z-bU0Rb5cIFKytXgbL5lglLUf0spag8i38ikQu_1lT4otj-0cCOHF3uSvZozRjdJtZBRIsolFE1ngcLyeZm"
    "3lsMuNg58NienOxZmeneJHyqT5YwQqbGIBuqj5jjDR5jnanFT4w5MPPoKKk6hLd6YFDVDF4w_ElKDryueip_6Jsk"
    "ShnmXb503iOUIiOlwkF9F25AKoKDna0VAK_xSZNVHxl4d0xbdjXXZa7adRCPJLBaul4uZVo2r1pjJ2Mkr-94VUBs"
    "Fkx1PCvSO8KuovNO0Ll_Yi2nn8rWuHOnWF4N7Rn5xf64sk3xLb8LLrpb41bb9LGti7ztaQfCab0_1JIcu-g"
)
VECTOR_KEY = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "thumb", "e": "AQAB"}


def key_set(*numbers: int) -> str:
    keys = [jws.published(signing_key(one).public_key(), f"k{one}") for one in numbers]
    return json.dumps({"keys": keys})


def told(type_name: str = "OrderUpdated", **changed: Any) -> bytes:
    issued = {"__typename": type_name, "issuedAt": "2026-11-22T07:00:00.123456+00:00"}
    return json.dumps({**issued, "order": {"id": ORDER}, **changed}).encode()


def request(body: bytes, text: str | None = None, **headers: str) -> WebhookRequest:
    signed = signature.write(body, signing_key(1), "k1") if text is None else text
    named = {"saleor-event": "order_updated", "saleor-signature": signed, **headers}
    return WebhookRequest("POST", "https://hub.example/hooks/1", named, body)


def verified(body: bytes, now: datetime = NOW, **headers: str) -> Verified:
    return verify(request(body, **headers), {KEYS: [key_set(1)]}, now)


def test_a_genuine_webhook_names_its_order_and_time() -> None:
    found = verified(told())

    assert found.topic == "ORDER_UPDATED"
    assert found.hints == (Hint(HintKind.ORDER, ORDER),)
    assert found.sent_at == datetime(2026, 11, 22, 7, 0, 0, 123456, tzinfo=UTC)


def test_what_saleors_own_library_signs_is_genuine() -> None:
    keys = json.dumps({"keys": [{**VECTOR_KEY, "n": VECTOR_MODULUS}]})

    found = verify(request(VECTOR_BODY, VECTOR_SIGNATURE), {KEYS: [keys]}, NOW)

    assert (found.topic, found.hints) == ("ORDER_CREATED", (Hint(HintKind.ORDER, ORDER),))


def test_the_header_of_before_will_do() -> None:
    body = told()
    given = request(body)
    old = {"x-saleor-signature": given.headers["saleor-signature"]}

    assert verify(WebhookRequest("POST", given.url, old, body), {KEYS: [key_set(1)]}, NOW)


def test_any_key_now_valid_will_do() -> None:
    assert verify(request(told()), {KEYS: [key_set(2), "?", "[]", key_set(1)]}, NOW)


def test_a_key_we_do_not_hold_is_asked_for_by_name() -> None:
    with pytest.raises(KeyMissing) as caught:
        verify(request(told()), {KEYS: [key_set(2)]}, NOW)

    assert caught.value.key_id == "k1"


def test_another_key_of_the_same_name_signs_for_nobody() -> None:
    forged = signature.write(told(), signing_key(2), "k1")

    with pytest.raises(SignatureError):
        verify(request(told(), forged), {KEYS: [key_set(1)]}, NOW)


def encoded(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b",
        "a..b..c",
        "x" * 9000,
        f"{encoded(HEADER)}.{encoded({})}.AAAA",
        f"{encoded({**HEADER, 'alg': 'none'})}..AAAA",
        f"{encoded({**HEADER, 'alg': 'HS256'})}..AAAA",
        f"{encoded({**HEADER, 'b64': True})}..AAAA",
        f"{encoded({**HEADER, 'crit': []})}..AAAA",
        f"{encoded({**HEADER, 'kid': ''})}..AAAA",
        f"{encoded([])}..AAAA",
        f"{encoded(HEADER)}..AAAA",
        f"{encoded(HEADER)}..é",
        f"{encoded(HEADER)}..AAA=",
    ],
)
def test_a_signature_of_any_other_kind_is_refused(text: str) -> None:
    with pytest.raises(SignatureError):
        verify(request(told(), text), {KEYS: [key_set(1)]}, NOW)


def test_a_key_too_short_to_trust_is_none() -> None:
    entry = {"kty": "RSA", "kid": "k1", "n": "AQAB", "e": "AQAB"}

    assert jws.key_set([json.dumps({"keys": [entry, "x", {"kty": "EC"}]})]) == {}


@pytest.mark.parametrize(
    ("age", "good"),
    [
        (timedelta(days=1), True),
        (timedelta(days=8), False),
        (timedelta(minutes=-4), True),
        (timedelta(minutes=-6), False),
    ],
)
def test_a_day_late_is_normal_and_a_week_is_not(age: timedelta, good: bool) -> None:
    body = told(issuedAt=(NOW - age).isoformat())

    if good:
        assert verified(body).sent_at == NOW - age
    else:
        with pytest.raises(SignatureError):
            verified(body)


def test_a_time_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(SignatureError):
        verified(told(issuedAt="soon"))


def test_one_event_again_has_the_same_id_and_others_have_others() -> None:
    first = verified(told())

    assert verified(told()).event_id == first.event_id
    assert verified(told("OrderFulfilled")).event_id != first.event_id
    assert verified(told(issuedAt="2026-11-22T07:00:00.123457+00:00")).event_id != first.event_id


@pytest.mark.parametrize(
    ("type_name", "part", "key", "hints"),
    [
        ("OrderCreated", "order", ORDER, (Hint(HintKind.ORDER, ORDER),)),
        ("FulfillmentCreated", "order", ORDER, (Hint(HintKind.ORDER, ORDER),)),
        (
            "OrderRefunded",
            "order",
            ORDER,
            (Hint(HintKind.ORDER, ORDER), Hint(HintKind.REFUND, ORDER)),
        ),
        (
            "ProductVariantStockUpdated",
            "productVariant",
            VARIANT,
            (Hint(HintKind.STOCK, VARIANT),),
        ),
        ("ProductVariantUpdated", "productVariant", VARIANT, (Hint(HintKind.LISTING, VARIANT),)),
        ("OrderCreated", "order", "not an id", (Hint(HintKind.NOTHING),)),
        ("CustomerUpdated", "user", "VXNlcjox", (Hint(HintKind.NOTHING),)),
    ],
)
def test_each_topic_is_a_hint_of_its_kind(
    type_name: str, part: str, key: str, hints: tuple[Hint, ...]
) -> None:
    body = json.dumps({"__typename": type_name, part: {"id": key}}).encode()

    assert verified(body).hints == hints


def test_a_webhook_without_a_subscription_is_read_too() -> None:
    meta = {"issued_at": "2026-11-22T07:00:00.000001+00:00"}
    body = json.dumps([{"type": "Order", "id": ORDER, "meta": meta, "lines": []}]).encode()

    found = verified(body)

    assert (found.topic, found.hints) == ("ORDER_UPDATED", (Hint(HintKind.ORDER, ORDER),))
    assert found.sent_at is not None


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'"x"', b"[" * 100_000, b"\xff"])
def test_a_genuine_webhook_of_nonsense_is_no_news(body: bytes) -> None:
    assert verified(body).hints == (Hint(HintKind.NOTHING),)


@pytest.mark.parametrize("topic", TOPICS)
def test_topics_and_types_name_each_other(topic: str) -> None:
    assert topic_of(type_of(topic)) == topic
