"""Receipts, judgements and orders at once: real threads, started together."""

from __future__ import annotations

from typing import Any

import pytest

from hub.db import Database
from hub.errors import Conflict, HubError, InvalidInput
from hub.inventory.models import State
from hub.purchasing import inspecting, receiving
from hub.purchasing.inspecting import Judged
from hub.purchasing.receiving import Delivery
from hub.secrets import Keyring
from hub.seller import create_seller
from tests.builders import line, order
from tests.buying import CLERK, WAITERS, Buyer, buyer
from tests.hub.test_races import together


@pytest.fixture
def buys(wide_database: Database, keyring: Keyring) -> Buyer:
    seller = create_seller(wide_database, "Race")
    return buyer(wide_database, seller, keyring, {"TENT": 0, "LAMP": 0})


def receiving_of(buys: Buyer, number: int, key: str, units: int, *skus: str) -> Any:
    counted = [buys.counted(number, sku, units) for sku in skus]

    def work() -> bool | str:
        came = Delivery(key, counted)
        try:
            return buys.run(
                lambda tx: receiving.receive(tx, CLERK.actor, number, came, WAITERS)
            ).new
        except HubError as error:
            return error.code

    return work


def test_one_receipt_sent_eight_times_at_once_counts_once(buys: Buyer) -> None:
    number = buys.order({"TENT": 50})

    found = together([receiving_of(buys, number, "k", 5, "TENT")] * 8)

    assert sorted(found) == [False] * 7 + [True]
    assert buys.shop.level("TENT") == 5
    buys.shop.check()


def test_receipts_of_one_order_at_once_never_make_more_than_was_ordered(buys: Buyer) -> None:
    number = buys.order({"TENT": 20, "LAMP": 20})
    works = [
        receiving_of(buys, number, f"k{n}", 5, *(("TENT", "LAMP") if n % 2 else ("LAMP", "TENT")))
        for n in range(6)
    ]

    found = together(works)

    assert sorted(map(str, found)) == ["True"] * 4 + ["invalid_input"] * 2
    assert (buys.shop.level("TENT"), buys.get(number).state) == (20, "received")
    buys.shop.check()


def test_one_key_for_two_orders_at_once_is_one_orders(buys: Buyer) -> None:
    numbers = [buys.order({"TENT": 5}) for _ in range(4)]

    found = together([receiving_of(buys, number, "k", 5, "TENT") for number in numbers])

    assert sorted(map(str, found)) == ["True"] + ["key_reused"] * 3
    assert buys.shop.level("TENT") == 5
    buys.shop.check()


def test_goods_received_while_orders_come_in_and_change_are_given_out_once(buys: Buyer) -> None:
    keys = [f"{n}" for n in range(8)]
    buys.shop.take(*(order(key, line("a", "v-TENT", 2)) for key in keys))
    number = buys.order({"TENT": 30})

    def sell() -> None:
        for n in range(4):
            buys.shop.take(order(f"new {n}", line("a", "v-TENT", 2)))

    def change() -> None:
        for at, key in enumerate(keys, 1):
            buys.shop.take(order(key, line("a", "v-TENT", 1 + at % 3), at=at))

    together(
        [receiving_of(buys, number, f"k{n}", 10, "TENT") for n in range(3)]
        + [sell, change, buys.shop.derive]
    )
    buys.shop.derive()

    wanted = sum(1 + at % 3 for at in range(1, 9)) + 8
    assert buys.shop.level("TENT", State.ALLOCATED) == wanted
    assert buys.shop.level("TENT") == 30 - wanted
    buys.shop.check()


def test_units_in_inspection_are_judged_by_one_of_many(buys: Buyer) -> None:
    number = buys.order({"TENT": 10})
    receipt = buys.receive(number, buys.counted(number, "TENT", 10, verdict="inspect")).receipt_id
    [one] = buys.run(lambda tx: inspecting.lines(tx, receipt))

    def judge(key: str, accepted: int) -> Any:
        told = [Judged(one.id, accepted, 10 - accepted)]

        def work() -> str:
            try:
                buys.run(lambda tx: inspecting.judge(tx, CLERK.actor, receipt, key, told, WAITERS))
            except (InvalidInput, Conflict) as error:
                return error.code
            return "done"

        return work

    found = together([judge(f"k{n}", 10 if n % 2 else 0) for n in range(6)])

    assert sorted(found) == ["done"] + ["invalid_input"] * 5
    assert buys.shop.level("TENT") + buys.shop.level("TENT", State.SUPPLIER_RETURN) == 10
    buys.shop.check()


def test_an_order_is_closed_or_received_but_never_both_halves(buys: Buyer) -> None:
    for turn in range(4):
        number = buys.order({"TENT": 10})
        buys.receive(number, buys.counted(number, "TENT", 4))
        version = buys.get(number).version

        def close(number: int = number, version: int = version) -> str:
            try:
                assert buys.get(number).version >= version
                return buys.step(number, "close").state
            except HubError as error:
                return error.code

        together([close, receiving_of(buys, number, f"rest {turn}", 6, "TENT")])

        line_of = buys.lines(number)["TENT"]
        assert line_of.received + line_of.cancelled == 10
        buys.shop.check()
