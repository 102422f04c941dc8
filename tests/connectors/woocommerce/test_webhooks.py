"""WooCommerce's webhooks: theirs or not, what each is a hint of, and that they are kept alive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import SignatureError
from connectors.records import Hint, HintKind, Reply, Verified, WebhookRequest
from connectors.signing import hmac_sha256_base64
from connectors.testing import Rig
from connectors.testing.rig import Inbox
from connectors.woocommerce import CHANNEL
from connectors.woocommerce.simulator import WooCommerceSimulator
from connectors.woocommerce.subscriptions import name
from connectors.woocommerce.webhooks import TOPICS, challenge, hint, verify

NOW = datetime.now(UTC)
URL = "https://hub.example/hooks/1"


def request(body: bytes, secret: str = "hush", **headers: str) -> WebhookRequest:  # noqa: S107
    told = {
        "x-wc-webhook-topic": "order.updated",
        "x-wc-webhook-delivery-id": "d1",
        "x-wc-webhook-signature": hmac_sha256_base64(secret, body),
    }
    given = {**told, **{key.replace("_", "-"): value for key, value in headers.items()}}
    return WebhookRequest("POST", URL, given, body)


def verified(given: WebhookRequest, *secrets: str) -> Verified:
    return verify(given, {"webhook_secret": secrets or ("hush",)}, NOW)


# -- theirs or not ---------------------------------------------------------------------------------


def test_the_held_vector_is_genuine(shared: Path) -> None:
    vectors = json.loads((shared / "contracts" / "TEST_VECTORS-west.json").read_text())
    vector = vectors["woocommerce_webhook"]
    body = vector["raw_body"].encode()
    given = request(body, x_wc_webhook_signature=vector["value"])

    found = verified(given, vector["secret"])

    assert found.hints == (Hint(HintKind.ORDER, "820982911946154508"),)


def test_old_and_new_secret_are_both_good() -> None:
    assert verified(request(b'{"id":17}', "old"), "new", "old").topic == "order.updated"


@pytest.mark.parametrize(
    "given",
    [
        request(b'{"id":17}', "forged"),
        request(b'{"id":17}', x_wc_webhook_signature=""),
        request(b'{"id":17}', x_wc_webhook_signature="\udc80"),
        WebhookRequest("POST", URL, {}, b"webhook_id=5"),
    ],
)
def test_what_is_not_signed_by_the_shop_is_refused(given: WebhookRequest) -> None:
    with pytest.raises(SignatureError):
        verified(given)


def test_a_repeat_is_known_and_another_body_is_another_event() -> None:
    first, again = request(b'{"id":17}'), request(b'{"id":17}')
    other = request(b'{"id":18}')  # under the delivery id of the first

    assert verified(first).event_id == verified(again).event_id
    assert verified(first).event_id != verified(other).event_id


def test_without_a_delivery_id_the_content_decides() -> None:
    given = request(b'{"id":17}', x_wc_webhook_delivery_id="")

    assert verified(given).event_id == verified(given).event_id
    assert verified(given).event_id != verified(request(b'{"id":17}')).event_id


# -- what it says ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "body", "meant"),
    [
        ("order.updated", b'{"id":727,"status":"processing"}', Hint(HintKind.ORDER, "727")),
        ("order.deleted", b'{"id":17}', Hint(HintKind.ORDER, "17")),
        ("order.restored", b'{"id":"17"}', Hint(HintKind.ORDER, "17")),
        ("product.updated", b'{"id":93}', Hint(HintKind.LISTING, "93")),
        ("customer.created", b'{"id":5}', Hint(HintKind.NOTHING)),
        ("action.woocommerce_add_to_cart", b'{"action":"x"}', Hint(HintKind.NOTHING)),
        ("order.updated", b'{"code":"woocommerce_rest_cannot_view"}', Hint(HintKind.ORDER)),
        ("order.updated", b"not json", Hint(HintKind.ORDER)),
        ("order.updated", b"[]", Hint(HintKind.ORDER)),
        ("", b'{"id":5}', Hint(HintKind.NOTHING)),
    ],
)
def test_a_webhook_is_a_hint(topic: str, body: bytes, meant: Hint) -> None:
    assert hint(topic, body) == meant


# -- the ping --------------------------------------------------------------------------------------


def test_the_first_ping_is_answered_and_says_nothing() -> None:
    ping = WebhookRequest("POST", URL, {}, b"webhook_id=142")

    assert challenge(ping, {}) == Reply(200)


@pytest.mark.parametrize(
    "given",
    [
        request(b"webhook_id=142"),
        WebhookRequest("GET", URL, {}, b"webhook_id=142"),
        WebhookRequest("POST", URL, {}, b"webhook_id=142&order=5"),
        WebhookRequest("POST", URL, {}, b'{"id":17}'),
        WebhookRequest("POST", URL, {}, b""),
    ],
)
def test_anything_else_is_no_ping(given: WebhookRequest) -> None:
    assert challenge(given, {}) is None


# -- kept alive ------------------------------------------------------------------------------------


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, WooCommerceSimulator(), timeout=2.0) as rig:
        yield rig


def simulator(rig: Rig) -> WooCommerceSimulator:
    assert isinstance(rig.simulator, WooCommerceSimulator)
    return rig.simulator


def test_the_simulated_shop_pings_once_for_each_webhook(rig: Rig) -> None:
    with Inbox() as inbox:
        rig.connector().subscribe(inbox.url)
        come = inbox.wait(len(TOPICS))

    assert [challenge(one, {}) for one in come] == [Reply()] * len(TOPICS)


def test_a_webhook_that_was_switched_off_is_switched_on_again(rig: Rig) -> None:
    shop = rig.connector()
    first = shop.subscribe(URL)
    rig.simulator.drop_subscription(first[0].external_id)
    assert len(shop.subscriptions()) == len(first) - 1

    again = shop.subscribe(URL)

    assert again == first  # the same webhooks, not new ones beside them
    assert len(shop.subscriptions()) == len(first)


def test_a_new_secret_is_given_to_the_webhooks_that_are_there(rig: Rig) -> None:
    first = rig.connector().subscribe(URL)
    shop = rig.connector(webhook_secret="new")  # noqa: S106
    assert shop.subscriptions() == ()

    again = shop.subscribe(URL)

    assert again == first
    assert {simulator(rig).hooks.secrets[one.external_id] for one in again} == {"new"}


def test_to_subscribe_twice_writes_nothing_the_second_time(rig: Rig) -> None:
    shop = rig.connector()
    shop.subscribe(URL)
    written = simulator(rig).requests["webhook"]

    shop.subscribe(URL)

    assert simulator(rig).requests["webhook"] == written == len(TOPICS)


def test_webhooks_of_others_are_left_alone(rig: Rig) -> None:
    others = {"topic": "order.updated", "delivery_url": "https://other.example/", "name": "x"}
    with rig.shop.lock:
        simulator(rig).hooks.create(others)
    shop = rig.connector()

    made = shop.subscribe(URL)

    assert len(made) == len(TOPICS)
    assert {one.url for one in shop.subscriptions()} == {URL}


def test_the_name_tells_nothing_of_the_secret_but_that_it_changed() -> None:
    assert name("order.updated", "hush") != name("order.updated", "new")
    assert "hush" not in name("order.updated", "hush")


def test_after_some_failures_in_a_row_the_shop_switches_a_webhook_off(rig: Rig) -> None:
    rig.stock_up()
    shop = rig.connector()
    with Inbox(failures=100) as inbox:
        shop.subscribe(inbox.url)
        for _ in range(8):
            rig.shop.buy([("SKU-0", 1)])
        rig.simulator.webhooks.drain()
        left = {one.topic for one in shop.subscriptions()}

    assert "order.created" not in left


def test_an_order_thrown_away_is_told_by_its_id_alone(rig: Rig) -> None:
    rig.stock_up()
    with Inbox() as inbox:
        rig.connector().subscribe(inbox.url)
        sale = rig.shop.buy([("SKU-0", 1)])
        simulator(rig).trash(sale.key)
        rig.simulator.webhooks.drain()
        come = {one.headers.get("x-wc-webhook-topic"): one for one in inbox.received}

    assert json.loads(come["order.deleted"].body) == {"id": int(sale.key)}
    found = verified(come["order.deleted"], simulator(rig).secret)
    assert found.hints == (Hint(HintKind.ORDER, sale.key),)
