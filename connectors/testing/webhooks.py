"""Webhooks: the genuine pass and say what changed, all others do not; a repeat has the same id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Capability
from connectors.errors import KeyMissing, SignatureError
from connectors.records import HintKind, Verified, WebhookRequest
from connectors.testing.rig import Inbox, Rig


def received(rig: Rig, inbox: Inbox, count: int = 1) -> list[WebhookRequest]:
    """Subscribe, sell something, and answer the webhooks about the order."""
    rig.needs(Capability.WEBHOOKS, Capability.SUBSCRIBE)
    if not rig.shop.variants:
        rig.stock_up()
    rig.connector().subscribe(inbox.url)
    valid = secrets(rig)
    rig.shop.buy([("SKU-0", 1)])
    inbox.until(lambda come: len(about_orders(rig, come, valid)) >= count)
    return about_orders(rig, inbox.received, valid)[-count:]


def about_orders(
    rig: Rig, come: Sequence[WebhookRequest], valid: Mapping[str, Sequence[str]]
) -> list[WebhookRequest]:
    """A channel's own handshake, which the door answers by itself, is about nothing."""
    kind = HintKind.ORDER
    challenge = rig.channel.webhooks.challenge if rig.channel.webhooks is not None else None
    told = [one for one in come if challenge is None or challenge(one, valid) is None]
    return [one for one in told if verify(rig, one, valid).hints[0].kind is kind]


def told(rig: Rig) -> dict[str, str]:
    """What the seller types in, and the keys that the channel publishes."""
    published = Capability.WEBHOOK_KEYS
    keys = rig.connector().webhook_keys() if rig.channel.can(published) else {}
    return {**rig.simulator.credentials(), **keys}


def secrets(rig: Rig, *older: Mapping[str, str]) -> dict[str, Sequence[str]]:
    assert rig.channel.webhooks is not None
    held = [told(rig), *older]
    return {name: [one[name] for one in held] for name in rig.channel.webhooks.secrets}


def verify(
    rig: Rig, request: WebhookRequest, valid: Mapping[str, Sequence[str]] | None = None
) -> Verified:
    assert rig.channel.webhooks is not None
    return rig.channel.webhooks.verify(request, valid or secrets(rig), datetime.now(UTC))


class WebhookContract:
    def test_a_genuine_webhook_names_the_order(self, rig: Rig) -> None:
        rig.needs(Capability.ORDER_FETCH)
        with Inbox() as inbox:
            (request,) = received(rig, inbox)

        verified = verify(rig, request)

        (order,) = rig.connector().fetch_orders([verified.hints[0].key]).items
        assert verified.event_id
        assert order.external_id.rpartition("/")[2] == rig.shop.orders[0].key

    def test_a_changed_body_is_refused(self, rig: Rig) -> None:
        if rig.channel.webhooks is not None and not rig.channel.webhooks.covers_body:
            pytest.skip("its signature covers no body")
        with Inbox() as inbox:
            (request,) = received(rig, inbox)

        with pytest.raises(SignatureError):
            verify(rig, replace(request, body=request.body + b" "))

    def test_an_unsigned_webhook_is_refused(self, rig: Rig) -> None:
        with Inbox() as inbox:
            (request,) = received(rig, inbox)

        with pytest.raises(SignatureError):
            verify(rig, replace(request, headers={}))

    def test_without_a_secret_nothing_is_genuine(self, rig: Rig) -> None:
        with Inbox() as inbox:
            (request,) = received(rig, inbox)
        assert rig.channel.webhooks is not None

        with pytest.raises((SignatureError, KeyMissing)):
            verify(rig, request, {name: [] for name in rig.channel.webhooks.secrets})

    def test_while_a_secret_is_changed_both_are_good(self, rig: Rig) -> None:
        rig.needs(Capability.WEBHOOKS)
        old = told(rig)
        with Inbox() as inbox:
            (by_old,) = received(rig, inbox)
            rig.simulator.rotate_secret()
            rig.simulator.webhooks.drain()
            inbox.received.clear()
            (by_new,) = received(rig, inbox)
        both = secrets(rig, old)

        assert verify(rig, by_old, both).event_id != verify(rig, by_new, both).event_id
        with pytest.raises((SignatureError, KeyMissing)):
            verify(rig, by_old)

    def test_a_key_that_is_not_held_yet_can_be_fetched(self, rig: Rig) -> None:
        rig.needs(Capability.WEBHOOK_KEYS)
        with Inbox() as inbox:
            (request,) = received(rig, inbox)
        connector = rig.connector()
        typed_in = rig.simulator.credentials()
        names = connector.webhook_keys().keys()
        held = {name: [] if name in names else [typed_in[name]] for name in secrets(rig)}

        with pytest.raises(KeyMissing):
            verify(rig, request, held)

        fetched = {name: [value] for name, value in connector.webhook_keys().items()}
        assert verify(rig, request, {**held, **fetched}).event_id

    def test_a_recording_of_last_month_is_refused(self, rig: Rig) -> None:
        if rig.channel.webhooks is not None and not rig.channel.webhooks.dated:
            pytest.skip("nothing signed says when it was sent")
        with Inbox() as inbox:
            (request,) = received(rig, inbox)
        assert rig.channel.webhooks is not None

        with pytest.raises(SignatureError):
            rig.channel.webhooks.verify(
                request, secrets(rig), datetime.now(UTC) + timedelta(days=31)
            )

    def test_a_forged_one_on_the_wire_is_refused(self, rig: Rig) -> None:
        rig.needs(Capability.WEBHOOKS, Capability.SUBSCRIBE)
        rig.stock_up()
        with Inbox() as inbox:
            rig.connector().subscribe(inbox.url)
            rig.simulator.faults.next("webhook_bad_signature", times=2)
            rig.shop.buy([("SKU-0", 1)])
            inbox.wait(1)
            rig.simulator.webhooks.drain()
            requests = list(inbox.received)

        for request in requests:
            with pytest.raises(SignatureError):
                verify(rig, request)

    def test_a_redelivery_has_the_same_id_and_body(self, rig: Rig) -> None:
        rig.needs(Capability.WEBHOOKS, Capability.SUBSCRIBE)
        if rig.channel.webhooks is not None and not rig.channel.webhooks.redelivers:
            pytest.skip("what did not get through is not sent again")
        rig.stock_up()
        with Inbox(failures=2) as inbox:
            rig.connector().subscribe(inbox.url)
            rig.shop.buy([("SKU-0", 1)])
            rig.shop.buy([("SKU-1", 1)])
            inbox.wait(4)
            rig.simulator.webhooks.drain()
            requests = list(inbox.received)

        told = {(verify(rig, one).event_id, one.body) for one in requests}
        assert len(told) == len(requests) - 2
        assert len({event_id for event_id, _ in told}) == len({body for _, body in told})
        assert len({event_id for event_id, _ in told}) == len(told)

    def test_to_subscribe_twice_changes_nothing(self, rig: Rig) -> None:
        rig.needs(Capability.SUBSCRIBE)
        connector = rig.connector()

        first = connector.subscribe("https://hub.example/hooks/1")
        again = connector.subscribe("https://hub.example/hooks/1")

        assert sorted(one.external_id for one in first) == sorted(one.external_id for one in again)
        assert len(connector.subscriptions()) == len(first) > 0

    def test_a_subscription_that_the_channel_dropped_is_made_again(self, rig: Rig) -> None:
        rig.needs(Capability.SUBSCRIBE)
        connector = rig.connector()
        first = connector.subscribe("https://hub.example/hooks/1")
        for one in first:
            rig.simulator.drop_subscription(one.external_id)
        dropped = connector.subscriptions()

        again = connector.subscribe("https://hub.example/hooks/1")

        assert len(dropped) < len(first)
        assert sorted(one.topic for one in again) == sorted(one.topic for one in first)
        assert len(connector.subscriptions()) == len(first)
