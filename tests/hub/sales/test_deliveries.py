"""An order counts once, however often and in whatever order its versions are delivered."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from connectors.records import ChannelOrder, OrderStatus
from hub.db import Database
from hub.inventory.models import State
from hub.secrets import Keyring
from hub.seller import create_seller
from tests.builders import World, line, order, world

SKUS = ("TENT", "LAMP", "STOVE")
PLENTY = dict.fromkeys(SKUS, 1_000_000)


def history(dice: random.Random, key: str) -> list[ChannelOrder]:
    """The versions of one order, oldest first: edited, cut, grown, cancelled."""
    versions = []
    for at in range(dice.randint(1, 4)):
        chosen = dice.sample(SKUS, dice.randint(1, 3))
        lines = []
        for sku in chosen:
            units = dice.randint(1, 5)
            off = dice.choice([0, 0, dice.randint(0, units)])
            lines.append(line(sku, f"v-{sku}", units, cancelled=off))
        status = dice.choice([OrderStatus.CONFIRMED] * 4 + [OrderStatus.CANCELLED])
        versions.append(order(key, *lines, at=at, status=status))
    return versions


def deliveries(dice: random.Random, versions: Sequence[ChannelOrder]) -> list[ChannelOrder]:
    """Every version at least once, some again, in any order."""
    again = dice.choices(versions, k=dice.randint(0, 4))
    schedule = [*versions, *again]
    dice.shuffle(schedule)
    return schedule


def outcome(shop: World) -> list[Sequence[Any]]:
    """What came of it: orders, the lines that want something, and the levels."""
    orders = shop.ask(
        "SELECT external_id, status, total, source_updated_at FROM sales_order ORDER BY 1"
    )
    lines = shop.ask(
        "SELECT o.external_id, l.external_id, l.quantity, l.allocated, l.claimed, l.cancelled"
        " FROM order_line l JOIN sales_order o ON o.id = l.order_id"
        " WHERE l.cancelled < l.quantity ORDER BY 1, 2"
    )
    levels = [(sku, shop.level(sku), shop.level(sku, State.ALLOCATED)) for sku in SKUS]
    return [orders, lines, levels]


@pytest.fixture
def pulled(database: Database, keyring: Keyring) -> World:
    return world(database, create_seller(database, "Clean pull"), keyring, PLENTY)


@pytest.fixture
def told(database: Database, keyring: Keyring) -> World:
    return world(database, create_seller(database, "As it came"), keyring, PLENTY)


def test_two_hundred_schedules_of_deliveries_end_as_one_clean_pull_does(
    pulled: World, told: World
) -> None:
    dice = random.Random(20260302)
    histories = [history(dice, f"{n:03}-{m}") for n in range(200) for m in range(2)]
    schedules = [deliveries(dice, versions) for versions in histories]
    pulled.take(*(versions[-1] for versions in histories))

    for turn in range(max(map(len, schedules))):
        page = [schedule[turn] for schedule in schedules if turn < len(schedule)]
        dice.shuffle(page)
        told.take(*page)
    told.take(*(versions[-1] for versions in histories))

    assert outcome(told) == outcome(pulled)
    told.check()
    pulled.check()


def test_a_page_with_all_versions_of_an_order_ends_at_the_newest(
    pulled: World, told: World
) -> None:
    dice = random.Random(7)
    histories = [history(dice, f"{n:03}") for n in range(60)]
    page = [version for versions in histories for version in deliveries(dice, versions)]

    pulled.take(*(versions[-1] for versions in histories))
    told.take(*page)

    assert outcome(told) == outcome(pulled)
    told.check()


def test_versions_delivered_by_many_workers_at_once_end_as_one_clean_pull_does(
    pulled: World, told: World
) -> None:
    dice = random.Random(11)
    histories = [history(dice, f"{n:02}") for n in range(12)]
    pulled.take(*(versions[-1] for versions in histories))
    pages = []
    for _ in range(6):
        schedule = [version for versions in histories for version in deliveries(dice, versions)]
        dice.shuffle(schedule)
        pages.append([schedule[start : start + 5] for start in range(0, len(schedule), 5)])
    start = Barrier(len(pages))

    def deliver(mine: list[list[ChannelOrder]]) -> None:
        start.wait()
        for page in mine:
            told.take(*page)

    with ThreadPoolExecutor(len(pages)) as workers:
        list(workers.map(deliver, pages))

    assert outcome(told) == outcome(pulled)
    told.check()


@pytest.mark.parametrize("seed", range(5))
def test_where_stock_is_short_the_sum_of_what_is_promised_is_still_right(
    database: Database, seller: int, keyring: Keyring, seed: int
) -> None:
    dice = random.Random(seed)
    shop = world(database, seller, keyring, dict.fromkeys(SKUS, 20))
    histories = [history(dice, f"{n:02}") for n in range(10)]
    schedule = [version for versions in histories for version in deliveries(dice, versions)]
    dice.shuffle(schedule)

    for start in range(0, len(schedule), 4):
        shop.take(*schedule[start : start + 4])
        if dice.random() < 0.3:
            shop.derive()
    shop.derive()

    shop.check()
    for sku in SKUS:
        wanted = shop.ask(
            "SELECT coalesce(sum(allocated + claimed), 0)::int FROM order_line"
            " WHERE product_id = :it",
            it=shop.products[sku],
        )[0][0]
        assert shop.level(sku, State.ALLOCATED) == min(wanted, 20)
