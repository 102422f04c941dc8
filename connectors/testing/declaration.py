"""The declaration makes sense, and says neither more nor less than the code does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from connectors.base import Capability, Connector, Unsupported, load
from connectors.errors import AuthError
from connectors.postsale import Cancellation, Parcel, Refund
from connectors.records import Cursor
from connectors.testing.rig import LONG_AGO, Rig

#: Each capability, the method behind it, and a call of it.
METHODS: dict[Capability, tuple[str, Callable[[Connector], object]]] = {
    Capability.LISTINGS: ("list_listings", lambda c: c.list_listings(Cursor(LONG_AGO))),
    Capability.ORDER_LIST: ("pull_orders", lambda c: c.pull_orders(Cursor(LONG_AGO))),
    Capability.ORDER_FETCH: ("fetch_orders", lambda c: c.fetch_orders([])),
    Capability.EVENT_LIST: ("pull_events", lambda c: c.pull_events(Cursor(LONG_AGO))),
    Capability.STOCK_READ: ("read_stock", lambda c: c.read_stock([])),
    Capability.STOCK_PUSH: ("push_stock", lambda c: c.push_stock([])),
    Capability.SUBSCRIBE: ("subscribe", lambda c: c.subscribe("http://127.0.0.1:9/")),
    Capability.WEBHOOK_KEYS: ("webhook_keys", lambda c: c.webhook_keys()),
    Capability.SHIP: ("ship", lambda c: c.ship(Parcel("", "", "", "", LONG_AGO, ()))),
    Capability.CANCEL: ("cancel_order", lambda c: c.cancel_order(Cancellation("", ""))),
    Capability.REFUND: ("refund", lambda c: c.refund(Refund("", "", 0, "GBP", LONG_AGO))),
    Capability.REFUND_LIST: ("pull_refunds", lambda c: c.pull_refunds(Cursor(LONG_AGO))),
    Capability.RETURN_LIST: ("pull_returns", lambda c: c.pull_returns(Cursor(LONG_AGO))),
    Capability.PAYOUTS: ("pull_payouts", lambda c: c.pull_payouts(Cursor(LONG_AGO))),
}


class DeclarationContract:
    def test_the_declaration_names_what_exists(self, rig: Rig) -> None:
        channel = rig.channel

        assert channel.name
        assert channel.name == channel.name.lower()
        assert channel.title
        assert issubclass(load(channel.connector), Connector)
        if channel.simulator:
            assert isinstance(rig.simulator, load(channel.simulator))

    def test_fields_have_one_name_and_a_label_each(self, rig: Rig) -> None:
        fields = [*rig.channel.credentials, *rig.channel.settings]

        assert len({field.name for field in fields}) == len(fields)
        assert all(field.label for field in fields)
        assert any(field.secret for field in rig.channel.credentials)

    def test_stock_and_webhooks_are_described_where_declared(self, rig: Rig) -> None:
        channel = rig.channel
        secret = {field.name for field in channel.credentials if field.secret}

        assert (channel.stock is not None) == channel.can(Capability.STOCK_PUSH)
        assert (channel.webhooks is not None) == channel.can(Capability.WEBHOOKS)
        assert channel.stock is None or channel.stock.batch >= 1
        assert channel.webhooks is None or set(channel.webhooks.secrets) <= secret

    def test_the_simulator_tells_every_credential(self, rig: Rig) -> None:
        required = {field.name for field in rig.channel.credentials if field.required}

        assert required <= rig.simulator.credentials().keys()

    @pytest.mark.parametrize("capability", METHODS)
    def test_what_is_declared_is_there_and_nothing_else(
        self, rig: Rig, capability: Capability
    ) -> None:
        connector = rig.connector()
        name, call = METHODS[capability]

        if rig.channel.can(capability):
            assert getattr(type(connector), name) is not getattr(Connector, name)
        else:
            with pytest.raises(Unsupported):
                call(connector)

    def test_check_says_whose_shop_it_is(self, rig: Rig) -> None:
        first, again = rig.connector().check(), rig.connector().check()

        assert first.external_id
        assert first.external_id == again.external_id
        assert first.currency == rig.shop.currency
        if first.server_time is not None:
            assert abs((first.server_time - datetime.now(UTC)).total_seconds()) < 60

    def test_wrong_credentials_are_told_as_such(self, rig: Rig) -> None:
        used = {field.name for field in rig.channel.credentials if field.secret}
        if rig.channel.webhooks is not None:
            used -= set(rig.channel.webhooks.secrets)
        connector = rig.connector(**dict.fromkeys(used, "wrong"))

        with pytest.raises(AuthError):
            connector.check()
