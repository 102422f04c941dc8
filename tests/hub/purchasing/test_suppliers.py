"""Suppliers and price lists, scorecards from what happened, invoices that are matched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from hub.db import Database
from hub.errors import Conflict, InvalidInput, StaleVersion
from hub.purchasing import choosing, invoicing, pricelists, scoring, settings, suppliers
from hub.purchasing.invoicing import Invoice, NewInvoice
from hub.purchasing.matching import Billed, Tolerance
from hub.purchasing.measures import scorecard
from hub.purchasing.prices import PriceList, Tier
from hub.purchasing.ranking import Need
from hub.purchasing.settings import Setting
from hub.purchasing.suppliers import Certificate, Contact
from hub.secrets import Keyring
from tests.buying import CLERK, TODAY, Buyer, buyer, card

DAY = timedelta(days=1)


@pytest.fixture
def buys(database: Database, keyring: Keyring, seller: int) -> Buyer:
    return buyer(database, seller, keyring, {"TENT": 0, "LAMP": 0})


def listed(buys: Buyer, sku: str = "TENT", **changes: Any) -> PriceList:
    values = {"currency": "EUR", "valid_from": TODAY, "tiers": (Tier(1, 500),)}
    return PriceList(buys.supplier_id, buys.shop.products[sku], **{**values, **changes})


def test_a_supplier_has_people_and_papers(buys: Buyer) -> None:
    people = (Contact("Berta", "sales", "b@example.org"), Contact("Carl"))
    papers = (Certificate("ISO 9001", "77", TODAY, TODAY + DAY),)
    now = card("ACME", contacts=people, certificates=papers, payment_days=30, incoterm="FOB")

    made = buys.run(lambda tx: suppliers.change(tx, buys.supplier_id, now, 1))

    assert (made.payment_days, made.incoterm, made.version) == (30, "FOB", 2)
    assert buys.run(lambda tx: tuple(suppliers.contacts(tx, made.id))) == people
    assert buys.run(lambda tx: tuple(suppliers.certificates(tx, made.id))) == papers
    with pytest.raises(StaleVersion):
        buys.run(lambda tx: suppliers.change(tx, buys.supplier_id, now, 1))


def test_a_code_is_one_suppliers(buys: Buyer) -> None:
    other = buys.run(lambda tx: suppliers.create(tx, card("OTHER")))

    with pytest.raises(Conflict, match="ACME"):
        buys.run(lambda tx: suppliers.create(tx, card("ACME")))
    with pytest.raises(Conflict, match="ACME"):
        buys.run(lambda tx: suppliers.change(tx, other.id, card("ACME"), 1))


def test_a_price_list_takes_the_place_of_one_of_the_same_day(buys: Buyer) -> None:
    old = listed(buys, tiers=(Tier(1, 500), Tier(10, 450)))
    later = listed(buys, valid_from=TODAY + DAY, tiers=(Tier(1, 400),))
    buys.run(lambda tx: pricelists.put(tx, buys.supplier_id, [old, later]))

    buys.run(lambda tx: pricelists.put(tx, buys.supplier_id, [listed(buys, minimum=5)]))

    found = buys.run(lambda tx: pricelists.of_supplier(tx, buys.supplier_id, after=0, limit=9))
    assert [(one.valid_from, one.minimum, one.tiers) for one in found] == [
        (TODAY, 5, (Tier(1, 500),)),
        (TODAY + DAY, 1, (Tier(1, 400),)),
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tiers": (Tier(10, 1), Tier(5, 2))}, "items[0].tiers"),
        ({"minimum": 5, "maximum": 4}, "items[0].maximum"),
        ({"valid_until": TODAY - DAY}, "items[0].valid_until"),
        ({"currency": "XXX"}, "currency"),
    ],
)
def test_terms_that_make_no_sense_are_named(
    buys: Buyer, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        buys.run(lambda tx: pricelists.put(tx, buys.supplier_id, [listed(buys, **changes)]))

    assert caught.value.field == field


def test_a_scorecard_is_made_of_what_happened(buys: Buyer) -> None:
    """Two orders: one in time and whole; one late, short, and with bad units, and dearer."""
    now = datetime.now(UTC)
    for sent, days, units, bad, price in ((60, 10, 10, 0, 500), (40, 20, 8, 2, 550)):
        number = buys.draft({"TENT": 10}, price, expected_on=(now - (sent - 15) * DAY).date())
        buys.step(number, "approve")
        buys.step(number, "send", at=now - sent * DAY)
        buys.step(number, "confirm", at=now - (sent - 1) * DAY)
        counted = buys.counted(number, "TENT", units, defects=bad)
        buys.receive(number, counted, at=now - (sent - days) * DAY)
        if bad:
            buys.send_back(number)
            buys.step(number, "close")

    facts = buys.run(lambda tx: scoring.facts(tx, [buys.supplier_id], now - 90 * DAY, now))
    found = {one.name: one.value for one in scorecard(facts[buys.supplier_id])}

    assert found == {
        "on_time_share": Decimal("50.0"),
        "lead_time_mean": Decimal("15.0"),
        "lead_time_spread": Decimal("5.0"),
        "fill_rate": Decimal("90.0"),
        "defect_rate": Decimal("11.1"),
        "price_trend": Decimal("10.0"),
        "return_rate": Decimal("11.1"),
        "time_to_answer": Decimal("24.0"),
    }


def test_the_best_supplier_is_found_for_many_needs_at_once(buys: Buyer) -> None:
    other = buys.run(lambda tx: suppliers.create(tx, card("OTHER")))
    lamp = listed(buys, "LAMP", tiers=(Tier(1, 90),))
    buys.run(lambda tx: pricelists.put(tx, buys.supplier_id, [listed(buys), lamp]))
    buys.run(lambda tx: pricelists.put(tx, other.id, [listed(buys, tiers=(Tier(1, 480),))]))
    needs = [Need(buys.shop.products[sku], 10, TODAY + 30 * DAY) for sku in ("TENT", "LAMP")]

    tents, lamps = buys.run(lambda tx: choosing.best(tx, needs, datetime.now(UTC)))

    assert [(one.supplier_id, one.cost) for one in tents] == [
        (other.id, 4_800),
        (buys.supplier_id, 5_000),
    ]
    assert [one.supplier_id for one in lamps] == [buys.supplier_id]
    assert "0 days of lead time promised, none delivered yet" in tents[0].reasons


def billed(buys: Buyer, number: int, units: int, price: int, key: str = "R-1") -> Invoice:
    line_id = buys.lines(number)["TENT"].id
    new = NewInvoice(key, TODAY, units * price, [Billed(line_id, units, price)])
    return buys.run(lambda tx: invoicing.record(tx, CLERK.actor, number, new))


def test_an_invoice_that_agrees_is_matched_and_due_by_the_terms(buys: Buyer) -> None:
    terms = card(payment_days=30)
    buys.run(lambda tx: suppliers.change(tx, buys.supplier_id, terms, 1))
    number = buys.order({"TENT": 10})
    buys.receive(number, buys.counted(number, "TENT", 10))

    found = billed(buys, number, 10, 500)

    assert (found.state, found.reasons, found.due_on) == ("matched", [], TODAY + 30 * DAY)
    assert buys.shop.conflicts() == {}


def test_an_invoice_of_goods_that_did_not_come_is_a_conflict_until_they_do(buys: Buyer) -> None:
    number = buys.order({"TENT": 10})
    buys.receive(number, buys.counted(number, "TENT", 6))

    found = billed(buys, number, 10, 500)

    assert found.state == "mismatch"
    assert "10 units are billed, 6 were received" in found.reasons[0]
    assert buys.shop.conflicts() == {"invoice_mismatch": 1}
    buys.receive(number, buys.counted(number, "TENT", 4))
    assert buys.run(lambda tx: invoicing.get(tx, found.id)).state == "matched"
    assert buys.shop.conflicts() == {}


def test_two_invoices_do_not_bill_the_same_units(buys: Buyer) -> None:
    number = buys.order({"TENT": 10})
    buys.receive(number, buys.counted(number, "TENT", 10))

    states = [billed(buys, number, 6, 500, key).state for key in ("R-1", "R-2")]

    assert states == ["matched", "mismatch"]
    with pytest.raises(Conflict, match="R-2"):
        billed(buys, number, 1, 500, "R-2")


def test_a_person_may_accept_what_does_not_agree(buys: Buyer) -> None:
    number = buys.order({"TENT": 10})
    buys.receive(number, buys.counted(number, "TENT", 10))
    found = billed(buys, number, 10, 520)

    done = buys.run(
        lambda tx: invoicing.accept(tx, CLERK.actor, found.id, found.version, "dearer steel")
    )

    assert (done.state, buys.shop.conflicts()) == ("accepted", {})
    with pytest.raises(Conflict, match="needs no accepting"):
        buys.run(lambda tx: invoicing.accept(tx, CLERK.actor, found.id, done.version, "again"))


def test_a_price_within_the_sellers_tolerance_agrees(buys: Buyer) -> None:
    buys.run(lambda tx: settings.put(tx, Setting(tolerance=Tolerance(5, 0)), 0))
    number = buys.order({"TENT": 10})
    buys.receive(number, buys.counted(number, "TENT", 10))

    assert billed(buys, number, 10, 525).state == "matched"
