"""What is read of channels beside orders: refunds, payouts, and whether webhooks still come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connectors.base import Capability
from connectors.memory.connector import MemoryConnector
from connectors.memory.simulator import MemorySimulator
from connectors.postsale import Fee, Payout, Refund
from connectors.records import Cursor, HintKind, Page
from hub.aftersales import payouts
from hub.channels import accounts, flows, inbox
from hub.channels.accounts import Opened
from sync import pull, refunds, subscriptions
from sync.carrier import AtWork, Carrier
from tests.pump import World

Open = Callable[..., World]


@pytest.fixture
def world(open_world: Open) -> World:
    return open_world(channels=("memory",))


def paid_back(world: World, key: str, amount: int) -> str:
    """Money given back at the shop's own counter; the shop's id of it."""
    shop = world.shops["north"].shop
    return shop.refund(key, Refund("", key, amount, "GBP", shop.now())).external_id


def listed(world: World) -> list[tuple[object, ...]]:
    return world.query(
        "SELECT r.external_id, r.amount, r.state, o.external_id FROM refund r"
        " LEFT JOIN sales_order o ON o.id = r.order_id ORDER BY r.id"
    )


def test_what_is_given_back_at_the_shop_is_read_once(world: World) -> None:
    key = world.buy("north", ("MUG", 2))
    world.pump()
    given = paid_back(world, key, 300)

    world.later(1_000)
    world.later(1_000)

    assert listed(world) == [(given, 300, "done", key)]
    assert world.available("MUG") == 8
    world.check()


def test_a_hint_brings_it_at_once(world: World) -> None:
    key = world.buy("north", ("MUG", 2))
    world.pump()
    given = paid_back(world, key, 300)
    hint = {"kind": HintKind.REFUND.value, "key": ""}
    with world.database.transaction(world.seller_id) as tx:
        inbox.receive(tx, world.accounts["north"], "event-1", "refund", [hint], b"{}")

    assert flows.REFUNDS in world.pump()

    assert listed(world) == [(given, 300, "done", key)]


def test_a_refund_that_comes_before_its_order_finds_it_later(open_world: Open) -> None:
    world = open_world(channels=("memory",), webhooks=False)
    key = world.buy("north", ("MUG", 2))
    given = paid_back(world, key, 300)
    account = world.accounts["north"]

    assert refunds.pull_refunds(world.carrier, world.seller_id, account)
    assert listed(world) == [(given, 300, "done", None)]
    assert world.conflicts() == {"refund_without_return": 1}

    world.later(100)
    assert refunds.pull_refunds(world.carrier, world.seller_id, account)
    assert listed(world) == [(given, 300, "done", key)]
    assert world.conflicts() == {}


def test_a_shop_that_is_away_is_asked_again(world: World) -> None:
    key = world.buy("north", ("MUG", 2))
    world.pump()
    given = paid_back(world, key, 300)
    world.shops["north"].faults.next("error_before", 1, "pull_refunds")

    assert not refunds.pull_refunds(world.carrier, world.seller_id, world.accounts["north"])
    assert world.flow("north", flows.REFUNDS).health == "failing"

    world.later(60)
    assert world.flow("north", flows.REFUNDS).health == "healthy"
    assert [row[0] for row in listed(world)] == [given]


def test_a_paused_account_is_not_read_and_goes_on_when_it_is_resumed(world: World) -> None:
    key = world.buy("north", ("MUG", 2))
    world.pump()
    paid_back(world, key, 300)
    world.set_mode("north", accounts.PAUSED)

    world.later(1_000)
    assert listed(world) == []

    world.set_mode("north", accounts.LIVE)
    world.pump()
    world.later(1_000)
    assert len(listed(world)) == 1


# -- payouts --------------------------------------------------------------------------------------


class Paying(MemoryConnector):
    """Pays out every day from the cursor on, two a page."""

    def pull_payouts(self, cursor: Cursor) -> Page[Payout]:
        now = self.connection.now()
        days = int(cursor.token or "0")
        made = tuple(self._payout(day, now) for day in range(days, min(days + 2, 3)))
        more = days + 2 < 3
        return Page(made, Cursor(cursor.since, str(days + 2) if more else ""), more)

    def _payout(self, day: int, now: datetime) -> Payout:
        fees = (Fee("commission", 12, "order-1"), Fee("postage", 3))
        return Payout(f"P{day}", "GBP", 100 - day, now - timedelta(days=3 - day), fees)


class PayingCarrier(Carrier):
    def ready(self, seller_id: int, opened: Opened) -> AtWork:
        work = super().ready(seller_id, opened)
        able = replace(work.channel, capabilities=work.channel.capabilities | {Capability.PAYOUTS})
        return replace(work, channel=able, connector=Paying(work.connector.connection))


def test_payouts_are_recorded_once_with_what_was_kept(open_world: Open) -> None:
    world = open_world(channels=("memory",), make_carrier=PayingCarrier)
    assert pull.pull(world.carrier, world.seller_id, world.accounts["north"])

    world.later(1_000)
    world.later(1_000)

    with world.database.transaction(world.seller_id) as tx:
        found = payouts.payouts(tx, before=2**62, limit=10)
    assert [(one.external_id, one.amount) for one, _ in found] == [
        ("P2", 98),
        ("P1", 99),
        ("P0", 100),
    ]
    assert [tuple(fee) for fee in found[0][1]] == [
        ("commission", 12, "order-1"),
        ("postage", 3, ""),
    ]


# -- subscriptions --------------------------------------------------------------------------------


def test_webhooks_that_the_shop_dropped_are_subscribed_again(world: World) -> None:
    north = world.shops["north"]
    assert isinstance(north, MemorySimulator)
    before = set(north.subscriptions)
    north.drop_subscription(next(one for one in before if one.startswith("order ")))

    ran = world.later(3_700)

    assert flows.SUBSCRIPTIONS in ran
    assert set(north.subscriptions) == before
    asked = world.query("SELECT state FROM request WHERE kind = 'subscribe' ORDER BY id")
    assert asked == [("done",), ("done",)]


def test_those_that_are_there_are_left_alone(world: World) -> None:
    account = world.accounts["north"]

    assert subscriptions.keep(world.carrier, world.seller_id, account) == []

    assert world.shops["north"].requests["subscribe"] == 1


def test_nobody_subscribes_who_never_wanted_to(open_world: Open) -> None:
    world = open_world(channels=("memory",), webhooks=False)

    world.later(3_700)

    assert world.shops["north"].requests["subscribe"] == 0
    assert world.shops["north"].requests["subscriptions"] == 0
