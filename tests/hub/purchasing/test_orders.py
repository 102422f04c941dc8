"""The life of purchase orders: steps, who may take them, amendments, what is kept of both."""

from __future__ import annotations

from typing import Any

import pytest

from hub.db import Database
from hub.errors import Conflict, Forbidden, InvalidInput, NotFound, StaleVersion
from hub.purchasing import amending, history, orders, pricelists, settings, suppliers
from hub.purchasing.amending import Change, LineChange
from hub.purchasing.orders import NewLine, NewOrder, Order
from hub.purchasing.paper import csv_of
from hub.purchasing.prices import PriceList, Rate, Tier
from hub.purchasing.settings import Setting
from hub.purchasing.states import STEPS, step
from hub.purchasing.stepping import Who
from hub.secrets import Keyring
from tests.buying import CLERK, OWNER, TODAY, Buyer, buyer, card


@pytest.fixture
def buys(database: Database, keyring: Keyring, seller: int) -> Buyer:
    return buyer(database, seller, keyring, {"TENT": 0, "LAMP": 0})


def amend(buys: Buyer, number: int, who: Who = OWNER, **changes: Any) -> Order:
    version = buys.get(number).version
    change = Change(**{"reason": "they asked", **changes})
    return buys.run(lambda tx: amending.amend(tx, who, number, version, change, TODAY))


def test_an_order_lives_from_draft_to_confirmed_and_all_is_kept(buys: Buyer) -> None:
    number = buys.draft({"TENT": 3})

    states = [buys.get(number).state]
    states += [buys.step(number, name).state for name in ("approve", "send", "confirm", "ship")]

    assert states == ["draft", "approved", "sent", "confirmed", "shipped"]
    now = buys.get(number)
    assert (now.approved_by, now.sent_at is not None, now.version) == (OWNER.actor, True, 5)
    kept = buys.run(lambda tx: history.amendments(tx, number, after=0, limit=9))
    assert [one.what for one in kept] == ["approve", "send", "confirm", "ship"]
    assert (kept[0].before, kept[0].after) == ({"state": "draft"}, {"state": "approved"})


@pytest.mark.parametrize("name", sorted(STEPS))
@pytest.mark.parametrize("state", ["draft", "sent", "received", "closed", "cancelled"])
def test_a_step_is_taken_from_where_it_leads_on_only(name: str, state: str) -> None:
    if state in STEPS[name].sources:
        assert step(name, state).target != state
        return
    with pytest.raises(Conflict):
        step(name, state)


def test_an_order_above_the_limit_needs_an_owner(buys: Buyer) -> None:
    buys.run(lambda tx: settings.put(tx, Setting(approval_limit=1_000), 0))
    dear, cheap = buys.draft({"TENT": 3}), buys.draft({"TENT": 2})

    with pytest.raises(Forbidden, match="1000"):
        buys.step(dear, "approve", CLERK)

    assert buys.step(cheap, "approve", CLERK).state == "approved"
    assert buys.step(dear, "approve", OWNER).state == "approved"


def test_what_an_order_costs_in_an_unknown_currency_is_for_an_owner_to_judge(buys: Buyer) -> None:
    buys.run(lambda tx: settings.put(tx, Setting(approval_limit=10**9), 0))
    foreign = buys.draft({"TENT": 1}, currency="USD")
    known = buys.draft({"TENT": 1}, currency="USD", rate=Rate(9, 10))

    with pytest.raises(Forbidden):
        buys.step(foreign, "approve", CLERK)

    assert buys.step(known, "approve", CLERK).state == "approved"


def test_making_an_approved_order_dearer_than_the_limit_needs_an_owner_too(buys: Buyer) -> None:
    buys.run(lambda tx: settings.put(tx, Setting(approval_limit=1_000), 0))
    number = buys.draft({"TENT": 2})
    buys.step(number, "approve", CLERK)
    more = [LineChange(buys.lines(number)["TENT"].id, quantity=3)]

    with pytest.raises(Forbidden):
        amend(buys, number, CLERK, lines=more)

    amend(buys, number, OWNER, lines=more)
    assert buys.lines(number)["TENT"].quantity == 3


def test_two_who_change_one_order_do_not_overwrite_each_other(buys: Buyer) -> None:
    number = buys.draft({"TENT": 3})
    change = Change(note="mine", reason="r")
    buys.run(lambda tx: amending.amend(tx, CLERK, number, 1, change, TODAY))

    with pytest.raises(StaleVersion):
        buys.run(lambda tx: amending.amend(tx, CLERK, number, 1, change, TODAY))


def test_an_amendment_says_what_was_before_and_after(buys: Buyer) -> None:
    number = buys.order({"TENT": 3})
    line = buys.lines(number)["TENT"]

    amend(
        buys,
        number,
        expected_on=TODAY,
        lines=[LineChange(line.id, quantity=5, unit_price=450)],
        added=[NewLine(buys.shop.products["LAMP"], 2, 90)],
    )

    last = buys.run(lambda tx: history.amendments(tx, number, after=0, limit=9))[-1]
    assert (last.what, last.actor, last.reason) == ("amend", OWNER.actor, "they asked")
    assert last.before == {"expected_on": None, "line 1": {"quantity": 3, "unit_price": 500}}
    assert last.after["line 1"] == {"quantity": 5, "unit_price": 450}
    assert last.after["line 2"]["quantity"] == 2
    assert buys.run(lambda tx: orders.sums(tx, [number]))[number].total == 5 * 450 + 2 * 90


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"quantity": 3}, "lines[0].quantity"),
        ({"cancel": 7}, "lines[0].cancel"),
        ({"line_id": 1}, "lines[0].line_id"),
    ],
)
def test_an_amendment_cannot_take_back_what_came(
    buys: Buyer, change: dict[str, Any], field: str
) -> None:
    number = buys.order({"TENT": 10})
    counted = buys.counted(number, "TENT", 4)
    buys.receive(number, counted)

    with pytest.raises(InvalidInput) as caught:
        amend(buys, number, lines=[LineChange(**{"line_id": counted.line_id, **change})])

    assert caught.value.field == field


def test_cancelling_what_is_awaited_completes_an_order(buys: Buyer) -> None:
    number = buys.order({"TENT": 10})
    counted = buys.counted(number, "TENT", 4)
    buys.receive(number, counted)

    now = amend(buys, number, lines=[LineChange(counted.line_id, cancel=6)])

    assert (now.state, buys.lines(number)["TENT"].open) == ("received", 0)
    buys.shop.check()


def test_closing_gives_up_what_is_still_awaited(buys: Buyer) -> None:
    number = buys.order({"TENT": 10, "LAMP": 1})
    buys.receive(number, buys.counted(number, "TENT", 4))

    closed = buys.step(number, "close", reason="they have no more")

    assert closed.state == "closed"
    lines = buys.lines(number)
    assert {sku: (one.cancelled, one.given_up) for sku, one in lines.items()} == {
        "TENT": (6, 6),
        "LAMP": (1, 1),
    }
    buys.shop.check()


def test_an_order_that_goods_came_of_is_closed_not_cancelled(buys: Buyer) -> None:
    number = buys.order({"TENT": 10})
    buys.receive(number, buys.counted(number, "TENT", 4))

    with pytest.raises(Conflict, match="cannot be told to cancel"):
        buys.step(number, "cancel")


def test_a_line_without_a_price_gets_the_lists_and_its_lead_time(buys: Buyer) -> None:
    tent, lamp = buys.shop.products["TENT"], buys.shop.products["LAMP"]
    terms = PriceList(
        buys.supplier_id, tent, "EUR", TODAY, (Tier(1, 500), Tier(10, 450)),
        supplier_code="T-1", lead_days=14,
    )  # fmt: skip
    buys.run(lambda tx: pricelists.put(tx, buys.supplier_id, [terms]))
    new = NewOrder(buys.supplier_id, buys.shop.location_id, [NewLine(tent, 12)])

    made = buys.run(lambda tx: orders.create(tx, CLERK.actor, new, TODAY))

    line = buys.lines(made.id)["TENT"]
    assert (line.unit_price, line.supplier_code) == (450, "T-1")
    assert line.expected_on is not None
    assert (line.expected_on - TODAY).days == 14
    unknown = NewOrder(buys.supplier_id, buys.shop.location_id, [NewLine(lamp, 1)])
    with pytest.raises(InvalidInput, match="no price list holds"):
        buys.run(lambda tx: orders.create(tx, CLERK.actor, unknown, TODAY))


def test_a_number_is_given_once_and_made_up_where_none_is(buys: Buyer) -> None:
    named, unnamed = buys.draft({"TENT": 1}, number="P-7"), buys.draft({"TENT": 1})

    with pytest.raises(Conflict, match="P-7"):
        buys.draft({"TENT": 1}, number="P-7")

    assert buys.get(named).number == "P-7"
    assert buys.get(unnamed).number == f"PO-{unnamed}"


def test_nothing_is_ordered_of_a_supplier_that_is_not_active(buys: Buyer) -> None:
    gone = card(active=False)
    buys.run(lambda tx: suppliers.change(tx, buys.supplier_id, gone, 1))

    with pytest.raises(InvalidInput, match="not active"):
        buys.draft({"TENT": 1})


def test_messages_are_kept_with_the_order(buys: Buyer) -> None:
    number = buys.draft({"TENT": 1})
    said = history.Said("in", "email", "We ship on Monday", "Your order")

    buys.run(lambda tx: history.log_message(tx, number, CLERK.actor, said))

    [kept] = buys.run(lambda tx: history.messages(tx, number, after=0, limit=9))
    assert (kept.direction, kept.body, kept.actor) == ("in", "We ship on Monday", CLERK.actor)
    with pytest.raises(NotFound):
        buys.run(lambda tx: history.log_message(tx, 1, CLERK.actor, said))


def test_an_order_is_a_csv_of_what_is_wanted_and_no_formula(buys: Buyer) -> None:
    number = buys.order({"TENT": 3, "LAMP": 2}, number="=P-1")
    line = buys.lines(number)["LAMP"]
    amend(buys, number, lines=[LineChange(line.id, cancel=2)])
    order = buys.get(number)

    text = csv_of(order, buys.lines(number).values(), dict.fromkeys(
        buys.shop.products.values(), ("TENT", "A tent, green")
    ))  # fmt: skip

    assert text.splitlines()[1:] == [
        '\'=P-1,1,TENT,,"A tent, green",3,5.00,EUR,15.00,',
    ]
