"""Many workers at once: real threads, real connections, started together."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest
from sqlalchemy import text

from connectors.records import OrderStatus
from hub.channels import flows, offers, pushing
from hub.db import Database, Transaction
from hub.errors import InsufficientStock
from hub.inventory.ledger import Move, Place, Posting, lock, post
from hub.inventory.models import State
from hub.sales import backorders, fulfilment
from hub.secrets import Keyring
from hub.seller import create_seller
from tests.builders import World, line, order, world


def together(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run each in a thread of its own, all let go at one moment; raises what any raised."""
    start = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def taking(shop: World, *lines: Any, key: str) -> Callable[[], Any]:
    return lambda: shop.take(order(key, *lines))


def test_sixty_four_buyers_of_forty_units_get_forty_and_the_rest_wait(
    wide_database: Database, keyring: Keyring
) -> None:
    shop = fresh(wide_database, keyring, {"TENT": 40})

    together([taking(shop, line("a", "v-TENT"), key=f"{n}") for n in range(64)])

    held = shop.ask("SELECT sum(allocated)::int, sum(claimed)::int FROM order_line")
    assert held == [(40, 24)]
    assert shop.level("TENT") == 0
    assert shop.conflicts() == {"oversold": 24}
    shop.check()


def fresh(database: Database, keyring: Keyring, units: dict[str, int]) -> World:
    return world(database, create_seller(database, "Race"), keyring, units)


def test_orders_that_want_the_same_skus_in_another_order_do_not_block_each_other(
    wide_database: Database, keyring: Keyring
) -> None:
    skus = [f"SKU-{n}" for n in range(8)]
    shop = fresh(wide_database, keyring, dict.fromkeys(skus, 1_000))
    dice = random.Random(5)

    def buyer(number: int) -> Callable[[], None]:
        baskets = [dice.sample(skus, 4) for _ in range(5)]

        def buy() -> None:
            for n, basket in enumerate(baskets):
                shop.take(order(f"{number}-{n}", *(line(sku, f"v-{sku}") for sku in basket)))

        return buy

    together([buyer(number) for number in range(16)])

    assert shop.ask("SELECT count(*), sum(allocated)::int FROM order_line") == [(320, 320)]
    shop.check()


def test_a_page_taken_in_by_four_workers_at_once_counts_once(
    wide_database: Database, keyring: Keyring
) -> None:
    shop = fresh(wide_database, keyring, {"TENT": 500})
    page = [order(f"{n}", line("a", "v-TENT", 2)) for n in range(50)]
    upside_down = page[::-1]

    taken = together([lambda: shop.take(*page), lambda: shop.take(*upside_down)] * 2)

    assert sum(one.new for one in taken) == 50
    assert shop.level("TENT") == 400
    shop.check()


def test_one_key_posted_by_eight_workers_is_posted_once(
    wide_database: Database, keyring: Keyring
) -> None:
    shop = fresh(wide_database, keyring, {"TENT": 10})
    shelf = Place(State.AVAILABLE, shop.location_id)
    gone = Posting("once", "lost", [Move(shop.products["TENT"], 3, shelf, Place(State.SCRAP))])

    def send() -> int:
        return shop.database.command(shop.seller_id, lambda tx: len(post(tx, [gone]).keys))

    assert sorted(together([send] * 8)) == [0] * 7 + [1]
    assert shop.level("TENT") == 7
    shop.check()


def test_the_last_unit_is_sold_or_written_off_but_not_both(
    wide_database: Database, keyring: Keyring
) -> None:
    for turn in range(10):
        shop = fresh(wide_database, keyring, {"TENT": 1})

        together([taking(shop, line("a", "v-TENT"), key="1"), lambda shop=shop: written_off(shop)])

        assert shop.level("TENT") == 0, turn
        shop.check()


def written_off(shop: World) -> None:
    try:
        shop.adjust("lost", "TENT", -1)
    except InsufficientStock:
        return


def test_derivations_at_once_end_at_the_newest_level(
    wide_database: Database, keyring: Keyring
) -> None:
    shop = fresh(wide_database, keyring, {"TENT": 1_000})

    def sell_and_derive(number: int) -> Callable[[], None]:
        def work() -> None:
            for n in range(5):
                shop.take(order(f"{number}-{n}", line("a", "v-TENT", 3)))
                shop.derive()

        return work

    together([sell_and_derive(number) for number in range(6)])

    assert shop.ask("SELECT desired_quantity FROM listing") == [(1_000 - 90,)]
    assert shop.ask("SELECT count(*) FROM stock_change") == [(0,)]
    versions = shop.ask("SELECT desired_version FROM listing")[0][0]
    assert shop.ask("SELECT count(*) FROM offer") == [(versions,)]
    shop.check()


@pytest.mark.parametrize("turn", range(4))
def test_an_order_cancelled_while_its_stock_arrives_gives_everything_back(
    wide_database: Database, keyring: Keyring, turn: int
) -> None:
    shop = fresh(wide_database, keyring, {"TENT": 2})
    keys = [f"{n}" for n in range(8)]
    shop.take(*(order(key, line("a", "v-TENT", 3)) for key in keys))
    shop.derive()
    shop.adjust("delivery", "TENT", 30)
    gone = [order(key, line("a", "v-TENT", 3), at=1, status=OrderStatus.CANCELLED) for key in keys]

    together([shop.derive, lambda: shop.take(*gone[:4]), lambda: shop.take(*gone[4:][::-1])])

    shop.check()
    assert shop.level("TENT") == 32
    assert shop.level("TENT", State.ALLOCATED) == 0


def test_an_order_cancelled_while_its_stock_is_being_booked_gives_everything_back(
    wide_database: Database, keyring: Keyring
) -> None:
    """The interleaving that hurts, on purpose: filling holds its locks while the edit begins."""
    shop = fresh(wide_database, keyring, {"TENT": 0})
    shop.take(order("1", line("a", "v-TENT", 3)))
    shop.derive()
    shop.adjust("delivery", "TENT", 3)
    filled, go_on = Event(), Event()

    def fill() -> None:
        with shop.database.transaction(shop.seller_id) as tx:
            backorders.fill_waiting(tx, offers.take_changes(tx).product_ids)
            filled.set()
            go_on.wait(5)

    def cancel() -> None:
        filled.wait(5)
        gone = order("1", line("a", "v-TENT", 3), at=1, status=OrderStatus.CANCELLED)
        shop.take(gone)

    def release() -> None:
        filled.wait(5)
        until_somebody_waits(shop)
        go_on.set()

    together([fill, cancel, release])

    shop.check()
    assert shop.level("TENT") == 3
    assert shop.line("1", "a") == {"quantity": 3, "cancelled": 3}


def until_somebody_waits(shop: World) -> None:
    """Look until another session of this database waits for a lock."""
    for _ in range(500):
        with shop.database.across_sellers() as connection:
            waiting = connection.execute(
                text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            ).scalar_one()
        if waiting:
            return
        Event().wait(0.01)
    raise AssertionError("nobody waits for a lock")


def test_an_order_shipped_by_two_at_once_ships_once(
    wide_database: Database, keyring: Keyring
) -> None:
    shop = fresh(wide_database, keyring, {"TENT": 50})
    shop.take(*(order(f"{n}", line("a", "v-TENT", 5)) for n in range(8)))
    ids = [shop.order_id(f"{n}") for n in range(8)]

    def ship() -> int:
        return shop.database.command(shop.seller_id, lambda tx: fulfilment.ship_allocated(tx, ids))

    assert sum(together([ship] * 4)) == 40
    assert shop.level("TENT", State.ALLOCATED) == 0
    shop.check()


def test_shipping_cancelling_and_filling_at_once_keep_the_ledger_whole(
    wide_database: Database, keyring: Keyring
) -> None:
    shop = fresh(wide_database, keyring, {"TENT": 10, "LAMP": 10})
    keys = [f"{n}" for n in range(10)]
    shop.take(*(order(key, line("a", "v-TENT", 2), line("b", "v-LAMP", 2)) for key in keys))
    ids = [shop.order_id(key) for key in keys]

    def ship() -> None:
        for one in ids:
            shop.database.command(
                shop.seller_id, lambda tx, one=one: fulfilment.ship_allocated(tx, [one])
            )

    def edit() -> None:
        for at, key in enumerate(reversed(keys), 1):
            shop.take(order(key, line("a", "v-TENT", 1 + at % 3), at=at))

    def deliver() -> None:
        for n in range(8):
            shop.adjust(f"delivery {n}", "TENT", 1)
            shop.adjust(f"lamps {n}", "LAMP", 1)
            shop.derive()

    together([ship, edit, deliver, ship])

    shop.check()


def due_but_asleep(shop: World) -> list[tuple[Any, ...]]:
    """Accounts with a push to make whose flow nobody will ever wake."""
    return shop.ask(
        "SELECT l.id, f.next_at FROM listing l JOIN flow f ON f.account_id = l.account_id"
        " WHERE f.flow = 'push' AND l.sent_version < l.desired_version"
        " AND f.next_at = 'infinity'"
    )


def test_a_change_made_while_a_run_settles_is_not_slept_through(
    wide_database: Database, keyring: Keyring
) -> None:
    shop = fresh(wide_database, keyring, {"TENT": 1_000})
    shop.derive()

    def change() -> None:
        for n in range(25):
            shop.adjust(f"less {n}", "TENT", -1)
            shop.derive()

    def push() -> None:
        for _ in range(40):
            shop.database.command(shop.seller_id, push_all)
            shop.database.command(shop.seller_id, lambda tx: pushing.settle(tx, shop.account_id))
            assert due_but_asleep(shop) == []

    def push_all(tx: Transaction) -> None:
        dues = pushing.claim_due(tx, shop.account_id, 10, 30)
        pushing.record(tx, shop.account_id, [pushing.Answer(due, "accepted") for due in dues])

    together([change, push, push])
    shop.database.command(shop.seller_id, push_all)
    shop.database.command(shop.seller_id, lambda tx: pushing.settle(tx, shop.account_id))

    assert shop.ask("SELECT sent_quantity FROM listing") == [(975,)]
    assert due_but_asleep(shop) == []
    shop.check()


@pytest.mark.parametrize("first", ["derive", "settle"])
def test_whichever_of_deriving_and_settling_is_first_the_push_stays_due(
    wide_database: Database, keyring: Keyring, first: str
) -> None:
    shop = fresh(wide_database, keyring, {"TENT": 10})
    begun, go_on = Event(), Event()

    def derive(tx: Transaction) -> None:
        offers.derive(tx, offers.take_changes(tx).product_ids)

    def settle(tx: Transaction) -> None:
        pushing.settle(tx, shop.account_id)

    works = {"derive": derive, "settle": settle}
    second = "settle" if first == "derive" else "derive"

    def slow() -> None:
        with shop.database.transaction(shop.seller_id) as tx:
            works[first](tx)
            begun.set()
            go_on.wait(5)

    def quick() -> None:
        begun.wait(5)
        shop.database.command(shop.seller_id, works[second])

    def release() -> None:
        begun.wait(5)
        until_somebody_waits(shop)
        go_on.set()

    together([slow, quick, release])

    assert shop.ask("SELECT sent_version < desired_version FROM listing") == [(True,)]
    assert due_but_asleep(shop) == []


def test_a_flow_is_leased_to_one_of_eight_workers(
    wide_database: Database, keyring: Keyring
) -> None:
    shop = fresh(wide_database, keyring, {"TENT": 1})

    def claim() -> Any:
        return shop.database.command(
            shop.seller_id, lambda tx: flows.claim(tx, shop.account_id, flows.PULL, 30)
        )

    leases = [lease for lease in together([claim] * 8) if lease]

    assert len(leases) == 1


def test_no_listing_is_pushed_by_two_workers_at_once(
    wide_database: Database, keyring: Keyring
) -> None:
    shop = fresh(wide_database, keyring, {f"SKU-{n}": 5 for n in range(60)})
    shop.derive()

    def claim() -> list[int]:
        dues = shop.database.command(
            shop.seller_id, lambda tx: pushing.claim_due(tx, shop.account_id, 20, 30)
        )
        return [due.id for due in dues]

    claimed = [number for ids in together([claim] * 6) for number in ids]

    assert len(claimed) == len(set(claimed))
    assert set(claimed) | set(claim()) == {row[0] for row in shop.ask("SELECT id FROM listing")}


def test_locks_are_taken_in_one_order_whatever_order_is_asked_for(
    wide_database: Database, keyring: Keyring
) -> None:
    shop = fresh(wide_database, keyring, {f"SKU-{n}": 5 for n in range(12)})
    ids = list(shop.products.values())
    dice = random.Random(3)

    def hold() -> int:
        for _ in range(10):
            mine = dice.sample(ids, 8)
            with shop.database.transaction(shop.seller_id) as tx:
                lock(tx, mine)
        return 1

    assert sum(together([hold] * 8)) == 8
