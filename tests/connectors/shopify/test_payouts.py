"""What Shopify Payments paid out, and what was taken off it, by order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import RejectedError
from connectors.postsale import Fee, Payout
from connectors.records import Cursor
from connectors.shopify.backoffice import Entry
from connectors.shopify.postsale_queries import PAYOUTS_PAGE, TRANSACTIONS_PAGE
from connectors.testing.rig import LONG_AGO, walk
from tests.connectors.shopify.shopfloor import Floor, floor

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def shop() -> Iterator[Floor]:
    with floor() as found:
        yield found


def payouts(shop: Floor, cursor: Cursor | None = None) -> list[Payout]:
    return [one for page in walk(shop.connector().pull_payouts, cursor) for one in page.items]


def test_a_payout_is_its_entries_less_what_was_taken_off(shop: Floor) -> None:
    shop.simulator.backoffice.pay_out(
        Entry("CHARGE", 10_000, 290, "1"),
        Entry("REFUND", -2_000, -58, "1"),
        Entry("SHIPPING_LABEL", -450, 0, "2"),
        Entry("CHARGEBACK_FEE", -1_500),
        at=NOW - DAY,
    )

    (found,) = payouts(shop)

    assert (found.amount, found.currency) == (10_000 - 2_000 - 290 + 58 - 450 - 1_500, "GBP")
    assert found.paid_at == (NOW - DAY).replace(microsecond=0)
    assert found.fees == (
        Fee("charge_fee", 290, "gid://shopify/Order/1"),
        Fee("refund_fee", -58, "gid://shopify/Order/1"),
        Fee("shipping_label", 450, "gid://shopify/Order/2"),
        Fee("chargeback_fee", 1_500),
    )
    assert found.amount == 10_000 - 2_000 - sum(one.amount for one in found.fees)


@pytest.mark.parametrize("status", ["SCHEDULED", "IN_TRANSIT", "FAILED", "CANCELED"])
def test_what_did_not_arrive_is_not_paid_out(shop: Floor, status: str) -> None:
    shop.simulator.backoffice.pay_out(Entry("CHARGE", 500), status=status)

    assert payouts(shop) == []


def test_one_that_arrives_late_is_found_behind_newer_ones(shop: Floor) -> None:
    office = shop.simulator.backoffice
    slow = office.pay_out(Entry("CHARGE", 500), status="SCHEDULED", at=NOW - 3 * DAY)
    office.pay_out(Entry("CHARGE", 700), at=NOW - DAY)
    *_, last = walk(shop.connector().pull_payouts)

    office.payouts.remove(slow)
    office.pay_out(Entry("CHARGE", 500), at=NOW - 3 * DAY)

    assert {one.amount for one in payouts(shop, last.cursor)} == {500, 700}


def test_money_taken_from_the_bank_is_below_zero(shop: Floor) -> None:
    shop.simulator.backoffice.pay_out(Entry("REFUND", -900))

    assert [one.amount for one in payouts(shop)] == [-900]


def test_many_payouts_of_many_entries_all_come(shop: Floor) -> None:
    entries = [Entry("CHARGE", 100, 3, str(n)) for n in range(TRANSACTIONS_PAGE + 5)]
    for n in range(PAYOUTS_PAGE + 2):
        shop.simulator.backoffice.pay_out(*entries, at=NOW - n * DAY)

    found = payouts(shop)

    assert len({one.external_id for one in found}) == PAYOUTS_PAGE + 2
    assert {len(one.fees) for one in found} == {TRANSACTIONS_PAGE + 5}


def test_a_shop_without_shopify_payments_has_none(shop: Floor) -> None:
    shop.simulator.backoffice.payments = False

    page = shop.connector().pull_payouts(Cursor(LONG_AGO))

    assert (page.items, page.more, page.cursor) == ((), False, Cursor(LONG_AGO))


def test_without_the_access_scope_it_says_which(shop: Floor) -> None:
    shop.simulator.denied = {"Payouts"}

    with pytest.raises(RejectedError, match="read_shopify_payments_payouts") as caught:
        shop.connector().pull_payouts(Cursor(LONG_AGO))

    assert caught.value.code == "ACCESS_DENIED"
