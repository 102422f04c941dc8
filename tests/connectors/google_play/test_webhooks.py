"""Google's pushes: whose token opens the door, which does not, and what each one is a hint of."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors import jws
from connectors.errors import KeyMissing, SignatureError
from connectors.google_play import tokens
from connectors.google_play.webhooks import hint, verify
from connectors.records import Hint, HintKind, Verified, WebhookRequest
from tests.connectors.google_play.recorded import (
    ORDER_ID,
    PURCHASE_TOKEN,
    notification,
    push,
)

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SOLD = push(
    notification(
        "oneTimeProductNotification",
        notificationType=1,
        purchaseToken=PURCHASE_TOKEN,
        sku="game.full",
    )
)
NOTHING = Hint(HintKind.NOTHING)
#: RFC 7515, appendix A.2: a published example of RS256.
RFC_KEY = {
    "kty": "RSA",
    "kid": "rfc",
    "n": (
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt"
        "0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSX"
        "ndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5"
        "IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
    ),
    "e": "AQAB",
}
RFC_SIGNED = (
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv"
    "bS9pc19yb290Ijp0cnVlfQ"
)
RFC_SIGNATURE = (
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5"
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb"
    "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
    "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
)


@cache
def key(name: str) -> RSAPrivateKey:
    """Of Google, or of somebody else."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def key_set(**named: str) -> str:
    """Key id → whose key."""
    public = {kid: key(name).public_key() for kid, name in named.items()}
    return json.dumps({"keys": [jws.published(one, kid) for kid, one in public.items()]})


def claims(**changed: Any) -> dict[str, Any]:
    issued = int((NOW - timedelta(minutes=10)).timestamp())
    return {
        "iss": "https://accounts.google.com",
        "aud": "https://hub.example/door",
        "email": "push@shop.iam.gserviceaccount.com",
        "email_verified": True,
        "azp": "1137",
        "sub": "1137",
        "iat": issued,
        "exp": issued + 3600,
        **changed,
    }


def secrets(**changed: list[str]) -> dict[str, list[str]]:
    return {
        "push_audience": ["https://hub.example/door"],
        "push_email": ["push@shop.iam.gserviceaccount.com"],
        "google_keys": [key_set(k1="google")],
        "package_name": ["com.example.game"],
        **changed,
    }


def request(token: str, body: bytes = SOLD) -> WebhookRequest:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return WebhookRequest("POST", "https://hub.example/hooks/1", headers, body)


def verified(
    body: bytes = SOLD, signer: str = "google", kid: str = "k1", **changed: Any
) -> Verified:
    return verify(request(tokens.write(claims(**changed), key(signer), kid), body), secrets(), NOW)


def encoded(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_genuine_push_names_the_purchase() -> None:
    found = verified()

    assert found == Verified(
        event_id="136969346945",
        topic="oneTimeProductNotification",
        hints=(Hint(HintKind.ORDER, PURCHASE_TOKEN),),
        sent_at=datetime(2026, 11, 22, 7, 59, 0, 12_000, tzinfo=UTC),
    )


def test_the_published_example_of_the_algorithm_is_genuine() -> None:
    (_, published) = jws.key_set([json.dumps({"keys": [RFC_KEY]})]).popitem()
    signature = jws.decoded(RFC_SIGNATURE)

    assert tokens.signed_by(tokens.Token("", {}, RFC_SIGNED.encode(), signature), published)
    assert not tokens.signed_by(tokens.Token("", {}, b"other", signature), published)


def test_a_repeat_has_the_same_id() -> None:
    later = int(NOW.timestamp())

    assert verified().event_id == verified(iat=later, exp=later + 3600).event_id


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aud": "https://hub.example/other"}, "audience_wrong"),
        ({"aud": ["https://hub.example/door"]}, "audience_wrong"),
        ({"aud": ""}, "audience_wrong"),
        ({"email": "push@other.iam.gserviceaccount.com"}, "sender_wrong"),
        ({"email": None}, "sender_wrong"),
        ({"email_verified": False}, "sender_wrong"),
        ({"email_verified": "true"}, "sender_wrong"),
        ({"iss": "https://accounts.example.com"}, "issuer_wrong"),
        ({"exp": int((NOW - timedelta(minutes=6)).timestamp())}, "time_wrong"),
        ({"iat": int((NOW + timedelta(minutes=6)).timestamp())}, "time_wrong"),
        ({"exp": "tomorrow"}, "time_wrong"),
        ({"exp": True}, "time_wrong"),
        ({"exp": 10**30}, "time_wrong"),
        ({"iat": None}, "time_wrong"),
    ],
)
def test_a_token_for_somebody_else_or_another_time_is_refused(
    changed: dict[str, Any], code: str
) -> None:
    with pytest.raises(SignatureError) as caught:
        verified(**changed)

    assert caught.value.code == code


@pytest.mark.parametrize("minutes", [-4, 0, 40])
def test_clocks_may_differ_a_little_and_a_token_lasts_an_hour(minutes: int) -> None:
    issued = int((NOW - timedelta(minutes=minutes)).timestamp())

    assert verified(iat=issued, exp=issued + 3600).event_id


def test_a_token_signed_by_somebody_else_is_refused() -> None:
    with pytest.raises(SignatureError) as caught:
        verified(signer="stranger")

    assert caught.value.code == "signature_wrong"


def test_changed_claims_do_not_fit_the_signature() -> None:
    header, _, signature = tokens.write(claims(), key("google"), "k1").split(".")
    later = int((NOW + timedelta(days=1)).timestamp())

    with pytest.raises(SignatureError):
        verify(request(f"{header}.{encoded(claims(exp=later))}.{signature}"), secrets(), NOW)


def test_the_token_does_not_choose_its_algorithm() -> None:
    pem = key("google").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{encoded({'alg': 'HS256', 'kid': 'k1'})}.{encoded(claims())}"
    digest = hmac.digest(pem, signed.encode(), sha256)
    by_public_key = f"{signed}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"
    unsigned = f"{encoded({'alg': 'none', 'kid': 'k1'})}.{encoded(claims())}."
    other = f"{encoded({'alg': 'RS512', 'kid': 'k1'})}.{encoded(claims())}"
    mislabelled = key("google").sign(other.encode(), PKCS1v15(), SHA256())
    by_another_name = f"{other}.{urlsafe_b64encode(mislabelled).rstrip(b'=').decode()}"

    for forged in (by_public_key, unsigned, by_another_name):
        with pytest.raises(SignatureError):
            verify(request(forged), secrets(), NOW)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a.b", "a.b.c", "..", "é.é.é", "\x00.\x00.\x00", "e30.e30.e30", "W10.W10.W10",
     "A" * 9000, ".".join(["A" * 3000] * 3), "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"],
)  # fmt: skip
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(SignatureError):
        verify(request(text), secrets(), NOW)


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc"])
def test_without_a_bearer_token_nothing_is_genuine(header: str) -> None:
    sent = WebhookRequest("POST", "https://hub.example/hooks/1", {"authorization": header}, SOLD)

    with pytest.raises(SignatureError) as caught:
        verify(sent, secrets(), NOW)

    assert caught.value.code == "signature_missing"


@pytest.mark.parametrize("name", ["push_audience", "push_email"])
def test_an_account_that_names_no_audience_or_sender_trusts_nobody(name: str) -> None:
    token = tokens.write(claims(aud="", email=""), key("google"), "k1")

    for nothing in ([], [""]):
        with pytest.raises(SignatureError):
            verify(request(token), secrets(**{name: nothing}), NOW)


# -- keys ------------------------------------------------------------------------------------------


def test_a_key_we_do_not_hold_is_missing_not_wrong() -> None:
    with pytest.raises(KeyMissing) as caught:
        verified(signer="next", kid="k2")

    assert caught.value.key_id == "k2"


@pytest.mark.parametrize("held", [[], [""], ["nonsense"], ["{}"], ['{"keys": 5}']])
def test_keys_that_cannot_be_read_are_missing(held: list[str]) -> None:
    token = tokens.write(claims(), key("google"), "k1")

    with pytest.raises(KeyMissing):
        verify(request(token), secrets(google_keys=held), NOW)


def test_a_stranger_cannot_make_us_fetch_keys() -> None:
    with pytest.raises(SignatureError):
        verified(signer="stranger", kid="k9", aud="https://hub.example/guess")


def test_while_keys_change_both_are_good() -> None:
    both = secrets(google_keys=[key_set(k2="next"), key_set(k1="google")])

    for name, kid in (("google", "k1"), ("next", "k2")):
        token = tokens.write(claims(), key(name), kid)
        assert verify(request(token), both, NOW).event_id


def test_a_key_too_short_to_trust_is_not_held() -> None:
    short = generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    held = json.dumps({"keys": [jws.published(short.public_key(), "k1")]})

    with pytest.raises(KeyMissing):
        verify(request(tokens.write(claims(), short, "k1")), secrets(google_keys=[held]), NOW)


# -- what it says ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "told", "expected"),
    [
        (
            "oneTimeProductNotification",
            {"notificationType": 2, "purchaseToken": PURCHASE_TOKEN, "sku": "game.full"},
            Hint(HintKind.ORDER, PURCHASE_TOKEN),
        ),
        (
            "voidedPurchaseNotification",
            {"purchaseToken": "t", "orderId": ORDER_ID, "productType": 2, "refundType": 1},
            Hint(HintKind.ORDER, ORDER_ID),
        ),
        (
            "subscriptionNotification",
            {"notificationType": 2, "purchaseToken": "t", "subscriptionId": "monthly"},
            Hint(HintKind.ORDER, "subscription:t"),
        ),
        (
            "pendingRefundReviewNotification",
            {"purchaseToken": "t", "orderId": ORDER_ID},
            Hint(HintKind.ORDER, ORDER_ID),
        ),
        ("testNotification", {"version": "1.0"}, NOTHING),
        ("oneTimeProductNotification", {}, NOTHING),
        ("oneTimeProductNotification", {"purchaseToken": 5}, NOTHING),
        ("oneTimeProductNotification", {"purchaseToken": "a\x00b"}, NOTHING),
        ("oneTimeProductNotification", {"purchaseToken": "t" * 3000}, NOTHING),
        ("somethingNewNotification", {"orderId": ORDER_ID}, NOTHING),
    ],
)
def test_what_a_notification_is_a_hint_of(topic: str, told: dict[str, Any], expected: Hint) -> None:
    assert hint(topic, told) == expected
    assert verified(push(notification(topic, **told))).hints == (expected,)


def test_the_sale_of_another_app_on_the_same_topic_is_nothing_to_us() -> None:
    other = notification("oneTimeProductNotification", "com.example.other", purchaseToken="t")

    assert verified(push(other)).hints == (NOTHING,)


@pytest.mark.parametrize("data", ["", "???", "e30", "W10=", "/w==", "bnVsbA=="])
def test_what_google_says_and_we_cannot_read_is_taken_in_as_nothing(data: str) -> None:
    found = verified(push({}, data=data))

    assert (found.event_id, found.topic, found.hints) == ("136969346945", "", (NOTHING,))


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"message": []}', b"[" * 5000])
def test_a_push_without_a_message_is_refused(body: bytes) -> None:
    with pytest.raises(SignatureError) as caught:
        verified(body)

    assert caught.value.code == "id_missing"


def test_a_time_that_makes_no_sense_is_left_out() -> None:
    for told in ("", "yesterday", "2026-11-22T07:59:00"):
        assert verified(push({}, publishTime=told)).sent_at is None
