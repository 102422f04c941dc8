"""The simulated shop keeps its own stock and its own record of what changed when."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from connectors.records import OrderStatus
from connectors.simulators.shop import Event, EventKind, OutOfStock, Shop, Stale

BEGINNING = (datetime.min.replace(tzinfo=UTC), -1)


def shop(quantity: int = 10) -> Shop:
    found = Shop("Test")
    found.add_variant("A", "Apple", 100, quantity)
    found.add_variant("B", "Bear", 200, quantity)
    return found


def test_many_buyers_at_once_never_buy_more_than_there_is() -> None:
    rush = shop(quantity=50)

    def buy(_: int) -> bool:
        try:
            rush.buy([("A", 1), ("A", 1)])
        except OutOfStock:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        sold = sum(pool.map(buy, range(60)))

    assert (sold, rush.quantity("A"), len(rush.orders), rush.sold["A"]) == (25, 0, 25, 50)


def test_an_order_that_cannot_be_filled_takes_nothing() -> None:
    found = shop()

    with pytest.raises(OutOfStock):
        found.buy([("A", 3), ("B", 11)])

    assert (found.quantity("A"), found.orders) == (10, ())


@pytest.mark.parametrize("units", [0, -1])
def test_nothing_or_less_cannot_be_bought(units: int) -> None:
    with pytest.raises(OutOfStock):
        shop().buy([("A", units)])


def test_a_cancelled_order_gives_its_units_back_once() -> None:
    found = shop()
    sale = found.buy([("A", 3)])

    found.cancel(sale.key)
    cancelled = found.cancel(sale.key)

    assert cancelled.status is OrderStatus.CANCELLED
    assert found.quantity("A") == 10


def test_stock_follows_an_edit_both_ways() -> None:
    found = shop()
    sale = found.buy([("A", 3)])

    less = found.edit(sale.key, "A", 1)
    assert (found.quantity("A"), less.lines[0].cancelled) == (9, 2)
    more = found.edit(sale.key, "A", 5)
    assert (found.quantity("A"), more.lines[0].quantity, more.lines[0].cancelled) == (5, 5, 0)


def test_compare_and_set() -> None:
    found = shop()
    key = found.variant("A").inventory_key

    found.set_quantity(key, 4, expected=10)
    with pytest.raises(Stale) as caught:
        found.set_quantity(key, 9, expected=10)

    assert caught.value.current == 4
    with pytest.raises(KeyError):
        found.set_quantity("unknown", 1)


def test_the_time_of_change_never_runs_backwards() -> None:
    found = shop()
    now = datetime.now(UTC)
    found.buy([("A", 1)], at=now)
    backdated = found.buy([("A", 1)], at=now - timedelta(days=3))

    assert backdated.placed_at == now - timedelta(days=3)
    assert backdated.updated_at == now
    assert [one.key for one in found.orders_after(BEGINNING, 9)] == [
        one.key for one in found.orders
    ]


def test_listeners_hear_of_each_change_in_order() -> None:
    found, heard = shop(), list[Event]()
    found.listen(heard.append)

    found.cancel(found.buy([("A", 1)]).key)

    assert [one.kind for one in heard] == [
        EventKind.ORDER_CREATED,
        EventKind.STOCK,
        EventKind.STOCK,
        EventKind.ORDER_CANCELLED,
    ]


def test_a_large_shop_is_paged_fast() -> None:
    large = Shop("Large")
    for n in range(20_000):
        large.add_variant(f"S{n}", "Thing", 100, 1_000_000)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    sales = [
        large.buy([(f"S{n % 20_000}", 1)], at=start + timedelta(seconds=n)) for n in range(100_000)
    ]
    for sale in sales[:1000]:
        large.edit(sale.key, sale.lines[0].sku, 2)
    began, after, seen = monotonic(), BEGINNING, set[str]()

    while page := large.orders_after(after, 250):
        seen.update(one.key for one in page)
        after = page[-1].position

    assert len(seen) == 100_000
    assert monotonic() - began < 5
    assert len(large.variants_from(0, 20_001)) == 20_000
