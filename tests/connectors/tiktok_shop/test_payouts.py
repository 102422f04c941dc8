"""What was paid out comes once it is paid, with what was taken off each order, to the penny."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.postsale import Fee, Payout
from connectors.records import Cursor
from connectors.testing import Rig
from connectors.testing.rig import LONG_AGO, walk
from connectors.tiktok_shop import CHANNEL, operations, payouts
from connectors.tiktok_shop.fields import Record
from connectors.tiktok_shop.operations import Operation
from connectors.tiktok_shop.simulator import TikTokShopSimulator
from connectors.tiktok_shop.till import Entry, Till
from tests.rig import shared_data

ORDER = Entry("5000000000001", revenue=2000, fee=-120, postage=-300)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(CHANNEL, TikTokShopSimulator(rate=10_000)) as rig:
        yield rig


def till(rig: Rig) -> Till:
    assert isinstance(rig.simulator, TikTokShopSimulator)
    return rig.simulator.till


def paid(rig: Rig, cursor: Cursor | None = None) -> list[Payout]:
    return [one for page in walk(rig.connector().pull_payouts, cursor) for one in page.items]


def entry(**changed: Any) -> Record:
    return Record(
        {
            "type": "ORDER",
            "order_id": "576000000000000001",
            "settlement_amount": "15.80",
            "revenue_amount": "20.00",
            "fee_tax_amount": "-1.20",
            "shipping_cost_amount": "-3.00",
            "adjustment_amount": "0",
            **changed,
        }
    )


def test_a_paid_statement_is_a_payout_with_its_fees(rig: Rig) -> None:
    key = till(rig).close_day([ORDER])

    (found,) = paid(rig)

    assert (found.external_id, found.currency, found.amount) == (key, "GBP", 1580)
    assert found.fees == (
        Fee("fee_tax", 120, "5000000000001"),
        Fee("shipping_cost", 300, "5000000000001"),
    )
    assert abs(found.paid_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_what_is_held_back_is_told_and_not_paid(rig: Rig) -> None:
    till(rig).close_day([ORDER, Entry("5000000000002", kind="RESERVE", reserve=-500)])

    (found,) = paid(rig)

    assert found.amount == 1080
    assert found.fees[-1] == Fee("reserve", 500, "5000000000002")


def test_a_statement_waits_until_it_is_paid(rig: Rig) -> None:
    key = till(rig).close_day([ORDER], ago=timedelta(days=9), paid=False)
    paid_first = till(rig).close_day([ORDER], ago=timedelta(days=3))

    *_, last = walk(rig.connector().pull_payouts)
    till(rig).pay(key)
    then = paid(rig, last.cursor)

    assert [one.external_id for one in last.items] == [paid_first]
    assert key in {one.external_id for one in then}


def test_what_was_met_long_before_is_not_read_again(rig: Rig) -> None:
    for days in (20, 10, 0):
        till(rig).close_day([ORDER], ago=timedelta(days=days))
    *_, last = walk(rig.connector().pull_payouts)
    rig.simulator.requests.clear()

    again = paid(rig, last.cursor)

    assert len(again) == 1
    assert rig.simulator.requests["Transactions"] == 1


def test_many_statements_and_many_entries_come_whole(rig: Rig) -> None:
    keys = [till(rig).close_day([ORDER], ago=timedelta(days=n)) for n in range(12)]
    long = till(rig).close_day([ORDER] * 150)

    found = {one.external_id: one for one in paid(rig)}

    assert found.keys() == {*keys, long}
    assert len(found[long].fees) == 300
    assert found[long].amount == 150 * 1580


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, [("fee_tax", 120), ("shipping_cost", 300)]),
        (
            {"fee_tax_amount": "1.20", "shipping_cost_amount": "3.00"},
            [("fee_tax", 120), ("shipping_cost", 300)],
        ),
        ({"shipping_cost_amount": None}, [("deductions", 420)]),
        (
            {"type": "LOGISTICS_REIMBURSEMENT", "settlement_amount": "2.00", "revenue_amount": "0"},
            [("logistics_reimbursement", -200)],
        ),
        ({"reserve_amount": "1.00"}, [("fee_tax", 120), ("shipping_cost", 300), ("reserve", -100)]),
    ],
)
def test_what_was_taken_off_is_exact_however_it_is_signed(
    changed: dict[str, Any], expected: list[tuple[str, int]]
) -> None:
    found = list(payouts.fees(entry(**changed), "GBP"))

    assert [(one.kind, one.amount) for one in found] == expected


def test_a_statement_that_cannot_be_read_stops_no_other(rig: Rig) -> None:
    till(rig).close_day([ORDER])
    broken = till(rig).close_day([Entry("1", kind="")])

    page = rig.connector().pull_payouts(Cursor(LONG_AGO))

    assert len(page.items) == 1
    assert [(one.external_id, one.field) for one in page.bad] == [(broken, "transactions.type")]


@pytest.mark.parametrize("one", [operations.STATEMENTS, operations.TRANSACTIONS], ids=str)
def test_the_calls_are_among_those_tiktok_has(one: Operation) -> None:
    path = shared_data() / "contracts" / "tiktok-shop" / "all-operations.json"
    if not path.exists():
        pytest.skip(f"TikTok Shop's operations are not at {path}; HUB_SHARED names the folder")
    known = {each["path"]: each for each in json.loads(Path(path).read_text())}

    assert known[one.path]["method"] == one.method.lower()
    assert known[one.path]["requiresShopCipher"] is one.shop
