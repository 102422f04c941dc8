"""Goods received: counted once, divided by what was found, put where they belong, and served."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event, text

from hub.db import Database
from hub.errors import Conflict, InvalidInput
from hub.inventory import keys, lots
from hub.inventory.models import State
from hub.inventory.products import add_location
from hub.purchasing import inspecting, settings
from hub.purchasing.prices import Rate
from hub.purchasing.quality import Plan, SamplingStep
from hub.purchasing.returning import Back
from hub.purchasing.settings import Setting
from hub.secrets import Keyring
from tests.builders import line, order
from tests.buying import Buyer, buyer


@pytest.fixture
def buys(database: Database, keyring: Keyring, seller: int) -> Buyer:
    return buyer(database, seller, keyring, {"TENT": 0, "LAMP": 0})


def stood(buys: Buyer, number: int, sku: str = "TENT") -> tuple[int, int, int, int]:
    """Received, accepted, rejected, in inspection."""
    one = buys.lines(number)[sku]
    return one.received, one.accepted, one.rejected, one.inspecting


def test_what_is_counted_goes_on_sale_and_back_orders_stay_open(buys: Buyer) -> None:
    number = buys.order({"TENT": 10, "LAMP": 5})

    first = buys.receive(number, buys.counted(number, "TENT", 4))
    second = buys.receive(
        number, buys.counted(number, "TENT", 6), buys.counted(number, "LAMP", 5)
    )  # fmt: skip

    assert (first.state, second.state) == ("part_received", "received")
    assert (buys.shop.level("TENT"), buys.shop.level("LAMP")) == (10, 5)
    assert buys.get(number).received_at is not None
    buys.shop.check()


def test_a_receipt_sent_twice_counts_once(buys: Buyer) -> None:
    number = buys.order({"TENT": 10})
    counted = buys.counted(number, "TENT", 4)

    first = buys.receive(number, counted, key="k")
    again = buys.receive(number, counted, key="k")

    assert (first.new, again.new, again.receipt_id) == (True, False, first.receipt_id)
    assert buys.shop.level("TENT") == 4
    buys.shop.check()


def test_a_key_does_not_stand_for_two_receipts(buys: Buyer) -> None:
    number, other = buys.order({"TENT": 10}), buys.order({"TENT": 10})
    buys.receive(number, buys.counted(number, "TENT", 4), key="k")

    for which, units in ((number, 5), (other, 4)):
        with pytest.raises(Conflict, match="another receipt"):
            buys.receive(which, buys.counted(which, "TENT", units), key="k")

    assert buys.shop.level("TENT") == 4


def test_bad_units_go_aside_and_doubtful_ones_are_looked_at(buys: Buyer) -> None:
    number = buys.order({"TENT": 20, "LAMP": 3})

    buys.receive(
        number,
        buys.counted(number, "TENT", 10, sampled=5, defects=2),
        buys.counted(number, "TENT", 10, verdict="inspect", reason="wet boxes"),
        buys.counted(number, "LAMP", 3, verdict="reject"),
    )

    assert stood(buys, number) == (20, 8, 2, 10)
    assert buys.shop.level("TENT") == 8
    assert buys.shop.level("TENT", State.INSPECTION) == 10
    assert buys.shop.level("TENT", State.SUPPLIER_RETURN) == 2
    assert buys.shop.level("LAMP", State.SUPPLIER_RETURN) == 3
    buys.shop.check()


def test_the_sellers_sampling_table_decides(buys: Buyer) -> None:
    plan = Plan((SamplingStep(1, 3, 0, 2),))
    buys.run(lambda tx: settings.put(tx, Setting(plan=plan), 0))
    number = buys.order({"TENT": 30})

    for sampled, defects in ((3, 0), (3, 1), (3, 2)):
        buys.receive(number, buys.counted(number, "TENT", 10, sampled=sampled, defects=defects))

    assert stood(buys, number) == (30, 10, 11, 9)


def test_more_than_was_ordered_is_refused_unless_it_is_tolerated_or_taken(buys: Buyer) -> None:
    number = buys.order({"TENT": 10}, over_percent=10)

    with pytest.raises(InvalidInput, match="makes 12 units where 11 may come"):
        buys.receive(number, buys.counted(number, "TENT", 12))
    within = buys.receive(number, buys.counted(number, "TENT", 11))
    taken = buys.receive(number, buys.counted(number, "TENT", 4), accept_over=True)

    assert (within.state, taken.state) == ("received", "received")
    assert buys.shop.level("TENT") == 15
    assert buys.lines(number)["TENT"].over_accepted
    buys.shop.check()


def test_one_line_counted_twice_in_a_receipt_is_summed_against_the_tolerance(buys: Buyer) -> None:
    number = buys.order({"TENT": 10})
    half = buys.counted(number, "TENT", 6)

    with pytest.raises(InvalidInput) as caught:
        buys.receive(number, half, half)

    assert caught.value.field == "lines[1].quantity"
    assert buys.shop.level("TENT") == 0


def test_a_little_less_than_was_ordered_is_complete_where_that_is_tolerated(buys: Buyer) -> None:
    number = buys.order({"TENT": 100}, under_percent=5)

    assert buys.receive(number, buys.counted(number, "TENT", 94)).state == "part_received"
    assert buys.receive(number, buys.counted(number, "TENT", 1)).state == "received"
    assert buys.step(number, "close").state == "closed"
    buys.shop.check()


@pytest.mark.parametrize("steps", [(), ("approve",), ("approve", "cancel")])
def test_nothing_is_received_of_an_order_that_was_not_sent(
    buys: Buyer, steps: tuple[str, ...]
) -> None:
    number = buys.draft({"TENT": 10})
    for name in steps:
        buys.step(number, name)

    with pytest.raises(Conflict, match="nothing is received"):
        buys.receive(number, buys.counted(number, "TENT", 1))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"line_id": 1}, "lines[0].line_id"),
        ({"quantity": 0}, "lines[0].quantity"),
        ({"sampled": 5}, "lines[0].sampled"),
        ({"defects": 5}, "lines[0].defects"),
    ],
)
def test_a_count_that_cannot_be_is_named(buys: Buyer, changes: dict[str, Any], field: str) -> None:
    number = buys.order({"TENT": 10})
    counted = buys.counted(number, "TENT", 4)
    values = {name: getattr(counted, name) for name in type(counted).__slots__}

    with pytest.raises(InvalidInput) as caught:
        buys.receive(number, type(counted)(**{**values, **changes}))

    assert caught.value.field == field
    assert buys.shop.ask("SELECT count(*) FROM goods_receipt") == [(0,)]


@pytest.mark.parametrize(
    ("terms", "cost"),
    [
        ({}, 500),
        ({"currency": "USD", "rate": Rate(92, 100)}, 460),
        ({"currency": "USD"}, None),
    ],
    ids=["own currency", "known rate", "unknown rate"],
)
def test_goods_come_in_at_what_they_cost_in_the_sellers_currency(
    buys: Buyer, terms: dict[str, Any], cost: int | None
) -> None:
    number = buys.order({"TENT": 10}, **terms)

    buys.receive(number, buys.counted(number, "TENT", 4, defects=1))

    found = buys.shop.ask(
        "SELECT m.to_state, m.quantity, m.unit_cost FROM move m WHERE m.from_state = 11"
        " ORDER BY m.to_state"
    )
    assert found == [(1, 3, cost), (5, 1, cost)]


def test_goods_are_put_where_they_are_told(buys: Buyer) -> None:
    bin_id = buys.run(lambda tx: add_location(tx, "MAIN-A1", kind="bin"))
    number = buys.order({"TENT": 10})

    buys.receive(number, buys.counted(number, "TENT", 4, location_id=bin_id))

    assert buys.shop.ask("SELECT location_id, quantity FROM level WHERE state = 1") == [(bin_id, 4)]


def test_who_waits_is_served_in_the_same_transaction_the_oldest_promise_first(
    buys: Buyer,
) -> None:
    for key in ("never promised", "late", "soon"):
        buys.shop.take(order(key, line("a", "v-TENT", 3)))
    for key, days in (("late", 9), ("soon", 2)):
        buys.run(
            lambda tx, key=key, days=days: tx.execute(
                text(
                    "UPDATE claim SET promised_at = now() + make_interval(days => :days)"
                    " FROM order_line l JOIN sales_order o ON o.id = l.order_id"
                    " WHERE l.id = claim.line_id AND o.external_id = :key"
                ),
                {"days": days, "key": key},
            )
        )
    number = buys.order({"TENT": 10})

    done = buys.receive(number, buys.counted(number, "TENT", 5))

    assert done.served == 5
    held = {key: buys.shop.line(key, "a") for key in ("soon", "late", "never promised")}
    assert held == {
        "soon": {"quantity": 3, "allocated": 3},
        "late": {"quantity": 3, "allocated": 2, "claimed": 1},
        "never promised": {"quantity": 3, "claimed": 3},
    }
    assert buys.shop.level("TENT") == 0
    buys.shop.check()


def test_units_in_inspection_are_judged_once(buys: Buyer) -> None:
    number = buys.order({"TENT": 10})
    buys.shop.take(order("1", line("a", "v-TENT", 2)))
    receipt = buys.receive(number, buys.counted(number, "TENT", 10, verdict="inspect")).receipt_id

    served = buys.judge(receipt, 6, 1, key="k")
    again = buys.judge(receipt, 6, 1, key="k")

    assert (served, again) == (2, 0)
    assert stood(buys, number) == (10, 6, 1, 3)
    assert buys.shop.level("TENT") == 4
    assert buys.shop.level("TENT", State.SUPPLIER_RETURN) == 1
    with pytest.raises(InvalidInput, match="more than the 3 in inspection"):
        buys.judge(receipt, 4, 0)
    with pytest.raises(Conflict, match="another judgement"):
        buys.judge(receipt, 1, 1, key="k")
    buys.shop.check()


def test_rejected_goods_go_back_and_a_credit_is_expected(buys: Buyer) -> None:
    number = buys.order({"TENT": 10}, price=700)
    buys.receive(number, buys.counted(number, "TENT", 10, defects=3))
    line_id = buys.lines(number)["TENT"].id

    sent = buys.send_back(number, Back(line_id, 2), key="k")
    again = buys.send_back(number, Back(line_id, 2), key="k")
    rest = buys.send_back(number)

    assert (sent.expected_credit, sent.currency, again.id) == (1_400, "EUR", sent.id)
    assert rest.expected_credit == 700
    assert buys.shop.level("TENT", State.SUPPLIER_RETURN) == 0
    assert buys.lines(number)["TENT"].returned == 3
    with pytest.raises(Conflict, match="nothing of this order"):
        buys.send_back(number)
    buys.shop.check()


def test_no_more_goes_back_than_was_rejected(buys: Buyer) -> None:
    number = buys.order({"TENT": 10})
    buys.receive(number, buys.counted(number, "TENT", 10, defects=3))
    line_id = buys.lines(number)["TENT"].id

    with pytest.raises(InvalidInput, match="must be 1 to 3"):
        buys.send_back(number, Back(line_id, 4))


def test_a_product_sold_by_keys_is_not_received_as_goods(buys: Buyer) -> None:
    tent = buys.shop.products["TENT"]
    buys.run(lambda tx: keys.make_keyed(tx, buys.shop.keyring, tent))
    number = buys.order({"TENT": 1})

    with pytest.raises(Conflict, match="activation keys"):
        buys.receive(number, buys.counted(number, "TENT", 1))


def test_a_product_that_comes_in_lots_is_not_received_in_none(buys: Buyer) -> None:
    buys.run(lambda tx: lots.keep_in_lots(tx, buys.shop.products["TENT"]))
    number = buys.order({"TENT": 1})

    with pytest.raises(InvalidInput, match="comes in lots"):
        buys.receive(number, buys.counted(number, "TENT", 1))

    assert buys.shop.ask("SELECT count(*) FROM goods_receipt") == [(0,)]


def test_a_receipt_of_many_lines_is_a_handful_of_statements(
    database: Database, keyring: Keyring, seller: int
) -> None:
    skus = {f"SKU-{n}": 0 for n in range(60)}
    buys = buyer(database, seller, keyring, skus)
    number = buys.order(dict.fromkeys(skus, 5))
    lines = buys.lines(number)
    counted = [buys.counted(number, "SKU-0", 5, defects=1)]
    counted += [type(counted[0])(lines[sku].id, 5) for sku in list(skus)[1:]]
    said: list[str] = []

    def listen(_: Any, __: Any, statement: str, *___: Any) -> None:
        said.append(statement)

    event.listen(database.engine, "before_cursor_execute", listen)
    try:
        buys.receive(number, *counted)
    finally:
        event.remove(database.engine, "before_cursor_execute", listen)

    assert len(said) <= 28
    assert len(buys.run(lambda tx: inspecting.receipts(tx, number, after=0, limit=9))) == 1
    buys.shop.check()
