"""Webhooks: the genuine pass and say what changed, all others do not; a repeat has the same id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Capability
from connectors.errors import SignatureError
from connectors.records import HintKind, Verified, WebhookRequest
from connectors.testing.rig import Inbox, Rig


def received(rig: Rig, inbox: Inbox, count: int = 1) -> list[WebhookRequest]:
    """Subscribe, sell something, and answer the webhooks about the order."""
    rig.needs(Capability.WEBHOOKS, Capability.SUBSCRIBE, Capability.ORDER_LIST)
    if not rig.shop.variants:
        rig.stock_up()
    rig.connector().subscribe(inbox.url)
    rig.shop.buy([("SKU-0", 1)])
    inbox.wait(2 * count)
    about_orders = [
        one for one in inbox.received if verify(rig, one).hints[0].kind is HintKind.ORDER
    ]
    return about_orders[-count:]


def secrets(rig: Rig, *older: Mapping[str, str]) -> dict[str, Sequence[str]]:
    assert rig.channel.webhooks is not None
    held = [rig.simulator.credentials(), *older]
    return {name: [one[name] for one in held] for name in rig.channel.webhooks.secrets}


def verify(
    rig: Rig, request: WebhookRequest, valid: Mapping[str, Sequence[str]] | None = None
) -> Verified:
    assert rig.channel.webhooks is not None
    return rig.channel.webhooks.verify(request, valid or secrets(rig), datetime.now(UTC))


class WebhookContract:
    def test_a_genuine_webhook_names_the_order(self, rig: Rig) -> None:
        with Inbox() as inbox:
            (request,) = received(rig, inbox)

        verified = verify(rig, request)

        (order,) = rig.orders(rig.connector())
        assert verified.event_id
        assert (verified.hints[0].kind, verified.hints[0].key) == (
            HintKind.ORDER,
            order.external_id,
        )

    def test_a_changed_body_is_refused(self, rig: Rig) -> None:
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

        with pytest.raises(SignatureError):
            verify(rig, request, {name: [] for name in rig.channel.webhooks.secrets})

    def test_while_a_secret_is_changed_both_are_good(self, rig: Rig) -> None:
        old = rig.simulator.credentials()
        with Inbox() as inbox:
            (by_old,) = received(rig, inbox)
            rig.simulator.rotate_secret()
            rig.simulator.webhooks.drain()
            inbox.received.clear()
            (by_new,) = received(rig, inbox)
        both = secrets(rig, old)

        assert verify(rig, by_old, both).event_id != verify(rig, by_new, both).event_id
        with pytest.raises(SignatureError):
            verify(rig, by_old)

    def test_a_recording_of_last_month_is_refused(self, rig: Rig) -> None:
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
            requests = inbox.wait(2)

        for request in requests:
            with pytest.raises(SignatureError):
                verify(rig, request)

    def test_a_redelivery_has_the_same_id_and_body(self, rig: Rig) -> None:
        rig.needs(Capability.WEBHOOKS, Capability.SUBSCRIBE)
        rig.stock_up()
        with Inbox(failures=2) as inbox:
            rig.connector().subscribe(inbox.url)
            rig.shop.buy([("SKU-0", 1)])
            requests = inbox.wait(4)

        ids = sorted(verify(rig, one).event_id for one in requests)
        assert ids[0] == ids[1]
        assert ids[2] == ids[3]
        assert ids[1] != ids[2]
        assert len({one.body for one in requests}) == 2

    def test_to_subscribe_twice_changes_nothing(self, rig: Rig) -> None:
        rig.needs(Capability.SUBSCRIBE)
        connector = rig.connector()

        first = connector.subscribe("https://hub.example/hooks/1")
        again = connector.subscribe("https://hub.example/hooks/1")

        assert sorted(one.external_id for one in first) == sorted(one.external_id for one in again)
        assert len(connector.subscriptions()) == len(first) > 0
