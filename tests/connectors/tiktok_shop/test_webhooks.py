"""TikTok Shop's webhooks: theirs or not, told once, and what each type is a hint of."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import SignatureError
from connectors.records import Hint, HintKind, Verified, WebhookRequest
from connectors.tiktok_shop.signature import webhook_signature
from connectors.tiktok_shop.webhooks import TOPICS, TYPES, hints, verify

NOW = datetime.now(UTC).replace(microsecond=0)
ORDER = "576486316948490001"


def body(**changed: Any) -> bytes:
    told = {
        "type": 1,
        "tts_notification_id": "7327112393057371910",
        "shop_id": "7494049642642441621",
        "timestamp": int(NOW.timestamp()),
        "data": {"order_id": ORDER, "order_status": "UNPAID"},
        **changed,
    }
    return json.dumps({name: value for name, value in told.items() if value is not None}).encode()


def request(given: bytes, signature: str) -> WebhookRequest:
    headers = {"authorization": signature} if signature else {}
    return WebhookRequest("POST", "https://hub.example/hooks/1", headers, given)


def verified(
    given: bytes | None = None,
    *,
    keys: tuple[str, ...] = ("key",),
    secrets: tuple[str, ...] = ("hush",),
    now: datetime = NOW,
) -> Verified:
    """Signed with "key" and "hush", whatever the hub holds."""
    sent = body() if given is None else given
    signed = request(sent, webhook_signature("key", "hush", sent))
    return verify(signed, {"app_key": keys, "app_secret": secrets}, now)


# -- theirs or not ---------------------------------------------------------------------------------


def test_the_held_vector_is_genuine(shared: Path) -> None:
    vectors = json.loads((shared / "contracts" / "TEST_VECTORS-asia.json").read_text())
    vector = next(one for one in vectors if one["name"] == "webhook Authorization")
    given = vector["inputs"]
    sent_at = datetime.fromtimestamp(json.loads(given["raw_body"])["timestamp"], UTC)

    found = verify(
        request(given["raw_body"].encode(), vector["expected"]),
        {"app_key": [given["app_key"]], "app_secret": [given["app_secret"]]},
        sent_at,
    )

    assert found.event_id == "7327112393057371910"
    assert found.hints == (Hint(HintKind.ORDER, "576486316948490001"),)
    assert found.sent_at == sent_at


def test_while_app_or_secret_change_every_pair_is_good() -> None:
    found = verified(keys=("new-key", "key"), secrets=("new", "hush"))

    assert found.topic == "ORDER_STATUS_CHANGE"


@pytest.mark.parametrize(
    ("keys", "secrets"),
    [
        (("key",), ("other",)),
        (("other",), ("hush",)),
        ((), ("hush",)),
        (("key",), ()),
        (("key",), ("HUSH", "hush ")),
    ],
)
def test_another_pair_is_not(keys: tuple[str, ...], secrets: tuple[str, ...]) -> None:
    with pytest.raises(SignatureError):
        verified(keys=keys, secrets=secrets)


def test_an_empty_secret_signs_for_nobody() -> None:
    sent = body()

    for key, secret in (("", ""), ("key", ""), ("", "hush")):
        forged = request(sent, webhook_signature(key, secret, sent))
        with pytest.raises(SignatureError):
            verify(forged, {"app_key": [key], "app_secret": [secret]}, NOW)


@pytest.mark.parametrize("signature", ["", "?", "00" * 32, "é" * 64, "\x00"])
def test_a_signature_of_any_other_kind_is_refused(signature: str) -> None:
    with pytest.raises(SignatureError):
        verify(request(body(), signature), {"app_key": ["key"], "app_secret": ["hush"]}, NOW)


def test_the_signature_has_no_scheme_before_it() -> None:
    sent = body()
    dressed = request(sent, "Bearer " + webhook_signature("key", "hush", sent))

    with pytest.raises(SignatureError):
        verify(dressed, {"app_key": ["key"], "app_secret": ["hush"]}, NOW)


# -- told once, and in time ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "good"),
    [
        (timedelta(hours=16), True),
        (timedelta(days=2), True),
        (timedelta(days=3), False),
        (timedelta(minutes=-4), True),
        (timedelta(minutes=-6), False),
    ],
)
def test_the_last_retry_is_in_time_and_a_recording_is_not(age: timedelta, good: bool) -> None:
    sent = body(timestamp=int((NOW - age).timestamp()))

    if good:
        assert verified(sent).sent_at == NOW - age
    else:
        with pytest.raises(SignatureError):
            verified(sent)


def test_a_repeat_has_the_same_id_and_another_event_another() -> None:
    assert verified().event_id == verified().event_id
    assert verified(body(tts_notification_id="2")).event_id != verified().event_id


def test_types_without_an_id_are_told_by_their_bytes() -> None:
    first, other = body(tts_notification_id=None), body(tts_notification_id=None, shop_id="1")

    assert verified(first).event_id == verified(first).event_id
    assert verified(first).event_id != verified(other).event_id


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        body(type=None),
        body(type="order"),
        body(timestamp=None),
        body(timestamp="today"),
        body(tts_notification_id=5),
    ],
)
def test_a_signed_body_that_makes_no_sense_is_refused(sent: bytes) -> None:
    with pytest.raises(SignatureError):
        verified(sent)


# -- what has changed ------------------------------------------------------------------------------

PACKAGES = [{"order_id_list": ["2", "1"]}, {"order_id_list": [1, "3"]}, {}, "x"]


@pytest.mark.parametrize(
    ("number", "data", "expected"),
    [
        (1, {"order_id": ORDER}, [Hint(HintKind.ORDER, ORDER)]),
        (3, {"order_id": ORDER}, [Hint(HintKind.ORDER, ORDER)]),
        (4, {"package_list": PACKAGES}, [Hint(HintKind.ORDER, key) for key in ("1", "2", "3")]),
        (4, {"package_list": []}, [Hint(HintKind.ORDER)]),
        (4, {"package_list": "x"}, [Hint(HintKind.ORDER)]),
        (5, {"product_id": 1729}, [Hint(HintKind.LISTING, "1729")]),
        (6, {"message": "deauthorized"}, [Hint(HintKind.REVOKED)]),
        (7, {"message": "30 days"}, [Hint(HintKind.NOTHING)]),
        (11, {"order_id": ORDER}, [Hint(HintKind.ORDER, ORDER)]),
        (12, {"order_id": ORDER}, [Hint(HintKind.REFUND, ORDER)]),
        (15, {"product_id": "1729"}, [Hint(HintKind.LISTING, "1729")]),
        (27, {"sku_id": "17"}, [Hint(HintKind.STOCK, "17")]),
        (999, {"order_id": ORDER}, [Hint(HintKind.NOTHING)]),
        (1, {}, [Hint(HintKind.ORDER)]),
        (1, None, [Hint(HintKind.ORDER)]),
        (1, {"order_id": True}, [Hint(HintKind.ORDER)]),
        (1, {"order_id": {"$ne": 1}}, [Hint(HintKind.ORDER)]),
    ],
)
def test_what_a_type_is_a_hint_of(number: int, data: Any, expected: list[Hint]) -> None:
    assert list(hints(number, data)) == expected


def test_a_type_of_next_year_is_genuine_and_says_nothing() -> None:
    found = verified(body(type=999))

    assert (found.topic, found.hints) == ("999", (Hint(HintKind.NOTHING),))


def test_the_types_are_the_platforms(shared: Path) -> None:
    folder = shared / "contracts" / "tiktok-shop"
    known = json.loads((folder / "webhook-event-types.json").read_text())
    ours = {str(number): name for number, (name, _, _) in TYPES.items()}

    assert {number: name for number, name in ours.items() if number in known}.items() <= (
        known.items()
    )
    assert set(TOPICS) <= set(known.values())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("OrderStatusChange", HintKind.ORDER),
        ("RecipientAddressUpdate", HintKind.ORDER),
        ("PackageUpdate", HintKind.ORDER),
        ("ProductStatusChange", HintKind.LISTING),
        ("ProductInformationChange", HintKind.LISTING),
        ("ProductCreation", HintKind.LISTING),
        ("CancellationStatusChange", HintKind.ORDER),
        ("ReturnStatusChange", HintKind.REFUND),
        ("SellerDeauthorization", HintKind.REVOKED),
        ("UpcomingAuthorizationExpiration", HintKind.NOTHING),
    ],
)
def test_the_recorded_events_are_read(shared: Path, name: str, kind: HintKind) -> None:
    file = shared / "contracts" / "tiktok-shop" / "events" / f"{name}Event.json"
    sent = file.read_bytes()
    sent_at = datetime.fromtimestamp(json.loads(sent)["timestamp"], UTC)

    found = verified(sent, now=sent_at)

    assert {one.kind for one in found.hints} == {kind}
    assert all(one.key for one in found.hints) == (kind not in (HintKind.REVOKED, HintKind.NOTHING))
